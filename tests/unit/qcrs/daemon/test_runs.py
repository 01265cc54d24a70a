"""What members' runs yield, over a real link, without a chain: circuits, memories, and those who lie in them."""

import asyncio
import re
import time
from contextlib import closing
from itertools import combinations
from types import SimpleNamespace

import pytest

from qcrs.daemon import runs
from qcrs.daemon.journal import Journal
from qcrs.daemon.runs import RECORD, CircuitRun, MemoryRun, RunRefused, run_of
from qcrs.daemon.seat import Seat
from qcrs.link.allowance import Taken
from qcrs.link.errors import SessionUnbound
from qcrs.link.talked import OpenChannel
from qcrs.model.entanglement import Group, Session, SessionRequest
from qcrs.quantum.correction.code import LEFT, Basis
from qcrs.quantum.correction.decoder import Decoded
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, Rates
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.correction.syndromes import phases_for
from qcrs.quantum.correction.verdict import decode
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.session_part import MemoryPart
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root
from qcrs.sdk import memory
from qcrs.sdk.crew import Crew
from qcrs.sdk.memory import MemoryPlan, VerdictMismatch, recompute
from qcrs.store import ContentUnavailable, Store
from tests.entangled import ghz
from tests.linked import link_file, on_link

MEMBERS = (3, 5, 8)
HALVES = (0, 2)  # 5 only decodes
SHOTS = 2_000
DEVICE = LocalNoise(one_qubit_ppm=200, two_qubit_ppm=2_000, readout_ppm=4_000)
FIDELITY = 0.96
JOB = Job.of(Memory(3, 2, Basis.Z), Noise(Rates.of_devices([DEVICE] * 2), Pair.werner(1 - FIDELITY)), SHOTS)
REFUSAL = RuntimeError("the link is not to be asked")


def soon():
    """Until when others' parts are waited for."""
    return time.monotonic() + 60


class Bound:
    """A chain on which all are bound once it is told so."""

    def __init__(self):
        self.bound = False

    async def taken(self, session, members):
        of = OpenChannel(1, 1, 10**9, 0)
        return {ends: [Taken(of, 10**9)] for ends in combinations(range(len(members)), 2)}

    async def require_bound(self, session):
        if not self.bound:
            raise SessionUnbound(f"session {session}")


class Table:
    """The members of one session, each with a journal of its own; the store and the link are common."""

    def __init__(self, folder, clients, chain, parts, phases, outcome_bits, device=DEVICE):
        request = SessionRequest(
            program_digest=bytes(32), secret_commitment=bytes(24), phases=phases, shots=SHOTS,
            outcome_bits=outcome_bits, fee=0, deposit=0, join_seconds=600, phase_seconds=600, report_seconds=600,
        )  # fmt: skip
        self.group = Group(1, "0x", request, 1, 0)
        self.session = Session(4, 4, MEMBERS, (bytes(32),) * 3, (), 0)
        self.store, self.chain = Store(str(folder / "store")), chain
        self.journals = [Journal(folder / f"{index}.sqlite", 1, "test") for index in range(3)]
        self.linked, self.clients, self.parts, self.device = True, clients, parts, device

    def run(self, index):
        async def link():
            if not self.linked:
                raise REFUSAL
            return self.clients[index]

        seat = Seat(
            self.session, self.group, index, self.journals[index], self.store, self.device,
            lambda: keccak(bytes([index])), link,
        )  # fmt: skip
        return run_of(seat, self.parts[index])

    async def pass_barriers(self, posted=None):
        """Pass all barriers but the last; *posted* changes what (phase, member) arrives with."""
        for phase in range(1, self.group.request.phases):
            files = await asyncio.gather(*(self.run(index).measured(phase, soon()) for index in range(3)))
            digests = {(phase, index): keccak(file or b"") for index, file in enumerate(files)}
            self.session.digests |= digests
            if posted is not None:
                self.session.digests |= posted(phase, digests)
        self.chain.bound = True

    async def counts(self):
        return await asyncio.gather(*(self.run(index).counts(soon()) for index in range(3)))


async def decoded_here(job, records, _limits=None):
    """Decode without a process of its own, which takes two seconds to start; and not in threads: at its first call
    Stim imports, and two of them at once wait for each other for ever."""
    return Decoded.model_validate_json(decode(job, records).to_json())


@pytest.fixture
def here(monkeypatch):
    """Have members and requester decode in this process."""
    monkeypatch.setattr(runs, "decode_apart", decoded_here)
    monkeypatch.setattr(memory, "decode_apart", decoded_here)


@pytest.fixture
def seated(tmp_path, monkeypatch):
    """Run work(table) at a table with a link."""
    monkeypatch.setattr(runs, "PATIENCE_SECONDS", 1.0)

    def run(work, parts, phases, outcome_bits=1, fidelity=FIDELITY, device=DEVICE):
        async def at(_url, *clients):
            table = Table(tmp_path, clients, chain, parts, phases, outcome_bits, device)
            with closing(table.journals[0]), closing(table.journals[1]), closing(table.journals[2]):
                return await work(table)

        chain = Bound()
        return on_link(at, *MEMBERS, file=link_file(fidelity), chain=chain, seconds=120)

    return run


def memory_parts(job=JOB):
    return [MemoryPart(member=index, halves=HALVES, job=job) for index in range(3)]


def detections(caplog):
    """What members logged of detectors: fired, expected."""
    found = re.findall(r"verdict=(0x\w+) .*detections=(\S+) expected=(\S+)", caplog.text)
    assert len({digest for digest, *_ in found}) == 1
    return float(found[0][1]), float(found[0][2])


def test_a_circuit_shares_its_shots_out_and_makes_one_histogram(seated):
    async def work(table):
        await table.pass_barriers()
        return await table.counts()

    told = seated(work, ghz(3), 4, 3, fidelity=1.0, device=LocalNoise())
    assert told[0] == told[1] == told[2]
    assert set(told[0]) == {0, 7}
    assert sum(told[0].values()) == SHOTS


def test_a_memory_is_run_once_and_all_decode_the_same(seated, caplog):
    caplog.set_level("INFO")

    async def work(table):
        await table.pass_barriers()
        first = [await table.run(index).measured(1, soon()) for index in range(3)]
        table.linked = False  # all that is left to do follows from journals and the store
        again = [await table.run(index).measured(1, soon()) for index in range(3)]
        return first, again, await table.counts()

    first, again, told = seated(work, memory_parts(), phases_for(JOB.rounds))
    assert first == again
    assert first[1] is None
    assert first[0] != first[2]
    assert told[0] == told[1] == told[2]
    assert sum(told[0].values()) == SHOTS
    assert 0 < told[0][1] < 0.1 * SHOTS
    fired, expected = detections(caplog)
    assert fired == pytest.approx(expected, rel=0.1)


def test_who_goes_away_once_all_have_begun_keeps_nobody_from_its_bits(seated):
    async def work(table):
        for index in range(3):
            await table.run(index).begin()
        return await table.run(0).measured(1, soon())

    assert seated(work, memory_parts(), phases_for(JOB.rounds)) is not None


def test_a_memory_without_noise_loses_nothing(here, seated):
    async def work(table):
        await table.pass_barriers()
        return await table.counts()

    told = seated(work, memory_parts(), phases_for(JOB.rounds), fidelity=1.0, device=LocalNoise())
    assert told == [{0: SHOTS}] * 3


def test_nothing_is_shown_before_all_are_bound(here, seated):
    async def work(table):
        await table.pass_barriers()
        return [await asyncio.to_thread(_held, table.store, digest) for digest in table.session.digests.values()]

    assert not any(seated(work, memory_parts(), phases_for(JOB.rounds)))


def _held(store, digest):
    try:
        return bool(store.get(digest))
    except ContentUnavailable:
        return False


def scrambled(record):
    """The record with other bits in the later shots."""
    half = len(record) // 2
    return record[:half] + bytes(byte ^ (0x15 * number & 0x7F) for number, byte in enumerate(record[half:]))


def flipped_along_the_logical_operator(record):
    """The record with all outcomes of the code's left column, which is the left half's, the other way round."""
    *rounds, data = (JOB.batch(LEFT, record, number) for number in range(JOB.rounds + 1))
    return JOB.record_of(LEFT, [*rounds, bytes(shot ^ 0b111 for shot in data)])


def told_by_liars(seated, change):
    """What all members make of it when the left half changes its record before it is bound."""

    async def work(table):
        keep = table.journals[0].keep
        table.journals[0].keep = lambda kind, session, number, content: keep(
            kind, session, number, change(content) if kind == RECORD else content
        )
        await table.pass_barriers()
        return await table.counts()

    told = seated(work, memory_parts(), phases_for(JOB.rounds))
    assert told[0] == told[1] == told[2]
    return told[0]


def test_a_half_that_alters_its_record_before_it_is_bound_shows_in_the_detectors(here, seated, caplog):
    caplog.set_level("INFO")
    told_by_liars(seated, scrambled)
    fired, expected = detections(caplog)
    assert fired > 1.5 * expected


def test_a_lie_along_a_logical_operator_shows_in_no_detector(here, seated, caplog):
    """What remains: one run alone does not show that its outcomes were measured; runs by others are compared."""
    caplog.set_level("INFO")
    assert told_by_liars(seated, flipped_along_the_logical_operator)[1] > 0.9 * SHOTS
    fired, expected = detections(caplog)
    assert fired == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("lie", ["shows another file", "posts the other half's digest", "shows nothing"])
def test_a_half_that_is_bound_to_what_it_does_not_show_stops_nobody(here, seated, lie):
    def posted(phase, digests):
        if lie == "posts the other half's digest":
            return {(phase, 0): digests[phase, 2]}
        return {(phase, 0): keccak(b"another file")} if lie == "shows another file" else {}

    async def work(table):
        await table.pass_barriers(posted)
        honest = await asyncio.gather(table.run(1).counts(soon()), table.run(2).counts(soon()))
        measured = tuple(table.journals[index].kept(RECORD, 4, 0) for index in HALVES)
        return honest, measured

    honest, measured = seated(work, memory_parts(), phases_for(JOB.rounds))
    errors = decode(JOB, measured).logical_error.errors
    assert honest == [{0: SHOTS - errors, 1: errors}] * 2


def test_the_requester_decodes_again_and_finds_a_verifier_s_lie(here, seated):
    async def work(table):
        await table.pass_barriers()
        told = await table.counts()
        crew = Crew(MEMBERS, 1, {1: 10}, {HALVES: 1}, 0)
        plan = MemoryPlan(SimpleNamespace(), JOB, [crew], SimpleNamespace(), (0.0, 1.0))
        table.session.reports = {index: (counts_root(counts), []) for index, counts in enumerate(told)}
        found = await recompute(table.store, plan, table.session)
        table.session.reports[1] = (counts_root({0: SHOTS - 1, 1: 1}), [])
        with pytest.raises(VerdictMismatch, match="members reported"):
            await recompute(table.store, plan, table.session)
        return told, found

    told, found = seated(work, memory_parts(), phases_for(JOB.rounds))
    assert found.counts == told[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"member": 1}, "member 1"),
        ({"halves": (0, 3)}, "expected two of 3 members"),
        ({"job": JOB.model_copy(update={"shots": SHOTS + 1})}, "2001 shots"),
    ],
)
def test_a_part_for_another_session_is_refused(tmp_path, change, message):
    table = Table(tmp_path, [], Bound(), [memory_parts()[0].model_copy(update=change)], 4, 1)
    with pytest.raises(RunRefused, match=message):
        table.run(0)
    for journal in table.journals:
        journal.close()


def test_kinds_are_told_apart(tmp_path):
    table = Table(tmp_path, [], Bound(), [memory_parts()[0], ghz(3)[1]], 4, 1)
    assert isinstance(table.run(0), MemoryRun)
    assert isinstance(table.run(1), CircuitRun)
    for journal in table.journals:
        journal.close()
