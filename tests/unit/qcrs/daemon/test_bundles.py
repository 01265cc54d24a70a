"""Which lane is free, and what opens a bundled commit again."""

from types import SimpleNamespace

import pytest

from qcrs.daemon.bundles import LANES, Bundles
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.bundle import leaf_of, root_from, root_of

MINE = 4
OLD = [bytes([n]) * 32 for n in range(LANES)]


@pytest.fixture
def bundles():
    bundles = Bundles()
    bundles.begin(MINE, OLD)
    return bundles


def story(computation, *statuses, attempt=1):
    duties = [SimpleNamespace(status=status) for status in statuses]
    return SimpleNamespace(computation=computation, attempt=attempt, duties=duties)


def commitment(computation):
    return bytes([computation]) * 24


def leaf(computation, attempt=1):
    return leaf_of(computation, 0, attempt, commitment(computation))


def committed(bundles, computation, processor=MINE):
    arguments = {
        "computation": computation, "index": 0, "processor": processor, "commitment": commitment(computation)
    }  # fmt: skip
    bundles.take("ResultCommitted", arguments, story(computation))


def bundled(bundles, *computations, lane=0, processor=MINE, root=None):
    root = root or root_of([leaf(computation) for computation in computations])
    arguments = {"processor": processor, "lane": lane, "commits": len(computations), "root": root}
    bundles.take("CommitsBundled", arguments, None)
    return root


def test_bundle_told_by_events_opens_each_of_its_commits(bundles):
    for computation in (9, 1, 2, 3):  # the first was committed by itself, before the bundle
        committed(bundles, computation)
    root = bundled(bundles, 1, 2, 3, lane=5)
    for computation in (1, 2, 3):
        opening = bundles.opening(computation, 0, leaf(computation))
        assert opening.lane == 5
        assert root_from(leaf(computation), opening.proof) == root
    assert bundles.opening(9, 0, leaf(9)) is None
    assert bundles.opening(1, 0, leaf(1, attempt=2)) is None, "of another round"


def test_others_bundles_are_no_business_of_ours(bundles):
    committed(bundles, 1, processor=MINE + 1)
    bundled(bundles, 1, processor=MINE + 1)
    assert bundles.free_lane({}) == (0, OLD[0])
    assert bundles.opening(1, 0, leaf(1)) is None


def test_lane_is_free_when_nothing_in_it_is_still_to_be_revealed(bundles):
    for computation in (1, 2):
        committed(bundles, computation)
    root = bundled(bundles, 1, 2)
    awaited = {1: story(1, AssignmentStatus.Revealed), 2: story(2, AssignmentStatus.Committed)}
    assert bundles.free_lane(awaited) == (1, OLD[1])
    assert bundles.free_lane({2: story(2, AssignmentStatus.Revealed)}) == (0, root)


def test_no_lane_is_free_when_all_are_awaited(bundles):
    stories = {}
    for lane in range(LANES):
        committed(bundles, lane + 1)
        bundled(bundles, lane + 1, lane=lane)
        stories[lane + 1] = story(lane + 1, AssignmentStatus.Committed)
    assert bundles.free_lane(stories) is None


def test_bundle_whose_commits_are_not_known_is_over(bundles):
    """Events are read from the block on before which everything has ended."""
    committed(bundles, 2)
    root = bundled(bundles, 2, root=b"\x77" * 32)
    assert bundles.opening(2, 0, leaf(2)) is None
    assert bundles.free_lane({2: story(2, AssignmentStatus.Committed)}) == (0, root)


def test_lane_beyond_those_in_use_is_left_alone(bundles):
    committed(bundles, 1)
    bundled(bundles, 1, lane=LANES)
    assert bundles.opening(1, 0, leaf(1)) is None


def test_nothing_is_free_before_the_chain_was_asked():
    assert Bundles().free_lane({}) is None
