"""What a computation asks for beside qubits, and what processors ask for in return."""

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.deployment import created_address
from tests.evm import refused
from tests.scenario import account

from .conftest import QUBIT_PRICE, SHOTS, asked, seeds

BELOW_POLICY = 2


def is_drawn(field, word, **options):
    """Return whether processor 1, the only one, is drawn."""
    with field.chain.undone():
        try:
            return field.draw(seeds(1)[0], word=word, **options) == [1]
        except ContractRefused as refusal:
            if refusal.name != "TooFewEligibleProcessors":
                raise
            return False


@pytest.mark.parametrize(("wanted", "given", "fits"), [(1, 1, True), (2, 1, False), (2, 2, True), (2, 3, True)])
def test_profile(field_, wanted, given, fits):
    field_.put(1, {"profile": given})
    assert is_drawn(field_, asked(profile=wanted)) is fits


@pytest.mark.parametrize(("wanted", "given", "fits"), [(0, 0, True), (5, 4, False), (5, 5, True), (5, 6, True)])
def test_quantum_volume(field_, wanted, given, fits):
    field_.put(1, {"quantumVolumeLog2": given})
    assert is_drawn(field_, asked(volume=wanted)) is fits


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [(0, 2**32 - 1, True), (9_000, 9_000, True), (8_999, 9_000, False), (65_535, 65_536, False), (1, 0, True)],
)
def test_two_qubit_error(field_, wanted, given, fits):
    field_.put(1, {"twoQubitErrorPpm": given})
    assert is_drawn(field_, asked(error=wanted)) is fits


@pytest.mark.parametrize("wish", [{"profile": 2}, {"volume": 6}, {"error": 8_000}])
def test_each_wish_is_seen_without_the_others(field_, wish):
    """The terms are read only when something is asked of them: no wish may slip through that."""
    field_.put(1)
    assert is_drawn(field_, asked())
    assert not is_drawn(field_, asked(**wish))


def offering(field, price=QUBIT_PRICE, minimum=0, lasts=100):
    terms = {"price": price, "minimum": minimum, "offerExpiresAt": field.chain.now + lasts}
    field.put(1, terms, offered=True, qubits=20)


@pytest.mark.parametrize(("price", "fits"), [(1, True), (QUBIT_PRICE, True), (QUBIT_PRICE + 1, False)])
def test_price_is_at_most_the_bid(field_, price, fits):
    offering(field_, price)
    assert is_drawn(field_, asked(qubits=3)) is fits


def test_bid_is_rounded_down(field_):
    offering(field_, QUBIT_PRICE)
    pay = QUBIT_PRICE * 3 * SHOTS
    assert is_drawn(field_, asked(qubits=3), pay=pay + 3 * SHOTS - 1)
    assert not is_drawn(field_, asked(qubits=3), pay=pay - 1)


@pytest.mark.parametrize(("surplus", "fits"), [(0, True), (1, False)])
def test_minimum_is_at_most_the_pay(field_, surplus, fits):
    offering(field_, 1, minimum=QUBIT_PRICE * SHOTS + surplus)
    assert is_drawn(field_, asked()) is fits


@pytest.mark.parametrize(("lasts", "fits"), [(3, True), (1, False), (0, False)])
def test_offer_ends(field_, lasts, fits):
    """Then nothing is drawn on it, at no price, until it is made anew or withdrawn."""
    offering(field_, 1, lasts=lasts)
    assert is_drawn(field_, asked()) is fits


def test_offer_may_be_below_the_policys_price(field_):
    offering(field_, 1)
    assert is_drawn(field_, asked(flags=BELOW_POLICY), pay=SHOTS)


def test_bid_below_the_policys_price_finds_nobody_without_an_offer(field_):
    field_.put(1)
    assert not is_drawn(field_, asked(flags=BELOW_POLICY))


@pytest.fixture
def screening(field_):
    """A consortium in which organisation 1 has a list, and processors of 1, 2, and 3."""
    chain, certifier = field_.chain, account("certifier")
    authority = chain.deploy("Authority", certifier, sender=certifier)
    door = chain.deploy("HashKeys", authority.address, [], sender=certifier)
    recorder = created_address(certifier, chain.nonce(certifier) + 1)
    trail = chain.deploy("AuditTrail", *[recorder] * 7, [recorder] * 6, sender=certifier)
    consortium = chain.deploy("Consortium", authority.address, trail.address, certifier, door.address, sender=certifier)
    for number in (1, 2, 3):
        consortium.admit(f"organisation {number}", account(f"organisation {number}"), 1, sender=certifier)
    for number in (2, 3):
        field_.put(number)
    return field_, consortium


@pytest.mark.parametrize(
    ("screen", "listed", "drawn"),
    [(0, [3], {2, 3}), (1, [], {2, 3}), (1, [3], {2}), (2, [3], {3}), (2, [], set()), (2, [2, 3], {2, 3})],
)
def test_screen(screening, screen, listed, drawn):
    field, consortium = screening
    admin = account("organisation 1")
    consortium.chooseScreen(screen, sender=admin)
    consortium.list(listed, True, sender=admin)
    word = asked(flags=1, organisation=1)
    found = set()
    for seed in seeds(12):
        if drawn:
            found |= set(field.peek(seed, word=word, by=consortium.address))
        else:
            with refused("TooFewEligibleProcessors"):
                field.draw(seed, word=word, by=consortium.address)
    assert found == drawn


def test_screen_is_asked_only_of_who_has_one(screening):
    field, consortium = screening
    consortium.chooseScreen(2, sender=account("organisation 1"))
    assert field.peek(seeds(1)[0], word=asked(organisation=1), by=consortium.address)


@pytest.mark.parametrize(
    ("qubits", "free", "most", "least", "fits"),
    [
        (20, 20, 15, 15, True),  # five asked, fifteen stay
        (20, 20, 16, 16, False),  # the one ahead would not fit any more
        (15, 15, 16, 16, True),  # too small for whoever is ahead, ever
        (16, 12, 16, 16, False),  # has no room for it now, but may get it
        (20, 20, 200, 21, True),  # too small for all ahead
        (20, 20, 200, 20, False),  # large enough for the smallest ahead
        (255, 255, 250, 1, True),
        (255, 254, 250, 1, False),
    ],
)
def test_guard_keeps_whoever_those_ahead_may_need(field_, qubits, free, most, least, fits):
    field_.put(1, qubits=qubits, leasedQubits=qubits - free)
    assert is_drawn(field_, asked(qubits=5), most=most, least=least) is fits
    assert is_drawn(field_, asked(qubits=5)), "in turn it would be drawn"
