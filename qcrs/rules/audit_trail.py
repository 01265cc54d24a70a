"""The audit trail's hash chain and Merkle mountain range: twin of ``contracts/AuditTrail.sol``."""

from collections.abc import Iterable

from qcrs.model.decision import Decision
from qcrs.rules.digest import keccak

EMPTY_HEAD = bytes(24)


def leaf_of(index: int, decision: Decision, subject: int, recorder: str, digest: bytes) -> bytes:
    """Return the leaf of entry *index*; *recorder* is a 0x-prefixed address."""
    return keccak(
        b"\x00"
        + index.to_bytes(8, "big")
        + bytes([decision])
        + subject.to_bytes(8, "big")
        + bytes.fromhex(recorder.removeprefix("0x"))
        + digest
    )


def next_head(head: bytes, leaf: bytes) -> bytes:
    """Return the 24-byte head of the hash chain after *leaf*."""
    return keccak(head + leaf)[:24]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the mountain range over *leaves*."""
    peaks: dict[int, bytes] = {}
    size = 0
    for leaf in leaves:
        height = 0
        while size >> height & 1:
            leaf = node_of(peaks[height], leaf)
            height += 1
        peaks[height] = leaf
        size += 1
    digest = keccak(b"\x02" + size.to_bytes(32, "big"))
    for height in range(size.bit_length()):
        if size >> height & 1:
            digest = node_of(digest, peaks[height])
    return digest


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the parent of two nodes."""
    return keccak(b"\x01" + left + right)
