"""The courts' arguments: what is malformed is refused before any network is looked for."""

import argparse
import json

import pytest

from qcrs.cli import main
from qcrs.cli.deliver import share
from qcrs.cli.dispute import exhibit
from qcrs.rules.digest import keccak
from qcrs.sdk import dispute

ADDRESS = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["challenge", "prove", "1"], "required: SEAT"),
        (["challenge", "prove", "1", "256"], "argument SEAT: expected an integer from 0 to 255, got '256'"),
        (["challenge", "demand", "0", "1"], "argument ID: expected an integer from 1"),
        (["challenge", "copy", "1", "0"], "required: SEAT"),
        (["challenge", "replay", "1", "0", "0", "0"], "argument OTHER: expected an integer from 1"),
        (["challenge", "answer", str(2**64)], "argument CHALLENGE: expected an integer from 1"),
        (["challenge", "accuse"], "invalid choice: 'accuse'"),
        (["dispute", "open", "1", "0", "--evidence", "0" * 64], "required: --kind"),
        (["dispute", "open", "1", "0", "--kind", "crime", "--evidence", "0" * 64], "invalid choice: 'crime'"),
        (["dispute", "answer", "1", "--evidence", "nowhere.pdf"], "expected a file, or a digest of 64 hexadecimal"),
        (["dispute", "rule", "1", "--reason", "0" * 64], "--uphold --dismiss is required"),
        (["dispute", "rule", "1", "--uphold", "--dismiss", "--reason", "0" * 64], "not allowed with argument --uphold"),
        (["job", "subscribe", "1", "--gas", "100000"], "required: --consumer"),
        (["job", "subscribe", "1", "--consumer", ADDRESS[:-1], "--gas", "1"], "40 hexadecimal digits"),
        (["job", "subscribe", "1", "--consumer", ADDRESS, "--gas", "1", "--coverage", "1.5"], "above 0 and up to 1"),
        (["job", "gold", "all"], "argument id: expected an integer from 1"),
        (["audit", "gold", "0"], "argument id: expected an integer from 1"),
    ],
)
def test_malformed_values_are_usage_errors(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")


def test_a_node_challenges_only_what_it_audits(tmp_path, capsys):
    assert main(["node", "start", "--config", str(tmp_path / "node.toml"), "--challenge", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "FlagsInvalid"


@pytest.mark.parametrize("text", ["ab" * 32, "0x" + "AB" * 32])
def test_a_digest_stands_for_what_others_keep(text):
    assert exhibit(text) == dispute.Exhibit(bytes.fromhex("ab" * 32))


def test_a_file_is_kept_under_its_digest(tmp_path, monkeypatch):
    path = tmp_path / "evidence"
    path.write_bytes(b"what was seen")
    assert exhibit(str(path)) == dispute.Exhibit(keccak(b"what was seen"), b"what was seen")
    monkeypatch.setattr(dispute, "MAX_BYTES", 4)
    with pytest.raises(argparse.ArgumentTypeError, match="expected at most 4"):
        exhibit(str(path))
    with pytest.raises(argparse.ArgumentTypeError, match="Is a directory"):
        exhibit(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "coverage"), [("1", 10_000), ("0.5", 5_000), ("0.00011", 2), ("1e-9", 1), ("0.99999", 10_000)]
)
def test_a_share_covers_no_less_than_it_says(text, coverage):
    assert share(text) == coverage


@pytest.mark.parametrize("text", ["0", "-0.5", "1.00001", "half", "nan", "Infinity"])
def test_a_share_is_above_zero_and_up_to_one(text):
    with pytest.raises(argparse.ArgumentTypeError, match="above 0 and up to 1"):
        share(text)
