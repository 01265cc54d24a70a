"""The audit trail's hash chain, Merkle mountain range and inclusion proofs.

Twin of ``contracts/AuditTrail.sol`` and of the libraries ``MountainRange`` and ``AuditProof``. Leaf i joins the perfect
trees that the binary digits of the size describe; the root folds their tops, the peaks, lowest first. A proof is good
for the root of one size, for good.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.model.decision import Decision
from qcrs.rules.digest import keccak

EMPTY_HEAD = bytes(24)


class EntryAbsent(QcrsError):
    """The trail has no entry of this index."""


@dataclass(frozen=True)
class Inclusion:
    """Where one leaf stands in a mountain range.

    Attributes:
        size: How many leaves the range has. siblings: From the leaf up to its peak. peaks: Lowest first.
    """

    size: int
    siblings: Sequence[bytes]
    peaks: Sequence[bytes]

    @property
    def root(self) -> bytes:
        """The root that the peaks fold to."""
        return fold(self.size, self.peaks)


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
    return fold(size, [peaks[height] for height in range(size.bit_length()) if size >> height & 1])


def prove(leaves: Sequence[bytes], index: int) -> Inclusion:
    """Return the proof that leaf *index* is one of *leaves*.

    Raises:
        EntryAbsent: There are not that many.
    """
    size = len(leaves)
    if not 0 <= index < size:
        raise EntryAbsent(f"the trail has {size} entries; there is no entry {index}")
    siblings: Sequence[bytes] = ()
    peaks: list[bytes] = []
    end = size
    for height in range(size.bit_length()):
        if size >> height & 1:
            start = end - (1 << height)
            path, peak = _tree(leaves[start:end], index - start)
            siblings = path if start <= index < end else siblings
            peaks.append(peak)
            end = start
    return Inclusion(size, tuple(siblings), tuple(peaks))


def includes(root: bytes, index: int, leaf: bytes, inclusion: Inclusion) -> bool:
    """Return whether *inclusion* proves *leaf* to be number *index* under *root*: twin of ``MountainRange.verify``."""
    size, siblings, peaks = inclusion.size, inclusion.siblings, inclusion.peaks
    if not 0 <= index < size or len(peaks) != size.bit_count():
        return False
    # The leaf's tree is that of the highest digit in which size and index differ.
    height = (size ^ index).bit_length() - 1
    if len(siblings) != height:
        return False
    for level, sibling in enumerate(siblings):
        leaf = node_of(sibling, leaf) if index >> level & 1 else node_of(leaf, sibling)
    lower = (size & ((1 << height) - 1)).bit_count()
    return peaks[lower] == leaf and inclusion.root == root


def fold(size: int, peaks: Iterable[bytes]) -> bytes:
    """Return the root of a range of *size* leaves with *peaks*, lowest first."""
    digest = keccak(b"\x02" + size.to_bytes(32, "big"))
    for peak in peaks:
        digest = node_of(digest, peak)
    return digest


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the parent of two nodes."""
    return keccak(b"\x01" + left + right)


def _tree(level: Sequence[bytes], position: int) -> tuple[list[bytes], bytes]:
    """Return the siblings of leaf *position* of a perfect tree, if it is in it, and the tree's top."""
    inside = 0 <= position < len(level)
    path = []
    while len(level) > 1:
        if inside:
            path.append(level[position ^ 1])
            position >>= 1
        level = [node_of(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return path, level[0]
