import json
import os
import time

import pytest
from eth_account import Account

from qcrs.chain.report import CommitReport, ReportInvalid, RevealReport, SignedCommit, sign_commit
from qcrs.chain.spool import Spool

DAEMON = Account.from_key("0x" + "11" * 32)
RELAY = "0x" + "22" * 20
COMMIT = CommitReport(
    computation=7, index=2, attempt=1, commitment=b"\3" * 24, payee="0x" + "aB" * 20, config_digest=b"\4" * 32
)
REVEAL = RevealReport(computation=7, index=2, counts_root=b"\5" * 32, salt=b"\6" * 32, sketch=[1, 2**256 - 1])


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


def waiting(spool, keep_seconds=60.0):
    return [item for _, item in spool.read(keep_seconds)]


@pytest.mark.parametrize("report", [COMMIT, REVEAL])
def test_report_comes_back_from_json(report):
    assert type(report).from_json(json.loads(json.dumps(report.to_json()))) == report


def test_payee_is_the_same_account_in_any_capitals():
    assert COMMIT.payee == "0x" + "ab" * 20


@pytest.mark.parametrize(
    "changes",
    [
        {"computation": 0},
        {"computation": 2**64},
        {"computation": "7"},
        {"computation": True},
        {"index": -1},
        {"attempt": 2**256},
        {"commitment": "0x" + "03" * 23},
        {"commitment": "0x" + "03" * 25},
        {"commitment": "0xzz"},
        {"commitment": 5},
        {"payee": "0x" + "ab" * 19},
        {"payee": None},
        {"configDigest": "0x"},
        {"more": 1},
    ],
)
def test_commit_of_another_form_is_refused(changes):
    with pytest.raises(ReportInvalid):
        CommitReport.from_json(COMMIT.to_json() | changes)


@pytest.mark.parametrize(
    "changes", [{"sketch": [1] * 17}, {"sketch": [2**256]}, {"sketch": [-1]}, {"sketch": 1}, {"salt": ""}]
)
def test_reveal_of_another_form_is_refused(changes):
    with pytest.raises(ReportInvalid):
        RevealReport.from_json(REVEAL.to_json() | changes)


@pytest.mark.parametrize("value", [None, [], "report", 5, {}])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(ReportInvalid):
        CommitReport.from_json(value)


def test_signature_depends_on_chain_relay_and_every_member():
    signatures = {
        sign_commit(DAEMON, chain, relay, COMMIT).signature for chain in (1, 2) for relay in (RELAY, "0x" + "23" * 20)
    }
    for field, value in {"computation": 8, "index": 3, "attempt": 2, "payee": "0x" + "00" * 20}.items():
        signatures.add(sign_commit(DAEMON, 1, RELAY, COMMIT.model_copy(update={field: value})).signature)
    for field, length in (("commitment", 24), ("config_digest", 32)):
        signatures.add(sign_commit(DAEMON, 1, RELAY, COMMIT.model_copy(update={field: bytes(length)})).signature)
    assert len(signatures) == 4 + 4 + 2


# --- the spool ---


def test_spool_gives_what_was_put_oldest_first(spool):
    signed = sign_commit(DAEMON, 1, RELAY, COMMIT)
    for age, item in ((5, REVEAL), (9, signed)):
        written_at = time.time() - age
        os.utime(spool.put(item), (written_at, written_at))
    assert waiting(spool) == [signed, REVEAL]


def test_spool_keeps_one_of_a_report_that_is_put_twice(spool):
    for _ in range(2):
        spool.put(REVEAL)
    assert waiting(spool) == [REVEAL]


def test_spool_without_a_folder_is_empty(spool):
    assert waiting(spool) == []


def test_spool_throws_away_what_is_too_old(spool):
    path = spool.put(REVEAL)
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert waiting(spool, keep_seconds=50) == []
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"report": null}',
        b'{"report": {}, "signature": "0x00"}',
        b'{"report": {}, "signature": 5}',
        b'{"signature": "0x' + b"00" * 65 + b'"}',
        b"[" * 8000,
        b" " * 9000 + b"{}",
    ],
)
def test_spool_throws_away_what_is_no_report(spool, content):
    spool.put(REVEAL)
    path = spool.folder / "commit-1-1-1.json"
    path.write_bytes(content)
    assert waiting(spool) == [REVEAL]
    assert not path.exists()


def test_spool_follows_no_link_and_opens_no_pipe(spool, tmp_path):
    """Whoever may write to the folder must not have the relayer read other files, or wait for ever."""
    target = spool.put(REVEAL).rename(tmp_path / "elsewhere.json")
    (spool.folder / "link.json").symlink_to(target)
    os.mkfifo(spool.folder / "pipe.json")
    assert waiting(spool) == []
    assert target.exists()


def test_spool_reads_nothing_that_is_still_being_written(spool):
    path = spool.put(SignedCommit(COMMIT, b"\1" * 65))
    path.rename(path.with_name("commit-7-2-1.json.abc.part"))
    assert waiting(spool) == []
