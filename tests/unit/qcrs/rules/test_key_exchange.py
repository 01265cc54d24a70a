import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.rules import key_exchange, privacy_amplification
from qcrs.rules.cascade import Follower, ReconciliationFailed
from qcrs.rules.key_account import EavesdropperSuspected, Measured, NoKeyLeft, Terms, TermsInvalid
from qcrs.rules.key_exchange import Alice, KeysDiffer
from qcrs.rules.key_message import Kind, MessageRefused
from tests.key_ends import Talk, checker, ends, exchange, pairs, signer

TERMS = Terms(bytes(32), 8_192, 30_000)


def test_both_ends_come_to_the_same_key() -> None:
    talk = exchange(8_192, 0.015, 20_000)
    assert talk.alice.alarm is None is talk.bob.alarm
    assert talk.alice.key == talk.bob.key
    assert talk.alice.account == talk.bob.account
    account = talk.alice.account
    assert account is not None
    assert 8 * len(talk.alice.key or b"") == account.length >= 128
    expected = privacy_amplification.key_length(account.sifted, account.tested, 20_000, account.leak)
    assert account.length == expected // 8 * 8


def test_the_leak_is_what_went_over_the_line() -> None:
    talk = exchange(8_192, 0.015, 20_000)
    asked = [message for message in talk.messages if message[7] == Kind.Asked]
    ranges = sum(int.from_bytes(message[:4], "big") // 7 for message in asked)
    assert talk.bob.account is not None
    assert talk.bob.account.leak == ranges > 0


@given(
    st.integers(1, 6_000), st.floats(0, 0.15), st.sampled_from([0.0, 0.0, 0.25, 1.0]), st.integers(0, 160_000),
    st.integers(0, 2**32),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_both_ends_have_the_same_key_or_the_same_alarm(
    count: int, error: float, intercepted: float, tolerated_ppm: int, seed: int
) -> None:
    talk = exchange(count, error, tolerated_ppm, intercepted, seed)
    alice, bob = talk.alice, talk.bob
    assert alice.account == bob.account
    assert type(alice.alarm) is type(bob.alarm)
    assert (alice.key is None) == (alice.alarm is not None)
    assert alice.key == bob.key


@pytest.mark.parametrize("error", [0.08, 0.12, 0.15])
def test_more_errors_than_agreed_raise_the_alarm_at_both_ends(error: float) -> None:
    talk = exchange(4_096, error, 50_000)
    for end in (talk.alice, talk.bob):
        assert isinstance(end.alarm, EavesdropperSuspected)
        assert end.key is None
        assert "at most 50000 in a million" in str(end.alarm)


@pytest.mark.parametrize(("count", "tolerated_ppm"), [(1, 20_000), (2_000, 20_000), (8_192, 200_000)])
def test_too_few_pairs_or_too_much_tolerance_leave_no_key(count: int, tolerated_ppm: int) -> None:
    talk = exchange(count, 0.0, tolerated_ppm)
    for end in (talk.alice, talk.bob):
        assert isinstance(end.alarm, NoKeyLeft)
        assert end.key is None


def test_reconciling_may_leave_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = privacy_amplification.key_length
    monkeypatch.setattr(privacy_amplification, "key_length", lambda *sizes: 0 if sizes[3] else whole(*sizes))
    talk = exchange(8_192, 0.01, 20_000)
    for end in (talk.alice, talk.bob):
        assert isinstance(end.alarm, NoKeyLeft)
        assert end.account is not None
        assert end.account.leak > 0


def test_bits_that_still_differ_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Follower, "value", property(lambda follower: follower._own.value ^ 1))
    talk = exchange(8_192, 0.01, 20_000)
    for end in (talk.alice, talk.bob):
        assert isinstance(end.alarm, KeysDiffer)
        assert end.key is None


@pytest.mark.parametrize("where", ["Leader.answer", "Follower.ask"])
def test_reconciling_that_fails_at_one_end_fails_at_both(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ReconciliationFailed("nothing is left")

    owner, name = where.split(".")
    monkeypatch.setattr(getattr(key_exchange, owner), name, fail)
    talk = exchange(8_192, 0.01, 20_000)
    for end in (talk.alice, talk.bob):
        assert isinstance(end.alarm, ReconciliationFailed)
        assert "nothing is left" in str(end.alarm)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_changed_message_is_refused_and_the_right_one_still_taken(data: st.DataObject) -> None:
    alice, bob = ends(TERMS, pairs(8_192, 0.01))
    message, receivers, turn = alice.start(), (bob, alice), 0
    victim = data.draw(st.integers(0, 30))
    while message:
        if turn == victim:
            bit = data.draw(st.integers(0, 8 * len(message) - 1))
            changed = (int.from_bytes(message, "big") ^ 1 << bit).to_bytes(len(message), "big")
            for forged in (changed, message[:-1], message + b"\x00", b""):
                with pytest.raises(MessageRefused):
                    receivers[turn % 2].receive(forged)
        message = receivers[turn % 2].receive(message)
        turn += 1
    assert alice.key == bob.key is not None


def test_a_message_is_not_taken_twice_nor_by_its_sender_nor_out_of_turn() -> None:
    alice, bob = ends(TERMS, pairs(8_192, 0.01))
    first = alice.start()
    bases = bob.receive(first)
    with pytest.raises(MessageRefused, match="message 0; expected message 1"):
        bob.receive(first)
    with pytest.raises(MessageRefused, match="did not sign"):
        bob.receive(bases)
    alice.receive(bases)
    again = alice.start()  # signed and numbered, but not what is next
    with pytest.raises(MessageRefused, match="message 2; expected message 1"):
        bob.receive(again)


def test_a_message_of_another_exchange_is_refused() -> None:
    measured = pairs(8_192, 0.01)
    elsewhere, _ = ends(Terms(b"\x01" * 32, 8_192, 30_000), measured)
    _, bob = ends(TERMS, measured)
    with pytest.raises(MessageRefused, match="did not sign"):
        bob.receive(elsewhere.start())
    looser, _ = ends(Terms(bytes(32), 8_192, 300_000), measured)
    with pytest.raises(MessageRefused, match="did not sign"):
        bob.receive(looser.start())


def test_after_the_end_nothing_is_taken() -> None:
    talk = exchange(4_096, 0.15, 50_000)
    late = talk.bob._door.seal(Kind.Bases, b"")
    with pytest.raises(MessageRefused, match="expected none"):
        talk.alice.receive(late)


@pytest.mark.parametrize(
    ("kind", "body"),
    [(Kind.Bases, b""), (Kind.Bases, b"\xff" * 1_025), (Kind.Verdict, b"\x01"), (Kind.Bases, b"\xff" * 1_023)],
)
def test_a_signed_message_that_cannot_be_is_refused(kind: Kind, body: bytes) -> None:
    alice, bob = ends(TERMS, pairs(8_192, 0.01))
    alice.start()
    with pytest.raises(MessageRefused):
        alice.receive(bob._door.seal(kind, body))
    assert alice.account is None


def test_an_end_resumes_from_its_messages() -> None:
    talk = exchange(8_192, 0.01, 30_000, seed=5)
    alice, bob = ends(TERMS, pairs(8_192, 0.01, seed=5), 5)
    for message in talk.messages[0::2]:
        bob.receive(message)
    alice.start()
    for message in talk.messages[1::2]:
        alice.receive(message)
    assert alice.key == bob.key == talk.alice.key is not None


def test_keys_of_different_exchanges_differ() -> None:
    assert exchange(8_192, 0.01, 20_000, seed=1).alice.key != exchange(8_192, 0.01, 20_000, seed=2).alice.key


@pytest.mark.parametrize(
    "terms",
    [
        (bytes(31), 100, 0, 128),
        (bytes(32), 0, 0, 128),
        (bytes(32), 1 << 18, 0, 128),
        (bytes(32), 9, 0, 7),
        (bytes(32), 9, 500_000, 8),
    ],
)
def test_terms_are_checked(terms: tuple[bytes, int, int, int]) -> None:
    with pytest.raises(TermsInvalid, match=r"bytes of context|tolerated"):
        Terms(*terms)


@pytest.mark.parametrize("measured", [Measured(1 << 8_192, 0), Measured(0, 1 << 8_192), Measured(-1, 0)])
def test_no_more_is_measured_than_agreed(measured: Measured) -> None:
    with pytest.raises(ValueError, match="more than 8192 pairs"):
        Alice(TERMS, measured, signer(b"a"), checker(b"b"), lambda size: bytes(size))


def test_messages_are_small_and_few() -> None:
    talk: Talk = exchange(8_192, 0.02, 30_000)
    assert len(talk.messages) <= 160
    assert max(map(len, talk.messages)) <= 4_096
