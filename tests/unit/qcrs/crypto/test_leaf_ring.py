import shutil

import pytest

from qcrs.crypto import leaf_key
from qcrs.crypto.leaf_key import LeafKeyInvalid, Purpose
from qcrs.crypto.leaf_ring import LeafRing
from tests.unit.qcrs.crypto.conftest import PASSWORD, PURPOSE


@pytest.fixture
def ring(key, tmp_path, monkeypatch):
    """A ring whose first key is there already."""
    monkeypatch.setattr(leaf_key, "SCRYPT_COST", 16)
    folder = tmp_path / "ring"
    folder.mkdir()
    for suffix in ("", ".tree", ".leaves"):
        shutil.copy(key.path.with_name(key.path.name + suffix), folder / f"1.key{suffix}")
    return LeafRing(folder, PASSWORD, PURPOSE)


def test_key_is_found_by_what_the_chain_has(ring, key):
    assert ring.key_of(key.commitment).secret == key.secret
    with pytest.raises(LeafKeyInvalid, match="has no such key"):
        ring.key_of(b"\1" * 24)


def test_first_key_is_taken_again_until_it_is_installed(ring, key):
    assert ring.successor(None).commitment == key.commitment


def test_successor_is_made_once_and_taken_again_after_a_crash(ring, key):
    successor = ring.successor(key.commitment)
    assert successor.path.name == "2.key"
    assert successor.commitment != key.commitment
    assert ring.successor(key.commitment).commitment == successor.commitment
    assert ring.key_of(successor.commitment).tree == successor.tree


def test_tenth_key_follows_the_ninth(ring, key):
    for suffix in ("", ".tree", ".leaves"):
        shutil.move(ring.folder / f"1.key{suffix}", ring.folder / f"9.key{suffix}")
    tenth = ring.successor(key.commitment)
    assert tenth.path.name == "10.key"
    assert ring.successor(key.commitment).commitment == tenth.commitment
    assert ring.successor(tenth.commitment).path.name == "11.key"


def test_what_is_no_key_is_named(ring):
    (ring.folder / "3.key").write_text("{}")
    with pytest.raises(LeafKeyInvalid, match=r"3\.key is not a hash key"):
        ring.successor(None)


def test_founders_key_serves_where_the_chain_names_it(ring):
    waiting = LeafRing(ring.folder, PASSWORD, Purpose(PURPOSE.account)).another()
    assert ring.key_of(waiting.commitment).purpose == PURPOSE
    elsewhere = LeafRing(ring.folder, PASSWORD, Purpose(PURPOSE.account, 1337, "0x" + "c1" * 20))
    with pytest.raises(LeafKeyInvalid, match="is for"):
        elsewhere.key_of(waiting.commitment)
    assert ring.successor(waiting.commitment).path.name == "3.key"


def test_founders_key_that_waits_is_neither_installed_nor_rotated_to(ring):
    """Its commitment is in somebody's file of bodies: here it would serve the wrong suite."""
    waiting = LeafRing(ring.folder, PASSWORD, Purpose(PURPOSE.account)).another()
    for path in ring.folder.glob("1.key*"):
        path.unlink()
    assert ring.has(waiting.commitment)
    first = ring.successor(None)
    assert first.path.name == "3.key"
    assert ring.successor(first.commitment).path.name == "4.key"
    assert ring.key_of(waiting.commitment).commitment == waiting.commitment
