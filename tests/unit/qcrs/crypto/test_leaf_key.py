import json
import shutil
from dataclasses import replace

import pytest

from qcrs.crypto import leaf_key
from qcrs.crypto.leaf_journal import LeafJournal, LeafJournalDamaged, LeafJournalInUse
from qcrs.crypto.leaf_key import LeafKeyInvalid, LeafKeyUnsafe, Purpose, create_leaf_key, load_leaf_key
from tests.unit.qcrs.crypto.conftest import PASSWORD, PURPOSE

ELSEWHERE = Purpose(PURPOSE.account, 1337, "0x" + "c1" * 20)


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


@pytest.fixture(scope="module")
def _founders(tmp_path_factory):
    return create_leaf_key(tmp_path_factory.mktemp("founder") / "1.key", PASSWORD, Purpose(PURPOSE.account))


@pytest.fixture
def unbound(_founders, tmp_path):
    """A founder's key, made before there is a contract."""
    shutil.copytree(_founders.path.parent, tmp_path / "founder")
    return replace(_founders, path=tmp_path / "founder" / _founders.path.name)


def test_founders_key_is_bound_where_it_is_first_loaded_and_nowhere_else(unbound):
    bound = load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    assert (bound.secret, bound.tree, bound.purpose) == (unbound.secret, unbound.tree, PURPOSE)
    header = json.loads(unbound.path.read_text())["header"]
    assert (header["chain"], header["contract"]) == (PURPOSE.chain, PURPOSE.contract)
    assert load_leaf_key(unbound.path, PASSWORD, PURPOSE).secret == unbound.secret
    for other in (ELSEWHERE, Purpose(PURPOSE.account, 1, PURPOSE.contract), Purpose(PURPOSE.account)):
        with pytest.raises(LeafKeyInvalid, match="is for"):
            load_leaf_key(unbound.path, PASSWORD, other)
    assert {path.stat().st_mode & 0o777 for path in unbound.path.parent.iterdir()} == {0o600}
    assert not unbound.path.with_name("1.key.new").exists()


def test_founders_key_is_bound_for_its_account_and_its_password_alone(unbound):
    content = unbound.path.read_bytes()
    with pytest.raises(LeafKeyInvalid, match="is for"):
        load_leaf_key(unbound.path, PASSWORD, Purpose("0x" + "a2" * 20, 1337, PURPOSE.contract))
    with pytest.raises(LeafKeyInvalid, match="does not open"):
        load_leaf_key(unbound.path, PASSWORD + "!", PURPOSE)
    assert unbound.path.read_bytes() == content


def test_bound_key_is_not_unbound_by_who_has_no_password(unbound):
    load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    content = json.loads(unbound.path.read_text())
    content["header"].update(chain=None, contract=None)
    unbound.path.write_text(json.dumps(content))
    with pytest.raises(LeafKeyInvalid, match="it was changed"):
        load_leaf_key(unbound.path, PASSWORD, ELSEWHERE)


def test_founders_key_whose_file_was_put_back_is_bound_to_nothing_once_it_has_signed(unbound):
    content = unbound.path.read_bytes()
    load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    with LeafJournal(unbound.journal_path, unbound.commitment) as journal:
        journal.reserve(bytes(32), 1)
    unbound.path.write_bytes(content)
    for purpose in (PURPOSE, ELSEWHERE):
        with pytest.raises(LeafKeyInvalid, match="old copy"):
            load_leaf_key(unbound.path, PASSWORD, purpose)
    assert unbound.path.read_bytes() == content


def test_founders_key_is_not_bound_while_another_process_has_it_or_without_its_journal(unbound):
    with LeafJournal(unbound.journal_path, unbound.commitment), pytest.raises(LeafJournalInUse):
        load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    unbound.journal_path.unlink()
    with pytest.raises(LeafJournalDamaged):
        load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    assert json.loads(unbound.path.read_text())["header"]["contract"] is None


def test_founders_key_that_was_bound_meanwhile_is_not_bound_again(unbound, monkeypatch):
    """Another process is done between the look at the file and the lock."""
    seal = leaf_key._sealed

    def sealed_late(*arguments):
        after = seal(*arguments)
        monkeypatch.setattr(leaf_key, "_sealed", seal)
        load_leaf_key(unbound.path, PASSWORD, ELSEWHERE)
        return after

    monkeypatch.setattr(leaf_key, "_sealed", sealed_late)
    with pytest.raises(LeafKeyInvalid, match="changed by another process"):
        load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    assert load_leaf_key(unbound.path, PASSWORD, ELSEWHERE).secret == unbound.secret


def test_crash_while_a_founders_key_is_bound_leaves_it_as_it_was(unbound, monkeypatch):
    def crash(path, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(unbound.path), "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            load_leaf_key(unbound.path, PASSWORD, PURPOSE)
    assert json.loads(unbound.path.read_text())["header"]["contract"] is None
    assert load_leaf_key(unbound.path, PASSWORD, ELSEWHERE).purpose == ELSEWHERE
