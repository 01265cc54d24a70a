"""The spool: whose it is, what is taken back, and what others may have put there."""

import json
import os
import time

import pytest

from qcrs.chain.report import CommitReport, RevealReport, SignedCommit
from qcrs.chain.spool import Census, Spool, SpoolMissing, SpoolOfAnotherChain

COMMIT = CommitReport(
    computation=7, index=2, attempt=1, commitment=b"\3" * 24, payee="0x" + "ab" * 20, config_digest=b"\4" * 32
)
SIGNED = SignedCommit(COMMIT, b"\1" * 65)
REVEAL = RevealReport(computation=7, index=2, counts_root=b"\5" * 32, salt=b"\6" * 32, sketch=[1, 2])
SUITE = (1337, "0xgenesis/0xverifier")


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.claim(*SUITE)
    return spool


def waiting(spool):
    return [item for _, item in spool.read(60.0)]


def other_seat(item, index):
    return SignedCommit(item.report.model_copy(update={"index": index}), item.signature)


def test_two_daemons_share_a_spool(spool):
    spool.claim(*SUITE)
    spool.put(SIGNED)
    spool.put(other_seat(SIGNED, 12))
    assert len(waiting(spool)) == 2


@pytest.mark.parametrize("other", [(1, SUITE[1]), (SUITE[0], "0xgenesis/0xanother")])
def test_spool_is_one_deployments(spool, other):
    for check in (spool.claim, spool.require):
        with pytest.raises(SpoolOfAnotherChain, match=f"expected chain {other[0]}, deployment {other[1]}"):
            check(*other)
    spool.require(*SUITE)


def test_spool_that_is_nobodys_yet_will_do(tmp_path):
    Spool(tmp_path).require(*SUITE)


def test_spool_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(SpoolMissing, match="nowhere"):
        Spool(tmp_path / "nowhere").require(*SUITE)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 8000, b" " * 9000])
def test_owner_that_is_damaged_is_said(spool, content):
    (spool.folder / "owner").write_bytes(content)
    with pytest.raises(SpoolOfAnotherChain, match="owner"):
        spool.require(*SUITE)


def test_claim_leaves_nothing_half_written(spool):
    assert [path.name for path in spool.folder.iterdir()] == ["owner"]


def test_withdrawal_takes_one_assignments_reports_in_every_round(spool):
    spool.put(SIGNED)
    spool.put(SignedCommit(COMMIT.model_copy(update={"attempt": 2}), b"\1" * 65))
    kept = [other_seat(SIGNED, 20), REVEAL]
    for item in kept:
        spool.put(item)
    spool.withdraw("commit", 7, 2)
    assert sorted(map(str, waiting(spool))) == sorted(map(str, kept))
    spool.withdraw("commit", 7, 2)


def test_report_is_on_disk_before_it_has_its_name(spool, monkeypatch):
    """A power cut leaves the file whole or away: content first, then the name, then the folder."""
    done = []
    fsync, replace = os.fsync, type(spool.folder).replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle)))
    monkeypatch.setattr(type(spool.folder), "replace", lambda a, b: (done.append("rename"), replace(a, b))[1])
    spool.put(SIGNED)
    assert done == ["fsync", "rename", "fsync"]


def test_folder_with_a_reports_name_stops_nobody(spool):
    (spool.folder / "commit-1-1-1.json").mkdir()
    spool.put(REVEAL)
    assert waiting(spool) == [REVEAL]


def test_what_a_killed_daemon_left_half_written_goes_in_time(spool):
    old, new = (spool.folder / f"commit-1-{i}-1.json.x.part" for i in (0, 1))
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (time.time() - 100, time.time() - 100))
    assert waiting(spool) == []
    assert (old.exists(), new.exists()) == (False, True)


def test_census_counts_and_removes_nothing(spool):
    assert spool.census() == Census(0, 0, 0.0)
    written_at = time.time() - 50
    os.utime(spool.put(SIGNED), (written_at, written_at))
    spool.put(REVEAL)
    (spool.folder / "commit-9-9-9.json").write_text("{")
    census = spool.census()
    assert (census.commits, census.reveals) == (2, 1)
    assert census.oldest_seconds >= 50
    assert len(list(spool.folder.glob("*.json"))) == 3


def test_state_comes_back(spool):
    assert spool.read_state() is None
    spool.write_state({"pid": 5})
    assert spool.read_state() == {"pid": 5}
    assert waiting(spool) == []


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps("x")])
def test_state_that_is_damaged_is_none(spool, content):
    (spool.folder / "relayer.state").write_text(content)
    assert spool.read_state() is None
