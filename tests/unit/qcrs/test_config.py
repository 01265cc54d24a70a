"""Node configurations: round trip, paths, and errors that name the field."""

from pathlib import Path

import pytest

from qcrs.config import ConfigInvalid, NodeConfig, PasswordMissing, cores, home, network_path, password

FIELDS = {
    "network": Path("network.json"),
    "keystore": Path("keystore.json"),
    "password_file": Path("password"),
    "calibration": Path("calibration.json"),
    "journal": Path('odd "name"\\here.sqlite'),
}


def test_round_trip_resolves_paths_from_the_file(tmp_path):
    assert NodeConfig(**FIELDS).workers == cores() >= 1
    path = tmp_path / "node.toml"
    NodeConfig(**FIELDS, workers=3, keeper=False).write(path)
    config = NodeConfig.read(path)
    assert config.journal == tmp_path / FIELDS["journal"]
    assert config.workers == 3
    assert config.keeper is False


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("not toml at all", "not a TOML file"),
        ('network = "n"\n', "keystore"),
        ("workers = 0\n", "workers"),
        ("colour = 1\n", "colour"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, word):
    path = tmp_path / "node.toml"
    if "=" in text and "network" not in text:
        NodeConfig(**FIELDS).write(path)
        text = path.read_text().replace(f"workers = {cores()}\n", "") + text
    path.write_text(text)
    with pytest.raises(ConfigInvalid, match=word):
        NodeConfig.read(path)


def test_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigInvalid, match="qcrs node init"):
        NodeConfig.read(tmp_path / "absent.toml")


def test_network_file_is_found_by_flag_then_environment_then_home(monkeypatch, tmp_path):
    monkeypatch.setenv("QCRS_HOME", str(tmp_path))
    monkeypatch.delenv("QCRS_NETWORK", raising=False)
    assert network_path() == home() / "devnet" / "network.json" == tmp_path / "devnet" / "network.json"
    monkeypatch.setenv("QCRS_NETWORK", "elsewhere.json")
    assert network_path() == Path("elsewhere.json")
    assert network_path("flag.json") == Path("flag.json")


def test_password_comes_from_its_file_then_the_environment(monkeypatch, tmp_path):
    path = tmp_path / "password"
    monkeypatch.delenv("QCRS_PASSWORD", raising=False)
    with pytest.raises(PasswordMissing, match="nobody to ask"):
        password(path)
    monkeypatch.setenv("QCRS_PASSWORD", "from the environment")
    assert password(path) == password(None) == "from the environment"
    path.write_text("from the file\n")
    assert password(path) == "from the file"


def test_password_is_asked_of_whoever_sits_there(monkeypatch, tmp_path):
    monkeypatch.delenv("QCRS_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed")
    assert password(tmp_path / "absent") == "typed"


def test_post_quantum_keys_are_read_from_the_files_directory(tmp_path):
    path = tmp_path / "node.toml"
    NodeConfig(**FIELDS).write(path)
    assert NodeConfig.read(path).signing_key is None
    NodeConfig(**FIELDS, signing_key=Path("signing-key.json"), opening_key=Path("opening-key.json")).write(path)
    assert NodeConfig.read(path).opening_key == tmp_path / "opening-key.json"
