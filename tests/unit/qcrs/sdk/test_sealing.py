"""The requester lets in whoever was drawn, once each, also after a restart; results say who has signed them."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.crypto.envelope import header_of
from qcrs.crypto.identity import rotate
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Duty, Story
from qcrs.rules.digest import keccak
from qcrs.sdk.sealing import SIGNED, PayloadUnreadable, Sealer
from qcrs.sdk.secrets import Secrets
from qcrs.store import ContentUnavailable, Store
from tests.registered import identity, opening, registered, signing

CIRCUIT = b"OPENQASM 3.0;\n"


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def chain(store):
    return registered(store)


def sealer(chain, store, tmp_path):
    return Sealer(chain, store, Secrets(tmp_path / "secrets.jsonl"))


def submitted(made, *processors):
    commitment = made._secrets.create(sealed=True)
    request = SimpleNamespace(payload=b"", circuit_digest=made.seal(CIRCUIT, commitment), secret_commitment=commitment)
    story = Story(computation=7, requester="0x", organisation=1, escrow=1, request=request, replicas=3, attempt=1)
    story.duties = [Duty(index, processor, 1) for index, processor in enumerate(processors)]
    return story


def reads(made, story, key):
    header = header_of(made._store.get(story.request.circuit_digest))
    return made.vault.content_key(story.computation, story.request.circuit_digest, header, key) is not None


def serve(made, story):
    told = []
    asyncio.run(made.serve(story, told.append))
    return told


def sheets(made, story):
    return made._store.names(made.vault._box("sealed", story.computation))


def test_those_who_were_drawn_are_let_in_and_nobody_else(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 1)
    assert not made.has_served(story)
    assert serve(made, story) == []
    assert made.has_served(story)
    assert reads(made, story, opening(1))
    assert not reads(made, story, opening(2))
    assert made.circuit(story) == CIRCUIT


def test_each_is_let_in_once_and_replacements_when_they_come(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 1)
    serve(made, story)
    serve(made, story)
    assert len(sheets(made, story)) == 1
    story.duties[0].status = AssignmentStatus.Silent
    story.duties.append(Duty(1, 2, 2))
    story.attempt = 2
    assert not made.has_served(story)
    serve(made, story)
    assert reads(made, story, opening(2))
    assert [name.rsplit("-", 1)[0] for name in sheets(made, story)] == ["sheet-1-0", "sheet-2-1"]


def test_client_with_the_same_secrets_goes_on_where_another_was_killed(chain, store, tmp_path):
    story = submitted(sealer(chain, store, tmp_path), 1, 2)
    later = sealer(chain, store, tmp_path)
    serve(later, story)
    assert reads(later, story, opening(1))
    assert reads(later, story, opening(2))
    assert later.circuit(story) == CIRCUIT


def test_client_without_the_secrets_can_neither_seal_nor_read(chain, store, tmp_path):
    story = submitted(sealer(chain, store, tmp_path), 1)
    stranger = sealer(chain, store, tmp_path / "elsewhere")
    assert serve(stranger, story) == []
    assert sheets(stranger, story) == []
    with pytest.raises(PayloadUnreadable, match="computation 7 is encrypted"):
        stranger.circuit(story)


def test_disclosed_circuit_is_everybodys(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 1)
    stranger = sealer(chain, store, tmp_path / "elsewhere")
    stranger.disclose(story)  # it has nothing to disclose
    with pytest.raises(PayloadUnreadable):
        stranger.circuit(story)
    made.disclose(story)
    assert stranger.circuit(story) == CIRCUIT


def test_processor_without_keys_is_named_and_the_others_are_let_in(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 3, 1)
    (told,) = serve(made, story)
    assert "processor 3 cannot be let in" in told
    assert "qcrs processor rekey" in told
    assert reads(made, story, opening(1))
    assert list(asyncio.run(made.unkeyed([1, 2, 3]))) == [3]


def test_signatures_say_who_vouches_and_why_another_does_not(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 1, 2, 3)
    story.accepted = 0b111
    for duty in story.duties:
        duty.counts_root = keccak(bytes([duty.index]))
    made.vault.sign_answer(signing(1), 7, 0, story.duties[0].counts_root)
    states = asyncio.run(made.signatures(story))
    assert states[1] == SIGNED
    assert states[2] == "there is none in the store"
    assert "processor 3 has no keys" in states[3]
    made.vault.sign_answer(signing(1), 7, 1, story.duties[1].counts_root)
    assert "not signed by its present key" in asyncio.run(made.signatures(story))[2]


def test_rotation_is_noticed_by_a_client_that_is_running(chain, store, tmp_path):
    made = sealer(chain, store, tmp_path)
    asyncio.run(made.identities.of(1))
    second = rotate(identity(1), signing(1), signing(1, 2), opening(1, 2).public)
    store.put(second.content)
    chain.tell("IdentityUpdated", 1, identityDigest=second.digest)
    story = submitted(made, 1)
    serve(made, story)
    assert reads(made, story, opening(1, 2))
    assert not reads(made, story, opening(1))


def test_store_that_is_away_is_said(chain, store, tmp_path, monkeypatch):
    made = sealer(chain, store, tmp_path)
    story = submitted(made, 1)
    story.accepted = 1

    def away(_):
        raise ContentUnavailable("the store is away")

    monkeypatch.setattr(store, "names", away)
    assert asyncio.run(made.signatures(story)) == {1: "the store is away"}
