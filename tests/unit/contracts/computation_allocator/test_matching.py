"""Which processors a computation is given: what it asks for, what they ask for, and who is independent.

The rule itself is tried in tests/unit/contracts/draw; here, that the suite feeds it what it should.
"""

import pytest

from qcrs.model.organisation import Screen
from tests.allocation import join, lists_of, require_exact_index
from tests.evm import refused
from tests.job import rogue

PRICE = 10**10  # the policy's


def drawn(world, **changes):
    """Submit and allocate; returns the processors, and undoes it."""
    with world.chain.undone():
        job = world.submit(**changes).allocate()
        return {a.processor for a in job.assignments}


def finds(world, found, **changes):
    """Check that a computation of *changes* finds *found* processors where it needs more."""
    with world.chain.undone(), refused("TooFewEligibleProcessors") as refusal:
        world.submit(**changes).allocate()
    assert refusal.arguments["found"] == found


# --- what is asked of a processor ---


@pytest.mark.parametrize(
    ("given", "wanted", "too_much"),
    [
        ({"profile": 3}, {"profile": 3}, {"profile": 4}),
        ({"quantum_volume_log2": 9}, {"quantum_volume_log2": 9}, {"quantum_volume_log2": 10}),
        ({"two_qubit_error_ppm": 800}, {"two_qubit_error_ppm": 800}, {"two_qubit_error_ppm": 799}),
        ({"qubits": 30}, {"qubits": 30}, {"qubits": 31}),
    ],
    ids=["profile", "quantum volume", "two-qubit error", "qubits"],
)
def test_only_capable_processors_are_drawn(world, given, wanted, too_much):
    for _ in range(3):
        world.enrol(**given)
    assert drawn(world, **wanted) == {6, 7, 8}
    finds(world, 0, **too_much)


def test_capability_that_is_certified_anew_counts(world):
    for processor in (1, 2, 3):
        world.certify(processor, profile=2)
    assert drawn(world, profile=2) == {1, 2, 3}
    world.certify(3, profile=1)
    finds(world, 2, profile=2)


# --- prices ---


def offer(world, node, price, minimum=0, lasts=10_000):
    world.registry.offer(node.id, price, minimum, world.chain.now + lasts, sender=node.operator)


def test_bid_below_the_policys_price_is_for_those_that_offer_less(world):
    finds(world, 0, price=PRICE - 1)
    for node in world.nodes[:3]:
        offer(world, node, PRICE // 2)
    assert drawn(world, price=PRICE // 2) == {1, 2, 3}
    finds(world, 0, price=PRICE // 2 - 1)


def test_bid_below_what_some_ask_is_for_the_others(world):
    for node in world.nodes[:2]:
        offer(world, node, PRICE + 1)
    assert drawn(world) == {3, 4, 5}
    assert drawn(world, price=PRICE + 1, replicas=5) == {1, 2, 3, 4, 5}


def test_minimum_counts_for_small_computations(world):
    """A processor need not start up for a few shots."""
    for node in world.nodes[:3]:
        offer(world, node, 1, minimum=PRICE * 4_096 * 5)
    finds(world, 2, qubits=4)
    assert len(drawn(world, qubits=5, replicas=5)) == 5


def test_offer_that_has_ended_is_drawn_on_by_nobody(world):
    for node in world.nodes[:3]:
        offer(world, node, 1, lasts=20)
    assert len(drawn(world, replicas=5)) == 5
    world.chain.advance(30)
    finds(world, 2)
    world.registry.withdrawOffer(1, sender=world.nodes[0].operator)
    assert drawn(world) == {1, 4, 5}


def test_all_are_paid_the_bid(world):
    """Those that asked less, too: whoever asks the least does not have to guess the others."""
    for node, price in zip(world.nodes, (1, PRICE, 2 * PRICE, 3 * PRICE, 3 * PRICE), strict=True):
        offer(world, node, price)
    job = world.submit(price=2 * PRICE)
    purse = world.purse()
    job.to_settled()
    assert {a.processor for a in job.assignments} == {1, 2, 3}
    assert [purse.gains()[job.operator(index)] for index in range(3)] == [2 * PRICE * 2 * 4_096] * 3


def test_escalation_bids_the_same_price(world):
    """The pay of all replicas that may join was locked; bounties spent meanwhile do not lower the bid."""
    for _ in range(4):
        world.enrol()
    for node in world.nodes:
        offer(world, node, PRICE)
    job = world.submit(replica_cap=7)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    assert (job.record.replicas, job.record.tried) == (5, 3)
    job.allocate()
    assert job.record.active == 5


def test_policy_s_price_counts_when_a_computation_is_submitted(world):
    """What was bid stays enough, or too little, whatever the policy says later."""
    job = world.submit()
    world.set_policy(world.policy | {"pricePerQubitShot": PRICE + 1})
    late = world.submit(price=PRICE)
    assert (job.record.flags, late.record.flags) == (0, 2)
    job.allocate()
    world.set_policy(world.policy | {"pricePerQubitShot": PRICE})
    with refused("TooFewEligibleProcessors"):
        late.allocate()


# --- whom an organisation works with ---


@pytest.mark.parametrize(
    ("screen", "listed", "found"), [(Screen.Except, (0, 1), {3, 4, 5}), (Screen.Only, (1, 2, 3), {2, 3, 4})]
)
def test_screened_out_processors_are_not_drawn(world, screen, listed, found):
    world.consortium.chooseScreen(screen, sender=world.requester)
    world.consortium.list([world.nodes[place].organisation for place in listed], True, sender=world.requester)
    assert drawn(world) == found
    other = join(world, "other")
    assert len(drawn(world, requester=other.account, replicas=5)) == 5


def test_list_holds_for_what_waits_already(world):
    world.consortium.chooseScreen(Screen.Except, sender=world.requester)
    job = world.submit()
    world.consortium.list([node.organisation for node in world.nodes[:2]], True, sender=world.requester)
    job.allocate()
    assert {a.processor for a in job.assignments} == {3, 4, 5}


# --- who can work ---


def test_draining_processor_keeps_what_it_has_and_gets_nothing(world):
    job = world.submit(replicas=5).allocate()
    world.registry.drain(1, True, sender=world.nodes[0].daemon)
    assert 1 not in {p for row in lists_of(world) for p in row}
    finds(world, 4, replicas=5)
    job.commit_all().disclose().reveal_all().settle()
    require_exact_index(world)
    finds(world, 4, replicas=5)
    world.registry.drain(1, False, sender=world.nodes[0].operator)
    assert len(drawn(world, replicas=5)) == 5


def test_processor_not_heard_of_leaves_the_index_and_comes_back(world):
    """With the first draw that meets it, and its next heartbeat."""
    world.chain.advance(61)
    world.beat(*world.nodes[1:])
    others = {2, 3, 4, 5}
    while world.registry.standingOf(1)["entry"]:
        job = world.submit()
        world.allocator.allocate(job.id, sender=world.keeper)
        assert {a.processor for a in job.assignments} < others
    require_exact_index(world)
    world.registry.heartbeat(1, sender=world.nodes[0].daemon)
    assert world.registry.standingOf(1)["entry"] != 0
    assert len(drawn(world, replicas=5)) == 5


def test_processor_whose_certificate_has_expired_comes_back_when_certified_anew(world):
    expires_at = world.registry.standingOf(1)["expiresAt"]
    world.chain.advance(3_600)
    for processor in (2, 3, 4, 5):
        world.certify(processor)
    world.chain.warp(expires_at)
    while world.registry.standingOf(1)["entry"]:
        world.submit().allocate()
    world.beat()
    assert world.registry.standingOf(1)["entry"] == 0, "alive, but without a certificate"
    finds(world, 4, replicas=5)
    world.certify(1)
    world.beat()
    assert len(drawn(world, replicas=5)) == 5


def test_full_processor_leaves_the_index_and_comes_back(world):
    job = world.submit(qubits=20, replicas=5).allocate()
    assert lists_of(world) == [[]] * 8
    finds(world, 0, qubits=1)
    job.refuse(2)
    assert [p for row in lists_of(world) for p in row] == [job.assignments[2].processor]
    require_exact_index(world)


@pytest.mark.parametrize("qubits", [1, 4, 5, 12, 13, 19, 20])
def test_index_follows_what_is_free(world, qubits):
    job = world.submit(qubits=qubits, replicas=5).allocate()
    require_exact_index(world)
    job.refuse(0)
    require_exact_index(world)
    job.commit(1)
    job.end_phase()
    world.allocator.expire(job.id, sender=world.keeper)
    require_exact_index(world)
    assert all(world.registry.standingOf(node.id)["entry"] for node in world.nodes)


# --- who is independent ---


def test_two_processors_of_one_organisation_are_never_drawn_together(world):
    for node in list(world.nodes):
        world.enrol(node.organisation)
    for _ in range(20):
        world.beat()
        job = world.submit(replicas=5)
        world.allocator.allocate(job.id, sender=world.keeper)
        assert len({world.node(a.processor).organisation for a in job.assignments}) == 5
        for index in range(3):
            job.refuse(index)


def test_replacement_is_independent_of_those_on_duty(world):
    for node in list(world.nodes):
        world.enrol(node.organisation)
    job = world.submit(replicas=5).allocate()
    gone = job.node(0).organisation
    job.refuse(0)
    job.allocate()
    assert job.node(5).organisation == gone


def test_requesters_own_processors_are_not_drawn_for_it(world):
    owner = world.nodes[0]
    finds(world, 4, requester=owner.operator, replicas=5)
    colleague = world.stranger
    world.consortium.invite(colleague, sender=owner.operator)
    world.consortium.join(owner.organisation, sender=colleague)
    finds(world, 4, requester=colleague, replicas=5)
