"""The journal keeps the first answer, across restarts, and says when it cannot."""

import multiprocessing
import os
import signal
import sqlite3
import stat

import pytest

from qcrs.daemon.journal import Answer, Journal, JournalBusy, JournalDamaged, Report
from qcrs.rules.histogram import counts_root

VERIFIER = "0x" + "11" * 20


def _answer(seed):
    counts = {0: 10 + seed, 3: 5}
    return Answer(bytes([seed]) * 32, counts_root(counts), counts)


def _open(path, chain=1):
    return Journal(path, chain, VERIFIER)


def test_answer_survives_a_restart(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        journal.record(7, 1, 1, _answer(1))
    with _open(path) as journal:
        assert journal.answer(7, 1, 1) == _answer(1)


def test_second_answer_to_one_assignment_is_never_kept(tmp_path):
    with _open(tmp_path / "journal.sqlite") as journal:
        journal.record(7, 1, 1, _answer(1))
        assert journal.record(7, 1, 1, _answer(2)) == _answer(1)
        assert journal.record(7, 1, 2, _answer(3)) == _answer(3)


def test_answers_of_another_chain_are_out_of_sight(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        journal.record(7, 1, 1, _answer(1))
    with _open(path, chain=2) as journal:
        assert journal.answer(7, 1, 1) is None


def test_forgotten_computation_leaves_the_others(tmp_path):
    with _open(tmp_path / "journal.sqlite") as journal:
        journal.record(7, 0, 1, _answer(1))
        journal.record(8, 0, 1, _answer(2))
        journal.forget({7}, 3)
        assert journal.cursor == 3
        assert journal.answer(7, 0, 1) is None
        assert journal.answer(8, 0, 1) == _answer(2)


def test_cursor_is_kept(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        assert journal.cursor is None
        journal.forget((), 42)
    with _open(path) as journal:
        assert journal.cursor == 42


def test_file_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_second_daemon_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        journal.record(7, 0, 1, _answer(1))
        with pytest.raises(JournalBusy, match="another daemon"):
            _open(path)


@pytest.mark.parametrize("damage", ["header", "middle", "truncated"])
def test_damaged_journal_is_refused_and_left_as_it_is(tmp_path, damage):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        for computation in range(200):
            journal.record(computation, 0, 1, _answer(1))
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:64] = os.urandom(64)
    elif damage == "middle":
        content[4096:12288] = b"\xff" * 8192
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    with pytest.raises(JournalDamaged, match="Restore it from a copy"):
        _open(path)
    assert path.read_bytes() == bytes(content)


def _record_and_die(path):
    journal = _open(path)
    for computation in range(10**6):
        journal.record(computation, 0, 1, _answer(1))
        with (path.parent / "done").open("a") as done:
            done.write(f"{computation}\n")


def test_whatever_was_recorded_before_a_kill_is_there_after_it(tmp_path):
    path = tmp_path / "journal.sqlite"
    process = multiprocessing.get_context("spawn").Process(target=_record_and_die, args=(path,))
    process.start()
    done = tmp_path / "done"
    while not done.exists() or done.read_text().count("\n") < 20:
        assert process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    recorded = done.read_text().count("\n")
    with _open(path) as journal:
        assert all(journal.answer(computation, 0, 1) == _answer(1) for computation in range(recorded))


def test_report_keeps_the_time_when_it_was_first_handed_in(tmp_path):
    report = Report("commit", 7, 1, 1)
    with _open(tmp_path / "journal.sqlite") as journal:
        assert journal.hand_in(report, 100.5) == 100.5
    with _open(tmp_path / "journal.sqlite") as journal:
        assert journal.hand_in(report, 200.0) == 100.5
        assert journal.hand_in(report._replace(kind="reveal"), 300.0) == 300.0
        journal.hand_in(report._replace(computation=8), 400.0)
        journal.forget([7], 9)
        assert journal.handed_in() == {report._replace(computation=8): 400.0}
    with _open(tmp_path / "journal.sqlite", chain=2) as journal:
        assert journal.handed_in() == {}


def test_journal_from_before_there_were_relayers_is_taken_over(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        journal.record(7, 1, 1, _answer(1))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE reports")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with _open(path) as journal:
        assert journal.answer(7, 1, 1) == _answer(1)
        assert journal.hand_in(Report("commit", 7, 1, 1), 5.0) == 5.0


def test_journal_of_a_later_version_is_left_alone(tmp_path):
    path = tmp_path / "journal.sqlite"
    _open(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 4")
    database.close()
    with pytest.raises(JournalDamaged, match="schema version 4, expected 3"):
        _open(path)


def test_what_a_benchmark_says_is_said_again_in_the_same_words(tmp_path):
    path = tmp_path / "journal.sqlite"
    with _open(path) as journal:
        assert journal.kept("scores", 7, 1) is None
        assert journal.keep("scores", 7, 1, b"first") == b"first"
        assert journal.keep("scores", 7, 1, b"second") == b"first"
        assert journal.keep("scores", 7, 2, b"another round") == b"another round"
        assert journal.keep("answer", 7, 1, b"digest") == b"digest"
    with _open(path) as journal:
        assert journal.kept("scores", 7, 1) == b"first"


def test_journal_of_a_version_without_benchmarks_gets_a_place_for_them(tmp_path):
    path = tmp_path / "journal.sqlite"
    _open(path).close()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE benchmarks")
        database.execute("PRAGMA user_version = 2")
    database.close()
    with _open(path) as journal:
        assert journal.keep("answer", 1, 1, b"digest") == b"digest"
