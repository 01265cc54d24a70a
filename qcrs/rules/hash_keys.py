"""What hash keys sign, and the word that the chain keeps of one: twin of ``contracts/HashKeys.sol``."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.hash_signature import COMMITMENT_BYTES

__all__ = [
    "RESERVED_LEAVES",
    "Action",
    "Call",
    "Domain",
    "KeyWord",
]

RESERVED_LEAVES = 8  # the last ones, for rotation and objection alone

_DOMAIN = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_NAME, _VERSION = keccak(b"QCRS HashKeys"), keccak(b"1")
_ACTION = keccak(b"Action(address account,address target,bytes data,uint32 leaf)")
_CALL = keccak(b"Call(address target,bytes data)")
_BATCH = keccak(b"Batch(address account,Call[] calls,uint256 gasEach,uint32 leaf)Call(address target,bytes data)")
_ATTESTATION = keccak(b"Attestation(address account,address asker,bytes32 digest,uint32 leaf)")
_POSSESSION = keccak(b"KeyPossession(address account,bytes24 commitment,uint32 leaf)")
_ROTATION = keccak(b"KeyRotation(address account,bytes24 commitment,uint32 leaf)")
_OBJECTION = keccak(b"RecoveryObjection(address account,bytes24 commitment,uint32 leaf)")


@dataclass(frozen=True)
class KeyWord:
    """What the chain keeps of a key.

    Attributes:
        commitment: Of seed and root; 0 when the account has no key. next_leaf: The lowest that is not burnt.
        is_recovering: Whether the Processor Certification Authority wants to replace it.
    """

    commitment: bytes
    next_leaf: int
    is_recovering: bool

    @classmethod
    def of(cls, word: bytes) -> "KeyWord":
        """Return what 32 bytes of the contract's storage mean."""
        return cls(word[:COMMITMENT_BYTES], int.from_bytes(word[28:], "big"), word[27] != 0)

    @property
    def is_empty(self) -> bool:
        """Whether the account has no key."""
        return not any(self.commitment)


@dataclass(frozen=True)
class Call:
    """What is called, and with what."""

    target: str
    data: bytes

    def to_chain(self) -> tuple[str, bytes]:
        """Return the struct as the ABI encoder wants it."""
        return self.target, self.data


@dataclass(frozen=True)
class Action:
    """What *account* does through its hash key."""

    account: str
    target: str
    data: bytes

    def to_chain(self) -> tuple[str, str, bytes]:
        """Return the struct as the ABI encoder wants it."""
        return self.account, self.target, self.data


@dataclass(frozen=True)
class Domain:
    """One contract of hash keys on one chain; what is signed for it is nothing to another."""

    chain: int
    contract: str

    @property
    def separator(self) -> bytes:
        """The EIP-712 domain separator."""
        return abi_digest(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [_DOMAIN, _NAME, _VERSION, self.chain, self.contract],
        )

    def action_digest(self, action: Action, leaf: int) -> bytes:
        """Return what ECDSA and hash key sign of an action."""
        return self._typed(
            ["bytes32", "address", "address", "bytes32", "uint32"],
            [_ACTION, action.account, action.target, keccak(action.data), leaf],
        )

    def batch_digest(self, account: str, calls: Sequence[Call], gas_each: int, leaf: int) -> bytes:
        """Return what they sign of many calls, each of which is to have at least *gas_each* gas."""
        structs = b"".join(
            abi_digest(["bytes32", "address", "bytes32"], [_CALL, call.target, keccak(call.data)]) for call in calls
        )
        return self._typed(
            ["bytes32", "address", "bytes32", "uint256", "uint32"], [_BATCH, account, keccak(structs), gas_each, leaf]
        )

    def attestation_digest(self, account: str, asker: str, digest: bytes, leaf: int) -> bytes:
        """Return what the hash key signs of something that the contract *asker* wants attested."""
        return self._typed(
            ["bytes32", "address", "address", "bytes32", "uint32"], [_ATTESTATION, account, asker, digest, leaf]
        )

    def possession_digest(self, account: str, commitment: bytes, leaf: int) -> bytes:
        """Return what a new key signs, to show that there is somebody who has it."""
        return self._of_key(_POSSESSION, account, commitment, leaf)

    def rotation_digest(self, account: str, commitment: bytes, leaf: int) -> bytes:
        """Return what ECDSA and the present key sign to be replaced by the key with *commitment*."""
        return self._of_key(_ROTATION, account, commitment, leaf)

    def objection_digest(self, account: str, commitment: bytes, leaf: int) -> bytes:
        """Return what ECDSA and the present key sign against a recovery to the key with *commitment*."""
        return self._of_key(_OBJECTION, account, commitment, leaf)

    def _of_key(self, kind: bytes, account: str, commitment: bytes, leaf: int) -> bytes:
        return self._typed(["bytes32", "address", "bytes24", "uint32"], [kind, account, commitment, leaf])

    def _typed(self, types: Sequence[str], values: Sequence[object]) -> bytes:
        return keccak(b"\x19\x01" + self.separator + abi_digest(types, values))
