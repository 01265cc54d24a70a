"""The watch: quiet while all is well, loud when it is not, and not deceived by a node that stumbles."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from qcrs.chain.gateway import WrongChain
from qcrs.cli import audit as command
from qcrs.cli import main
from qcrs.errors import QcrsError
from qcrs.model.finding import Finding, Level, Standing
from qcrs.rules import count_sketch
from qcrs.rules.replay import LoggedEvent
from qcrs.sdk import inspection, watch
from qcrs.sdk.inspection import Reason
from qcrs.sdk.watch import Watch, follow
from qcrs.store import Store
from tests.job import honest
from tests.unit.qcrs.audit.live import LiveNode, world_of
from tests.unit.qcrs.audit.stories import STORIES

WIDE = {"outcome_bits": 10, "qubits": 10}
NEVER = 1e9


class Seat:
    """One auditor before one chain."""

    def __init__(self, folder, processors=5):
        self.world = world_of(processors)
        self.node = LiveNode(self.world)
        self.store = Store(str(folder / "store"))
        self.found: list[Finding] = []
        self.evidence: list[tuple[int, int, Reason]] = []
        self.watch = self.another()

    def another(self, **more):
        return Watch(self.node, self.store, self.found.append, self._prepare, **more)

    async def _prepare(self, computation, seat, reason):
        self.evidence.append((computation, seat, reason))

    def look(self) -> Standing:
        return asyncio.run(self.watch.look())

    def levels(self):
        return [finding.level for finding in self.found]

    def alarms(self):
        return [finding for finding in self.found if finding.level is Level.Alarm]

    def keep(self, job):
        for index in job.counts:
            self.store.put_histogram(job.root(index), job.counts[index])

    def settle(self, **request):
        job = self.world.submit(**request)
        job.to_revealing()
        self.keep(job)
        job.reveal_all().settle()
        return job


@pytest.fixture
def seat(tmp_path):
    return Seat(tmp_path)


def lie(name, **arguments):
    """Return what changes the last event of a name, wherever it stands."""

    def change(event):
        return replace(event, arguments={**event.arguments, **arguments}) if event.name == name else event

    return change


def without(name):
    return lambda event: None if event.name == name else event


# --- an honest chain ---


def test_a_chain_is_followed_as_it_grows(seat):
    assert seat.look().computations == 0
    for count in range(1, 4):
        seat.settle(**WIDE)
        standing = seat.look()
        assert (standing.computations, standing.histograms) == (count, 3 * count)
        assert standing.entries == seat.world.trail.head()[1]
        assert standing.block == seat.world.chain.number - 1
        assert standing.status == "holds"
    assert seat.found == []


def test_a_batch_may_end_anywhere_between_blocks(seat):
    seat.look()
    job = seat.world.submit().allocate()
    seat.look()
    for index in range(3):
        job.commit(index)
        seat.look()
    job.disclose()
    for index in range(3):
        seat.look()
        job.reveal(index)
    seat.look()
    job.settle()
    assert seat.look().histograms == 3
    assert seat.found == []


def test_everything_that_can_happen_is_followed_step_by_step(tmp_path):
    seat = Seat(tmp_path, processors=9)
    seat.watch = seat.another(claims_seconds=0.0)
    for tell in STORIES:
        tell(seat.world)
        seat.look()
    # Only wide computations' histograms have to come from the store, where nobody put them: 5 of the wide one, 3 and 4
    # of the escalated one's rounds, and 5 each of the one with gold rounds and the one that was challenged.
    assert {finding.level for finding in seat.found} == {Level.Warning}
    assert {finding.kind for finding in seat.found} == {"histogram"}
    standing = seat.look()
    assert (standing.missing, standing.alarms) == (5 + 7 + 5 + 5, ())
    assert standing.entries == seat.world.trail.head()[1]


def test_looking_again_reads_no_more_than_it_must(seat):
    seat.settle()
    seat.look()
    seat.node.asked.clear()
    seat.look()
    assert seat.node.asked == ["eth_getBlockByNumber"]
    seat.world.beat()
    seat.look()
    assert seat.node.asked.count("eth_call") == 1  # the head


def test_claims_are_compared_again_when_it_is_time(seat):
    seat.settle()
    seat.look()
    seat.watch._claims_seconds = 0.0
    seat.node.asked.clear()
    seat.look()
    assert "eth_getBalance" in seat.node.asked


# --- a chain that lies ---


@pytest.mark.parametrize(
    "change",
    [
        lie("ComputationSettled", accepted=1),
        lie("ComputationConcluded", beacon=bytes(24)),
        lie("EntryAppended", digest=bytes(32)),
        lie("ResultRevealed", salt=bytes(32)),
        without("ComputationPaid"),
        without("ComputationSettled"),
        without("EntryAppended"),
    ],
)
def test_what_does_not_follow_twice_is_an_alarm(seat, change):
    seat.look()
    job = seat.settle()
    seat.node.change, seat.node.changes_left = change, 2
    standing = seat.look()
    assert seat.levels() == [Level.Warning, Level.Alarm]
    assert standing.status == "alarm"
    assert standing.alarms == (seat.alarms()[0].text,)
    assert seat.found[0].computation in (job.id, None)


def test_a_log_whose_end_is_cut_off_is_told_by_the_head(seat):
    seat.look()
    first = seat.world.chain.number
    seat.settle()
    seat.node.change, seat.node.changes_left = (lambda event: event if event.block < first else None), 2
    seat.look()
    assert "head()" in seat.alarms()[0].text


def test_a_log_that_breaks_the_replay_does_not_silence_it(seat):
    seat.look()
    seat.settle()
    seat.node.change = lambda event: (
        replace(event, arguments={"computation": 1}) if event.name == "ResultCommitted" else event
    )
    seat.node.changes_left = 2
    seat.look()
    assert "KeyError" in seat.alarms()[0].text


def test_coin_that_is_not_there_is_an_alarm_when_claims_are_compared(seat):
    seat.settle()
    seat.node.overrides["coin"] = "0x1"
    seat.look()
    assert "coin that the escrow holds" in seat.alarms()[0].text


def test_an_alarm_is_raised_once_and_stands(seat):
    seat.settle()
    seat.node.change, seat.node.changes_left = lie("ComputationSettled", accepted=1), 100
    for _ in range(3):
        seat.world.beat()
        assert seat.look().status == "alarm"
    seat.watch._claims_seconds = 0.0  # it is looked at again from time to time
    assert seat.look().status == "alarm"
    assert len(seat.alarms()) == 1


def test_an_alarm_ends_when_everything_follows_after_all(seat):
    seat.settle()
    seat.node.change, seat.node.changes_left = lie("ComputationSettled", accepted=1), 2
    assert seat.look().status == "alarm"
    seat.watch._claims_seconds = 0.0
    assert seat.look().status == "holds"
    assert seat.levels() == [Level.Warning, Level.Alarm, Level.Note]


# --- a node that stumbles ---


def test_a_gap_in_the_log_is_read_again_and_no_alarm(seat):
    seat.look()
    seat.settle()
    seat.node.change, seat.node.changes_left = without("ResultRevealed"), 1
    standing = seat.look()
    assert standing.status == "holds"
    assert standing.histograms == 3
    assert seat.levels() == [Level.Warning, Level.Note]


def test_a_reorganised_chain_is_replayed_anew(seat):
    seat.settle()
    seat.look()
    with seat.world.chain.undone():
        seat.settle()
        seat.world.beat()
        assert seat.look().computations == 2
    seat.node.fork = b"another"
    for _ in range(40):
        seat.world.beat()
    standing = seat.look()
    assert [finding.text for finding in seat.found] == ["the chain was reorganised; replaying it anew"]
    assert (standing.computations, standing.status) == (1, "holds")
    assert seat.node.connected == 1


def test_histograms_are_not_inspected_again_after_a_reorganisation(seat, monkeypatch):
    seat.settle(**WIDE)
    assert seat.look().histograms == 3
    seat.node.fork = b"another"
    monkeypatch.setattr(seat.store, "get_histogram", None)
    assert seat.look().histograms == 3
    assert seat.alarms() == []


def test_a_block_replaced_while_it_is_read_is_no_alarm(seat):
    seat.look()
    seat.settle()
    original = seat.node.logs

    async def logs(first, last):
        seat.node.fork += b"again"
        return await original(first, last)

    seat.node.logs = logs
    seat.look()
    seat.node.logs = original
    assert seat.look().status == "holds"
    assert {finding.kind for finding in seat.found} == {"chain"}


def test_a_block_that_goes_away_while_it_is_read_is_no_alarm(seat):
    seat.settle()
    seat.node.gone.add(seat.world.chain.number - 1)
    seat.look()
    seat.node.gone.clear()
    assert seat.look().status == "holds"


def test_a_node_that_lags_is_waited_for(seat):
    seat.settle()
    seat.look()
    seat.node.hidden_blocks = 3
    assert seat.look().status == "holds"
    assert seat.node.connected == 1  # which tells whether it is still the same chain
    seat.node.hidden_blocks = 0
    seat.settle()
    assert seat.look().computations == 2
    assert seat.found == []


# --- histograms ---


def test_a_histogram_tampered_with_in_the_store_is_an_alarm(seat):
    job = seat.settle(**WIDE)
    seat.store.put_histogram(job.root(1), {0: 4096})
    standing = seat.look()
    (alarm,) = seat.alarms()
    assert (alarm.kind, alarm.computation, alarm.seat) == ("histogram", job.id, 1)
    assert (standing.status, standing.histograms) == ("alarm", 2)
    assert seat.evidence == [(job.id, 1, Reason.Content)]
    seat.world.beat()
    seat.look()
    assert len(seat.alarms()) == 1


def test_a_histogram_with_another_sketch_is_an_alarm(seat):
    job = seat.world.submit(**WIDE)
    job.to_revealing()
    seat.keep(job)
    seed = seat.world.records.seedOf(job.id)
    true, forged = job.sketch, count_sketch.sketch_of({3: 4096}, 10, seed)
    job.sketch = lambda index: forged if index == 2 else true(index)
    job.reveal_all().settle()
    seat.look()
    assert seat.evidence == [(job.id, 2, Reason.Sketch)]
    assert "does not have the revealed sketch" in seat.alarms()[0].text


def test_a_histogram_of_other_shots_is_an_alarm(seat):
    job = seat.world.submit(**WIDE).allocate()
    fewer = {0: 2000, 1023: 2000}
    for index in range(3):
        job.commit(index, fewer if index == 1 else None)
    job.disclose()
    seat.keep(job)
    seed = seat.world.records.seedOf(job.id)
    true = job.sketch
    job.sketch = lambda index: count_sketch.sketch_of(honest(1, 10), 10, seed) if index == 1 else true(index)
    job.reveal_all().settle()
    seat.look()
    assert seat.evidence == [(job.id, 1, Reason.Shots)]


def test_a_short_histogram_needs_no_store_and_must_have_its_root(seat):
    job = seat.world.submit()
    job.allocate()
    for index in range(3):
        job.commit(index)
    job.disclose()
    seed, true = seat.world.records.seedOf(job.id), job.sketch
    job.sketch = lambda index: count_sketch.sketch_of({0: 4096}, 2, seed) if index == 0 else true(index)
    job.reveal_all().settle()
    standing = seat.look()
    assert seat.evidence == [(job.id, 0, Reason.Sketch)]
    assert standing.histograms == 2


def test_each_reveal_is_held_to_the_seed_of_its_round(tmp_path):
    seat = Seat(tmp_path, processors=9)
    job = seat.world.submit(**WIDE).to_revealing()
    job.reveal(0)
    seat.keep(job)
    job.end_phase()
    seat.world.allocator.reallocate(job.id, sender=seat.world.keeper)
    for index in (1, 2):
        seat.world.bond(job.node(index).id)
    job.to_revealing()
    seat.keep(job)
    job.reveal_all().settle()
    assert seat.look().histograms == 4
    assert seat.found == []


def test_a_missing_histogram_is_a_warning_until_it_comes(seat, monkeypatch):
    job = seat.world.submit(**WIDE)
    job.to_settled()
    standing = seat.look()
    assert seat.levels() == [Level.Warning] * 3
    assert (standing.status, standing.missing, standing.histograms) == ("holds", 3, 0)
    assert seat.evidence == []
    seat.keep(job)
    seat.look()
    assert seat.watch.standing.missing == 3  # not asked for again yet
    monkeypatch.setattr(inspection.time, "monotonic", lambda: NEVER)
    standing = seat.look()
    assert (standing.missing, standing.histograms) == (0, 3)
    assert seat.levels() == [Level.Warning] * 3 + [Level.Note] * 3


def test_a_histogram_is_not_asked_for_for_ever(seat, monkeypatch):
    seat.world.submit(**WIDE).to_settled()
    monkeypatch.setattr(inspection, "RETRY_SECONDS", 0.0)
    asked = []
    original = seat.store.get_histogram
    monkeypatch.setattr(seat.store, "get_histogram", lambda root: asked.append(root) or original(root))
    for _ in range(inspection.MOST_TRIES + 5):
        seat.look()
    assert len(asked) == 3 * inspection.MOST_TRIES
    assert seat.watch.standing.missing == 3


def test_evidence_that_cannot_be_prepared_is_a_warning(seat):
    async def fail(*_):
        raise QcrsError("no bond")

    seat.watch = Watch(seat.node, seat.store, seat.found.append, fail)
    job = seat.settle(**WIDE)
    seat.store.put_histogram(job.root(1), {0: 4096})
    seat.look()
    assert seat.levels() == [Level.Alarm, Level.Warning]
    assert "no evidence was prepared: no bond" in seat.found[-1].text


# --- for ever ---


def following(seat, steps, open_watch=None):
    """Follow; each of *steps* is called after a look, or after a warning of the chain, and the last one ends it."""
    stop, stood, left = asyncio.Event(), [], list(steps)

    def step():
        if left:
            left.pop(0)()
        if not left:
            stop.set()

    def told(standing):
        stood.append(standing)
        step()

    def tell(finding):
        seat.found.append(finding)
        if finding.kind == "chain" and "will try again" in finding.text:
            step()

    make = open_watch or (lambda tell: Watch(seat.node, seat.store, tell))
    asyncio.run(follow(make, tell, told, stop, poll_seconds=0.0))
    return stood


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(watch, "RETRY_SECONDS", (0.0, 0.0))


def test_a_node_that_is_down_is_tried_again(seat, at_once):
    stood = following(
        seat,
        [
            lambda: setattr(seat.node, "down", 5),
            lambda: None,  # after the one warning
            lambda: seat.settle(),
            lambda: None,
        ],
    )
    assert [standing.computations for standing in stood] == [0, 0, 1]
    (warning,) = seat.found
    assert warning.text == "cannot be followed, will try again: nobody answers, 5 times more"
    assert seat.node.down == 0


def test_a_chain_that_was_restarted_is_followed_from_its_new_network_file(seat, tmp_path, at_once):
    other = Seat(tmp_path / "other")
    other.settle()
    opened = []

    def open_watch(tell):
        opened.append(tell)
        one = seat if len(opened) == 1 else other
        return Watch(one.node, one.store, tell)

    def restart():
        seat.node.hidden_blocks = 10
        seat.node.wrong = WrongChain("starts from another block")

    stood = following(seat, [restart, lambda: None, lambda: None], open_watch)
    assert [standing.computations for standing in stood] == [0, 1]
    assert len(opened) == 2


# --- the command ---


@pytest.fixture
def served(seat, monkeypatch):
    monkeypatch.setattr(command, "network_of", lambda options: SimpleNamespace(store=seat.store.location))
    monkeypatch.setattr(command, "Gateway", lambda network: seat.node)
    return seat


def test_the_command_is_quiet_about_an_honest_chain(served, capsys):
    served.settle(**WIDE)
    assert main(["audit", "watch", "--once"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("all follows: ")
    assert "1 computations, 3 histograms" in captured.out
    assert captured.err == ""


def test_the_command_raises_an_alarm(served, capsys):
    job = served.settle(**WIDE)
    served.store.put_histogram(job.root(1), {0: 4096})
    assert main(["audit", "watch", "--once", "--json"]) == 1
    captured = capsys.readouterr()
    alarm, standing = map(json.loads, captured.out.splitlines())
    assert (alarm["event"], alarm["kind"], alarm["computation"], alarm["seat"]) == ("alarm", "histogram", job.id, 1)
    assert (standing["event"], standing["status"]) == ("standing", "alarm")
    assert captured.err.startswith("ALARM: computation 1, processor ")
    assert len(captured.err.splitlines()) == 1


def test_a_missing_histogram_is_no_reason_for_exit_code_one(served, capsys):
    served.world.submit(**WIDE).to_settled()
    assert main(["audit", "watch", "--once"]) == 0
    captured = capsys.readouterr()
    assert "3 histograms are missing" in captured.out
    assert captured.err.count("warning: ") == 3


def test_the_command_follows_until_it_is_stopped(served, monkeypatch, capsys):
    async def some(open_watch, tell, told, stop):
        tell(Finding(Level.Alarm, "replay", "wrong", entry=3))
        for block in (7, 8):
            told(Standing(block=block, entries=1))
        told(Standing(block=9, entries=2))

    monkeypatch.setattr(command, "follow", some)
    assert main(["audit", "watch"]) == 1
    captured = capsys.readouterr()
    assert [line.split("up to ")[1] for line in captured.out.splitlines()] == ["block 7", "block 9"]
    assert captured.err == "ALARM: wrong\n"


# --- in words ---


def test_a_finding_says_only_what_it_is_about():
    finding = Finding(Level.Alarm, "replay", "wrong", 7, entry=3)
    assert finding.to_json() == {"event": "alarm", "kind": "replay", "text": "wrong", "block": 7, "entry": 3}
    assert str(replace(finding, level=Level.Note)) == "note: wrong"


def test_events_that_are_about_no_computation_are_no_story(seat):
    seat.watch._inspection.learn(LoggedEvent("Deposited", "ComputationAllocator", {}, 1))
    assert seat.watch.standing.missing == 0
