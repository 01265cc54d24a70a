"""Who acts when, and who would wait for ever."""

import pytest

from qcrs.quantum.entanglement.errors import Deadlock, PairMismatch
from qcrs.quantum.entanglement.order import Ledger, Order, Step, weave
from qcrs.quantum.fragment import FragmentInvalid, Op
from tests.entangled import BARRIER, fragment, gate, ghz, measure, pair, receive, send


def two(first, second, bits=4):
    return [fragment(0, 4, bits, first), fragment(1, 4, bits, second)]


def test_pairs_match_in_the_order_in_which_both_ends_ask():
    steps = weave(two([pair(0, 1), pair(1, 1)], [pair(3, 0), pair(2, 0)]))
    matched = {
        frozenset({(step.member, step.instruction.qubits[0]), (step.instruction.peer, step.partner.qubits[0])})
        for step in steps
    }
    assert matched == {frozenset({(0, 0), (1, 3)}), frozenset({(0, 1), (1, 2)})}


def test_everything_comes_after_what_it_waits_for():
    fragments = ghz(4)
    steps = weave(fragments)
    assert len(steps) == sum(len(each.instructions) for each in fragments) - 3  # a pair is one step of two ends
    sent = 0
    for step in steps:
        sent += step.instruction.op is Op.Send
        sent -= step.instruction.op is Op.Receive
        assert sent >= 0
    for each in fragments:
        own = [step.instruction for step in steps if step.member == each.member and step.partner is None]
        assert own == [one for one in each.instructions if one in own]


def test_deadlock_names_members_instructions_and_what_they_wait_for():
    with pytest.raises(Deadlock) as caught:
        weave(two([gate("h", 0), pair(0, 1)], [receive(0, 0, 1)]))
    assert str(caught.value) == (
        "member 0, instruction 1 (Pair) waits for member 1 to ask for a pair with it; "
        "member 1, instruction 0 (Receive) waits for 2 bits from member 0, of which 0 came"
    )


def test_deadlock_of_a_ring():
    ring = [
        fragment(0, 2, 0, [pair(0, 1), pair(1, 2)]),
        fragment(1, 2, 0, [pair(0, 2), pair(1, 0)]),
        fragment(2, 2, 0, [pair(0, 0), pair(1, 1)]),
    ]
    with pytest.raises(Deadlock) as caught:
        weave(ring)
    assert all(f"member {member}, instruction 0 (Pair)" in str(caught.value) for member in range(3))


def test_deadlock_on_a_member_that_has_ended():
    with pytest.raises(Deadlock, match=r"2 bits from member 1, of which 1 came, which asks for nothing more"):
        weave(two([receive(1, 0, 1)], [send(0, 0)]))
    with pytest.raises(Deadlock, match=r"\(Pair\) waits for member 1 .* asks for nothing more"):
        weave(two([pair(0, 1), pair(0, 1)], [pair(0, 0)]))


def test_barrier_names_who_is_missing():
    with pytest.raises(Deadlock, match=r"member 0, instruction 1 \(Barrier\) waits for members 1 at the barrier"):
        weave(two([BARRIER, BARRIER], [BARRIER]))


def test_barriers_hold_everybody():
    steps = weave(two([gate("x", 0), BARRIER, gate("y", 0)], [BARRIER, gate("z", 0)]))
    names = [step.instruction.name for step in steps]
    assert names.index("x") < names.index("z")


def test_most_deadlocks_are_counted_and_not_listed():
    members = [fragment(member, 1, 1, [receive((member + 1) % 20, 0)]) for member in range(20)]
    with pytest.raises(Deadlock, match="and 12 more"):
        weave(members)


def test_ends_that_want_different_purification_are_named():
    with pytest.raises(PairMismatch, match=r"members 0 and 1: 1 rounds .* expected the 2"):
        weave(two([pair(0, 1, rounds=1)], [pair(0, 0, rounds=2)]))


def test_bits_are_a_stream():
    weave(two([send(1, 0), send(1, 1, 2)], [receive(0, 0, 1, 2)]))
    weave(two([send(1, 0, 1, 2)], [receive(0, 0), receive(0, 1, 2)]))


def test_fragments_that_do_not_belong_together_are_refused():
    with pytest.raises(FragmentInvalid, match="members"):
        weave([fragment(1, 1, 0, [])])
    with pytest.raises(FragmentInvalid, match="peer 2 of 2"):
        weave(two([pair(0, 2)], []))


def test_what_comes_late_is_carried_out_then():
    order = Order(2)
    order.add(0, [pair(0, 1), gate("h", 0)])
    assert list(order.steps()) == []
    assert [str(wait) for wait in order.waits()] == [
        "member 0, instruction 0 (Pair) waits for member 1 to ask for a pair with it, which asks for nothing more"
    ]
    order.add(1, [pair(0, 0)])
    assert [step.instruction.op for step in order.steps()] == [Op.Pair, Op.Gate]
    assert order.idle(0)
    assert order.waits() == []


def test_ledger_follows_what_was_sent_and_not_what_came_later():
    ledger = Ledger([2, 2])
    for member, instruction in (
        (0, measure(0, 0)), (0, send(1, 0, 1)), (0, measure(0, 0)), (1, receive(0, 1, 0)),
    ):  # fmt: skip
        ledger.note(Step(member, instruction))
    assert ledger.bits == [[1, None], [None, 0]]
    assert ledger.condition(Step(1, gate("x", 0, when=(0, 1)))) == [0]
    assert ledger.condition(Step(1, gate("x", 0, when=(1, 1)))) == []
