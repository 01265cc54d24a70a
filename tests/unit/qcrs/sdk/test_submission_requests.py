"""What a submission sends and leaves where: encrypted unless asked, secrets first, and nobody who cannot be let in."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.crypto.envelope import is_sealed
from qcrs.rules.digest import keccak
from qcrs.sdk.quote import quote_of
from qcrs.sdk.sealing import Sealer
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.submission import INLINE_BYTES, request_of, require_keys
from qcrs.sdk.terms import Circuit, Conditions, ProcessorsUnkeyed
from qcrs.store import ContentUnavailable, Store
from tests.market import candidate
from tests.market import market as market_of

TEXT = "OPENQASM 3.0;\n"
MARKET = market_of(*(candidate(number, number) for number in range(1, 6)))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def sealer(tmp_path, store):
    gateway = SimpleNamespace(network=SimpleNamespace(deployment="genesis/verifier"))
    return Sealer(gateway, store, Secrets(tmp_path / "secrets.jsonl"))


def requested(sealer, text=TEXT, gold_secret=None, **conditions):
    asked = Conditions(**conditions)
    quote = quote_of(MARKET, Circuit(text, 2, 2), 12288, asked)
    return request_of(quote, asked, gold_secret, sealer._secrets, sealer, sealer._store)


def kept(store):
    return [store._files.cat_file(path) for path in store._files.find(store._root)]


def test_circuit_is_encrypted_unless_asked_otherwise(sealer, store):
    request = requested(sealer)
    (body,) = kept(store)
    assert is_sealed(body)
    assert request.circuit_digest == keccak(body)
    assert request.payload == b""
    assert TEXT.encode() not in body
    story = SimpleNamespace(computation=1, request=request)
    assert sealer.circuit(story) == TEXT.encode()


def test_same_circuit_twice_gives_nothing_away(sealer, store):
    first, second = requested(sealer), requested(sealer)
    assert first.circuit_digest != second.circuit_digest
    assert first.secret_commitment != second.secret_commitment


def test_plain_circuit_travels_inline_or_by_its_digest(sealer, store):
    request = requested(sealer, plain=True)
    assert (request.payload, request.circuit_digest) == (TEXT.encode(), keccak(TEXT.encode()))
    assert kept(store) == []
    long = TEXT + "//" + "x" * INLINE_BYTES
    request = requested(sealer, long, plain=True)
    assert (request.payload, request.circuit_digest) == (b"", keccak(long.encode()))
    assert kept(store) == [long.encode()]
    assert sealer._secrets.sealing(request.secret_commitment) is None


def test_gold_secret_is_the_chains_last_and_not_what_seals(sealer):
    gold = bytes(range(24))
    request = requested(sealer, gold_secret=gold)
    assert request.gold
    secret = request.secret_commitment
    while (following := sealer._secrets.behind(secret)) is not None:
        secret = following
    assert secret == gold
    assert sealer._secrets.sealing(request.secret_commitment) is not None


def test_secrets_are_on_disk_before_the_circuit_is_anywhere(sealer, store, monkeypatch):
    def full(content):
        raise ContentUnavailable("the disk is full")

    monkeypatch.setattr(store, "put", full)
    with pytest.raises(ContentUnavailable):
        requested(sealer)
    assert b"sealing" in sealer._secrets.path.read_bytes()


def checked(sealer, unkeyed, replicas=3):
    async def told(processors):
        return {processor: f"processor {processor} has no keys" for processor in processors if processor in unkeyed}

    sealer.unkeyed = told
    asked = Conditions(replicas=replicas)
    quote = quote_of(MARKET, Circuit(TEXT, 2, 2), 12288, asked)
    asyncio.run(require_keys(sealer, MARKET, quote, asked))


def test_enough_processors_with_keys_will_do(sealer):
    checked(sealer, set())
    checked(sealer, {4, 5})


def test_too_few_with_keys_are_named_with_what_to_do(sealer):
    with pytest.raises(ProcessorsUnkeyed, match=r"of 3 .* 2 could be let in; processors 3, 4, 5 could not") as caught:
        checked(sealer, {3, 4, 5})
    assert "--plain" in str(caught.value)
    assert "processor 3 has no keys" in str(caught.value)
