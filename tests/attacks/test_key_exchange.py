"""Who listens to, changes or lies in a key exchange, and what comes of it.

Where an attack works, the test says so. Pairs are as a simulator that is believed makes them.
"""

import random

import pytest

from qcrs.rules.key_account import EavesdropperSuspected, Measured, NoKeyLeft, Terms
from qcrs.rules.key_exchange import KeysDiffer
from qcrs.rules.key_message import MessageRefused
from tests.key_ends import Talk, checker, ends, exchange, pairs, signer

TOLERATED_PPM = 40_000  # for pairs of fidelity 0.97, which disagree in 2 % of all cases


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_intercepting_and_resending_raises_the_alarm_at_both_ends(share: float) -> None:
    for seed in range(20):
        talk = exchange(8_192, 0.02, TOLERATED_PPM, share, seed)
        assert isinstance(talk.alice.alarm, EavesdropperSuspected)
        assert isinstance(talk.bob.alarm, EavesdropperSuspected)
        assert talk.alice.key is None is talk.bob.key


def test_without_an_eavesdropper_there_is_no_alarm() -> None:
    for seed in range(20):
        assert exchange(16_384, 0.02, TOLERATED_PPM, seed=seed).alice.alarm is None


def test_intercepting_5_percent_hides_in_the_tolerance_and_is_paid_for_by_a_shorter_key() -> None:
    talk = exchange(40_000, 0.02, TOLERATED_PPM, 0.05)
    assert talk.alice.alarm is None
    account = talk.alice.account
    assert account is not None
    # Of the bits in Z it has measured 5 %, half of them in Z: far fewer than what hashing takes away.
    assert account.sifted - account.leak - account.length > 10 * 0.05 / 2 * account.sifted


def test_an_end_that_invents_its_outcomes_gets_no_key() -> None:
    alice, bob = pairs(8_192, 0.02)
    invented = Measured(bob.bases, random.Random(1).getrandbits(8_192))
    talk = Talk(*ends(Terms(bytes(32), 8_192, TOLERATED_PPM), (alice, invented))).run()
    assert isinstance(talk.alice.alarm, EavesdropperSuspected)


def test_an_end_that_lies_about_z_alone_passes_the_test_and_is_found_out_by_the_hash() -> None:
    alice, bob = pairs(8_192, 0.0)
    lie = random.Random(1).getrandbits(8_192) & ~bob.bases
    talk = Talk(*ends(Terms(bytes(32), 8_192, TOLERATED_PPM), (alice, Measured(bob.bases, bob.outcomes ^ lie)))).run()
    assert talk.alice.account is not None
    assert talk.alice.account.errors == 0
    assert isinstance(talk.alice.alarm, KeysDiffer)
    assert isinstance(talk.bob.alarm, KeysDiffer)


def test_who_sits_between_the_ends_without_their_keys_is_refused() -> None:
    """It would have one key with each of them, were messages not signed."""
    terms = Terms(bytes(32), 8_192, TOLERATED_PPM)
    measured = pairs(8_192, 0.02)
    alice, bob = ends(terms, measured)
    mallory = ends(terms, measured)[0]
    mallory._door._sign = signer(b"mallory")
    with pytest.raises(MessageRefused, match="did not sign"):
        bob.receive(mallory.start())
    assert checker(b"alice")(b"message", signer(b"mallory")(b"message")) is False
    alice.start()
    with pytest.raises(MessageRefused, match="did not sign"):
        alice.receive(mallory.start())


def test_a_recorded_exchange_is_worth_nothing_in_another() -> None:
    recorded = exchange(16_384, 0.02, TOLERATED_PPM)
    assert recorded.alice.key is not None
    _, bob = ends(Terms(b"\x01" * 32, 16_384, TOLERATED_PPM), pairs(16_384, 0.02))
    for message in recorded.messages:
        with pytest.raises(MessageRefused):
            bob.receive(message)


def test_a_key_is_never_made_of_too_few_pairs() -> None:
    """Few tested pairs say little: the theorem's deviation leaves nothing, whatever the errors seen."""
    for count in (16, 256, 1_024):
        talk = exchange(count, 0.0, TOLERATED_PPM)
        assert isinstance(talk.alice.alarm, NoKeyLeft)
        assert isinstance(talk.bob.alarm, NoKeyLeft)
