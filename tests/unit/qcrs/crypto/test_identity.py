"""An identity document stands for one processor, proves its keys, and says what is wrong when it does not."""

import json

import pytest

from qcrs.crypto import admission
from qcrs.crypto.admission import challenge, require_possession, require_unique
from qcrs.crypto.identity import (
    MAX_BYTES,
    Check,
    Document,
    Identity,
    IdentityInvalid,
    Revocations,
    issue,
    require_identity,
    rotate,
)
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.rules.digest import keccak

OPERATOR, DAEMON, REGISTRY = ("0x" + f"{number:02x}" * 20 for number in (1, 2, 3))
SIGNER, OPENER = SigningKey(bytes(32)), OpeningKey(bytes(32))
NEXT_SIGNER, NEXT_OPENER = SigningKey(bytes([1]) * 32), OpeningKey(bytes([1]) * 32)
SECRET = keccak(b"the authority's")
DOCUMENT = Document(
    chain_id=1337, registry=REGISTRY, operator=OPERATOR, daemon=DAEMON, signing_key=SIGNER.public,
    sealing_key=OPENER.public, hardware_digest=keccak(b"device"),
)  # fmt: skip
FIRST = issue(DOCUMENT, SIGNER)
SECOND = rotate(FIRST, SIGNER, NEXT_SIGNER, NEXT_OPENER.public)


def required(identity=FIRST, previous=None, **changes):
    expected = {
        "digest": identity.digest,
        "operator": OPERATOR,
        "daemon": DAEMON,
        "chain_id": 1337,
        "registry": REGISTRY,
    }
    return require_identity(changes.pop("content", identity.content), **(expected | changes), previous=previous)


def refused(check, act):
    with pytest.raises(IdentityInvalid, match=check.value) as caught:
        act()
    assert caught.value.check is check


def changed(key=SIGNER, before=None, **changes):
    return issue(DOCUMENT.model_copy(update=changes), key, before)


def test_file_comes_back_as_it_was():
    assert required() == FIRST
    assert Identity.read(SECOND.content, SECOND.digest) == SECOND


def test_canonical_form_is_as_it_was_frozen():
    assert keccak(DOCUMENT.canonical).hex() == "f04b48d182266e4f33c4c99656f2aaa6b17c997d1793e11f9d049e40d0afc65a"


def test_copied_document_stands_for_nobody_else():
    """A clone has the same keys and device under another operator or daemon: the document names both."""
    refused(Check.Operator, lambda: required(operator="0x" + "44" * 20))
    refused(Check.Daemon, lambda: required(daemon="0x" + "44" * 20))
    refused(Check.Deployment, lambda: required(registry="0x" + "44" * 20))
    refused(Check.Deployment, lambda: required(chain_id=1))


def test_document_rewritten_for_another_operator_needs_the_key():
    stolen = Identity(DOCUMENT.model_copy(update={"operator": "0x" + "44" * 20}), FIRST.signature)
    refused(Check.Signature, lambda: required(stolen, operator="0x" + "44" * 20))


def test_signature_by_another_key_is_refused():
    refused(Check.Signature, lambda: required(issue(DOCUMENT, NEXT_SIGNER)))
    refused(Check.Signature, lambda: required(Identity(DOCUMENT, b"")))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 20_000, b'{"document": 1}'], ids=range(6))
def test_what_is_no_document_is_refused(content):
    refused(Check.Format, lambda: required(content=content, digest=keccak(content)))


@pytest.mark.parametrize(
    "changes",
    [
        {"signingKey": "0x00"}, {"sealingKey": 7}, {"operator": "lab"}, {"version": 0}, {"hardwareDigest": None},
        {"schemaVersion": 1}, {"more": 1}, {"previous": "0xzz"},
    ],
)  # fmt: skip
def test_document_with_a_wrong_field_is_refused(changes):
    value = json.loads(FIRST.content)
    value["document"] |= changes
    content = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    refused(Check.Format, lambda: required(content=content, digest=keccak(content)))


def test_second_spelling_of_a_document_is_refused():
    content = FIRST.content.replace(b",", b", ", 1)
    refused(Check.Format, lambda: required(content=content, digest=keccak(content)))


def test_another_file_than_the_registry_names_is_refused():
    refused(Check.Digest, lambda: required(digest=SECOND.digest))
    refused(Check.Digest, lambda: required(content=FIRST.content + b" "))


def test_endless_file_is_refused_before_it_is_read():
    refused(Check.Length, lambda: required(content=b"[" * (MAX_BYTES + 1)))


def test_successor_is_signed_by_both_keys_and_names_the_document_before():
    assert required(SECOND, FIRST) == SECOND
    third = rotate(SECOND, NEXT_SIGNER, SIGNER, OPENER.public)
    assert required(third, SECOND).document.version == 3


def test_successor_without_the_old_key_is_refused():
    thief = rotate(FIRST, NEXT_SIGNER, NEXT_SIGNER, NEXT_OPENER.public)
    refused(Check.PredecessorSignature, lambda: required(thief, FIRST))
    refused(Check.PredecessorSignature, lambda: required(Identity(SECOND.document, SECOND.signature), FIRST))


def test_successor_out_of_order_is_refused():
    refused(Check.Predecessor, lambda: required(SECOND))
    refused(Check.Predecessor, lambda: required(FIRST, FIRST))
    refused(Check.Predecessor, lambda: required(rotate(SECOND, NEXT_SIGNER, SIGNER, OPENER.public), FIRST))
    skipped = changed(NEXT_SIGNER, SIGNER, version=3, previous=FIRST.digest, signing_key=NEXT_SIGNER.public)
    refused(Check.Predecessor, lambda: required(skipped, FIRST))


def test_successor_with_another_device_is_refused():
    other = changed(SIGNER, SIGNER, version=2, previous=FIRST.digest, hardware_digest=keccak(b"another"))
    refused(Check.Predecessor, lambda: required(other, FIRST))


def test_key_that_is_none_is_refused():
    bad = changed(sealing_key=b"\xff" * 1216)
    refused(Check.Key, lambda: challenge(required(bad), SECRET))


# Possession of the key that cannot sign.


def test_challenge_is_answered_by_the_possessor():
    answer = admission.answer(challenge(FIRST, SECRET), FIRST.digest, OPENER)
    require_possession(FIRST, SECRET, answer)


def test_nobody_else_can_answer():
    refused(Check.Possession, lambda: admission.answer(challenge(FIRST, SECRET), FIRST.digest, NEXT_OPENER))
    refused(Check.Possession, lambda: require_possession(FIRST, SECRET, bytes(32)))


def test_someone_elses_key_in_ones_own_document_cannot_be_proven_by_its_owner_unawares():
    """The owner answers for its own file only, whatever challenge is passed on to it."""
    thief = issue(
        DOCUMENT.model_copy(update={"operator": "0x" + "44" * 20, "signing_key": NEXT_SIGNER.public}), NEXT_SIGNER
    )
    refused(Check.Possession, lambda: admission.answer(challenge(thief, SECRET), FIRST.digest, OPENER))


def test_challenge_that_the_applicant_made_itself_proves_nothing():
    answer = admission.answer(challenge(FIRST, bytes(32)), FIRST.digest, OPENER)
    refused(Check.Possession, lambda: require_possession(FIRST, SECRET, answer))


@pytest.mark.parametrize("shared", ["signing_key", "sealing_key", "hardware_digest", "hash_key"])
def test_two_processors_share_neither_keys_nor_device(shared):
    mine = changed(hash_key=bytes(24))
    other = DOCUMENT.model_copy(
        update={"signing_key": NEXT_SIGNER.public, "sealing_key": NEXT_OPENER.public, "hardware_digest": bytes(32)}
    )
    require_unique(mine, {7: issue(other, NEXT_SIGNER)})
    clone = other.model_copy(update={shared: getattr(mine.document, shared)})
    refused(Check.Unique, lambda: require_unique(mine, {7: issue(clone, NEXT_SIGNER)}))


def test_processors_without_hash_keys_share_none():
    other = {"signing_key": NEXT_SIGNER.public, "sealing_key": NEXT_OPENER.public, "hardware_digest": bytes(32)}
    require_unique(FIRST, {7: changed(NEXT_SIGNER, **other)})


def test_revoked_document_stands_for_nobody():
    revocations = Revocations()
    revocations.require(FIRST.digest)
    revocations.revoke(FIRST.digest)
    refused(Check.Revoked, lambda: revocations.require(FIRST.digest))
    revocations.require(SECOND.digest)
