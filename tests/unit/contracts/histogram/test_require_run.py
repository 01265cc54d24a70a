"""Which error says what is wrong with an opening; that the right ones pass is in tests/mirror."""

import pytest

from qcrs.rules.histogram import Run, binding_of, run_proof
from tests.evm import Chain, refused
from tests.scenario import account

COUNTS = {3 * outcome: outcome + 1 for outcome in range(11)}
BINDING = binding_of(COUNTS)
RUN = run_proof(COUNTS, 3, 4)


@pytest.fixture(scope="module")
def harness():
    return Chain().deploy("HistogramHarness", sender=account("deployer"))


def test_run_opens(harness):
    harness.requireRun(BINDING.root, BINDING, *RUN)


def test_whole_of_65_535_outcomes_opens_in_runs(harness):
    counts = {7 * outcome: 1 for outcome in range(65_535)}
    binding = binding_of(counts)
    for first, length in ((0, 512), (63, 65), (65_023, 512), (65_534, 1)):
        harness.requireRun(binding.root, binding, *run_proof(counts, first, length))


def test_refuses_another_root(harness):
    with refused("BindingMismatch", expected=bytes(32), actual=BINDING.root):
        harness.requireRun(bytes(32), BINDING, *RUN)


@pytest.mark.parametrize("first", [8, 11, 2**256 - 1])
def test_refuses_what_is_out_of_bounds(harness, first):
    with refused("RunOutOfBounds", first=first, length=4, leafCount=11):
        harness.requireRun(BINDING.root, BINDING, first, RUN.leaves, RUN.siblings)


def test_refuses_no_leaves(harness):
    with refused("RunOutOfBounds", first=0, length=0, leafCount=11):
        harness.requireRun(BINDING.root, BINDING, 0, [], [])


@pytest.mark.parametrize("swap", [lambda a, b: (b, a), lambda a, _: (a, a)], ids=["descending", "twice"])
def test_refuses_leaves_out_of_order(harness, swap):
    leaves = [*RUN.leaves[:2], *swap(*RUN.leaves[2:])]
    with refused("OutcomesNotAscending", position=6):
        harness.requireRun(BINDING.root, BINDING, 3, leaves, RUN.siblings)


def test_refuses_an_honest_tree_over_outcomes_out_of_order(harness):
    """A liar may bind such a tree; it cannot open it."""
    sound = run_proof(COUNTS, 0, 11)
    with refused("OutcomesNotAscending", position=1):
        harness.requireRun(BINDING.root, BINDING, 0, sound.leaves[::-1], [])


def test_refuses_too_few_siblings(harness):
    assert len(RUN.siblings) == 4
    with refused("SiblingMissing", actual=3):
        harness.requireRun(BINDING.root, BINDING, 3, RUN.leaves, RUN.siblings[:3])


def test_refuses_too_many_siblings(harness):
    with refused("SiblingsUnused", needed=4, actual=5):
        harness.requireRun(BINDING.root, BINDING, 3, RUN.leaves, [*RUN.siblings, bytes(32)])


def test_refuses_another_count(harness):
    leaves = [RUN.leaves[0] + 1, *RUN.leaves[1:]]
    with refused("RunMismatch") as refusal:
        harness.requireRun(BINDING.root, BINDING, 3, leaves, RUN.siblings)
    assert refusal.arguments["expected"] == BINDING.top


def test_refuses_the_right_leaves_in_another_place(harness):
    moved = Run(7, RUN.leaves, run_proof(COUNTS, 7, 4).siblings)
    with refused("RunMismatch"):
        harness.requireRun(BINDING.root, BINDING, *moved)


def test_an_inner_node_does_not_pass_for_a_leaf(harness):
    """Two leaves as one: prefixes tell leaves from nodes."""
    merged = binding_of({0: 1, 1: 1})
    for leaf in (0, merged.top[0] << 16):
        with refused("RunMismatch"):
            harness.requireRun(binding_of({5: 5})._replace(top=merged.top).root, (1, 5, merged.top), 0, [leaf], [])
