"""A daemon runs several leased circuits at once, and looks before it takes a step for others."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.daemon.duties import Answer, Drain, Keep, Tend
from qcrs.daemon.execution import RACES, Executor
from qcrs.daemon.journal import Journal
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Duty, Story
from qcrs.quantum.request import RunResult
from qcrs.rules.keeping import Step
from qcrs.rules.reserving import ReservationStep

NOW = 1_000_000.0


class Gateway:
    """Keeps what is sent; refuses simulations as told."""

    def __init__(self, refusal=None):
        self.sent, self.simulated, self.refusal = [], [], refusal
        self.now, self.network, self.addresses = NOW, SimpleNamespace(chain_id=1), {"ResultVerifier": "0x" + "22" * 20}

    async def send(self, account, contract, function, *arguments):
        self.sent.append((function, *arguments))

    async def simulate(self, account, contract, function, *arguments):
        self.simulated.append((function, *arguments))
        if self.refusal:
            raise ContractRefused(self.refusal, {})


class Meeting:
    """An engine in which every run lasts until *expected* of them are under way."""

    def __init__(self, expected):
        self.expected, self.running, self.all_there = expected, 0, asyncio.Event()

    async def run(self, request):
        self.running += 1
        if self.running == self.expected:
            self.all_there.set()
        await self.all_there.wait()
        return RunResult({0: request.shots})


def story(computation=5):
    request = SimpleNamespace(payload=b"text", shots=4096, qubits=2, outcome_bits=2, depth_class=1)
    told = Story(computation=computation, requester="0x", organisation=1, escrow=1, request=request, replicas=3)
    told.status, told.phase_ends_at = ComputationStatus.Allocated, int(NOW) + 600
    told.duties = [Duty(0, 1, 1, AssignmentStatus.Assigned)]
    return told


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal", 1, "suite") as journal:
        yield journal


def executor(journal, gateway, engine=None):
    return Executor(gateway, SimpleNamespace(address="0x"), journal, engine, None, 1, 60.0, 1 << 20)


def test_two_long_circuits_run_at_once(journal):
    async def work():
        gateway = Gateway()
        daemon = executor(journal, gateway, Meeting(2))
        answers = (daemon.carry_out(Answer(number, 0, 1), story(number)) for number in (5, 6))
        await asyncio.wait_for(asyncio.gather(*answers), 60)  # one after the other, they would wait for ever
        return gateway.sent

    assert sorted(sent[:2] for sent in asyncio.run(work())) == [("commit", 5), ("commit", 6)]


def test_refused_step_costs_no_gas(journal):
    gateway = Gateway("TooFewEligibleProcessors")
    with pytest.raises(ContractRefused):
        asyncio.run(executor(journal, gateway).carry_out(Keep(5, Step.Backfill, (3, 4)), story()))
    assert gateway.simulated == [("backfill", 5, [3, 4])]
    assert gateway.sent == []


def test_step_that_a_pause_stops_is_tried_again_when_it_is_over():
    """What is no race would be given up for good."""
    assert "WorkStopped" in RACES


def test_reservations_are_tended_and_processors_drained(journal):
    gateway = Gateway()
    daemon = executor(journal, gateway)
    asyncio.run(daemon.carry_out(Tend(9, ReservationStep.Begin), None))
    asyncio.run(daemon.carry_out(Drain(True), None))
    assert gateway.sent == [("begin", 9), ("drain", 1, True)]
    assert gateway.simulated == [("begin", 9)]
