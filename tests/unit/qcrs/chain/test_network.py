"""The network file: round trip, permissions, and errors that say what is wrong."""

import json
import stat

import pytest

from qcrs.chain.codec import CONTRACTS
from qcrs.chain.network import Account, Network, NetworkFileInvalid

FACTS = Network(
    rpc_url="http://127.0.0.1:1",
    ws_url="ws://127.0.0.1:1",
    chain_id=1337,
    genesis="0x" + "44" * 32,
    contracts=dict.fromkeys(CONTRACTS, "0x" + "22" * 20),
    deployed_at=3,
    store="store",
    accounts=[Account(name="researcher", address="0x" + "33" * 20, organisation="Theory", private_key="0x01")],
)


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "network.json"
    FACTS.write(path)
    assert Network.read(path) == FACTS
    assert json.loads(path.read_text())["rpcUrl"] == FACTS.rpc_url


def test_file_with_keys_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "network.json"
    FACTS.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_accounts_are_found_by_name():
    assert FACTS.account("researcher").organisation == "Theory"
    with pytest.raises(NetworkFileInvalid, match="it has: researcher"):
        FACTS.account("nobody")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "is not a network file"),
        ("[]", "is not a network file"),
        ('{"rpcUrl": 1}', "is not a network file"),
        (json.dumps({**FACTS.to_json(), "contracts": {}}), "lacks the address of Authority"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, word):
    path = tmp_path / "network.json"
    path.write_text(text)
    with pytest.raises(NetworkFileInvalid, match=word):
        Network.read(path)


def test_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(NetworkFileInvalid, match="qcrs devnet up"):
        Network.read(tmp_path / "absent.json")
