"""A demanded histogram is shown from the journal, step by step, while there is time."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.daemon.docket import Demand
from qcrs.daemon.duties import Defend, View, decide
from qcrs.daemon.execution import AnswerLost, Executor
from qcrs.daemon.journal import Answer, Journal
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Duty, Story
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.evidence import answer_steps, sketch_digest
from qcrs.rules.histogram import counts_root
from tests.challenged import measured

NOW = 1_000_000.0
SEED = bytes(range(32))
COUNTS = measured(3, bits=16, outcomes=900)
SKETCH = sketch_of(COUNTS, 16, SEED)


def view(*demands):
    return View(
        processor=1, rank=0, now=NOW, last_beat_at=NOW, heartbeat_seconds=30, stories={}, since={}, demands=demands
    )


def test_demand_is_met():
    assert decide(view(Demand(7, 5, 2, 512, int(NOW)))) == [Defend(5, 2, 7, 512)]


def test_several_demands_are_met_at_once():
    both = decide(view(Demand(7, 5, 2, 0, int(NOW) + 9), Demand(8, 6, 0, 64, int(NOW) + 9)))
    assert both == [Defend(5, 2, 7, 0), Defend(6, 0, 8, 64)]


def test_demand_whose_time_is_up_is_left_alone():
    assert decide(view(Demand(7, 5, 2, 0, int(NOW) - 1))) == []


class Gateway:
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    async def send(self, account, contract, function, *arguments):
        self.sent.append((contract, function, arguments))


@pytest.fixture
def executor(tmp_path):
    with Journal(tmp_path / "journal", 1337, "suite") as journal:
        gateway = Gateway()
        yield Executor(gateway, SimpleNamespace(address="0x"), journal, None, None, 1, 1.0, 1)


def story():
    request = SimpleNamespace(outcome_bits=16)
    known = Story(computation=5, requester="0x", organisation=1, escrow=1, request=request, replicas=3, seed=SEED)
    known.status = ComputationStatus.Accepted
    known.duties = [Duty(0, 1, 2, AssignmentStatus.Accepted, counts_root=counts_root(COUNTS), sketch=SKETCH)]
    return known


@pytest.mark.parametrize("start", [0, 512])
def test_leaves_come_from_the_journal(executor, start):
    executor.journal.record(5, 0, 2, Answer(bytes(32), counts_root(COUNTS), COUNTS))
    asyncio.run(executor.carry_out(Defend(5, 0, 7, start), story()))
    expected = next(answer_steps(COUNTS, sketch_digest(SKETCH), 16, SEED, start=start))
    assert executor.gateway.sent == [("Challenges", "answer", (7, *expected))]


def test_lost_histogram_is_said(executor):
    with pytest.raises(AnswerLost, match="no histogram behind the answer to computation 5"):
        asyncio.run(executor.carry_out(Defend(5, 0, 7, 0), story()))
