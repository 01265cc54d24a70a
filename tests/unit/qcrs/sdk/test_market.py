"""Who fits a computation at which price, and what is said of it before money moves."""

import pytest

from qcrs.model.organisation import Priority
from qcrs.model.processor import ProcessorStatus
from qcrs.sdk.market import Need, Rise
from qcrs.sdk.quote import quote_of
from qcrs.sdk.terms import (
    Circuit,
    CircuitTooDeep,
    Conditions,
    FeeTooLow,
    NoCapacity,
    NotAMember,
    cap_of,
)
from tests.market import NOW, PRICE, candidate, market

NEED = Need(5, 4096)
CIRCUIT = Circuit("text", 5, 5, 2)


def test_class_with_most_organisations_wins():
    others = [candidate(number, number, noise_class=2) for number in (4, 5, 6)]
    seen = market(candidate(1, 1), candidate(2, 1), candidate(3, 2), *others)
    assert seen.best_class(NEED, PRICE, 3) == 2


@pytest.mark.parametrize(
    "third",
    [
        candidate(3, 2),
        candidate(3, 9),
        candidate(3, 3, qubits=4),
        candidate(3, 3, bonded=False),
        candidate(3, 3, draining=True),
        candidate(3, 3, expires_at=NOW),
        candidate(3, 3, status=ProcessorStatus.Suspended),
        candidate(3, 3, noise_class=2),
        candidate(3, 3, screened=True),
        candidate(3, 3, offered=True, price=PRICE + 1),
        candidate(3, 3, offered=True, price=1, offer_expires_at=NOW),
        candidate(3, 3, offered=True, price=1, minimum=5 * 4096 * PRICE + 1),
    ],
    ids=["one organisation", "the requester's own", "too small", "unbonded", "draining", "expired", "suspended",
         "another class", "screened", "too dear", "offer expired", "minimum too high"],
)  # fmt: skip
def test_too_few_independent_processors_are_counted(third):
    seen = market(candidate(1, 1), candidate(2, 2), third)
    with pytest.raises(NoCapacity, match="3 independent processors with 5 qubits are wanted, 2 of one"):
        seen.best_class(NEED, PRICE, 3)


def test_what_would_help_is_said():
    seen = market(candidate(1, 1), candidate(2, 2), candidate(3, 3, offered=True, price=70))
    with pytest.raises(NoCapacity, match="at a price of 70 wei a qubit-shot there would be enough"):
        seen.best_class(NEED, PRICE, 3)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"quantum_volume_log2": 5}, True),
        ({"quantum_volume_log2": 6}, False),
        ({"two_qubit_error_ppm": 9_000}, True),
        ({"two_qubit_error_ppm": 8_999}, False),
        ({"profile": 2}, False),
    ],
)
def test_requirements_are_those_of_the_draw(changes, fits):
    seen = market(candidate(1, 1))
    assert bool(seen.willing(Need(5, 4096, **changes), PRICE)) is fits


def test_processors_without_an_offer_ask_the_policys_price():
    seen = market(candidate(1, 1), candidate(2, 2, offered=True, price=3))
    assert [c.processor for c in seen.willing(NEED, PRICE - 1)] == [2]
    assert [c.processor for c in seen.willing(NEED, PRICE)] == [1, 2]


def test_ready_are_those_that_are_there_and_have_room():
    seen = market(
        candidate(1, 1), candidate(2, 2, leased_qubits=20, held_qubits=3), candidate(3, 3, last_beat_at=NOW - 61)
    )
    willing = seen.willing(NEED, PRICE)
    assert [c.processor for c in willing] == [1, 2, 3]
    assert [c.processor for c in seen.ready(willing, 5)] == [1]
    assert [c.processor for c in seen.ready(willing, 4)] == [1, 2]


def test_what_a_higher_price_would_add():
    dearer = [candidate(2, 1, offered=True, price=20), candidate(3, 3, offered=True, price=30)]
    seen = market(candidate(1, 1), *dearer, candidate(4, 4, offered=True, price=30))
    assert seen.rises(NEED, PRICE, 1) == [Rise(20, 1, 0), Rise(30, 3, 2)]
    assert seen.rises(NEED, 30, 1) == []


FIVE = market(*(candidate(number, number) for number in range(1, 6)))


def test_quote_is_the_contracts():
    quote = quote_of(FIVE, CIRCUIT, 3 * 4096, Conditions(priority=Priority.Elevated))
    assert (quote.replicas, quote.replica_cap, quote.shots) == (3, 5, 4096)
    assert quote.pay == PRICE * 5 * 4096
    assert quote.bounties == 4 * 1000  # settlement, overdue secret, one escalation, allocation
    assert quote.total == 5 * quote.pay + 4000
    assert quote.cost == 5 * 4096 * 3 * 2
    said = "\n".join(quote.lines())
    assert "5 processors of 5 organisations fit in class 1 at 10 wei" in said
    assert "122880 cost units of the organisation's elevated quota" in said
    assert quote.to_json()["total"] == str(quote.total)


def test_golds_allow_no_escalation():
    assert quote_of(FIVE, CIRCUIT, 3 * 4096, Conditions(), golds=True).replica_cap == 3


def test_named_class_is_taken_whoever_is_in_it():
    quote = quote_of(FIVE, CIRCUIT, 3 * 4096, Conditions(noise_class=7))
    assert (quote.noise_class, quote.processors, quote.replica_cap) == (7, 0, 3)


@pytest.mark.parametrize(
    ("seen", "circuit", "conditions", "error"),
    [
        (market(*FIVE.candidates, organisation=0), CIRCUIT, Conditions(), NotAMember),
        (FIVE, CIRCUIT, Conditions(max_fee=1), FeeTooLow),
        (FIVE, CIRCUIT, Conditions(price=PRICE - 1), NoCapacity),
        (FIVE, Circuit("text", 5, 5, 256), Conditions(), CircuitTooDeep),
        (FIVE, CIRCUIT, Conditions(replicas=6), NoCapacity),
    ],
)
def test_what_cannot_be_had_is_refused(seen, circuit, conditions, error):
    with pytest.raises(error):
        quote_of(seen, circuit, conditions.replicas * 4096, conditions)


def test_escalation_needs_processors_to_join():
    assert [cap_of(3, 4), cap_of(3, 5), cap_of(1, 9), cap_of(15, 40)] == [3, 5, 1, 15]
