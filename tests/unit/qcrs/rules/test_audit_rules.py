import pytest

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import (
    EMPTY_HEAD,
    NOWHERE,
    PAGE,
    EntryAbsent,
    includes,
    leaf_of,
    link_of,
    next_head,
    node_of,
    prove,
    root_of,
)
from qcrs.rules.digest import keccak

ENTRY = (0, Decision.PolicyChanged, 1, "0x" + "11" * 20, bytes(32))
OTHER = (1, Decision.ComputationFailed, 2, "0x" + "22" * 20, b"\x01" * 32)
LEAVES = [keccak(bytes([n])) for n in range(9)]


def seal(size, head):
    return keccak(b"\x02" + size.to_bytes(8, "big") + head)


def test_leaf_is_as_documented():
    packed = b"\x00" + bytes(8) + b"\x09" + bytes(7) + b"\x01" + b"\x11" * 20 + bytes(32)
    assert leaf_of(*ENTRY) == keccak(packed)


@pytest.mark.parametrize("place", range(5))
def test_leaf_binds_every_field(place):
    changed = [*ENTRY[:place], OTHER[place], *ENTRY[place + 1 :]]
    assert leaf_of(*changed) != leaf_of(*ENTRY)


def test_recorder_may_be_written_in_any_case():
    upper = "0x" + "AB" * 20
    assert leaf_of(*ENTRY[:3], upper, ENTRY[4]) == leaf_of(*ENTRY[:3], upper.lower(), ENTRY[4])


def test_root_seals_size_and_head_then_folds_the_peaks_lowest_first():
    leaves = [keccak(bytes([n])) for n in range(3 * PAGE + 1)]
    head, links = EMPTY_HEAD, []
    for size, leaf in enumerate(leaves):
        a, b, c = (*links[PAGE - 1 :: PAGE], *[None] * 3)[:3]
        tops = {0: [], 1: [a], 2: [b and node_of(a, b)], 3: [c, b and node_of(a, b)]}[size // PAGE]
        root = seal(size, head)
        for top in tops:
            root = node_of(root, top)
        assert root_of(leaves[:size]) == root
        links.append(link_of(head, leaf))
        head = links[-1][:24]


@pytest.mark.parametrize("size", [1, 2, 3, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 2])
def test_root_binds_every_leaf_and_the_size(size):
    leaves = [keccak(bytes([n])) for n in range(size)]
    changed = [[*leaves[:i], bytes(32), *leaves[i + 1 :]] for i in range(size)]
    roots = {root_of(one) for one in [leaves, leaves[:-1], *changed]}
    assert len(roots) == size + 2


def test_head_depends_on_order():
    one, other = LEAVES[:2]
    assert next_head(next_head(bytes(24), one), other) != next_head(next_head(bytes(24), other), one)


@pytest.mark.parametrize("size", range(1, 71))
def test_every_leaf_of_every_size_is_proven_and_no_other(size):
    leaves = [keccak(b"leaf" + bytes([n])) for n in range(size)]
    root = root_of(leaves)
    for index, leaf in enumerate(leaves):
        proof = prove(leaves, index)
        assert proof.root == root
        assert includes(root, index, leaf, proof)
        assert not includes(root, index, keccak(leaf), proof)
        assert not includes(root, index + 1, leaf, proof)
        assert not includes(keccak(root), index, leaf, proof)
        assert not includes(root, index, leaf, proof._replace(head=bytes(23) + b"\x01"))
        assert not includes(root, index, leaf, proof._replace(before=bytes(23) + b"\x01"))
        for part in ("later", "siblings", "peaks"):
            for other in spoilt(getattr(proof, part)):
                assert not includes(root, index, leaf, proof._replace(**{part: other})), (index, part)


def spoilt(nodes):
    """Yield *nodes* with each one changed, and with one too few or too many."""
    for place in range(len(nodes)):
        yield (*nodes[:place], bytes(32), *nodes[place + 1 :])
        yield (*nodes[:place], *nodes[place + 1 :])
    yield (*nodes, bytes(32))


@pytest.mark.parametrize("index", [-1, 9, 2**64])
def test_what_is_not_there_cannot_be_proven(index):
    with pytest.raises(EntryAbsent, match=f"9 entries; there is no entry {index}"):
        prove(LEAVES, index)


def test_nothing_is_in_an_empty_trail():
    assert not includes(root_of([]), 0, LEAVES[0], NOWHERE)
