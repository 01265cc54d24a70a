"""What a requester of sessions does by itself: its own secret, and what nobody else has done."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.sdk.session import COORDINATOR, STEP_PAUSE_SECONDS, Requester
from tests.entanglement_events import ARMED, DUE_AT, OPENED, SEEDED, arrived, created, joined, known, passed, reported

SECRET = b"\7" * 24
ARMING = [joined(0), joined(1), ARMED]
BOUND = [
    *ARMING, arrived(0, 0), arrived(1, 0), passed(1), arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2),
    arrived(1, 2), passed(3, ends_at=0), OPENED,
]  # fmt: skip
FINAL = ("SessionFinished", {"session": 4, "reportDigest": bytes(32)})


class Gateway:
    """Notes what is sent; *refusal* is what simulations end with."""

    def __init__(self):
        self.now, self.refusal, self.sent = float(DUE_AT), None, []

    async def simulate(self, account, *call, value=0):
        if self.refusal is not None:
            raise self.refusal

    async def send(self, account, contract, function, *arguments, value=0):
        assert contract == COORDINATOR
        self.sent.append((function, *arguments))


@pytest.fixture
def gateway():
    return Gateway()


def step(gateway, *events, secret=SECRET, times=1):
    """Return what a requester who knows *events* and *secret* sends."""
    requester = Requester(gateway, None, SimpleNamespace(behind=lambda commitment: secret), None)
    everything = known(*events)

    async def run():
        for _ in range(times):
            await requester._step(everything.groups[4], everything)

    asyncio.run(run())
    return gateway.sent


def test_its_secret_is_disclosed_as_long_as_it_counts_and_then_the_beacon_stands_in(gateway):
    wide = [*created(outcome_bits=9), *BOUND]
    assert step(gateway, *wide) == [("disclose", 4, SECRET)]
    gateway.sent, gateway.now = [], DUE_AT + 1.0
    assert step(gateway, *wide) == [("substituteSecret", 4)]


def test_a_secret_that_is_not_here_is_waited_for(gateway):
    assert step(gateway, *created(outcome_bits=9), *BOUND, secret=None) == []


@pytest.mark.parametrize("events", [[], ARMING, [*BOUND, SEEDED]], ids=["forming", "armed", "reporting"])
def test_who_is_late_is_so_when_keepers_have_had_their_time(gateway, events):
    story = [*created(outcome_bits=9), *events]
    gateway.now = DUE_AT + STEP_PAUSE_SECONDS
    assert step(gateway, *story) == []
    gateway.now += 1
    assert step(gateway, *story) == [("enforce", 4)]


def test_what_has_a_result_is_concluded(gateway):
    told = [*created(), *BOUND, reported(0), reported(1), FINAL]
    assert step(gateway, *told) == [("conclude", 4, [b"\6" * 32], [9])]


def test_nothing_is_sent_that_is_refused_nor_tried_at_every_look(gateway):
    gateway.now = DUE_AT + STEP_PAUSE_SECONDS + 1
    assert step(gateway, *created(), times=3) == [("enforce", 4)]
    gateway.sent, gateway.refusal = [], ContractRefused("SessionNotDue", {})
    assert step(gateway, *created()) == []
