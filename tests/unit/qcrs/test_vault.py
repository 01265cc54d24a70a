"""What is left in the vault is found by whom it is for, and nobody else's is taken for it."""

import pytest

from qcrs.crypto.envelope import header_of, seal_body, seal_sheet
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.rules.digest import keccak
from qcrs.store import Store
from qcrs.vault import INVITATION_BYTES, MOST_CANDIDATES, Vault

SENDER, KEY, OTHER = SigningKey(bytes(32)), OpeningKey(bytes(32)), OpeningKey(bytes([1]) * 32)
CONTENT_KEY = bytes(range(32))
BODY = seal_body(b"circuit", CONTENT_KEY, SENDER.public)
DIGEST, HEADER = keccak(BODY), header_of(BODY)
DAEMON = "0x" + "2a" * 20


@pytest.fixture
def vault(tmp_path):
    return Vault(Store(str(tmp_path)), "genesis/verifier")


def sheet_for(vault, key=KEY, computation=7, sender=SENDER, content_key=CONTENT_KEY):
    return seal_sheet(content_key, DIGEST, vault.context(computation), [key.public], sender)


def found(vault, key=KEY, computation=7):
    return vault.content_key(computation, DIGEST, HEADER, key)


def test_slot_is_found_by_its_processor_alone(vault):
    assert found(vault) is None
    vault.post_sheet(7, 1, 0, sheet_for(vault))
    assert found(vault) == CONTENT_KEY
    assert found(vault, OTHER) is None
    assert found(vault, computation=8) is None


def test_later_draws_have_sheets_of_their_own(vault):
    vault.post_sheet(7, 1, 0, sheet_for(vault))
    vault.post_sheet(7, 2, 3, sheet_for(vault, OTHER))
    assert found(vault) == found(vault, OTHER) == CONTENT_KEY


def test_sheets_of_strangers_and_of_other_computations_are_passed_over(vault):
    vault.post_sheet(7, 0, 0, b"junk")
    vault.post_sheet(7, 0, 0, sheet_for(vault, sender=SigningKey(bytes([9]) * 32), content_key=bytes(32)))
    vault.post_sheet(7, 0, 0, sheet_for(vault, computation=8))
    assert found(vault) is None
    vault.post_sheet(7, 1, 0, sheet_for(vault))
    assert found(vault) == CONTENT_KEY


def test_deployments_in_one_store_do_not_meet(vault):
    other = Vault(vault.store, "genesis/another")
    other.post_sheet(7, 1, 0, sheet_for(other))
    assert found(vault) is None
    assert vault.context(7) != other.context(7)


def test_what_was_changed_in_the_store_is_passed_over(vault, tmp_path, caplog):
    vault.post_sheet(7, 1, 0, sheet_for(vault))
    (path,) = tmp_path.glob("sealed-*/*")
    path.write_bytes(sheet_for(vault, content_key=bytes(32)))
    assert found(vault) is None
    assert "is not what its name says" in caplog.text


def test_flood_is_bounded(vault, monkeypatch):
    for number in range(MOST_CANDIDATES + 10):
        vault.post_sheet(7, 0, 0, bytes([number]))
    read = []
    fetch = vault.store.fetch
    monkeypatch.setattr(vault.store, "fetch", lambda box, name, most: read.append(name) or fetch(box, name))
    assert found(vault) is None
    assert len(read) == MOST_CANDIDATES


def test_disclosed_key_is_the_committed_one(vault):
    vault.disclose(7, bytes(32))
    vault.disclose(7, b"short")
    assert vault.disclosed(7, HEADER) is None
    vault.disclose(7, CONTENT_KEY)
    assert vault.disclosed(7, HEADER) == CONTENT_KEY


def test_signature_vouches_for_one_answer_of_one_assignment(vault):
    public = SENDER.public
    assert vault.is_answer_signed(public, 7, 0, bytes(32)) is None
    vault.sign_answer(SENDER, 7, 0, bytes(32))
    assert vault.is_answer_signed(public, 7, 0, bytes(32)) is True
    assert vault.is_answer_signed(public, 7, 0, keccak(b"other")) is False
    assert vault.is_answer_signed(SigningKey(bytes([1]) * 32).public, 7, 0, bytes(32)) is False
    assert vault.is_answer_signed(public, 7, 1, bytes(32)) is None


def test_signature_moved_to_another_assignment_vouches_for_nothing(vault):
    vault.sign_answer(SENDER, 7, 0, bytes(32))
    box = vault._box("signed", 7)
    (name,) = vault.store.names(box)
    vault._leave(box, "answer-1", vault.store.fetch(box, name))
    assert vault.is_answer_signed(SENDER.public, 7, 1, bytes(32)) is False


def test_forged_signature_beside_the_true_one_changes_nothing(vault):
    vault._leave(vault._box("signed", 7), "answer-0", bytes(3309))
    vault.sign_answer(SENDER, 7, 0, bytes(32))
    assert vault.is_answer_signed(SENDER.public, 7, 0, bytes(32)) is True


def test_capability_is_signed_for_one_daemon(vault):
    vault.sign_capability(SENDER, DAEMON, b"record")
    assert vault.is_capability_signed(SENDER.public, DAEMON, b"record")
    assert not vault.is_capability_signed(SENDER.public, DAEMON, b"another")
    assert not vault.is_capability_signed(SENDER.public, "0x" + "2b" * 20, b"record")


def test_challenges_and_answers_are_kept_apart(vault):
    vault.post_challenge(DIGEST, b"sealed")
    vault.post_answer(DIGEST, b"answer")
    assert list(vault.challenges(DIGEST)) == [b"sealed"]
    assert list(vault.answers(DIGEST)) == [b"answer"]
    assert list(vault.answers(bytes(32))) == []


def test_invitations_are_found_until_they_are_over_however_many_there_were(vault):
    for until in range(2 * MOST_CANDIDATES):
        vault.post_invitation(3, until, b"old %d" % until)
    vault.post_invitation(3, 1_000, b"of now")
    vault.post_invitation(3, 1_030, b"of later")
    vault.post_invitation(3, 1_031, b"of far ahead")
    vault.post_invitation(4, 1_000, b"over another channel")
    assert list(vault.invitations(3, 1_000, 1_030)) == [b"of now", b"of later"]
    assert list(Vault(vault.store, "genesis/another").invitations(3, 1_000, 1_030)) == []


def test_what_is_too_large_for_an_invitation_is_not_read(vault, monkeypatch):
    """Anybody may leave anything, and it is looked for every two seconds."""
    vault.post_invitation(3, 1_010, b"\0" * (INVITATION_BYTES + 1))
    vault.post_invitation(3, 1_020, b"\0" * INVITATION_BYTES)
    read, cat = [], vault.store._files.cat_file
    monkeypatch.setattr(vault.store._files, "cat_file", lambda path: read.append(len(cat(path))) or cat(path))
    assert [len(content) for content in vault.invitations(3, 1_000, 1_030)] == [INVITATION_BYTES]
    assert read == [INVITATION_BYTES]
