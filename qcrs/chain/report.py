"""Reports that daemons sign instead of sending, for a relayer to post: see ``contracts/interfaces/IReportRelay.sol``.

A commit is signed under EIP-712; a reveal is not, for whoever knows the salt may reveal.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Self

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from pydantic import AfterValidator, Field

from qcrs.errors import QcrsError
from qcrs.model.records import POLICY_TYPE, Policy, Record
from qcrs.rules.digest import abi_digest

__all__ = [
    "CommitReport",
    "ReportInvalid",
    "RevealReport",
    "SignedCommit",
    "config_digest",
    "decode_report",
    "encode_report",
    "sign_commit",
]

SIGNATURE_BYTES = 65
MOST_SKETCH_WORDS = 16
# As EIP-712 has it; a test holds it to the contract.
COMMIT_REPORT = [
    {"name": "computation", "type": "uint64"},
    {"name": "index", "type": "uint256"},
    {"name": "attempt", "type": "uint256"},
    {"name": "commitment", "type": "bytes24"},
    {"name": "payee", "type": "address"},
    {"name": "configDigest", "type": "bytes32"},
]

Id = Annotated[int, Field(ge=1, lt=2**64)]
Word = Annotated[int, Field(ge=0, lt=2**256)]
Bytes24 = Annotated[bytes, Field(min_length=24, max_length=24)]
Bytes32 = Annotated[bytes, Field(min_length=32, max_length=32)]
Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$"), AfterValidator(str.lower)]


class ReportInvalid(QcrsError):
    """What is to be a report is none."""


class _Report(Record):
    """A struct of the relay that can be written as JSON, bytes as 0x-prefixed digits."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields by Solidity name."""
        fields = self.model_dump(by_alias=True).items()
        return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in fields}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Return the report that ``to_json`` wrote.

        Raises:
            ReportInvalid: It is not of this form.
        """
        binary = {field.alias for field in cls.model_fields.values() if field.annotation is bytes}
        try:
            fields = {name: _bytes(item) if name in binary else item for name, item in value.items()}
            return cls.model_validate(fields, strict=True)
        except (AttributeError, TypeError, ValueError) as error:
            raise ReportInvalid(f"not a {cls.__name__}: {error}") from error


class CommitReport(_Report):
    """A commit to be signed.

    Attributes:
        index: Of the assignment. attempt: The round. payee: The processor's operator.
        config_digest: The rules under which it is made: see ``config_digest``.
    """

    computation: Id
    index: Word
    attempt: Word
    commitment: Bytes24
    payee: Address
    config_digest: Bytes32


class RevealReport(_Report):
    """A reveal, as ``ResultVerifier.reveal`` takes it."""

    computation: Id
    index: Word
    counts_root: Bytes32
    salt: Bytes32
    sketch: Annotated[list[Word], Field(max_length=MOST_SKETCH_WORDS)]


@dataclass(frozen=True)
class SignedCommit:
    """A commit and its daemon's signature."""

    report: CommitReport
    signature: bytes


def config_digest(chain_id: int, verifier: str, allocator: str, registry: str, policy: Policy) -> bytes:
    """Return the digest of the rules under which reports are made: twin of ``ReportRelay.configDigest``."""
    return abi_digest(
        ["uint256", "address", "address", "address", POLICY_TYPE],
        [chain_id, verifier, allocator, registry, policy.to_chain()],
    )


def sign_commit(daemon: LocalAccount, chain_id: int, relay: str, report: CommitReport) -> SignedCommit:
    """Return *report* with the daemon's EIP-712 signature for the contract at *relay*."""
    message = encode_typed_data(
        domain_data={
            "name": "QCRS ReportRelay",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": relay,
        },
        message_types={"CommitReport": COMMIT_REPORT},
        message_data=report.model_dump(by_alias=True),
    )
    return SignedCommit(report, bytes(daemon.sign_message(message).signature))


def encode_report(item: SignedCommit | RevealReport) -> bytes:
    """Return *item* as one line of JSON."""
    if isinstance(item, SignedCommit):
        value = {"signature": "0x" + item.signature.hex(), "report": item.report.to_json()}
    else:
        value = {"report": item.to_json()}
    return json.dumps(value).encode() + b"\n"


def decode_report(content: bytes) -> SignedCommit | RevealReport:
    """Return what ``encode_report`` wrote.

    Raises:
        ReportInvalid: It is not of this form.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReportInvalid(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ReportInvalid("not a report")
    if "signature" not in value:
        return RevealReport.from_json(value.get("report"))
    try:
        signature = _bytes(value["signature"])
    except (AttributeError, ValueError) as error:
        raise ReportInvalid(f"not a signature: {error}") from error
    if len(signature) != SIGNATURE_BYTES:
        raise ReportInvalid(f"a signature of {len(signature)} bytes, expected {SIGNATURE_BYTES}")
    return SignedCommit(CommitReport.from_json(value.get("report")), signature)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
