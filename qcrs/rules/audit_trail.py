"""The audit trail's hash chain, the Merkle mountain range over its pages, and inclusion proofs.

Twin of ``contracts/AuditTrail.sol`` and of the libraries ``MountainRange`` and ``AuditProof``. Each entry's leaf is
linked to a hash chain; the link that fills a page is a leaf of the range. Leaf i joins the perfect trees that the
binary digits of the range's size describe; the root folds their tops, the peaks, lowest first, into a seal over the
trail's size and head. A proof is good for the root of one size, for good.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qcrs.errors import QcrsError
from qcrs.model.decision import Decision
from qcrs.rules.digest import keccak

EMPTY_HEAD = bytes(24)
PAGE = 16  # entries; see AuditProof


class EntryAbsent(QcrsError):
    """The trail has no entry of this index."""


class Inclusion(NamedTuple):
    """What leads from one entry to the root of a trail: twin of ``AuditProof.Inclusion``.

    Attributes:
        size: How many entries the trail has. head: Of its hash chain; 24 bytes. before: The head before the entry.
        later: Leaves after the entry, to the end of its page or of the trail.
        siblings: From the page up to its peak; none while the page is not full. peaks: Of the full pages, lowest first.
    """

    size: int
    head: bytes
    before: bytes
    later: Sequence[bytes]
    siblings: Sequence[bytes]
    peaks: Sequence[bytes]

    @property
    def root(self) -> bytes:
        """The root that the peaks fold to; zero when they are too many or too few."""
        return fold(seal_of(self.size, self.head), self.size // PAGE, self.peaks)


NOWHERE = Inclusion(0, EMPTY_HEAD, EMPTY_HEAD, (), (), ())  # proves nothing


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


def link_of(head: bytes, leaf: bytes) -> bytes:
    """Return the link of *leaf* to the chain of which *head* is the head."""
    return keccak(head + leaf)


def next_head(head: bytes, leaf: bytes) -> bytes:
    """Return the 24-byte head of the hash chain after *leaf*."""
    return link_of(head, leaf)[:24]


def seal_of(size: int, head: bytes) -> bytes:
    """Return what the root of a trail of *size* entries begins with."""
    return keccak(b"\x02" + size.to_bytes(8, "big") + head)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the trail with *leaves*."""
    heads, pages = _chain(leaves)
    peaks = [peak for _, _, peak in _peaks(pages)]
    return fold(seal_of(len(leaves), heads[-1]), len(pages), peaks)


def prove(leaves: Sequence[bytes], index: int) -> Inclusion:
    """Return the proof that leaf *index* is one of *leaves*.

    Raises:
        EntryAbsent: There are not that many.
    """
    size = len(leaves)
    if not 0 <= index < size:
        raise EntryAbsent(f"the trail has {size} entries; there is no entry {index}")
    heads, pages = _chain(leaves)
    page = index // PAGE
    siblings: Sequence[bytes] = ()
    peaks = []
    for start, height, peak in _peaks(pages):
        peaks.append(peak)
        if start <= page < start + (1 << height):
            siblings, _ = _tree(pages[start : start + (1 << height)], page - start)
    later = leaves[index + 1 : (page + 1) * PAGE]
    return Inclusion(size, heads[-1], heads[index], tuple(later), tuple(siblings), tuple(peaks))


def includes(root: bytes, index: int, leaf: bytes, inclusion: Inclusion) -> bool:
    """Return whether *inclusion* proves *leaf* to be number *index* under *root*: twin of ``AuditProof.includes``."""
    size = inclusion.size
    if not 0 <= index < size:
        return False
    page, pages = index // PAGE, size // PAGE
    end = size if page == pages else (page + 1) * PAGE
    if len(inclusion.later) != end - index - 1:
        return False
    link = link_of(inclusion.before, leaf)
    for after in inclusion.later:
        link = link_of(link[:24], after)
    if page != pages:
        seal = seal_of(size, inclusion.head)
        return stands(root, seal, pages, page, link, inclusion.siblings, inclusion.peaks)
    return link[:24] == inclusion.head and not inclusion.siblings and inclusion.root == root


def stands(
    root: bytes, seal: bytes, size: int, index: int, leaf: bytes, siblings: Sequence[bytes], peaks: Sequence[bytes]
) -> bool:
    """Return whether *leaf* is number *index* of *size* in a range with *root*: twin of ``MountainRange.verify``."""
    if index >= size or fold(seal, size, peaks) != root:
        return False
    # The leaf's tree is that of the highest digit in which size and index differ.
    height = (size ^ index).bit_length() - 1
    if len(siblings) != height:
        return False
    for level, sibling in enumerate(siblings):
        leaf = node_of(sibling, leaf) if index >> level & 1 else node_of(leaf, sibling)
    return peaks[(size & ((1 << height) - 1)).bit_count()] == leaf


def fold(seal: bytes, size: int, peaks: Sequence[bytes]) -> bytes:
    """Return the root of a range of *size* leaves with *peaks*, lowest first; zero when those are too many or few."""
    if len(peaks) != size.bit_count():
        return bytes(32)
    digest = seal
    for peak in peaks:
        digest = node_of(digest, peak)
    return digest


def node_of(left: bytes, right: bytes) -> bytes:
    """Return the parent of two nodes."""
    return keccak(b"\x01" + left + right)


def _chain(leaves: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the heads before each leaf and after the last, and the links that fill pages."""
    heads, pages = [EMPTY_HEAD], []
    for index, leaf in enumerate(leaves):
        link = link_of(heads[-1], leaf)
        heads.append(link[:24])
        if (index + 1) % PAGE == 0:
            pages.append(link)
    return heads, pages


def _peaks(nodes: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Yield the start, the height and the top of each perfect tree over *nodes*, lowest first."""
    end = len(nodes)
    for height in range(len(nodes).bit_length()):
        if len(nodes) >> height & 1:
            start = end - (1 << height)
            _, peak = _tree(nodes[start:end], 0)
            yield start, height, peak
            end = start


def _tree(level: Sequence[bytes], position: int) -> tuple[list[bytes], bytes]:
    """Return the siblings of leaf *position* of a perfect tree, and the tree's top."""
    path = []
    while len(level) > 1:
        path.append(level[position ^ 1])
        position >>= 1
        level = [node_of(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return path, level[0]
