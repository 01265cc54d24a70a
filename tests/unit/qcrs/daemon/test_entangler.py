"""A daemon's loop for channels and sessions: nothing of it keeps the rest waiting, and nothing is asked for twice."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.gateway import ChainUnreachable
from qcrs.daemon import entangler as module
from qcrs.daemon.entangler import Entangler
from qcrs.daemon.entangling import Due, Step
from qcrs.daemon.outlook import Outlook
from tests.entanglement_events import ACCEPTED, DUE_AT, HERALDED, ME, created, known, passed, requested

RETESTED = (
    "ChannelRetested",
    {"channel": 7, "attempt": 2, "asker": 1, "seedCommitment": bytes(32), "fee": 0, "phaseEndsAt": DUE_AT},
)


class Gateway:
    """A chain without any event; *faults* is how often it does not answer when it is asked for some."""

    now, network = 1_000.0, SimpleNamespace(deployed_at=1)

    def __init__(self):
        self.faults = self.asked = 0

    async def logs(self, first, names):
        self.asked += 1
        if self.faults:
            self.faults -= 1
            raise ChainUnreachable("away")
        return []


class Errands:
    """Tells the chain something each time, once it may go on."""

    def __init__(self):
        self.runs, self.go_on = 0, asyncio.Event()
        self.go_on.set()

    async def run(self, known, processor):
        self.runs += 1
        await self.go_on.wait()
        return True


class Closing:
    """Talks and links: note that they are looked after, and closed."""

    def __init__(self):
        self.looks, self.closed = 0, False

    def look(self, known, processor, willing):
        self.looks += 1

    async def close(self):
        self.closed = True


@pytest.fixture
def entangler(monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    return Entangler(SimpleNamespace(gateway=Gateway()), Closing(), None, None, Closing(), Errands())


def serve(entangler, until):
    """Let *entangler* serve until *until* holds."""

    async def run():
        await entangler.catch_up()
        stop = asyncio.Event()
        serving = asyncio.create_task(entangler.run(stop, Outlook("0x", ME)))
        async with asyncio.timeout(30):
            while not until() and not serving.done():
                await asyncio.sleep(0.001)
        stop.set()
        await serving

    asyncio.run(run())


def test_no_errand_is_done_before_the_chain_was_looked_at_for_what_the_last_one_did(entangler):
    gateway, errands = entangler.sender.gateway, entangler.errands

    async def run():
        await entangler._run_errands(ME)
        assert (errands.runs, gateway.asked) == (1, 0)
        gateway.faults = 2
        for looks in (1, 2):
            await entangler._run_errands(ME)
            assert (errands.runs, gateway.asked) == (1, looks)
        await entangler._run_errands(ME)
        assert (errands.runs, gateway.asked) == (2, 3)

    asyncio.run(run())


def test_an_errand_that_takes_long_holds_nothing_else_up(entangler):
    entangler.errands.go_on.clear()
    serve(entangler, until=lambda: entangler.talks.looks > 5)
    assert entangler.errands.runs == 1
    assert entangler.talks.looks > 5


@pytest.mark.parametrize("step", [Step.Run, Step.Commit])
def test_what_is_begun_for_one_phase_or_test_does_not_end_as_if_for_another(entangler, step):
    """Events go on meanwhile, and may tell that what is being done was done before."""
    of_channel = step is Step.Commit
    story = [requested(), ACCEPTED, HERALDED] if of_channel else [*created(phases=3), passed(1)]
    later = RETESTED if of_channel else passed(2)
    entangler.known = known(*story)
    numbers = []

    async def carry_out(subject, *_):
        numbers.append(subject.attempt if of_channel else subject.phase)
        entangler.known.apply(*later, 9)
        await asyncio.sleep(0)
        numbers.append(subject.attempt if of_channel else subject.phase)

    entangler.end, entangler.member = SimpleNamespace(commit=carry_out), SimpleNamespace(run=carry_out)
    assert asyncio.run(entangler._perform(Due(step, 7 if of_channel else 4, 1), ME))
    assert numbers == [1, 1]
    assert entangler.known.channels[7].attempt == 2 if of_channel else entangler.known.sessions[4].phase == 2


def test_talks_and_links_are_closed_when_the_loop_is_left(entangler):
    serve(entangler, until=lambda: entangler.errands.runs)
    assert (entangler.talks.closed, entangler.links.closed) == (True, True)


def test_a_defect_ends_the_loop_and_closes_all_the_same(entangler):
    async def fail(*_):
        raise ZeroDivisionError("a defect")

    entangler.errands.run = fail
    with pytest.raises(ZeroDivisionError):
        serve(entangler, until=lambda: False)
    assert (entangler.talks.closed, entangler.links.closed) == (True, True)
