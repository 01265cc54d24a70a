"""``qcrs channel`` without a chain: what is left for the daemon, and what is told of its answer."""

import json
import threading
import time

import pytest

from qcrs.cli import main
from qcrs.config import NodeConfig
from qcrs.wishes import FOLDER, Wishes

KEY = {
    "label": "link=emulated", "pairs": 16_384, "toleratedPpm": 45_000, "sifted": 4_096, "tested": 4_090, "errors": 80,
    "leak": 700, "length": 592, "epsilon": {"secret": "1e-10", "correct": "2^-64"}, "keyDigest": "0x" + "ab" * 32,
    "file": "/somewhere/1-7.json",
}  # fmt: skip
ALARM = {**{name: KEY[name] for name in ("label", "pairs", "sifted", "tested")}, "errors": 900, "length": 0,
         "alarm": "EavesdropperSuspected", "message": "900 of 4090 tested pairs disagree"}  # fmt: skip
CHSH = {"label": "link=emulated", "pairs": 20_000, "s": 2.8211, "standardError": 0.02, "note": "never a proof"}


@pytest.fixture
def daemon(tmp_path, monkeypatch):
    """Answers the next wish with what it is given; returns the wishes that it saw."""
    monkeypatch.setattr(
        NodeConfig, "read", classmethod(lambda cls, path: type("Config", (), {"journal": tmp_path / "journal.db"}))
    )
    seen, threads = [], []

    def answer(value):
        def work():
            wishes, until = Wishes(tmp_path / FOLDER), time.monotonic() + 20
            while not seen and time.monotonic() < until:
                for wish in wishes.open():
                    seen.append(wish)
                    wishes.answer(wish.number, value)
                time.sleep(0.01)

        threads.append(threading.Thread(target=work))
        threads[0].start()
        return seen

    yield answer
    for thread in threads:
        thread.join()


def test_key_tells_the_digest_and_the_account(daemon, capsys):
    seen = daemon(KEY)
    assert main(["channel", "key", "5", "--config", "node.toml", "--pairs", "16384"]) == 0
    out = capsys.readouterr().out
    assert (seen[0].kind, seen[0].terms) == ("key", {"channel": 5, "pairs": 16_384, "bits": 256})
    assert "key of 592 bits, digest 0x" + "ab" * 32 in out
    assert "1e-10 secret, 2^-64 correct" in out
    assert out.rstrip().endswith("link=emulated")


def test_alarm_is_named_and_exits_with_1(daemon, capsys):
    daemon(ALARM)
    assert main(["channel", "key", "5", "--config", "node.toml"]) == 1
    out = capsys.readouterr().out
    assert "no key: EavesdropperSuspected: 900 of 4090 tested pairs disagree" in out
    assert "digest" not in out


def test_alarm_exits_with_1_in_json_too(daemon, capsys):
    daemon(ALARM)
    assert main(["channel", "key", "5", "--config", "node.toml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["alarm"] == "EavesdropperSuspected"


def test_what_was_dropped_is_an_error(daemon, capsys):
    daemon({"error": "WaitTimedOut", "message": "channel 5, conversation 7 dropped, nothing is kept"})
    assert main(["channel", "key", "5", "--config", "node.toml"]) == 2
    assert "WaitTimedOut: channel 5, conversation 7 dropped, nothing is kept" in capsys.readouterr().err


def test_chsh_is_told_with_its_error_and_with_what_it_is_not(daemon, capsys):
    seen = daemon(CHSH)
    assert main(["channel", "chsh", "5", "--config", "node.toml"]) == 0
    assert (seen[0].kind, seen[0].terms) == ("chsh", {"channel": 5, "pairs": 20_000})
    out = capsys.readouterr().out
    assert "S = 2.8211 +- 0.0200 on 20,000 pairs of channel 5" in out
    assert "link=emulated; never a proof" in out


def test_request_has_its_test_sized_by_what_is_to_be_found(daemon):
    seen = daemon({"channel": 1})
    arguments = ["channel", "request", "2", "--config", "node.toml", "--fidelity", "0.97", "--detect", "0.5"]
    assert main(arguments) == 0
    terms = seen[0].terms["terms"]
    assert terms["pairs"] % 256 == 0
    assert terms["pairs"] < 1_536
    assert 20_000 < terms["errorPpm"] < 140_000


def test_request_without_it_has_the_test_that_it_had(daemon):
    seen = daemon({"channel": 1})
    assert main(["channel", "request", "2", "--config", "node.toml"]) == 0
    assert (seen[0].terms["terms"]["pairs"], seen[0].terms["terms"]["errorPpm"]) == (1_536, 70_000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["request", "2", "--config", "x", "--detect", "0.5", "--pairs", "512"], "--detect with --pairs"),
        (["request", "2", "--config", "x", "--detect", "0"], "adds no errors to find"),
        (["request", "2", "--config", "x", "--pairs", "300"], "expected a multiple of 256"),
        (["quote", "--share", "0", "--fidelity", "0.9"], "adds no errors to find"),
        (["quote", "--share", "2"], "expected a share from 0 to 1"),
        (["key", "1", "--config", "x", "--pairs", "131073"], "an integer from 256 to 131072"),
        (["key", "1", "--config", "x", "--bits", "127"], "an integer from 128 to 65536"),
        (["chsh", "1", "--config", "x", "--pairs", "255"], "an integer from 256 to 131072"),
    ],
)
def test_what_cannot_be_wanted_is_refused(arguments, words, capsys):
    try:
        code = main(["channel", *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert words in capsys.readouterr().err
