"""Keystores are private, never overwritten, and one process at a time acts with a key."""

import stat
import subprocess
import sys

import pytest

from qcrs.chain.keys import KeyInUse, KeyLock, KeystoreInvalid, account_of, create_keystore, load_keystore

ADDRESS = "0x" + "44" * 20


def test_key_comes_back_from_its_files(tmp_path):
    made = create_keystore(tmp_path / "keystore.json", tmp_path / "password")
    assert load_keystore(tmp_path / "keystore.json", tmp_path / "password").address == made.address
    for name in ("keystore.json", "password"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_keys_are_never_overwritten(tmp_path):
    create_keystore(tmp_path / "keystore.json", tmp_path / "password")
    before = (tmp_path / "keystore.json").read_bytes()
    with pytest.raises(KeystoreInvalid, match="never overwritten"):
        create_keystore(tmp_path / "keystore.json", tmp_path / "password")
    assert (tmp_path / "keystore.json").read_bytes() == before


def test_wrong_password_and_missing_files_are_named(tmp_path):
    create_keystore(tmp_path / "keystore.json", tmp_path / "password")
    (tmp_path / "other").write_text("wrong")
    with pytest.raises(KeystoreInvalid, match="does not open with the password"):
        load_keystore(tmp_path / "keystore.json", tmp_path / "other")
    with pytest.raises(KeystoreInvalid, match="qcrs node init"):
        load_keystore(tmp_path / "absent.json", tmp_path / "password")
    with pytest.raises(KeystoreInvalid, match="32 bytes"):
        account_of("0x")


def test_key_is_held_by_one_process_until_it_ends():
    code = f"from qcrs.chain.keys import KeyLock; lock = KeyLock({ADDRESS!r}, 999); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(KeyInUse, match=f"process {holder.pid}"):
        KeyLock(ADDRESS, 999)
    with KeyLock(ADDRESS, 998):
        pass
    holder.kill()
    holder.communicate()
    with KeyLock(ADDRESS, 999):
        pass
