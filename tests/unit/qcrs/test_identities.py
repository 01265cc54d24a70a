"""Whose keys are whose."""

import asyncio

import pytest

from qcrs.crypto.identity import IdentityInvalid, issue, rotate
from qcrs.identities import Identities, ProcessorUnkeyed
from qcrs.rules.digest import keccak
from qcrs.store import Store
from tests.registered import UNKEYED, identity, opening, registered, signing


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def chain(store):
    return registered(store)


def of(chain, store, processor):
    return asyncio.run(Identities(chain, store).of(processor))


def test_stale_identity_stands_for_nobody(chain, store):
    first = identity(1)
    second = rotate(first, signing(1), signing(1, 2), opening(1, 2).public)
    store.put(second.content)
    chain.tell("IdentityUpdated", 1, identityDigest=second.digest)
    identities = Identities(chain, store)
    assert asyncio.run(identities.of(1)) == second
    identities.revocations.require(second.digest)
    with pytest.raises(IdentityInvalid, match="was replaced or withdrawn"):
        identities.revocations.require(first.digest)


def test_retired_processor_stands_for_nobody(chain, store):
    chain.tell("ProcessorRetired", 1)
    with pytest.raises(IdentityInvalid, match="was replaced or withdrawn"):
        of(chain, store, 1)
    assert list(asyncio.run(Identities(chain, store).others(2))) == []


def test_new_keys_are_not_believed_when_the_old_document_is_gone(chain, store, tmp_path):
    """Else whoever has an operator's account and the store could put keys of its own in their place."""
    thief = issue(identity(1).document.model_copy(update={"signing_key": signing(9).public}), signing(9))
    store.put(thief.content)
    chain.tell("IdentityUpdated", 1, identityDigest=thief.digest)
    with pytest.raises(IdentityInvalid, match="version 1 after"):
        of(chain, store, 1)
    digest = identity(1).digest.hex()
    (tmp_path / "store" / digest[:2] / digest).unlink()
    with pytest.raises(ProcessorUnkeyed, match="processor 1 has no keys"):
        of(chain, store, 1)


def test_processor_registered_before_there_were_keys_gets_its_first(chain, store):
    with pytest.raises(ProcessorUnkeyed, match="registered without any"):
        of(chain, store, 3)
    first = identity(3)
    store.put(first.content)
    chain.tell("IdentityUpdated", 3, identityDigest=first.digest)
    assert of(chain, store, 3) == first


def test_keys_cannot_be_given_up_again(chain, store):
    chain.tell("IdentityUpdated", 1, identityDigest=keccak(UNKEYED))
    with pytest.raises(IdentityInvalid, match="its format"):
        of(chain, store, 1)


def test_processor_that_is_none_has_no_keys(chain, store):
    with pytest.raises(ProcessorUnkeyed, match="there is no processor 9"):
        of(chain, store, 9)
