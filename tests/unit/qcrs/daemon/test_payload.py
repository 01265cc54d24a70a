"""A circuit comes in clear or out of its envelope, or the refusal says why it did not."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.crypto.envelope import header_of, seal_body, seal_sheet
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.daemon import payload as module
from qcrs.daemon.payload import KEY_SHARE_OF_PHASE, PayloadRefused, Payloads
from qcrs.model.refusal import RefusalCode
from qcrs.rules.digest import keccak
from qcrs.store import ContentUnavailable, Store
from qcrs.vault import Vault

SENDER, KEY, OTHER = SigningKey(bytes(32)), OpeningKey(bytes(32)), OpeningKey(bytes([1]) * 32)
CONTENT_KEY = bytes(range(32))
CIRCUIT = "OPENQASM 3.0;\n"
NOW, WINDOW = 1_000_000.0, 100


class Clock:
    """A chain's clock that moves with every look at it."""

    def __init__(self, pace=1.0):
        self.now, self.pace = NOW, pace

    def __call__(self):
        self.now += self.pace
        return self.now


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "PAYLOAD_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(module, "KEY_PAUSE_SECONDS", (0.0, 0.0))


@pytest.fixture
def vault(tmp_path):
    return Vault(Store(str(tmp_path)), "genesis/verifier")


def story(digest=bytes(32), inline=b"", computation=7):
    request = SimpleNamespace(payload=inline, circuit_digest=digest)
    return SimpleNamespace(computation=computation, request=request, phase_ends_at=NOW + WINDOW)


def sealed(vault, payload=b"OPENQASM 3.0;\n"):
    return vault.store.put(seal_body(payload, CONTENT_KEY, SENDER.public))


def let_in(vault, digest, *keys, content_key=CONTENT_KEY, computation=7):
    sheet = seal_sheet(content_key, digest, vault.context(computation), [key.public for key in keys], SENDER)
    vault.post_sheet(computation, 1, 0, sheet)


def text(vault, told, key=KEY, clock=None, vaulted=True):
    payloads = Payloads(vault.store, vault if vaulted else None, key, clock or Clock())
    return asyncio.run(payloads.text(told))


def refused(code, *arguments, **more):
    with pytest.raises(PayloadRefused) as caught:
        text(*arguments, **more)
    assert caught.value.code is code
    return str(caught.value)


def test_circuit_in_clear_is_read_inline_or_from_the_store(vault):
    assert text(vault, story(inline=CIRCUIT.encode())) == CIRCUIT
    assert text(vault, story(vault.store.put(CIRCUIT.encode())), key=None) == CIRCUIT


def test_encrypted_circuit_is_read_by_whoever_was_let_in(vault):
    digest = sealed(vault)
    let_in(vault, digest, KEY)
    assert text(vault, story(digest)) == CIRCUIT


def test_key_that_comes_late_is_waited_for(vault):
    digest, clock = sealed(vault), Clock()
    looks = []

    def look(*arguments):
        looks.append(arguments)
        if len(looks) == 5:
            let_in(vault, digest, KEY)
        return Vault.content_key(vault, *arguments)

    vault.content_key = look
    assert text(vault, story(digest), clock=clock) == CIRCUIT
    assert len(looks) == 5


def test_key_that_never_comes_is_refused_while_there_is_time_for_another(vault):
    clock = Clock()
    digest = sealed(vault)
    let_in(vault, digest, OTHER)
    refused(RefusalCode.PayloadSealed, vault, story(digest), clock=clock)
    assert NOW + KEY_SHARE_OF_PHASE * WINDOW - 2 <= clock.now <= NOW + KEY_SHARE_OF_PHASE * WINDOW + 5


def test_slot_replayed_from_another_computation_lets_nobody_in(vault):
    digest = sealed(vault)
    let_in(vault, digest, KEY, computation=8)
    box = vault._box("sealed", 8)
    (name,) = vault.store.names(box)
    vault.post_sheet(7, 1, 0, vault.store.fetch(box, name))
    refused(RefusalCode.PayloadSealed, vault, story(digest))


def test_processor_without_a_key_says_so_at_once(vault):
    digest, clock = sealed(vault), Clock(pace=0.0)
    let_in(vault, digest, KEY)
    assert "has no key" in refused(RefusalCode.PayloadSealed, vault, story(digest), key=None, clock=clock)
    refused(RefusalCode.PayloadSealed, vault, story(digest), vaulted=False, clock=clock)


def test_envelope_that_holds_another_key_for_us_is_invalid(vault):
    """Other processors may have been given the right one: whoever was not, does not run anything else."""
    digest = sealed(vault)
    let_in(vault, digest, KEY, content_key=bytes(32))
    assert "content key" in refused(RefusalCode.EnvelopeInvalid, vault, story(digest))


def test_what_only_begins_like_an_envelope_is_invalid(vault):
    body = seal_body(CIRCUIT.encode(), CONTENT_KEY, SENDER.public)
    refused(RefusalCode.EnvelopeInvalid, vault, story(vault.store.put(body[:-1])))
    changed = body[:-1] + bytes([body[-1] ^ 1])
    digest = vault.store.put(changed)
    let_in(vault, digest, KEY)
    assert "authentication tag" in refused(RefusalCode.EnvelopeInvalid, vault, story(digest))
    assert header_of(changed)


def test_what_is_no_text_is_refused_in_clear_and_encrypted(vault):
    refused(RefusalCode.NotOpenQasm, vault, story(inline=b"\xff"))
    digest = sealed(vault, b"\xff")
    let_in(vault, digest, KEY)
    refused(RefusalCode.NotOpenQasm, vault, story(digest))


def test_missing_and_changed_content_have_codes_of_their_own(vault, tmp_path):
    refused(RefusalCode.PayloadUnavailable, vault, story(keccak(b"absent")))
    digest = vault.store.put(b"circuit")
    (tmp_path / digest.hex()[:2] / digest.hex()).write_bytes(b"another")
    refused(RefusalCode.DigestMismatch, vault, story(digest))


def test_store_that_fails_while_the_key_is_waited_for_is_asked_again(vault, monkeypatch):
    digest = sealed(vault)
    let_in(vault, digest, KEY)
    failures = [ContentUnavailable("away"), ContentUnavailable("away")]
    names = vault.store.names

    def unsteady(box):
        if failures:
            raise failures.pop()
        return names(box)

    monkeypatch.setattr(vault.store, "names", unsteady)
    assert text(vault, story(digest)) == CIRCUIT
    assert failures == []
