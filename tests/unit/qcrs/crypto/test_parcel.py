"""Parcels: opened by those they are for, in their context, and by nobody else."""

import pytest

from qcrs.crypto.envelope import EnvelopeRefused
from qcrs.crypto.keys import OpeningKey
from qcrs.crypto.parcel import open_parcel, seal_parcel

CONTEXT, OTHER = b"\1" * 32, b"\2" * 32


@pytest.fixture(scope="module")
def keys():
    return [OpeningKey.create() for _ in range(3)]


@pytest.fixture(scope="module")
def parcel(keys):
    return seal_parcel(b"fragment", CONTEXT, [key.public for key in keys[:2]])


def test_every_recipient_opens_it(keys, parcel):
    assert [open_parcel(parcel, CONTEXT, key) for key in keys[:2]] == [b"fragment"] * 2


def test_nobody_else_opens_it(keys, parcel):
    with pytest.raises(EnvelopeRefused, match="slots is for key"):
        open_parcel(parcel, CONTEXT, keys[2])


def test_it_does_not_open_in_another_context(keys, parcel):
    with pytest.raises(EnvelopeRefused, match="another computation"):
        open_parcel(parcel, OTHER, keys[0])


@pytest.mark.parametrize("place", [0, 9, 40, 3000, -1])
def test_a_changed_byte_is_noticed(keys, parcel, place):
    changed = bytearray(parcel)
    changed[place] ^= 1
    with pytest.raises(EnvelopeRefused):
        open_parcel(bytes(changed), CONTEXT, keys[0])


@pytest.mark.parametrize("length", [0, 5, 12, 100])
def test_a_cut_one_is_refused(keys, parcel, length):
    with pytest.raises(EnvelopeRefused):
        open_parcel(parcel[:length], CONTEXT, keys[0])


def test_parcels_of_like_lengths_are_equally_long(keys):
    sizes = {len(seal_parcel(b"x" * size, CONTEXT, [keys[0].public])) for size in (1, 900)}
    assert len(sizes) == 1
