"""Verbs for a processor's keys refuse a node without any, and passwords that do not agree."""

import argparse

import pytest

from qcrs.chain.keys import create_keystore
from qcrs.cli import main
from qcrs.cli.node import FlagsInvalid, _secret
from qcrs.config import NodeConfig
from qcrs.quantum.calibration import bundled_names, bundled_path


@pytest.fixture
def unkeyed(tmp_path):
    create_keystore(tmp_path / "keystore.json", tmp_path / "password")
    config = NodeConfig(
        network=tmp_path / "network.json", keystore=tmp_path / "keystore.json", password_file=tmp_path / "password",
        calibration=bundled_path(bundled_names()[0]), journal=tmp_path / "journal.sqlite",
    )  # fmt: skip
    config.write(tmp_path / "node.toml")
    return tmp_path / "node.toml"


def test_node_without_keys_is_told_how_to_get_some(unkeyed, capsys):
    assert main(["processor", "prove", "3", "--config", str(unkeyed)]) != 0
    assert "qcrs processor rekey 3" in capsys.readouterr().err


def options(**given):
    return argparse.Namespace(**{"password_file": None, "ask_password": False} | given)


def test_password_of_new_keys_is_drawn_unless_one_is_given(monkeypatch, tmp_path):
    monkeypatch.delenv("QCRS_PASSWORD", raising=False)
    assert _secret(options()) == (None, None)
    monkeypatch.setenv("QCRS_PASSWORD", "from the environment")
    assert _secret(options()) == ("from the environment", None)
    path = tmp_path / "secret"
    path.write_text("from a file\n")
    assert _secret(options(password_file=path)) == ("from a file", path)


def test_typed_password_has_to_be_typed_twice(monkeypatch):
    typed = iter(["one", "one", "one", "two", "", ""])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert _secret(options(ask_password=True)) == ("one", None)
    for _ in range(2):
        with pytest.raises(FlagsInvalid, match="differ, or are empty"):
            _secret(options(ask_password=True))
