"""Key files open with their password alone, and cannot be exchanged, overwritten or read by others."""

import json
import os
import stat

import pytest

from qcrs.crypto import keystore
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.crypto.keystore import RANDOM_COST, KeyFileInvalid, read_key, write_key, write_private

SIGNER, OPENER = SigningKey(bytes(32)), OpeningKey(bytes(32))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "node" / "signing-key.json"
    write_key(path, SIGNER, "password", RANDOM_COST)
    return path


@pytest.mark.parametrize("key", [SIGNER, OPENER])
def test_key_comes_back(key, tmp_path):
    write_key(tmp_path / "key", key, "päss wörd", RANDOM_COST)
    assert read_key(type(key), tmp_path / "key", "päss wörd").seed == key.seed


def test_file_is_its_owners_alone_and_does_not_hold_the_seed(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_key(path.with_name("other"), SigningKey(bytes(range(32))), "password", RANDOM_COST)
    assert bytes(range(32)).hex() not in path.with_name("other").read_text()


def test_files_mask_is_left_as_it_was(tmp_path):
    before = os.umask(0o022)
    try:
        write_private(tmp_path / "file", "text")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_key_is_never_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(KeyFileInvalid, match="never overwritten"):
        write_key(path, SigningKey.create(), "password", RANDOM_COST)
    assert path.read_bytes() == before


def test_wrong_password_opens_nothing(path):
    with pytest.raises(KeyFileInvalid, match="does not open with this password"):
        read_key(SigningKey, path, "another")


def test_key_of_another_kind_is_refused(path):
    with pytest.raises(KeyFileInvalid, match="kind 'ML-DSA-65', expected X-Wing"):
        read_key(OpeningKey, path, "password")


@pytest.mark.parametrize("changes", [{"public": OPENER.public.hex()}, {"schemaVersion": 2}, {"comment": "mine"}])
def test_header_cannot_be_changed(path, changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(KeyFileInvalid, match="was changed"):
        read_key(SigningKey, path, "password")


def test_kind_cannot_be_changed(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": "X-Wing"}))
    with pytest.raises(KeyFileInvalid, match="was changed"):
        read_key(OpeningKey, path, "password")


@pytest.mark.parametrize("cost", [2**21, 2**40, 0, 3, -1, "x", 2.0])
def test_cost_without_bounds_is_refused_before_it_is_paid(path, cost, monkeypatch):
    monkeypatch.setattr(keystore, "Scrypt", lambda **_: pytest.fail("it was paid"))
    value = json.loads(path.read_text())
    value["kdf"]["cost"] = cost
    path.write_text(json.dumps(value))
    with pytest.raises(KeyFileInvalid, match="out of range"):
        read_key(SigningKey, path, "password")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"ciphertext": "zz"}'], ids=range(6))
def test_what_is_no_key_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(KeyFileInvalid, match="is no key file"):
        read_key(SigningKey, path, "password")


def test_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(KeyFileInvalid, match="qcrs node init"):
        read_key(SigningKey, tmp_path / "absent", "password")


def test_password_that_a_person_chose_is_stretched_by_default(tmp_path):
    write_key(tmp_path / "key", SIGNER, "password")
    assert json.loads((tmp_path / "key").read_text())["kdf"]["cost"] == keystore.CHOSEN_COST


def test_file_that_says_another_public_key_than_it_holds_is_refused(tmp_path):
    """Whoever knows the password could write one: what others are told of a node is what it can do."""
    key = SigningKey(bytes(32))
    key.public = SigningKey(bytes([1]) * 32).public
    write_key(tmp_path / "key", key, "password", RANDOM_COST)
    with pytest.raises(KeyFileInvalid, match="another key than it says"):
        read_key(SigningKey, tmp_path / "key", "password")
