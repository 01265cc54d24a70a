"""Commits of a keyed daemon, against a door that is told what to answer."""

import asyncio

import pytest

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.gateway import Receipt, TransactionLost
from qcrs.daemon.bundles import Bundles
from qcrs.daemon.committing import Commit, Committer
from qcrs.model.assignment import AssignmentStatus
from tests.unit.qcrs.daemon.test_bundles import MINE, OLD, story


class ToldDoor:
    """Takes what is sent.

    Attributes:
        sent: Functions and arguments. held: Transactions wait until it is set. failing: Raised for a bundle.
        passed_over: Computations whose commits a bundle does not get in.
    """

    def __init__(self):
        self.sent, self.held, self.failing, self.passed_over = [], None, None, set()

    async def send(self, contract, function, *arguments):
        assert contract == "ResultVerifier"
        self.sent.append((function, *arguments))
        if self.held is not None:
            await self.held.wait()
        if self.failing is not None and function == "commitBundle":
            raise self.failing
        items = arguments[3] if function == "commitBundle" else []
        return Receipt("0x", 1, 1, [
            Event("ResultVerifier", "ResultCommitted", {"computation": c, "index": i, "commitment": x}, 1, 0, "0x")
            for c, i, x in items if c not in self.passed_over
        ])  # fmt: skip


@pytest.fixture
def door():
    return ToldDoor()


@pytest.fixture
def bundles():
    bundles = Bundles()
    bundles.begin(MINE, OLD)
    return bundles


def commit(computation):
    return Commit(computation, 0, 1, bytes([computation]) * 24)


def run(door, committer, *groups, first=9):
    """Post each group of computations while another commit is under way; return what became of each."""

    async def post(group):
        door.held, sent = asyncio.Event(), len(door.sent)
        under_way = asyncio.ensure_future(committer.post(commit(first)))
        while len(door.sent) == sent:
            await asyncio.sleep(0)
        posts = [asyncio.ensure_future(committer.post(commit(c))) for c in group]
        await asyncio.sleep(0)
        door.held.set()
        await under_way
        return await asyncio.gather(*posts, return_exceptions=True)

    async def scenario():
        return [outcome for group in groups for outcome in await post(group)]

    return asyncio.run(scenario())


def items(*computations):
    return [(c.computation, c.index, c.commitment) for c in map(commit, computations)]


def test_commits_that_wait_go_together_in_a_free_lane(door, bundles):
    assert run(door, Committer(door, bundles, {}), (1, 2, 3)) == [None] * 3
    assert door.sent[0][0] == "commit"
    assert door.sent[1:] == [("commitBundle", MINE, 0, OLD[0], items(1, 2, 3))]
    assert bundles.opening(2, 0, commit(2).bound.leaf).lane == 0


def test_next_bundle_spares_a_lane_that_events_have_not_told_of_yet(door, bundles):
    """By the stories, what was just posted is still to be committed."""
    stories = {n: story(n, AssignmentStatus.Assigned) for n in range(1, 5)}
    assert run(door, Committer(door, bundles, stories), (1, 2), (3, 4)) == [None] * 4
    posted = [call[:4] for call in door.sent if call[0] == "commitBundle"]
    assert posted == [("commitBundle", MINE, 0, OLD[0]), ("commitBundle", MINE, 1, OLD[1])]


def test_commit_that_a_bundle_did_not_get_in_is_told_so(door, bundles):
    door.passed_over = {2}
    first, second, third = run(door, Committer(door, bundles, {}), (1, 2, 3))
    assert (first, third) == (None, None)
    assert isinstance(second, ContractRefused)
    assert (second.name, second.arguments["computation"]) == ("CommitPassedOver", 2)
    assert bundles.opening(2, 0, commit(2).bound.leaf) is None
    assert len(bundles.opening(3, 0, commit(3).bound.leaf).proof) == 1


def test_without_a_free_lane_each_goes_by_itself(door, bundles):
    full = Bundles()
    full.begin(MINE, [])
    assert run(door, Committer(door, full, {}), (1, 2)) == [None] * 2
    assert [function for function, *_ in door.sent] == ["commit"] * 3


def test_lost_bundle_is_told_to_all_and_its_lane_not_believed(door, bundles):
    door.failing = TransactionLost("no receipt")
    outcomes = run(door, Committer(door, bundles, {}), (1, 2))
    assert [type(outcome) for outcome in outcomes] == [TransactionLost] * 2
    assert bundles.opening(1, 0, commit(1).bound.leaf) is None
