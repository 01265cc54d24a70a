"""Malformed arguments end with a usage error that names what was expected."""

import argparse
import json
import signal
import sys

import pytest

from qcrs.chain.network import Account, Network
from qcrs.cli import EXIT_UNREAD, audit, main, options
from qcrs.cli.deploy import store_url
from qcrs.cli.options import coins, coins_or_none, signer_of

ADDRESS = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"


@pytest.mark.parametrize(
    ("text", "wei"),
    [("1", 10**18), ("1.1", 11 * 10**17), ("0.000000000000000001", 1), ("2.3", 23 * 10**17), ("1e3", 10**21)],
)
def test_coin_is_exact(text, wei):
    assert coins(text) == wei


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ledger", "deposit", "-1"], "expected a positive amount"),
        (["ledger", "deposit", "nan"], "expected a positive amount"),
        (["ledger", "withdraw", "0"], "expected a positive amount"),
        (["ledger", "deposit", "1.0000000000000000001"], "at most 18 decimals"),
        (["processor", "bond", "1", "--amount", "much"], "expected an amount of coin"),
        (
            ["node", "init", "somewhere", "--calibration", "hanoi", "--workers", "0"],
            "expected an integer of at least 1",
        ),
        (["job", "list", "--last", "-3"], "argument --last: expected an integer of at least 1, got '-3'"),
        (["job", "list", "--last", "few"], "argument --last: expected an integer of at least 1, got 'few'"),
        (["ledger", "deposit", "1e999999"], "expected a positive amount"),
        (["ledger", "deposit", "1e-999999"], "at most 18 decimals"),
        (["ledger", "deposit", "Infinity"], "expected a positive amount"),
        (["ledger", "deposit", "1000000000000.0000000000000000001"], "at most 18 decimals"),
        (["processor", "register", "--config", "x", "--fund", "-1"], "argument --fund: expected"),
        (["processor", "show", "0"], "an integer from 1 to 4294967295, got '0'"),
        (["processor", "declare", str(2**32), "--config", "x"], "an integer from 1 to 4294967295"),
        (["organisation", "join", str(2**24)], "an integer from 1 to 16777215"),
        (["organisation", "invite", ADDRESS[:-1]], "40 hexadecimal digits"),
        (["organisation", "invite", ADDRESS.replace("B38D", "b38D")], "checksum"),
        (["organisation", "admit", "Name", "--admin", ADDRESS, "--weight", "0"], "argument --weight"),
        (["job", "show", str(2**64)], "an integer from 1 to 18446744073709551615"),
        (["job", "submit", "x", "--max-fee", "-1"], "argument --max-fee: expected an integer from 0"),
        (["job", "submit", "x", "--noise-class", "256"], "argument --noise-class: expected an integer from 1 to 255"),
        (["job", "submit", "x", "--deadline", "2592001"], "argument --deadline: expected an integer from 1 to 2592000"),
        (["audit", "log", "--computation", "x"], "argument --computation: expected"),
        (["relay", "start", "--spool", "x", "--max", "0"], "argument --max: expected an integer from 1 to 32"),
        (["relay", "start", "--spool", "x", "--max", "33"], "argument --max: expected an integer from 1 to 32"),
        (["relay", "start", "--spool", "x", "--wait", "-1"], "argument --wait: expected a number of seconds from 0"),
        (["relay", "start", "--spool", "x", "--wait", "nan"], "argument --wait: expected a number of seconds from 0"),
        (["relay", "start", "--spool", "x", "--wait", "soon"], "argument --wait: expected a number of seconds from 0"),
        (["relay", "start", "--spool", "x", "--wait", "1e31"], "argument --wait: expected a number of seconds from 0"),
        (["relay", "status"], "--spool"),
        (["session", "run", "x", "--fidelity", "1"], "argument --fidelity: expected a fidelity from 0 and below 1"),
        (["session", "memory", "--logical-error", "0.5"], "expected a rate above 0 and below 0.5, got '0.5'"),
        (["job", "submit", "x", "--max-cost", "1"], "argument --max-cost: expected a number above 1 and up to 1024"),
        (["job", "submit", "x", "--max-two-qubit-error", "0"], "expected an error from 0.000001 to 0.065535, got '0'"),
        (["job", "submit", "x", "--max-two-qubit-error", "0.065536"], "expected an error from 0.000001 to 0.065535"),
    ],
)
def test_malformed_values_are_usage_errors(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_usage_errors_are_json_when_json_is_wanted(capsys):
    with pytest.raises(SystemExit):
        main(["job", "show", "none", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == "UsageError"
    assert "argument id" in told["message"]


@pytest.mark.parametrize(
    ("text", "millionths"), [("0", 0), ("1", 10**6), ("0.94", 940_000), ("1e-6", 1), ("0.0000004", 0), ("1e-30", 0)]
)
def test_a_share_is_read_in_millionths(text, millionths):
    assert options.ppm(text) == millionths


@pytest.mark.parametrize("text", ["-0.1", "1.000001", "nan", "inf", "few", "1e-31", ""])
def test_what_is_no_share_is_refused_in_words(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"expected a share from 0 to 1, got {text!r}"):
        options.ppm(text)


def test_funding_with_nothing_is_allowed():
    assert coins_or_none("0") == coins_or_none("0.000") == 0


def test_addresses_get_their_checksum():
    assert options.address(ADDRESS.lower()) == ADDRESS


@pytest.mark.parametrize(
    ("fault", "name", "code"),
    [
        (KeyboardInterrupt(), "Interrupted", 130),
        (PermissionError(13, "Permission denied", "/x"), "PermissionError", 2),
    ],
)
def test_every_ending_is_json_when_json_is_wanted(monkeypatch, capsys, fault, name, code):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(audit, "run_with_client", fail)
    assert main(["audit", "verify", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["error"] == name


def test_termination_is_an_interruption(monkeypatch, capsys):
    monkeypatch.setattr(audit, "run_with_client", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    assert main(["audit", "verify"]) == 130
    assert capsys.readouterr().err == "qcrs: Interrupted: interrupted\n"


def test_reader_that_went_away_is_no_fault(monkeypatch, capsys, tmp_path):
    def fail(*_, **__):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(audit, "run_with_client", fail)
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["audit", "verify"]) == EXIT_UNREAD
    assert capsys.readouterr().err == ""


def test_store_directory_means_the_same_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert store_url("./store") == str(tmp_path.resolve() / "store")
    assert store_url("s3://bucket/store") == "s3://bucket/store"


def test_account_without_a_key_asks_for_a_keystore():
    class Flags:
        keystore, account = None, "lab"

    network = Network(
        rpc_url="", ws_url="", chain_id=1, genesis="", contracts={}, deployed_at=0, store="",
        accounts=[Account(name="lab", address=ADDRESS)],
    )  # fmt: skip
    with pytest.raises(options.KeystoreInvalid, match="--keystore FILE"):
        signer_of(Flags, network)
