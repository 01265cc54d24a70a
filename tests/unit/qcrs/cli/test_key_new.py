"""A founder's hash key, made before there is a chain, and what the file of bodies gets of it."""

import json

import pytest

from qcrs.chain.governance import Governance
from qcrs.cli import main
from qcrs.crypto import leaf_key
from qcrs.crypto.leaf_key import Purpose, load_leaf_key
from qcrs.model.motion import COMMITTEES

ACCOUNT = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"
PURPOSE = Purpose(ACCOUNT, 1337, "0x" + "c0" * 20)


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setattr(leaf_key, "SCRYPT_COST", 16)
    monkeypatch.setenv("QCRS_PASSWORD", "secret")


def test_key_is_made_without_a_network_and_its_commitment_founds_bodies(tmp_path, capsys):
    assert main(["key", "new", "--account", ACCOUNT, "--folder", str(tmp_path / "founder"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["account"] == ACCOUNT
    assert told["file"] == str(tmp_path / "founder" / "hash-keys" / ACCOUNT.lower() / "1.key")
    key = load_leaf_key(tmp_path / "founder" / "hash-keys" / ACCOUNT.lower() / "1.key", "secret", PURPOSE)
    assert told["commitment"] == "0x" + key.commitment.hex()
    assert key.path.stat().st_mode & 0o777 == 0o600
    body = {"members": [ACCOUNT], "quorum": 1}
    file = tmp_path / "bodies.json"
    file.write_text(
        json.dumps({"committees": dict.fromkeys(COMMITTEES, body), "keys": {told["account"]: told["commitment"]}})
    )
    assert Governance.read(file).founders() == [(ACCOUNT, key.commitment)]


def test_people_are_told_the_line_to_paste_and_where_the_network_file_goes(tmp_path, capsys):
    folder = tmp_path / "hash-keys" / ACCOUNT.lower()
    lines = []
    for number in (1, 2):  # each is a new one
        assert main(["key", "new", "--account", ACCOUNT, "--folder", str(tmp_path)]) == 0
        told = capsys.readouterr().out
        commitment = json.loads((folder / f"{number}.key").read_text())["header"]["commitment"]
        lines.append(f'"{ACCOUNT}": "0x{commitment}"')
        assert lines[-1] in told
        assert f"put the network file of the suite into {tmp_path}" in told
    assert len(set(lines)) == 2


def test_no_key_is_made_without_a_password(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("QCRS_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["key", "new", "--account", ACCOUNT, "--folder", str(tmp_path), "--json"]) != 0
    assert json.loads(capsys.readouterr().out)["error"] == "PasswordMissing"
    assert not list(tmp_path.rglob("*.key"))
