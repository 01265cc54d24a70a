"""Inclusion proofs, true ones and ones with a fault, as ``MountainRange`` and ``AuditProof`` take them."""

import random
from collections.abc import Iterator
from typing import Any

from qcrs.model.decision import Decision
from qcrs.rules import audit_trail
from qcrs.rules.audit_trail import PAGE, Inclusion

MOST_BUILT = 70  # sizes up to here are proven from a trail that was really built

Entry = tuple[int, int, int, str, bytes]


def inclusion_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield proofs in ranges of any size, most with one fault."""
    while True:
        leaf = rng.randbytes(32)
        size = rng.randrange(1, 1 << rng.randint(1, rng.choice([8, 16, 40, 64, 256])))
        index = rng.randrange(size)
        siblings, peaks = _within(rng, size, index, leaf)
        seal = rng.randbytes(32)
        true = audit_trail.fold(seal, size, peaks), seal, size, index, leaf, siblings, peaks
        yield true if rng.random() < 0.3 else faulty(rng, true)


def fold_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield seals, sizes and peaks, sometimes too many or too few."""
    while True:
        size = rng.getrandbits(rng.randint(0, 64))
        count = size.bit_count() + rng.choice([0, 0, 0, 1, -1])
        yield rng.randbytes(32), size, [rng.randbytes(32) for _ in range(max(count, 0))]


def entry_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield a true proof for each size up to 70, then others of any size, most with one fault in proof or entry."""
    for size in range(1, MOST_BUILT + 1):
        entries = [entry_of(rng, index) for index in range(size)]
        leaves = [leaf_of(entry) for entry in entries]
        index = rng.randrange(size)
        inclusion = audit_trail.prove(leaves, index)
        yield inclusion.root, entries[index], _tuple_of(inclusion)
    while True:
        size = rng.randrange(1, 1 << rng.randint(1, 64))
        index = rng.choice([rng.randrange(size), size - 1, size // PAGE * PAGE - 1])
        if index < 0:
            continue
        entry = entry_of(rng, index)
        inclusion = imagined(rng, size, index, leaf_of(entry))
        root = inclusion.root
        match rng.randrange(3):
            case 0:
                place = rng.randrange(5)
                other = entry_of(rng, index ^ 1)
                entry = (*entry[:place], other[place], *entry[place + 1 :])
            case 1:
                inclusion = spoilt(rng, inclusion)
        yield root, entry, _tuple_of(inclusion)


def leaf_cases(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield entries of every decision."""
    while True:
        yield (entry_of(rng, rng.getrandbits(rng.randint(0, 64))),)


def includes(root: bytes, entry: Entry, inclusion: tuple[Any, ...]) -> bool:
    """Answer as ``AuditProof.includes``."""
    return audit_trail.includes(root, entry[0], leaf_of(entry), Inclusion(*inclusion))


def leaf_of(entry: Entry) -> bytes:
    """Answer as ``AuditProof.leafOf``."""
    index, decision, subject, recorder, digest = entry
    return audit_trail.leaf_of(index, Decision(decision), subject, recorder, digest)


def entry_of(rng: random.Random, index: int) -> Entry:
    """Return entry *index*, random otherwise."""
    return index, rng.randrange(len(Decision)), rng.getrandbits(64), "0x" + rng.randbytes(20).hex(), rng.randbytes(32)


def imagined(rng: random.Random, size: int, index: int, leaf: bytes) -> Inclusion:
    """Return the proof of *leaf* as entry *index* of a trail of *size* entries that nobody built."""
    page, pages = index // PAGE, size // PAGE
    end = size if page == pages else (page + 1) * PAGE
    before, later = rng.randbytes(24), [rng.randbytes(32) for _ in range(end - index - 1)]
    link = audit_trail.link_of(before, leaf)
    for after in later:
        link = audit_trail.link_of(link[:24], after)
    if page == pages:
        peaks = [rng.randbytes(32) for _ in range(pages.bit_count())]
        return Inclusion(size, link[:24], before, later, [], peaks)
    siblings, peaks = _within(rng, pages, page, link)
    return Inclusion(size, rng.randbytes(24), before, later, siblings, peaks)


def spoilt(rng: random.Random, true: Inclusion) -> Inclusion:
    """Return a true proof with one fault."""
    match rng.randrange(7):
        case 0:
            size = rng.choice([true.size - 1, true.size ^ 1 << rng.randrange(true.size.bit_length()), 0])
            return true._replace(size=size)
        case 1:
            return true._replace(head=rng.randbytes(24))
        case 2:
            return true._replace(before=rng.randbytes(24))
        case 3:
            return true._replace(later=_spoilt(rng, list(true.later)))
        case 4:
            return true._replace(siblings=_spoilt(rng, list(true.siblings)))
        case 5:
            return true._replace(siblings=true.peaks, peaks=true.siblings)
    return true._replace(peaks=_spoilt(rng, list(true.peaks)))


def faulty(rng: random.Random, true: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a true proof with one fault: sometimes of a kind that only a careful reader sees."""
    root, seal, size, index, leaf, siblings, peaks = true
    other = rng.randbytes(32)
    match rng.randrange(13):
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
        case 11:
            seal = other
        case _:
            siblings, peaks = peaks, siblings
    return root, seal, size, index, leaf, siblings, peaks


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


def _within(rng: random.Random, size: int, index: int, leaf: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return siblings and peaks that lead from *leaf* up, in a range that nobody built."""
    own = (size ^ index).bit_length() - 1
    siblings = [rng.randbytes(32) for _ in range(own)]
    node = leaf
    for level, sibling in enumerate(siblings):
        node = audit_trail.node_of(sibling, node) if index >> level & 1 else audit_trail.node_of(node, sibling)
    heights = [height for height in range(size.bit_length()) if size >> height & 1]
    return siblings, [node if height == own else rng.randbytes(32) for height in heights]


def _tuple_of(inclusion: Inclusion) -> tuple[Any, ...]:
    return (*inclusion[:3], list(inclusion.later), list(inclusion.siblings), list(inclusion.peaks))
