"""The replay of bundles: which commits a root binds, and what the chain keeps of them."""

import pytest

from qcrs.rules.replay import Rule
from tests.bundled import allocated, post, reveal, seats_of
from tests.scenario import World
from tests.unit.qcrs.audit.history import History, RecordedChain


@pytest.fixture(scope="module")
def tale():
    """Three bundles: one revealed, settled and replaced, one still open, and one with a seat that falls silent."""
    world = World(RecordedChain(), processors=5)
    node, other = world.nodes[:2]
    jobs = allocated(world, 3)
    seats, others = seats_of(node, jobs), seats_of(other, jobs)
    post(world, node, seats[:2])
    post(world, other, others, lane=7)
    for job in jobs[:2]:
        job.commit_all().disclose()
    for position, (job, index) in enumerate(seats[:2]):
        reveal(world, seats[:2], position)
        job.reveal_all(index, others[position][1])
    reveal(world, others, 0, lane=7)
    jobs[0].settle()
    jobs[1].end_phase().settle()  # the other's seat in it is silent
    post(world, node, seats[2:], before=world.verifier.bundleOf(node.id, 0))
    return History.of(world)


def test_the_untouched_tale_holds(tale):
    report = tale.examine()
    assert report.fault is None, str(report.fault)
    assert [event["commits"] for event in tale.events if event.name == "CommitsBundled"] == [2, 3, 1]


@pytest.mark.parametrize(
    "change",
    [{"root": b"\x5a" * 32}, {"commits": 1}, {"commits": 16}, {"processor": 2}],
    ids=["root", "fewer", "more", "processor"],
)
def test_another_bundle_than_was_posted_is_noticed(tale, change):
    fault = tale.examine(tale.changed(tale.position("CommitsBundled"), **change)).fault
    assert fault is not None
    assert fault.rule is Rule.Commitment


def test_another_commitment_than_is_bundled_is_noticed(tale):
    position = tale.position("ResultCommitted", processor=tale.event("CommitsBundled")["processor"])
    fault = tale.examine(tale.changed(position, commitment=b"\x5a" * 24)).fault
    assert fault is not None
    assert (fault.rule, fault.what) == (Rule.Commitment, "root of the bundle")


def test_a_bundle_left_out_shows_in_what_the_chain_keeps(tale):
    fault = tale.examine(tale.without(tale.position("CommitsBundled", lane=7))).fault
    assert fault is not None
    assert fault.rule is Rule.Record
