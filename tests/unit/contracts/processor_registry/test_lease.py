import pytest
from eth_hash.auto import keccak

from qcrs.rules.sortition import MAX_DRAWS, draws
from tests.evm import refused
from tests.scenario import account

SEEDS = [keccak(bytes([n])) for n in range(8)]


def fill(roster, count, **changes):
    return [roster.add(f"roster organisation {n}", **changes) for n in range(count)]


def too_few(found, drawn, required=1, qubits=2):
    return refused(
        "TooFewEligibleProcessors",
        noiseClass=1,
        qubits=qubits,
        required=required,
        found=found,
        drawn=drawn,
    )


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_lease_draws_in_the_order_of_sortition(roster, seed):
    members = fill(roster, 6)
    processors, organisations = roster.lease(seed, count=4)
    assert processors == [members[position] for position in draws(seed, 6)][:4]
    assert organisations == [roster.standing(processor).organisation for processor in processors]


def test_lease_takes_the_qubits(roster):
    fill(roster, 3)
    (drawn, *_), _ = roster.lease(qubits=7)
    assert roster.standing(drawn).leased_qubits == 7


def test_lease_fills_a_processor_to_the_last_qubit_and_not_beyond(roster):
    (processor,) = fill(roster, 1, qubits=20)
    roster.lease(qubits=13)
    with too_few(found=0, drawn=1, qubits=8):
        roster.lease(qubits=8)
    roster.lease(qubits=7)
    assert roster.standing(processor).leased_qubits == 20


def test_lease_leaves_nothing_leased_when_it_reverts(roster):
    members = fill(roster, 2)
    with too_few(found=2, drawn=2, required=3):
        roster.lease(count=3)
    assert [roster.standing(processor).leased_qubits for processor in members] == [0, 0]


def test_lease_passes_over_the_requesters_own(roster):
    members = fill(roster, 2)
    own = roster.standing(members[0]).organisation
    for seed in SEEDS:
        assert roster.lease(seed, requester=own)[0] == [members[1]]


def test_lease_passes_over_excluded_processors_and_organisations(roster):
    members = fill(roster, 3)
    taken = roster.standing(members[1]).organisation
    for seed in SEEDS:
        processors, _ = roster.lease(seed, excluded=[members[0]], organisations=[taken])
        assert processors == [members[2]]


def test_lease_takes_one_processor_of_an_organisation(roster):
    for _ in range(3):
        roster.add("only organisation")
    with too_few(found=1, drawn=3, required=2):
        roster.lease(count=2)


def test_lease_passes_over_the_unbonded(roster):
    members = fill(roster, 2)
    roster.registry.setBonded(members[0], False, sender=account("bonds"))
    for seed in SEEDS:
        assert roster.lease(seed)[0] == [members[1]]


def test_lease_passes_over_the_suspended_and_the_retired(roster):
    members = fill(roster, 3)
    roster.registry.suspend(members[0], bytes(32), sender=roster.world.deployer)
    roster.registry.retire(members[1], sender=roster.registry.operatorOf(members[1]))
    for seed in SEEDS:
        assert roster.lease(seed)[0] == [members[2]]


def test_lease_forgives_two_missed_heartbeats(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).last_beat_at + 2 * 30)
    assert roster.lease()[0] == [processor]


def test_lease_passes_over_a_third_missed_heartbeat(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).last_beat_at + 2 * 30 + 1)
    with too_few(found=0, drawn=1):
        roster.lease()


def test_lease_takes_a_processor_in_the_last_second_of_its_capability(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).expires_at - 2)
    roster.beat(processor)
    assert roster.lease()[0] == [processor]


def test_lease_passes_over_an_expired_capability(roster):
    (processor,) = fill(roster, 1)
    roster.world.chain.warp(roster.standing(processor).expires_at - 1)
    roster.beat(processor)
    with too_few(found=0, drawn=1):
        roster.lease()


def test_lease_ends_after_its_most_draws(roster):
    """So many of one organisation that another one's processor may not come up in time."""
    for _ in range(MAX_DRAWS + 2):
        roster.add("large organisation")
    last = roster.add("small organisation")
    roster.beat()
    size = MAX_DRAWS + 3
    seed = next(s for s in map(keccak, map(bytes, range(1_000))) if size - 1 not in draws(s, size))
    with too_few(found=1, drawn=MAX_DRAWS, required=2):
        roster.lease(seed, count=2)
    assert last == size


def test_lease_reverts_when_the_class_is_empty(roster):
    with too_few(found=0, drawn=0):
        roster.lease()


def test_lease_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.certifier, world.requester):
        with refused("CallerNotAllocator", account=caller):
            world.registry.lease(bytes(32), (1, 1, 1, 0), [], [], sender=caller)
