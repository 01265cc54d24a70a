"""How a processor's daemon shows a link who it is: an EIP-712 signature of a number that the link has just drawn.

The domain names the chain, the contract and the link, so that no signature is good anywhere else.
"""

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount

from qcrs.errors import QcrsError
from qcrs.model.records import Record

NONCE_BYTES = 32
SIGNATURE_BYTES = 65


class LoginInvalid(QcrsError):
    """What is to be a signed login is none."""


class LinkDomain(Record):
    """Where a login counts.

    Attributes:
        contract: Address of the EntanglementCoordinator. link: Id of the link.
    """

    chain_id: int
    contract: str
    link: int


def sign_login(daemon: LocalAccount, domain: LinkDomain, processor: int, nonce: bytes) -> bytes:
    """Return the signature with which *daemon* logs *processor* in where *nonce* was drawn."""
    return bytes(daemon.sign_message(_login(domain, processor, nonce)).signature)


def login_signer(domain: LinkDomain, processor: int, nonce: bytes, signature: bytes) -> str:
    """Return the address that signed.

    Raises:
        LoginInvalid: It is no signature.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise LoginInvalid(f"a signature of {len(signature)} bytes, expected {SIGNATURE_BYTES}")
    try:
        return Account.recover_message(_login(domain, processor, nonce), signature=signature)
    except Exception as error:  # what it raises depends on the curve's library
        raise LoginInvalid(f"not a signature: {error}") from error


def _login(domain: LinkDomain, processor: int, nonce: bytes) -> SignableMessage:
    return encode_typed_data(
        domain_data={
            "name": "QCRS Link",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
            "salt": domain.link.to_bytes(32, "big"),
        },
        message_types={
            "LinkLogin": [
                {"name": "processor", "type": "uint32"},
                {"name": "nonce", "type": "bytes32"},
            ]
        },
        message_data={"processor": processor, "nonce": nonce},
    )
