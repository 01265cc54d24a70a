"""Who has reserved the processor is served from the store, and nobody else."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.interactive import Run, Seal, answer_name
from qcrs.daemon.host import Host
from qcrs.daemon.outlook import Outlook
from qcrs.model.booking import Booking
from qcrs.model.refusal import RefusalCode
from qcrs.model.reservation import ReservationStatus
from qcrs.quantum.request import RunResult
from qcrs.store import Store
from tests.unit.qcrs.chain.test_interactive import DAEMON, REQUESTER

ADDRESSES = {"Reservations": "0x" + "11" * 20}
SEAL = Seal(1337, ADDRESSES["Reservations"])
NOW, MINE = 1_000_000.0, 7
COUNTS = {0: 60, 3: 40}


class Engine:
    """Answers alike, and notes what it was asked and how much at once."""

    def __init__(self):
        self.asked, self.now, self.most = [], 0, 0

    async def run(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        self.asked.append(request)
        return RunResult(dict(COUNTS))


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr("qcrs.daemon.host.POLL_SECONDS", 0.01)
    gateway = SimpleNamespace(now=NOW, addresses=ADDRESSES, network=SimpleNamespace(chain_id=1337))
    return Host(gateway, DAEMON, Engine(), Store(str(tmp_path)), 60.0, 1 << 20)


def booking(**changes):
    fields = {
        "reservation": 3, "requester": REQUESTER.address, "organisation": 1, "processors": (MINE, 9), "qubits": 5,
        "starts_at": int(NOW) - 10, "ends_at": int(NOW) + 10, "escrow": 1, "status": ReservationStatus.Active,
    }  # fmt: skip
    return Booking(**(fields | changes))


def run_of(**changes):
    fields = {
        "reservation": 3,
        "processor": MINE,
        "nonce": 1,
        "shots": 100,
        "qubits": 2,
        "outcome_bits": 2,
        "text": "x",
    }
    return Run(**(fields | changes))


def leave(host, run, signer=REQUESTER, name=None, box=None):
    name = name or SEAL.name_of(run)
    host.store.post(box or run.box, name, SEAL.sign_run(signer, run))
    return name


class Rounds(dict):
    """Counts how often the host has looked at its bookings."""

    looks = 0

    def values(self):
        self.looks += 1
        return super().values()


def serve(host, *bookings, until=None):
    """Let the host work until *until* holds, or for several rounds."""
    outlook = Outlook(DAEMON.address, MINE)
    outlook.bookings.by_id = rounds = Rounds((one.reservation, one) for one in bookings)

    async def work():
        stop = asyncio.Event()
        serving = asyncio.create_task(host.run(stop, outlook))
        async with asyncio.timeout(60):
            while not (until() if until else rounds.looks > 20) and not serving.done():
                await asyncio.sleep(0.01)
        stop.set()
        await serving

    asyncio.run(work())


def answered(host, name, box="reservation-3-7"):
    return answer_name(name) in host.store.names(box)


def test_circuit_is_run_and_the_answer_signed(host):
    run = run_of()
    name = leave(host, run)
    serve(host, booking(), until=lambda: answered(host, name))
    content = host.store.fetch(run.box, answer_name(name))
    assert SEAL.open_answer(content, run, DAEMON.address) == (COUNTS, 0)
    [asked] = host.engine.asked
    assert (asked.text, asked.shots, asked.qubits, asked.outcome_bits) == ("x", 100, 2, 2)
    assert asked.time_limit_seconds <= 10  # no longer than the reservation lasts


def test_one_runs_at_a_time_and_each_once(host):
    names = [leave(host, run_of(nonce=nonce)) for nonce in range(4)]
    serve(host, booking(), until=lambda: all(answered(host, name) for name in names))
    serve(host, booking())
    assert len(host.engine.asked) == 4
    assert host.engine.most == 1


def test_more_qubits_than_reserved_are_refused(host):
    run = run_of(qubits=6)
    name = leave(host, run)
    serve(host, booking(), until=lambda: answered(host, name))
    content = host.store.fetch(run.box, answer_name(name))
    assert SEAL.open_answer(content, run, DAEMON.address) == (None, RefusalCode.TooManyQubits)
    assert host.engine.asked == []


@pytest.mark.parametrize(
    "strange",
    [
        {"signer": DAEMON},
        {"run": run_of(processor=9), "box": "reservation-3-7"},
        {"run": run_of(reservation=4), "box": "reservation-3-7"},
        {"name": "00" * 32},
    ],
    ids=["another signer", "another processor", "another reservation", "another name"],
)
def test_what_is_not_for_this_reservation_is_passed_over(host, strange):
    name = leave(host, strange.pop("run", run_of()), **strange)
    good = leave(host, run_of(nonce=99))
    serve(host, booking(), until=lambda: answered(host, good))
    assert answered(host, good)
    assert not answered(host, name)


@pytest.mark.parametrize(
    "changes", [{"status": ReservationStatus.Prepared}, {"ends_at": int(NOW)}], ids=["prepared", "over"]
)
def test_nothing_is_run_outside_the_reservations_time(host, changes):
    leave(host, run_of())
    serve(host, booking(**changes))
    assert host.engine.asked == []
