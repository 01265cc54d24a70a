"""Whoever wants more seats in committees, easier work, or more bounties, than are its due.

Each says which defence it would get through without. Where an attack works all the same, the test says so, and what it
costs.
"""

from collections import Counter

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from tests.allocation import (
    BUCKET,
    bucket_of,
    cost_of,
    end,
    first_of,
    join,
    lists_of,
    require_exact_index,
    set_beacon,
)
from tests.evm import refused


def organisations_of(job):
    return [job.world.node(a.processor).organisation for a in job.assignments]


def draw_under(world, job, beacon):
    """Return whom *job* would be given under *beacon*."""
    with world.chain.undone():
        set_beacon(world, beacon)
        world.allocator.allocate(job.id, sender=world.keeper)
        return [a.processor for a in job.assignments]


# --- more seats in a committee ---


def test_many_processors_of_one_operator_get_one_seat(world):
    """Defence: one seat for each organisation, whatever it has. Without it, 30 of 35 would be a quorum of each
    three."""
    large = world.nodes[0].organisation
    for _ in range(30):
        world.enrol(large)
    for _ in range(25):
        job = world.submit().allocate()
        assert organisations_of(job).count(large) <= 1
        end(job)


def test_many_processors_of_one_operator_get_one_seat_among_replacements_too(world):
    """Defence: the organisations on duty are passed over as well. Without it, accomplices refuse until two sit."""
    large = world.nodes[0].organisation
    for _ in range(10):
        world.enrol(large)
    job = world.submit(replicas=5).allocate()
    for _ in range(2):
        other = next(index for index, o in enumerate(organisations_of(job)) if o != large)
        with world.chain.undone():
            job.refuse(other)
            with refused("TooFewEligibleProcessors"):
                job.allocate()


def test_operator_cannot_be_of_two_organisations(world):
    """Defence: an operator's organisation is for life. Without it, it resigns, joins another, and has two seats."""
    node = world.nodes[0]
    second = world.admit("second")
    member = world.stranger
    world.consortium.invite(member, sender=node.operator)
    world.consortium.join(node.organisation, sender=member)
    world.register(member, "first daemon")
    world.consortium.resign(sender=member)
    world.consortium.invite(member, sender=world.consortium.organisations(second)["admin"])
    world.consortium.join(second, sender=member)
    with refused("OperatorMoved"):
        world.register(member, "second daemon")


def test_requester_cannot_choose_when_to_be_drawn(world):
    """Defence: the seed is the beacon's and the id's alone. Without it, whoever calls waits for a block it likes."""
    job, drawn = world.submit(), []
    seed = commitment.draw_seed_of(world.allocator.beacon(), job.id, 0)
    for seconds in (0, 1, 17, 300, 2_000):
        for caller in (world.keeper, world.requester, world.nodes[2].operator):
            with world.chain.undone():
                world.chain.advance(seconds)
                world.beat()
                receipt = world.allocator.allocate(job.id, sender=caller)
                assert receipt.event("ComputationAllocated")["seed"] == seed
                drawn.append([a.processor for a in job.assignments])
    assert len(set(map(tuple, drawn))) == 1


def test_choosing_an_id_is_charged_while_others_wait(world):
    """Defence: what is cancelled stays charged. Without it, ids are tried until accomplices are drawn, in turn at
    once."""
    victim = join(world, "victim").account
    waiting = [world.submit(victim, qubits=20) for _ in range(3)]
    tries = [world.submit() for _ in range(30)]
    for job in tries:
        world.allocator.cancel(job.id, sender=world.requester)
    chosen = world.submit()
    assert bucket_of(chosen) == 30 * (cost_of() << 8) // BUCKET > max(map(bucket_of, waiting))


def test_choosing_an_id_is_free_while_nobody_waits(world):
    """It works: the draw can be foreseen, and to cancel costs nothing. A requester can pick its committee from those
    that the ids to come would give, when no other organisation waits in the class; its verdicts are worth as much to
    others as its own word. Whoever must rely on them asks for trust, which is earned in settled work."""
    wanted = {1, 2, 3}
    job, tries = world.submit(), 1
    while set(draw_under(world, job, world.allocator.beacon())) != wanted:
        world.allocator.cancel(job.id, sender=world.requester)
        world.beat()
        job, tries = world.submit(), tries + 1
    assert bucket_of(job) == first_of(world)
    assert 1 < tries < 200


# --- processors that choose their work ---


def test_processor_that_refuses_what_is_hard_is_drawn_less(world):
    """Defence: refusals lower the weight, and who refuses is replaced. Without them, it takes the easy work alone."""
    lazy = world.nodes[0]
    refusals = 0
    for number in range(40):
        job = world.submit(join(world, f"hard {number}").account).allocate()
        for index, a in enumerate(job.assignments):
            if a.processor == lazy.id:
                job.refuse(index)
                refusals += 1
        if job.status is ComputationStatus.Queued:
            job.allocate()
        job.commit_all().disclose().reveal_all().settle()
        assert job.status is ComputationStatus.Accepted, "work goes on without it"
    assert refusals > 8
    assert world.standing(lazy.id).refused == refusals
    easy = world.submit()
    world.beat()
    counts = Counter(
        processor for n in range(300) for processor in draw_under(world, easy, keccak(bytes([n // 256, n % 256]))[:24])
    )
    others = sum(counts[node.id] for node in world.nodes[1:]) / 4
    assert counts[lazy.id] < 0.8 * others


def test_flapping_processors_cost_a_draw_sixteen_removals(world):
    """Defence: those not heard of leave the index, so many at a draw. Without it, each draw meets them all for ever;
    without the limit, one draw could cost more than a block has."""
    flapping = world.nodes[0].organisation
    for _ in range(40):
        world.enrol(flapping)
    honest = [node for node in world.nodes if node.organisation != flapping]
    total = len(world.nodes)
    for _ in range(3):
        world.beat()
        assert sum(map(len, lists_of(world))) == total
        world.chain.advance(61)
        world.beat(*honest)
        before, draws = total, 0
        while before > len(honest) + 5:
            job = world.submit()
            world.allocator.allocate(job.id, sender=world.keeper)
            end(job)
            listed = sum(map(len, lists_of(world)))
            assert 0 < before - listed <= 16
            before, draws = listed, draws + 1
        assert draws >= 3
        require_exact_index(world)


def test_registered_processors_that_do_not_work_are_in_nobodys_way(world):
    """Defence: the index has only those that are certified and bonded. Without it, registering fills it at no cost."""
    before, operator = lists_of(world), world.nodes[0].operator
    for number in range(300):
        world.register(operator, f"dead {number}")
    unbonded = world.register(operator, "unbonded")
    world.certify(unbonded)
    assert lists_of(world) == before
    world.submit(replicas=5).allocate()


# --- bounties ---


def test_allocation_is_paid_once_whoever_comes_first(world):
    """Defence: a computation is allocated once. Without it, each who calls would take a bounty from the requester."""
    job, purse = world.submit(), world.purse()
    world.beat()
    world.allocator.allocate(job.id, sender=world.stranger)
    for late in (lambda: world.allocator.backfill(job.id, [], sender=world.keeper), job.allocate):
        with refused("UnexpectedComputationStatus"):
            late()
    assert purse.gains() == {world.stranger: world.bounty}
    assert world.locked(world.requester) == job.fee - world.bounty


def test_refusals_drain_neither_the_treasury_nor_the_requester(world):
    """Defence: the replacement of one that refused pays nothing. Without it, an operator refuses, allocates, refuses
    ..."""
    world.enrol_until(9)
    world.allocator.endow(sender=world.stranger, value=10**18)
    job = world.submit(replicas=5).allocate()
    purse = world.purse()
    for _ in range(2):
        active = [index for index, a in enumerate(job.assignments) if a.status == 1]
        job.refuse(active[0])
        job.allocate()
    assert purse.gains() == {}
    job.commit_all().disclose().reveal_all().settle()
    gains = purse.gains()
    assert gains[world.keeper] == world.bounty
    assert "treasury" not in gains


def test_silence_and_replacement_take_from_bonds_alone(world):
    """Defence: those replaced pay for it. Without it, a silent processor and a keeper of one owner share a bounty that
    the treasury or the requester gave: here they lose a slash for two bounties."""
    job = world.submit().allocate()
    job.commit(1)
    job.commit(2)
    job.end_phase()
    owner = job.operator(0)
    estate, slash = world.estate(), world.policy["slash"]
    world.allocator.reallocate(job.id, sender=owner)
    world.beat()
    world.allocator.allocate(job.id, sender=owner)
    assert estate.gains() == {owner: 2 * world.bounty - slash, "treasury": slash - 2 * world.bounty}
    with pytest.raises(ContractRefused):
        world.allocator.allocate(job.id, sender=owner)
