"""Inclusion proofs, true ones and ones with a fault, as ``MountainRange`` and ``AuditProof`` take them."""

import random
from collections.abc import Iterator
from typing import Any

from qcrs.model.decision import Decision
from qcrs.rules import audit_trail
from qcrs.rules.audit_trail import Inclusion
from qcrs.rules.digest import keccak

MOST_BUILT = 70  # sizes up to here are proven from a range that was really built

Entry = tuple[int, int, int, str, bytes]


def inclusion_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield a true proof for each size up to 70, then others of any size, most with one fault."""
    for size in range(1, MOST_BUILT + 1):
        leaves = [rng.randbytes(32) for _ in range(size)]
        index = rng.randrange(size)
        yield _arguments(index, leaves[index], audit_trail.prove(leaves, index))
    while True:
        leaf = rng.randbytes(32)
        index, inclusion = imagined(rng, leaf, rng.choice([8, 16, 40, 64, 256]))
        true = _arguments(index, leaf, inclusion)
        yield true if rng.random() < 0.3 else faulty(rng, true)


def entry_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield proofs of entries, most with one fault in proof or entry."""
    while True:
        index, _ = imagined(rng, bytes(32), 64)
        entry = entry_of(rng, index)
        leaf = leaf_of(entry)
        size, inclusion = _around(rng, index, leaf)
        proof = [inclusion.root, size, entry, list(inclusion.siblings), list(inclusion.peaks)]
        match rng.randrange(4):
            case 0:
                place = rng.randrange(5)
                other = entry_of(rng, index ^ 1)
                proof[2] = (*entry[:place], other[place], *entry[place + 1 :])
            case 1:
                root, size, index, _, siblings, peaks = faulty(rng, _arguments(index, leaf, inclusion))
                proof = [root, size % 2**64, (index % 2**64, *entry[1:]), siblings, peaks]
        yield tuple(proof)


def leaf_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield entries of every decision."""
    while True:
        yield (entry_of(rng, rng.getrandbits(rng.randint(0, 64))),)


def verify(root: bytes, size: int, index: int, leaf: bytes, siblings: list[bytes], peaks: list[bytes]) -> bool:
    """Answer as ``MountainRange.verify``."""
    return audit_trail.includes(root, index, leaf, Inclusion(size, siblings, peaks))


def includes(root: bytes, size: int, entry: Entry, siblings: list[bytes], peaks: list[bytes]) -> bool:
    """Answer as ``AuditProof.includes``."""
    return verify(root, size, entry[0], leaf_of(entry), siblings, peaks)


def leaf_of(entry: Entry) -> bytes:
    """Answer as ``AuditProof.leafOf``."""
    index, decision, subject, recorder, digest = entry
    return audit_trail.leaf_of(index, Decision(decision), subject, recorder, digest)


def entry_of(rng: random.Random, index: int) -> Entry:
    """Return entry *index*, random otherwise."""
    return index, rng.randrange(len(Decision)), rng.getrandbits(64), "0x" + rng.randbytes(20).hex(), rng.randbytes(32)


def imagined(rng: random.Random, leaf: bytes, bits: int) -> tuple[int, Inclusion]:
    """Return an index and the proof of *leaf* there, in a range of up to 2^*bits* - 1 leaves that nobody built."""
    size = rng.randrange(1, 1 << rng.randint(1, bits))
    index = rng.randrange(size)
    return index, _within(rng, size, index, leaf)


def faulty(rng: random.Random, true: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a true proof with one fault: sometimes of a kind that only a careful reader sees."""
    root, size, index, leaf, siblings, peaks = true
    other = rng.randbytes(32)
    match rng.randrange(12):
        case 0:
            root = other
        case 1:
            size = rng.choice([size - 1, size ^ 1 << rng.randrange(size.bit_length()), 0])
        case 2:
            index = rng.choice([size, size - 1 - index, index ^ 1, 2**256 - 1])
        case 3:
            leaf = other
        case 4 | 5:
            siblings = _spoilt(rng, siblings)
        case 6 | 7:
            peaks = _spoilt(rng, peaks)
        case 8:  # a peak that the root has, but not above the leaf
            peaks = [*peaks[1:], peaks[0]]
        case 9 if siblings:  # an inner node in place of the leaf
            pair = (siblings[0], leaf) if index & 1 else (leaf, siblings[0])
            leaf, siblings, index = audit_trail.node_of(*pair), siblings[1:], index >> 1
        case 10:
            size, siblings = (size << 1) % 2**256, [*siblings, other]
        case _:
            siblings, peaks = peaks, siblings
    return root, size, index, leaf, siblings, peaks


def _spoilt(rng: random.Random, nodes: list[bytes]) -> list[bytes]:
    """Return *nodes* with one changed, missing, added or moved."""
    if not nodes:
        return [bytes(32)]
    place = rng.randrange(len(nodes))
    match rng.randrange(4):
        case 0:
            return [*nodes[:place], rng.randbytes(32), *nodes[place + 1 :]]
        case 1:
            return [*nodes[:place], *nodes[place + 1 :]]
        case 2:
            return [*nodes[:place], rng.randbytes(32), *nodes[place:]]
    return nodes[::-1]


def _around(rng: random.Random, index: int, leaf: bytes) -> tuple[int, Inclusion]:
    """Return a size beyond *index* and the proof of *leaf* there."""
    size = rng.randint(index + 1, min(2**64 - 1, 2 * index + 5))
    return size, _within(rng, size, index, leaf)


def _within(rng: random.Random, size: int, index: int, leaf: bytes) -> Inclusion:
    own = (size ^ index).bit_length() - 1
    siblings = [rng.randbytes(32) for _ in range(own)]
    node = leaf
    for level, sibling in enumerate(siblings):
        node = audit_trail.node_of(sibling, node) if index >> level & 1 else audit_trail.node_of(node, sibling)
    heights = [height for height in range(size.bit_length()) if size >> height & 1]
    peaks = [node if height == own else keccak(rng.randbytes(32)) for height in heights]
    return Inclusion(size, siblings, peaks)


def _arguments(index: int, leaf: bytes, inclusion: Inclusion) -> tuple[Any, ...]:
    return inclusion.root, inclusion.size, index, leaf, list(inclusion.siblings), list(inclusion.peaks)
