"""Keystores are private, never overwritten, and one process at a time acts with a key."""

import os
import stat
import subprocess
import sys
import tempfile

import pytest

from qcrs.chain.keys import (
    AddressInvalid,
    KeyInUse,
    KeyLock,
    KeystoreInvalid,
    LockFolderUnsafe,
    account_of,
    address_of,
    create_keystore,
    load_keystore,
    salt_root,
)

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


@pytest.fixture
def lock_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"qcrs-{os.getuid()}"


def test_lock_folder_that_others_may_write_to_is_refused(lock_folder):
    lock_folder.mkdir()
    lock_folder.chmod(0o770)
    with pytest.raises(LockFolderUnsafe, match="this user alone"):
        KeyLock(ADDRESS, 999)


def test_lock_folder_that_is_a_link_is_refused(lock_folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    lock_folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LockFolderUnsafe, match="this user alone"):
        KeyLock(ADDRESS, 999)


def test_lock_that_is_a_link_is_not_followed(lock_folder, tmp_path):
    lock_folder.mkdir(mode=0o700)
    (tmp_path / "precious").write_text("text")
    (lock_folder / f"999-{ADDRESS}.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(LockFolderUnsafe, match="cannot lock"):
        KeyLock(ADDRESS, 999)
    assert (tmp_path / "precious").read_text() == "text"


def test_address_gets_its_checksum_and_a_mistyped_one_is_refused():
    right = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"
    assert address_of(right) == address_of(right.lower()) == right
    for wrong in ("", "0x", right[2:], right[:-1], right + "0", right.replace("B38D", "b38D"), "researcher"):
        with pytest.raises(AddressInvalid, match="40 hexadecimal digits"):
            address_of(wrong)


def test_salts_follow_from_the_key_alone():
    daemon, other = (account_of("0x" + digit * 64) for digit in "12")
    facts = (1337, "genesis/verifier", 4, 0)
    root = salt_root(daemon, *facts)
    assert root == salt_root(daemon, *facts)
    changed = [(1, *facts[1:]), (1337, "another", 4, 0), (1337, facts[1], 5, 0), (1337, facts[1], 4, 1)]
    assert len({root, salt_root(other, *facts), *(salt_root(daemon, *c) for c in changed)}) == 6
