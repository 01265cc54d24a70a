"""Which way a report goes, and what a daemon leaves to a relayer: once, the same again after a restart, never twice."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from eth_account import Account

from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.chain.report import SignedCommit
from qcrs.chain.spool import Spool
from qcrs.daemon.duties import RELAY_SECONDS, Answer, HandIn, Reveal, View, decide, relayed_until, subject_of
from qcrs.daemon.execution import Executor
from qcrs.daemon.journal import Answer as Journalled
from qcrs.daemon.journal import Journal
from qcrs.daemon.outbox import Outbox
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Duty, Story
from qcrs.rules import commitment
from qcrs.rules.histogram import counts_root

NOW = 1_000_000.0
ENDS = int(NOW) + 100
RULES = b"\1" * 32
COUNTS = {0: 2000, 3: 2096}
ADDRESSES = {
    name: f"0x{number:040x}"
    for number, name in enumerate(("ReportRelay", "ResultVerifier", "ComputationAllocator", "ProcessorRegistry"), 1)
}
ANSWER, REVEAL = Answer(5, 0, 1), Reveal(5, 0, 1)


def story(status=AssignmentStatus.Assigned, **changes):
    told = Story(
        computation=5, requester="0x", organisation=1, escrow=1, request=SimpleNamespace(outcome_bits=2), replicas=3,
        attempt=1,
    )  # fmt: skip
    told.status, told.phase_ends_at = ComputationStatus.Allocated, ENDS
    told.duties = [Duty(0, 1, 1, status)]
    for name, value in changes.items():
        setattr(told, name, value)
    return told


def view(told, **changes):
    known = View(
        processor=1, rank=0, now=NOW, last_beat_at=NOW, heartbeat_seconds=10**6, stories={5: told}, since={5: NOW},
        keeper=False, rules=RULES,
    )  # fmt: skip
    return replace(known, **changes)


# --- the decision ---


def test_without_a_relay_a_report_is_sent():
    assert decide(view(story(), rules=b"")) == [ANSWER]


def test_with_a_relay_reports_are_handed_in():
    assert decide(view(story())) == [HandIn(ANSWER, 1, RULES)]
    committed = story(AssignmentStatus.Committed, seed=bytes(32))
    assert decide(view(committed)) == [HandIn(REVEAL, 1, RULES)]


@pytest.mark.parametrize("report", [ANSWER, REVEAL])
def test_report_that_nobody_takes_is_sent_when_half_of_the_time_is_over(report):
    told = story() if report is ANSWER else story(AssignmentStatus.Committed, seed=bytes(32))
    handed = {report: NOW}
    assert decide(view(told, handed=handed, now=NOW + 49.9)) == [HandIn(report, 1, RULES)]
    assert decide(view(told, handed=handed, now=NOW + 50)) == [report]


def test_report_that_was_taken_is_neither_sent_nor_handed_in():
    told = story(AssignmentStatus.Committed)
    assert decide(view(told, handed={ANSWER: NOW}, now=NOW + 99)) == []


def test_other_rules_and_other_rounds_want_another_signature():
    told = story()
    first = decide(view(told))
    assert decide(view(told, rules=b"\2" * 32)) == [HandIn(ANSWER, 1, b"\2" * 32)] != first
    told.attempt = 2
    assert decide(view(told)) == [HandIn(ANSWER, 2, RULES)] != first


def test_change_of_rules_gives_the_relayer_no_more_time():
    assert decide(view(story(), rules=b"\2" * 32, handed={ANSWER: NOW}, now=NOW + 50)) == [ANSWER]


def test_no_two_ways_are_taken_at_once():
    assert subject_of(HandIn(ANSWER, 1, RULES)) == subject_of(HandIn(ANSWER, 2, b"")) == subject_of(ANSWER) == ANSWER


@pytest.mark.parametrize(
    ("handed_at", "until"),
    [
        (ENDS - 100, ENDS - 50),
        (ENDS - 2 * RELAY_SECONDS, ENDS - RELAY_SECONDS),
        (ENDS - 2 * RELAY_SECONDS + 1, ENDS - 2 * RELAY_SECONDS + 1),
        (ENDS, ENDS),
        (ENDS + 5, ENDS + 5),
        (float("-inf"), float("-inf")),
    ],
)
def test_relayer_has_half_of_what_is_left_or_nothing(handed_at, until):
    assert relayed_until(handed_at, ENDS) == until


# --- carrying it out ---


class Gateway:
    """A chain that answers one call and keeps what is sent."""

    def __init__(self):
        self.network = SimpleNamespace(chain_id=1337)
        self.addresses, self.now, self.sent = ADDRESSES, NOW, []

    async def call(self, contract, function, *arguments, **_):
        assert (contract, function, arguments) == ("ProcessorRegistry", "operatorOf", (1,))
        return "0x" + "99" * 20

    async def send(self, account, contract, function, *arguments):
        self.sent.append((contract, function, arguments))


class Shelf:
    """A store that takes everything."""

    def put_histogram(self, root, counts):
        """Take it."""


class Engine:
    """Runs nothing: the answers are in the journal."""

    async def run(self, request):
        raise AssertionError("the journal had the answer")


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def start(tmp_path, spool):
    """Start a daemon, and stop the one before."""
    journals = []

    def begin():
        for journal in journals:
            journal.close()
        journal = Journal(tmp_path / "journal", 1337, "suite")
        journals.append(journal)
        journal.record(5, 0, 1, Journalled(b"\7" * 32, counts_root(COUNTS), COUNTS))
        outbox = Outbox(spool, journal)
        outbox.follow(gateway := Gateway(), DEFAULT_POLICY)
        account = Account.from_key("0x" + "11" * 32)
        return Executor(gateway, account, journal, Engine(), Shelf(), 1, 1.0, 1, outbox=outbox)

    yield begin
    for journal in journals:
        journal.close()


def do(executor, told):
    """Let the daemon decide and carry out."""
    outbox = executor.outbox
    (action,) = decide(view(told, now=executor.gateway.now, rules=outbox.rules, handed=outbox.handed))
    asyncio.run(executor.carry_out(action, told))
    return action


def files(spool):
    return {path.name: path.read_bytes() for path in spool.folder.glob("*.json")}


def test_commit_is_signed_and_not_sent(start, spool):
    executor = start()
    do(executor, story())
    assert executor.gateway.sent == []
    ((_, item),) = spool.read(60.0)
    digest = commitment.of_result(1337, ADDRESSES["ResultVerifier"], 5, 1, 1, counts_root(COUNTS), b"\7" * 32)
    assert isinstance(item, SignedCommit)
    assert (item.report.commitment, item.report.payee) == (digest, "0x" + "99" * 20)
    assert item.report.config_digest == executor.outbox.rules
    assert executor.outbox.handed == {ANSWER: NOW}


def test_restarted_daemon_signs_the_same_and_keeps_the_time(start, spool):
    do(start(), story())
    before = files(spool)
    for path in spool.folder.iterdir():
        path.unlink()
    again = start()
    assert again.outbox.handed == {ANSWER: NOW}
    again.gateway.now = NOW + 40
    do(again, story())
    assert files(spool) == before
    assert again.outbox.handed == {ANSWER: NOW}
    late = start()
    late.gateway.now = NOW + 50
    assert do(late, story()) == ANSWER
    assert [sent[1] for sent in late.gateway.sent] == ["commit"]


def test_daemon_that_sends_itself_takes_its_report_back(start, spool):
    executor = start()
    do(executor, story())
    executor.gateway.now = NOW + 60
    do(executor, story())
    assert files(spool) == {}
    ((contract, function, arguments),) = executor.gateway.sent
    assert (contract, function, arguments[:2]) == ("ResultVerifier", "commit", (5, 0))


def test_other_rules_sign_the_same_answer_anew(start, spool):
    executor = start()
    do(executor, story())
    ((_, first),) = spool.read(60.0)
    executor.outbox.follow(executor.gateway, DEFAULT_POLICY.model_copy(update={"commit_seconds": 7}))
    do(executor, story())
    ((_, second),) = spool.read(60.0)
    assert first.report.config_digest != second.report.config_digest
    assert first.report.model_copy(update={"config_digest": b"\0" * 32}) == second.report.model_copy(
        update={"config_digest": b"\0" * 32}
    )
    assert first.signature != second.signature


def test_reveal_is_handed_in_and_then_sent(start, spool):
    executor = start()
    told = story(AssignmentStatus.Committed, seed=bytes(32))
    do(executor, told)
    ((_, item),) = spool.read(60.0)
    executor.gateway.now = NOW + 50
    do(executor, told)
    ((_, function, arguments),) = executor.gateway.sent
    assert function == "reveal"
    assert arguments == (5, 0, item.counts_root, item.salt, item.sketch)
    assert files(spool) == {}


def test_daemon_whose_spool_is_gone_sends_itself(start, spool, caplog):
    executor = start()
    spool.folder.write_text("no folder")
    assert isinstance(do(executor, story()), HandIn)
    assert "not handed in, sent instead" in caplog.text
    assert do(executor, story()) == ANSWER
    assert [sent[1] for sent in executor.gateway.sent] == ["commit"]


def test_ended_computation_leaves_nothing_behind(start, spool):
    executor = start()
    do(executor, story())
    executor.outbox.drop(4)
    assert len(files(spool)) == 1
    executor.outbox.drop(5)
    assert files(spool) == executor.outbox.handed == {}
    executor.journal.forget([5], 0)
    assert start().outbox.handed == {}
