"""Where hash keys are looked for, and what opens them."""

from types import SimpleNamespace

import pytest

from qcrs import config
from qcrs.config import PasswordMissing, new_password
from qcrs.crypto.leaf_key import LeafKeyInvalid, Purpose, create_leaf_key
from qcrs.sdk.keyring import HASH_KEYS, PASSWORD, Keyring

ACCOUNT, CONTRACT = "0x" + "a1" * 20, "0x" + "c0" * 20
GATEWAY = SimpleNamespace(network=SimpleNamespace(chain_id=1337), addresses={"HashKeys": CONTRACT})


@pytest.fixture
def folder(tmp_path):
    """A keyring with the password "secret"."""
    folder = tmp_path / HASH_KEYS
    folder.mkdir()
    (folder / PASSWORD).write_text("secret\n")
    return folder


@pytest.fixture
def node(tmp_path):
    """A daemon's keystore with a hash key beside it, under a password of its own."""
    node = tmp_path / "node"
    key = create_leaf_key(node / HASH_KEYS / "1.key", "daemon's", Purpose(ACCOUNT, 1337, CONTRACT))
    (node / PASSWORD).write_text("daemon's\n")
    return node / "keystore.json", key.commitment


def test_account_has_a_folder_of_its_own_in_the_keyring(folder):
    assert Keyring(folder).ring(GATEWAY, ACCOUNT).folder == folder / ACCOUNT


def test_daemon_has_its_hash_key_beside_its_keystore(folder, node):
    keystore, commitment = node
    ring = Keyring(folder, keystore).ring(GATEWAY, ACCOUNT)
    assert ring.has(commitment)
    assert ring.key_of(commitment).commitment == commitment
    with pytest.raises(LeafKeyInvalid, match="has no such key"):
        Keyring(folder).ring(GATEWAY, ACCOUNT).key_of(commitment)


def test_keystore_without_a_hash_key_beside_it_uses_the_keyring(folder, tmp_path):
    ring = Keyring(folder, tmp_path / "elsewhere" / "keystore.json").ring(GATEWAY, ACCOUNT)
    assert ring.folder == folder / ACCOUNT


@pytest.mark.parametrize(("first", "second"), [("one", "two"), ("", "")])
def test_password_of_a_new_key_is_typed_twice(monkeypatch, first, second):
    typed = iter((first, second))
    monkeypatch.delenv("QCRS_PASSWORD", raising=False)
    monkeypatch.setattr(config.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(config.getpass, "getpass", lambda _: next(typed))
    with pytest.raises(PasswordMissing, match="no key was made"):
        new_password(None)


def test_password_of_a_new_key_is_taken_as_given(monkeypatch, folder):
    monkeypatch.setenv("QCRS_PASSWORD", "given")
    assert new_password(None) == "given"
    assert new_password(folder / PASSWORD) == "secret"


def test_founders_key_is_found_again_by_its_commitment(folder):
    key = Keyring(folder).new(ACCOUNT)
    assert (key.path, key.purpose) == (folder / ACCOUNT / "1.key", Purpose(ACCOUNT))
    assert key.path.stat().st_mode & 0o777 == 0o600
    assert Keyring(folder).ring(GATEWAY, ACCOUNT).key_of(key.commitment).purpose == Purpose(ACCOUNT, 1337, CONTRACT)
