"""Envelopes open for their recipients, to one payload, or name what is wrong with them."""

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qcrs.crypto import envelope
from qcrs.crypto.envelope import (
    BODY_MAGIC,
    LARGEST_BUCKET,
    MAX_RECIPIENTS,
    SHEET_PURPOSE,
    Check,
    EnvelopeRefused,
    PayloadTooLarge,
    bucket_bytes,
    header_of,
    is_sealed,
    open_body,
    open_sheet,
    seal_body,
    seal_sheet,
    sheet_bytes,
)
from qcrs.crypto.keys import SIGNATURE_BYTES, OpeningKey, PublicKeyInvalid, SigningKey
from qcrs.rules.digest import keccak

SENDER = SigningKey(bytes(32))
KEYS = [OpeningKey(bytes([number]) * 32) for number in range(5)]
CONTENT_KEY = bytes(range(32))
CONTEXT = keccak(b"computation 7")
CIRCUIT = b"OPENQASM 3.0;\n"
BODY = seal_body(CIRCUIT, CONTENT_KEY, SENDER.public)
SHEET = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [key.public for key in KEYS[:3]], SENDER)


def opened(sheet=SHEET, body=BODY, key=KEYS[0], context=CONTEXT):
    sender = header_of(body).sender
    return open_body(body, open_sheet(sheet, keccak(body), context, sender, key))


def refused(check, act):
    with pytest.raises(EnvelopeRefused, match=check.value) as caught:
        act()
    assert caught.value.check is check


def signed_again(sheet, signer=SENDER):
    signed = sheet[:-SIGNATURE_BYTES]
    return signed + signer.sign(signed, SHEET_PURPOSE)


@pytest.mark.parametrize("key", KEYS[:3], ids=range(3))
def test_every_recipient_reads_the_payload(key):
    assert opened(key=key) == CIRCUIT


@pytest.mark.parametrize("key", KEYS[3:], ids=range(2))
def test_nobody_else_does(key):
    refused(Check.Slot, lambda: opened(key=key))


def test_body_is_as_it_was_frozen():
    """What was sealed by an earlier version has to open: format, derivations and commitments stay."""
    body = seal_body(CIRCUIT, CONTENT_KEY, SENDER.public, nonce=bytes(12))
    assert keccak(body).hex() == "69a26cc69ea398da98bdf63b0822f71f22e4f85a35b96b481dfdef1ea07f1721"
    assert is_sealed(body)
    assert not is_sealed(CIRCUIT)


@pytest.mark.parametrize("size", [0, 20, 900, 1020])
def test_short_circuits_make_equal_sizes(size):
    assert len(seal_body(bytes(size), CONTENT_KEY, SENDER.public)) == len(BODY)


@pytest.mark.parametrize("size", [1021, 4092, 4093, 16380, 4 * 2**20 - 4])
def test_longer_ones_round_up_to_a_power_of_four(size):
    payload = os.urandom(size)
    body = seal_body(payload, CONTENT_KEY, SENDER.public)
    header = header_of(body)
    assert bucket_bytes(header.bucket) >= size + 4 > bucket_bytes(header.bucket - 1)
    assert open_body(body, CONTENT_KEY) == payload


def test_payload_beyond_the_largest_bucket_is_refused():
    with pytest.raises(PayloadTooLarge, match="expected at most 4194300"):
        seal_body(bytes(bucket_bytes(LARGEST_BUCKET) - 3), CONTENT_KEY, SENDER.public)


@pytest.mark.parametrize(("recipients", "slots"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (9, 16), (17, 32)])
def test_recipients_are_filled_up_with_decoys(recipients, slots):
    public = [OpeningKey(bytes([number]) * 32).public for number in range(recipients)]
    sheet = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, public, SENDER)
    assert len(sheet) == sheet_bytes(slots)
    assert opened(sheet, key=OpeningKey(bytes([recipients - 1]) * 32)) == CIRCUIT


@pytest.mark.parametrize("recipients", [0, MAX_RECIPIENTS + 1])
def test_number_of_recipients_is_bounded(recipients):
    with pytest.raises(PayloadTooLarge, match="expected 1 to 32"):
        seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [KEYS[0].public] * recipients, SENDER)


@pytest.mark.parametrize("public", [b"", bytes(1216), b"\xff" * 1216, bytes(1217)], ids=range(4))
def test_recipient_without_a_key_is_refused(public):
    with pytest.raises(PublicKeyInvalid, match="expected an X-Wing key of 1216 bytes"):
        seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [public], SENDER)


def test_no_two_sheets_are_alike():
    again = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [key.public for key in KEYS[:3]], SENDER)
    assert again != SHEET
    assert opened(again) == CIRCUIT


@pytest.mark.parametrize("place", [73, 73 + 1000, 73 + 1167, 73 + 4 * 1168, len(SHEET) - 1])
def test_tampered_sheet_is_refused(place):
    changed = bytearray(SHEET)
    changed[place] ^= 1
    with pytest.raises(EnvelopeRefused) as caught:
        opened(bytes(changed))
    assert caught.value.check in (Check.Signature, Check.Sender)


def test_tampered_slot_does_not_open_even_when_signed():
    changed = bytearray(SHEET)
    for slot in range(4):
        changed[73 + 1168 * slot + 5] ^= 1
    refused(Check.Slot, lambda: opened(signed_again(bytes(changed))))


def test_exchanged_slots_break_the_signature():
    first, second = SHEET[73 : 73 + 1168], SHEET[73 + 1168 : 73 + 2 * 1168]
    refused(Check.Signature, lambda: opened(SHEET[:73] + second + first + SHEET[73 + 2 * 1168 :]))


def test_slot_given_to_another_recipient_does_not_open():
    """A slot names its key: one recipient's cannot be handed to another, whoever signs it."""
    sheet = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [KEYS[0].public], SENDER)
    refused(Check.Slot, lambda: opened(sheet, key=KEYS[1]))


def test_sheet_of_another_computation_is_refused_and_so_are_its_slots():
    other = keccak(b"computation 8")
    refused(Check.Context, lambda: opened(context=other))
    moved = signed_again(SHEET[:40] + other + SHEET[72:])
    refused(Check.Slot, lambda: opened(moved, context=other))


def test_sheet_of_another_body_is_refused_and_so_are_its_slots():
    body = seal_body(b"another circuit", CONTENT_KEY, SENDER.public)
    refused(Check.Body, lambda: opened(body=body))
    moved = signed_again(SHEET[:8] + keccak(body) + SHEET[40:])
    refused(Check.Slot, lambda: opened(moved, body=body))


def test_sheet_by_another_sender_is_refused():
    sheet = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [KEYS[0].public], SigningKey(bytes([1]) * 32))
    refused(Check.Sender, lambda: opened(sheet))


@pytest.mark.parametrize("size", [0, 72, 73, 74, 5000, len(SHEET) - 1, len(SHEET) + 1, sheet_bytes(MAX_RECIPIENTS) + 1])
def test_sheet_of_a_wrong_length_is_refused(size):
    refused(Check.Length, lambda: opened(SHEET[:size].ljust(size, b"\0")))


@pytest.mark.parametrize("slots", [6, 255])
def test_sheet_that_claims_too_many_slots_is_refused_before_any_is_tried(slots, monkeypatch):
    monkeypatch.setattr(envelope, "is_signed", lambda *_: pytest.fail("a signature was checked"))
    refused(Check.Format, lambda: opened(SHEET[:72] + bytes([slots]) + SHEET[73:]))


@pytest.mark.parametrize("size", [0, 1, 116])
def test_truncated_header_is_refused(size):
    refused(Check.Length, lambda: header_of(BODY[:size]))


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"\0"], ids=["shorter", "longer"])
def test_body_of_another_length_than_its_bucket_is_refused(body):
    refused(Check.Length, lambda: header_of(body))


@pytest.mark.parametrize(
    "body",
    [b"X" + BODY[1:], BODY_MAGIC + b"\x07" + BODY[9:], BODY_MAGIC + b"\xff" + BODY[9:]],
    ids=["magic", "bucket", "last bucket"],
)
def test_body_of_another_format_is_refused(body):
    refused(Check.Format, lambda: header_of(body))


@pytest.mark.parametrize("place", [9, 75, 110, 118, len(BODY) - 1])
def test_tampered_body_is_refused(place):
    changed = bytearray(BODY)
    changed[place] ^= 1
    refused(Check.Tag, lambda: open_body(bytes(changed), CONTENT_KEY))


def test_other_content_key_is_refused():
    refused(Check.KeyCommitment, lambda: open_body(BODY, bytes(32)))


def forged(header, padded, key=CONTENT_KEY):
    """Return a body with contents that an honest sender would not make."""
    cipher = AESGCM(envelope._cipher_key(key))
    return header.packed + cipher.encrypt(header.nonce, padded, header.packed)


@pytest.mark.parametrize(
    "padded", [b"\0\0\0\1" + b"x" * 1020, b"\xff" * 1024, b"\0\0\4\0".ljust(1024, b"\0")], ids=range(3)
)
def test_something_hidden_in_the_padding_is_refused(padded):
    refused(Check.Padding, lambda: open_body(forged(header_of(BODY), padded), CONTENT_KEY))


def test_payload_that_was_not_committed_to_is_refused():
    padded = (b"\0\0\0\5other").ljust(1024, b"\0")
    refused(Check.PayloadCommitment, lambda: open_body(forged(header_of(BODY), padded), CONTENT_KEY))


def test_commitment_does_not_give_away_a_guessable_payload():
    other = seal_body(CIRCUIT, bytes(32), SENDER.public)
    assert header_of(other).payload_commitment != header_of(BODY).payload_commitment


# An envelope that decrypts to different circuits.


def test_two_content_keys_in_one_sheet_let_nobody_run_another_circuit():
    """Each slot holds a key of its own; whoever gets the wrong one refuses, and the other reads what is committed."""
    honest = seal_sheet(CONTENT_KEY, keccak(BODY), CONTEXT, [KEYS[0].public, KEYS[0].public], SENDER)
    evil = seal_sheet(bytes(32), keccak(BODY), CONTEXT, [KEYS[1].public, KEYS[1].public], SENDER)
    mixed = signed_again(honest[: 73 + 1168] + evil[73 : 73 + 1168] + honest[73 + 2 * 1168 :])
    assert opened(mixed, key=KEYS[0]) == CIRCUIT
    refused(Check.KeyCommitment, lambda: opened(mixed, key=KEYS[1]))


def test_ciphertext_that_two_keys_accept_opens_with_one_of_them_at_most():
    """AES-GCM accepts it under both keys, to different payloads; the key commitment does not."""
    keys = [CONTENT_KEY, bytes(32)]
    header = replace(header_of(BODY), nonce=bytes(12))
    ciphers = [envelope._cipher_key(key) for key in keys]
    sealed = colliding(ciphers, header.nonce, header.packed, os.urandom(1024))
    first, second = (AESGCM(cipher).decrypt(header.nonce, sealed, header.packed) for cipher in ciphers)
    assert first != second

    body = header.packed + sealed
    header_of(body)
    refused(Check.KeyCommitment, lambda: open_body(body, keys[1]))
    refused(Check.Padding, lambda: open_body(body, keys[0]))  # and its payload is none


def colliding(keys, nonce, header, ciphertext):
    """Return *ciphertext* with its last block chosen so that one tag is right under both *keys*, and that tag."""
    blocks = [header[at : at + 16].ljust(16, b"\0") for at in range(0, len(header), 16)]
    blocks += [ciphertext[at : at + 16] for at in range(0, len(ciphertext) - 16, 16)]
    lengths = (8 * len(header)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    sums, squares = [], []
    for key in keys:
        block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        h = int.from_bytes(block.update(bytes(16)), "big")
        mask = int.from_bytes(block.update(nonce + (1).to_bytes(4, "big")), "big")
        digest = 0
        for item in [*blocks, bytes(16), lengths]:
            digest = times(digest ^ int.from_bytes(item, "big"), h)
        sums.append(digest ^ mask)
        squares.append(times(h, h))  # the last block counts twice removed
    free = times(sums[0] ^ sums[1], inverse(squares[0] ^ squares[1]))
    tag = sums[0] ^ times(free, squares[0])
    return ciphertext[:-16] + free.to_bytes(16, "big") + tag.to_bytes(16, "big")


def times(a, b):
    """Multiply in GF(2^128) as GCM orders its bits."""
    product = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (0xE1 << 120 if b & 1 else 0)
    return product


def inverse(a):
    result, power = 1 << 127, a
    for _ in range(127):
        power = times(power, power)
        result = times(result, power)
    return result
