import os
import subprocess
import sys

import pytest

from qcrs.crypto.leaf_journal import (
    LeafJournal,
    LeafJournalBehind,
    LeafJournalDamaged,
    LeafJournalInUse,
    LeavesExhausted,
)

COMMITMENT = bytes(range(24))
HEADER, RECORD = 36, 40
DIGEST = b"\x11" * 32


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "key.leaves"
    LeafJournal.create(path, COMMITMENT)
    return path


def reserve(path, count):
    """Return the leaves that a run of its own reserves."""
    with LeafJournal(path, COMMITMENT) as journal:
        return [journal.reserve(DIGEST, 1024) for _ in range(count)]


def test_leaves_count_up_over_restarts(path):
    assert reserve(path, 3) == [0, 1, 2]
    assert reserve(path, 2) == [3, 4]
    assert path.stat().st_size == HEADER + 5 * RECORD
    assert path.stat().st_mode & 0o777 == 0o600


def test_leaf_is_on_disk_before_it_is_told(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    assert reserve(path, 2) == [0, 1]
    assert synced == [HEADER + RECORD, HEADER + 2 * RECORD]


@pytest.mark.parametrize("lost", range(1, RECORD))
def test_torn_tail_costs_one_more_leaf(path, lost):
    reserve(path, 3)
    os.truncate(path, HEADER + 3 * RECORD - lost)
    assert reserve(path, 1) == [3], "leaf 2 may have signed"
    assert reserve(path, 1) == [4]


@pytest.mark.parametrize("tail", [b"\0", b"\0" * RECORD, b"\xff" * (RECORD - 1)])
def test_tail_that_never_was_a_record_costs_one_leaf(path, tail):
    reserve(path, 3)
    with path.open("ab") as file:
        file.write(tail)
    assert reserve(path, 2) == [4, 5]


@pytest.mark.parametrize("place", range(0, HEADER + 3 * RECORD, 7))
def test_damage_before_the_tail_ends_the_key(path, place):
    reserve(path, 4)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(LeafJournalDamaged, match="rotate"):
        LeafJournal(path, COMMITMENT)
    assert path.read_bytes() == content, "it stays as it was found"


def test_record_taken_out_of_the_middle_ends_the_key(path):
    reserve(path, 4)
    content = path.read_bytes()
    path.write_bytes(content[: HEADER + RECORD] + content[HEADER + 2 * RECORD :])
    with pytest.raises(LeafJournalDamaged, match="leaf 2 at byte 76, expected 1"):
        LeafJournal(path, COMMITMENT)


def test_journal_of_another_key_is_refused(path):
    with pytest.raises(LeafJournalDamaged, match="not the leaf journal of key"):
        LeafJournal(path, bytes(24))


def test_missing_journal_is_refused(tmp_path):
    with pytest.raises(LeafJournalDamaged, match="cannot open"):
        LeafJournal(tmp_path / "none", COMMITMENT)


def test_journal_is_never_started_over(path):
    reserve(path, 2)
    with pytest.raises(LeafJournalDamaged, match="exists already"):
        LeafJournal.create(path, COMMITMENT)
    assert reserve(path, 1) == [2]


def test_link_is_not_followed(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(LeafJournalDamaged):
        LeafJournal(link, COMMITMENT)


def test_limit_holds(path):
    with LeafJournal(path, COMMITMENT) as journal:
        journal.reserve(DIGEST, 1)
        with pytest.raises(LeavesExhausted, match=r"leaf 1 .* below 1"):
            journal.reserve(DIGEST, 1)
        assert journal.reserve(DIGEST, 2) == 1


def test_second_signer_in_this_process_is_refused(path):
    with LeafJournal(path, COMMITMENT), pytest.raises(LeafJournalInUse):
        LeafJournal(path, COMMITMENT)
    LeafJournal(path, COMMITMENT).close()


def test_second_signer_in_another_process_is_refused(path):
    program = (
        "import sys; from pathlib import Path; from qcrs.crypto.leaf_journal import *\n"
        "try: LeafJournal(Path(sys.argv[1]), bytes(range(24)))\n"
        "except LeafJournalInUse: sys.exit(17)"
    )
    command = [sys.executable, "-c", program, str(path)]
    with LeafJournal(path, COMMITMENT):
        assert subprocess.run(command, check=False).returncode == 17
    assert subprocess.run(command, check=False).returncode == 0


def test_chain_that_is_ahead_stops_the_signer(path):
    reserve(path, 3)
    with LeafJournal(path, COMMITMENT) as journal:
        journal.require_current(0)
        journal.require_current(3)
        with pytest.raises(LeafJournalBehind, match="leaf 3 is next, the chain says 4"):
            journal.require_current(4)


def test_failed_write_gives_no_leaf_and_stops_the_journal(path, monkeypatch):
    real = os.write
    with LeafJournal(path, COMMITMENT) as journal:
        journal.reserve(DIGEST, 1024)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda handle, data: real(handle, data[:5]))
            with pytest.raises(OSError, match="5 of 40"):
                journal.reserve(DIGEST, 1024)
        with pytest.raises(LeafJournalDamaged, match="open the journal again"):
            journal.reserve(DIGEST, 1024)
    assert reserve(path, 1) == [2]
