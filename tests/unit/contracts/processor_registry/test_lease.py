import pytest
from eth_hash.auto import keccak

from tests.draws import MAX_DRAWS, MAX_STEPS, expected_draw, positions, weight_of
from tests.evm import refused
from tests.scenario import account
from tests.unit.contracts.processor_registry.conftest import COUNTER_MAXIMUM

SEEDS = [keccak(bytes([n])) for n in range(8)]


def fill(roster, count, **changes):
    return [roster.add(f"roster organisation {n}", **changes) for n in range(count)]


def too_few(found, required=1, qubits=2):
    return refused("TooFewEligibleProcessors", noiseClass=1, qubits=qubits, required=required, found=found)


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_lease_draws_in_the_order_of_the_hashes(roster, seed):
    fill(roster, 6)
    expected = expected_draw(roster.registry, seed, 1, 2, 4)
    assert roster.lease(seed, count=4) == expected
    assert len({roster.standing(processor).organisation for processor in expected}) == 4


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_lease_weighs_conduct(roster, seed):
    """One whose every answer was a fault weighs half."""
    members = fill(roster, 3)
    for processor in members[:2]:
        roster.set_counter(processor, "failed", COUNTER_MAXIMUM["failed"])
    assert weight_of(roster.standing(members[0])) == 50
    assert roster.lease(seed, count=2) == expected_draw(roster.registry, seed, 1, 2, 2)


def test_lease_of_the_only_ones_does_not_mind_their_conduct(roster):
    members = fill(roster, 3)
    for processor in members:
        roster.set_counter(processor, "failed", COUNTER_MAXIMUM["failed"])
    for seed in SEEDS:
        with roster.world.chain.undone():
            assert sorted(roster.lease(seed, count=3)) == members


def test_lease_takes_the_qubits(roster):
    fill(roster, 3)
    (drawn,) = roster.lease(qubits=7)
    assert roster.standing(drawn).leased_qubits == 7


def test_lease_fills_a_processor_to_the_last_qubit_and_not_beyond(roster):
    (processor,) = fill(roster, 1, qubits=20)
    roster.lease(qubits=13)
    with too_few(found=0, qubits=8):
        roster.lease(qubits=8)
    roster.lease(qubits=7)
    assert roster.standing(processor).leased_qubits == 20


def test_lease_leaves_nothing_leased_when_it_reverts(roster):
    members = fill(roster, 2)
    with too_few(found=2, required=3):
        roster.lease(count=3)
    assert [roster.standing(processor).leased_qubits for processor in members] == [0, 0]


def test_lease_passes_over_the_requesters_own(roster):
    members = fill(roster, 2)
    own = roster.standing(members[0]).organisation
    for seed in SEEDS:
        assert roster.lease(seed, requester=own) == [members[1]]


def test_lease_passes_over_those_tried_and_the_organisations_on_duty(roster):
    members = fill(roster, 3)
    colleague = roster.add("roster organisation 1")
    for seed in SEEDS:
        assert roster.lease(seed, tried=members[:2], on_duty=[members[1]]) == [members[2]]
    assert colleague not in (0, *members)


def test_lease_takes_one_processor_of_an_organisation(roster):
    for _ in range(3):
        roster.add("only organisation")
    with too_few(found=1, required=2):
        roster.lease(count=2)


def test_lease_passes_over_the_unbonded(roster):
    members = fill(roster, 2)
    roster.registry.setBonded(members[0], False, sender=account("bonds"))
    for seed in SEEDS:
        assert roster.lease(seed) == [members[1]]


def test_lease_passes_over_the_suspended_and_the_retired(roster):
    members = fill(roster, 3)
    roster.registry.suspend(members[0], bytes(32), sender=roster.world.deployer)
    roster.registry.retire(members[1], sender=roster.registry.operatorOf(members[1]))
    for seed in SEEDS:
        assert roster.lease(seed) == [members[2]]


def test_lease_forgives_two_missed_heartbeats(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).last_beat_at + 2 * 30)
    assert roster.lease() == [processor]


def test_lease_passes_over_a_third_missed_heartbeat(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).last_beat_at + 2 * 30 + 1)
    with too_few(found=0):
        roster.lease()


def test_lease_takes_a_processor_in_the_last_second_of_its_capability(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).expires_at - 2)
    roster.beat(processor)
    assert roster.lease() == [processor]


def test_lease_passes_over_an_expired_capability(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).expires_at - 1)
    roster.beat(processor)
    with too_few(found=0):
        roster.lease()


def test_lease_ends_after_its_most_draws_and_steps(patient_roster):
    """So many of one organisation that another one's processor may not come up in time."""
    roster, size = patient_roster, MAX_STEPS + 40
    for _ in range(size - 1):
        roster.add("large organisation")
    last = roster.add("small organisation")
    assert last == size
    seeds = list(map(keccak, map(bytes, range(1_000))))
    missed = next(s for s in seeds if size - 1 not in positions(s, size))
    stepped_on = next(s for s in seeds if size - 1 in list(positions(s, size))[MAX_DRAWS:] and missed != s)
    with too_few(found=1, required=2):
        roster.lease(missed, count=2)
    assert last in roster.lease(stepped_on, count=2)


def test_lease_reverts_when_the_class_is_empty(roster):
    with too_few(found=0):
        roster.lease()


def test_lease_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.certifier, world.requester):
        with refused("CallerNotAllocator", account=caller):
            world.registry.appoint(bytes(32), 0, 1, 0, [], [], sender=caller)
