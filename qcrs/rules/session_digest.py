"""Digests of sessions, and how a run's money is divided: twin of ``SessionDigest.sol`` and ``Division.sol``."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.model.session import SessionStatus
from qcrs.rules.commitment import SECRET_BYTES, sketch_digest
from qcrs.rules.digest import abi_digest, keccak

RESULT_DOMAIN = keccak(b"QCRS session result")
REPORT_DOMAIN = keccak(b"QCRS session report")
SEED_DOMAIN = keccak(b"QCRS session sketch seed")
BEACON_DOMAIN = keccak(b"QCRS session beacon")
ANSWER_DOMAIN = keccak(b"QCRS session answer")


@dataclass(frozen=True)
class Shares:
    """What becomes of a run's money, wei.

    Attributes:
        pay: Of each member, into its processor's purse. refund: Of the requester. forfeit: Of the treasury.
    """

    pay: tuple[int, ...]
    refund: int
    forfeit: int


def of_result(chain_id: int, coordinator: str, session: int, processor: int, counts_root: bytes, salt: bytes) -> bytes:
    """Return what a member commits to with the digest of the last phase."""
    return abi_digest(
        ["bytes32", "uint256", "address", "uint64", "uint32", "bytes32", "bytes32"],
        [RESULT_DOMAIN, chain_id, coordinator, session, processor, counts_root, salt],
    )


def of_report(counts_root: bytes, sketch: Sequence[int]) -> bytes:
    """Return what stays of a report, the same for all members."""
    return abi_digest(["bytes32", "bytes32", "bytes32"], [REPORT_DOMAIN, counts_root, sketch_digest(sketch)])


def seed_of(group: int, secret: bytes) -> bytes:
    """Return the seed of the sketches of a group's results."""
    return abi_digest(["bytes32", "uint64", "bytes24"], [SEED_DOMAIN, group, secret])


def substitute_of(group: int, beacon: bytes, commitment: bytes) -> bytes:
    """Return what replaces a secret that was not disclosed in time."""
    digest = abi_digest(["bytes32", "uint64", "bytes24", "bytes24"], [BEACON_DOMAIN, group, beacon, commitment])
    return digest[:SECRET_BYTES]


def of_answer(group: int, agreeing: int, counts_roots: Sequence[bytes]) -> bytes:
    """Return the digest of a group's answer: the roots of its agreeing runs, by ascending id."""
    return abi_digest(
        ["bytes32", "uint64", "uint256", "bytes32[]"], [ANSWER_DOMAIN, group, agreeing, list(counts_roots)]
    )


def divide(status: SessionStatus, members: int, absent: int, fee: int, deposit: int) -> Shares:
    """Divide the money of a run that has ended as *status*; bit i of *absent* is set when member i was."""
    refund = 0 if status == SessionStatus.Paid else fee * members
    if status == SessionStatus.Outlier:
        return Shares((0,) * members, refund, deposit * members)
    each, forfeit = deposit + (fee if status == SessionStatus.Paid else 0), 0
    if status == SessionStatus.Aborted:
        present = members - (absent & (1 << members) - 1).bit_count()
        forfeit = deposit * (members - present)
        if present:
            share, forfeit = divmod(forfeit, present)
            each += share
    return Shares(tuple(0 if absent >> i & 1 else each for i in range(members)), refund, forfeit)
