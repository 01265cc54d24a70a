import json

import pytest

from qcrs.crypto import leaf_key
from qcrs.crypto.leaf_journal import LeafJournal
from qcrs.crypto.leaf_key import LeafKeyInvalid, LeafKeyUnsafe, Purpose, create_leaf_key, load_leaf_key
from tests.unit.qcrs.crypto.conftest import PASSWORD, PURPOSE


def test_key_comes_back_as_it_was_made(key):
    again = load_leaf_key(key.path, PASSWORD, PURPOSE)
    assert (again.secret, again.tree) == (key.secret, key.tree)


def test_files_are_the_owners_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(leaf_key, "SCRYPT_COST", 16)
    key = create_leaf_key(tmp_path / "hash.key", PASSWORD, PURPOSE)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert key.secret not in key.path.read_bytes()
    assert key.secret.hex() not in key.path.read_text()
    assert key.secret.hex() not in repr(key)
    with pytest.raises(LeafKeyUnsafe, match="exists already"):
        create_leaf_key(key.path, PASSWORD, PURPOSE)


def test_key_is_made_over_what_a_crash_left_of_one_that_was_never_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(leaf_key, "SCRYPT_COST", 16)
    path = tmp_path / "hash.key"
    (tmp_path / "hash.key.tree").write_bytes(b"of another")
    (tmp_path / "hash.key.leaves").write_bytes(b"of another")
    key = create_leaf_key(path, PASSWORD, PURPOSE)
    assert load_leaf_key(path, PASSWORD, PURPOSE).tree == key.tree
    with LeafJournal(key.journal_path, key.commitment) as journal:
        assert journal.next_leaf == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_key_that_others_may_read_is_refused(key, mode):
    key.path.chmod(mode)
    with pytest.raises(LeafKeyUnsafe, match="expected 0600"):
        load_leaf_key(key.path, PASSWORD, PURPOSE)


def test_other_password_is_refused(key):
    with pytest.raises(LeafKeyInvalid, match="does not open"):
        load_leaf_key(key.path, PASSWORD + "!", PURPOSE)


@pytest.mark.parametrize(
    "other",
    [
        Purpose("0x" + "a2" * 20, 1337, PURPOSE.contract),
        Purpose(PURPOSE.account, 1, PURPOSE.contract),
        Purpose(PURPOSE.account, 1337, "0x" + "c1" * 20),
    ],
)
def test_key_of_another_purpose_is_refused(key, other):
    with pytest.raises(LeafKeyInvalid, match="is for"):
        load_leaf_key(key.path, PASSWORD, other)


@pytest.mark.parametrize(
    ("field", "value"), [("account", "0x" + "a2" * 20), ("chain", 1), ("contract", "0x" + "c1" * 20)]
)
def test_header_cannot_be_changed_to_another_purpose(key, field, value):
    content = json.loads(key.path.read_text())
    content["header"][field] = value
    key.path.write_text(json.dumps(content))
    purpose = Purpose(**{**PURPOSE.to_json(), field: value})
    with pytest.raises(LeafKeyInvalid, match="it was changed"):
        load_leaf_key(key.path, PASSWORD, purpose)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"header": {"version": 2}}', b"[" * 3000])
def test_what_is_no_key_is_refused(key, content):
    key.path.write_bytes(content)
    with pytest.raises(LeafKeyInvalid, match="is not a hash key"):
        load_leaf_key(key.path, PASSWORD, PURPOSE)


def test_costly_key_derivation_is_refused(key):
    content = json.loads(key.path.read_text())
    content["header"]["kdf"]["n"] = 1 << 30
    key.path.write_text(json.dumps(content))
    with pytest.raises(LeafKeyInvalid, match="scrypt with n 1073741824"):
        load_leaf_key(key.path, PASSWORD, PURPOSE)


def test_missing_key_and_link_are_refused(key, tmp_path):
    with pytest.raises(LeafKeyInvalid, match="cannot read"):
        load_leaf_key(tmp_path / "none", PASSWORD, PURPOSE)
    (tmp_path / "link").symlink_to(key.path)
    with pytest.raises(LeafKeyInvalid, match="cannot read"):
        load_leaf_key(tmp_path / "link", PASSWORD, PURPOSE)


def test_public_tree_is_checked_and_grown_again_when_wrong(key):
    cache = key.path.with_name(key.path.name + ".tree")
    content = bytearray(cache.read_bytes())
    content[500] ^= 1
    cache.write_bytes(content)
    assert load_leaf_key(key.path, PASSWORD, PURPOSE).tree == key.tree
    cache.unlink()
    assert load_leaf_key(key.path, PASSWORD, PURPOSE).tree == key.tree
