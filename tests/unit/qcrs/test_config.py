"""Node configurations: round trip, paths, and errors that name the field."""

from pathlib import Path

import pytest

from qcrs.config import ConfigInvalid, NodeConfig, cores, home, network_path

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
