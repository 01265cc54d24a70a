"""Whoever wants more than its share of processors, of committees, or of bounties.

Each says which defence it would get through without. Where an attack works all the same, the test says so, and what it
costs.
"""

from collections import Counter

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.rules import commitment
from tests.allocation import (
    BUCKET,
    bucket_of,
    cost_of,
    end,
    first_of,
    is_waiting,
    join,
    lists_of,
    require_exact_index,
    serve,
    set_beacon,
    stall,
)
from tests.evm import refused
from tests.job import Job

UNPLACEABLE = {"quantum_volume_log2": 255}


def cost_served(jobs, requester):
    """Return the cost that *requester* has been served among *jobs*."""
    served = [job.request for job in jobs if job.request_account == requester]
    return sum(cost_of(r.qubits, r.shots, r.replicas, r.depth_class) for r in served)


def organisations_of(job):
    return [job.world.node(a.processor).organisation for a in job.assignments]


def draw_under(world, job, number):
    """Return whom *job* is given under another beacon than the real one; all is undone."""
    with world.chain.undone():
        set_beacon(world, keccak(number.to_bytes(32, "big")))
        world.allocator.allocate(job.id, sender=world.keeper)
        return [a.processor for a in job.assignments]


# --- more seats in a committee ---


def test_many_processors_of_one_operator_get_one_seat(world):
    """Defence: one seat for each organisation, whatever it has. Without it, 30 of 35 would be a quorum of each three."""
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
    """Defence: what is cancelled stays charged. Without it, ids are tried until accomplices are drawn, in turn at once."""
    victim = join(world, "victim").account
    waiting = [world.submit(victim, qubits=20) for _ in range(3)]
    tries = [world.submit() for _ in range(30)]
    for job in tries:
        world.allocator.cancel(job.id, sender=world.requester)
    chosen = world.submit()
    assert bucket_of(chosen) == 30 * (cost_of() << 8) // BUCKET > max(map(bucket_of, waiting))


def test_choosing_an_id_is_free_while_nobody_waits(world):
    """It works: the draw can be foreseen, and to cancel costs nothing. A requester can pick its committee from those that
    the ids to come would give, when no other organisation waits in the class; its verdicts are worth as much to others
    as its own word. Whoever must rely on them asks for trust, which is earned in settled work."""
    wanted = {1, 2, 3}
    for attempts in range(1, 200):
        job = world.submit()
        seed_known = commitment.draw_seed_of(world.allocator.beacon(), job.id, 0)
        assert len(seed_known) == 32
        with world.chain.undone():
            drawn = {a.processor for a in job.allocate().assignments}
        if drawn == wanted:
            break
        world.allocator.cancel(job.id, sender=world.requester)
    assert attempts < 200
    assert bucket_of(job) == first_of(world)


# --- more than a share ---


def test_split_organisation_gains_no_share(world):
    """Defence: shares go by weight. Without it, by heads, two halves of one organisation would get two thirds."""
    whole = join(world, "whole", 4).account
    halves = [join(world, f"half {n}", 2).account for n in range(2)]
    jobs = [world.submit(whole) for _ in range(24)] + [world.submit(half) for _ in range(12) for half in halves]
    served = serve(jobs, 24)
    split = sum(cost_served(served, half) for half in halves)
    bound = cost_of() * (1 + 4 / 2) + 4 * (BUCKET >> 8)
    assert abs(split - cost_served(served, whole)) <= bound
    assert split < 2 * cost_served(served, whole) * 2 / 3 + bound


@pytest.mark.parametrize("pieces", [{"qubits": 1}, {"qubits": 4, "shots": 4_096}])
def test_split_computations_gain_no_share(world, pieces):
    """Defence: turns go by cost, not by number. Without it, whoever sends eight small ones is served eight times."""
    whole, parts = join(world, "whole").account, join(world, "parts").account
    jobs = [world.submit(whole, qubits=8) for _ in range(6)]
    jobs += [world.submit(parts, **pieces) for _ in range(6 * 8 // pieces["qubits"])]
    served = serve(jobs, 14)
    bound = cost_of(8) + cost_of(pieces["qubits"]) + (BUCKET >> 8)
    assert abs(cost_served(served, parts) - cost_served(served, whole)) <= bound


def test_shots_and_depth_are_no_way_round_the_charge(world):
    """Defence: all that takes time is in the cost. Without depth in it, deep circuits at the same fee take the machines."""
    for changes in ({"depth_class": 8}, {"shots": 8 * 4_096}, {"qubits": 16}):
        with world.chain.undone():
            world.submit(**changes)
            assert bucket_of(world.submit()) == 8 * (cost_of() << 8) // BUCKET


def test_flood_of_critical_computations_passes_others_by_the_credit_at_most(world):
    """Defences: charge, and a bound on the credit. Without them, whoever says critical is always first."""
    flooding, victim = join(world, "flooding"), join(world, "victim").account
    world.consortium.grantQuota(flooding.organisation, 0, 10**12, sender=world.committee)
    patient = [world.submit(victim, qubits=20) for _ in range(3)][-1]
    start = bucket_of(patient)
    critical = [world.submit(flooding.account, priority=Priority.Critical, payload=b"") for _ in range(150)]
    ahead = [job for job in critical if bucket_of(job) < start]
    bound = (start + 1 + 64) * (BUCKET >> 8) + cost_of()
    assert cost_of() * len(ahead) <= bound
    assert len(ahead) < len(critical), "the flood must be longer than the bound, or this shows nothing"


def test_flood_of_critical_computations_ends_with_the_quota(world):
    """Defence: the committee grants so much a day. Without it, every organisation's every computation is critical."""
    flooding = join(world, "flooding")
    world.consortium.grantQuota(flooding.organisation, 0, 3 * cost_of(), sender=world.committee)
    for _ in range(3):
        world.submit(flooding.account, priority=Priority.Critical)
    with refused("QuotaExhausted"):
        world.submit(flooding.account, priority=Priority.Critical)
    world.submit(flooding.account)


# --- the queue as a target ---


def submit_many(world, member, count, **changes):
    """Submit *count* computations of *member* in batches, as cheaply as can be."""
    request = world.request(payload=b"", price=0, **changes)
    jobs = []
    while len(jobs) < count:
        batch = [request.to_chain()] * min(64, count - len(jobs))
        first = world.allocator.submitMany(batch, sender=member.account, value=len(batch) * world.quote(request)).result
        jobs += [Job(world, first + n, request) for n in range(len(batch))]
    return jobs


def test_spam_moves_nobody_elses_start(world):
    """Defence: each organisation's turn counts its own cost. Without it, in order of arrival, the victim would wait for
    all of the spam; as it is, the spammer is itself the first whose queue is full."""
    spammer, victim = join(world, "spammer"), join(world, "victim").account
    submit_many(world, spammer, 120, qubits=1, depth_class=255, replicas=1)
    with refused("BacklogFull"):
        submit_many(world, spammer, 64, qubits=1, depth_class=255, replicas=1)
    job = world.submit(victim)
    assert bucket_of(job) == first_of(world)
    job.allocate()


def test_spam_of_a_heavy_organisation_shuts_out_others(world):
    """It works: with a weight of hundreds, small computations of one organisation share a bucket, 255 fill it, and 16 full
    ones refuse whoever would start there. It takes 4080 computations, whose bounties are locked, and a weight that the
    certification authority gave. The first that is served, cancelled or deferred makes room for one again."""
    heavy, victim = join(world, "heavy", 65_536), join(world, "victim").account
    spam = submit_many(world, heavy, 255 * 16, qubits=1, replicas=1)
    with refused("BacklogFull"):
        world.submit(victim)
    assert world.locked(heavy.account) == 2 * world.bounty * len(spam)
    world.allocator.cancel(spam[0].id, sender=heavy.account)
    job = world.submit(victim)
    assert bucket_of(job) == first_of(world)


def test_heads_that_nobody_can_run_cost_others_a_round_each(world):
    """It works, within a bound: a computation that no processor fits is sent back after a round's time, by a bucket at
    least, and more than three of them cannot be passed. So each delays its class by a round for every bucket that others
    still have before them, and costs its sender nothing but locked escrow. Defence: defer. Without it, one alone would
    hold up its class until its deadline, thirty days."""
    spammer, victim = join(world, "spammer"), join(world, "victim").account
    patient = {"deadline_at": world.chain.now + 86_400}
    heads = [world.submit(spammer.account, qubits=1, **UNPLACEABLE) for _ in range(5)]
    jobs = [world.submit(victim, qubits=20, **patient) for _ in range(2)]
    jobs[0].allocate()
    end(jobs[0])
    late, rounds = jobs[1], 0
    buckets = bucket_of(late) - first_of(world)
    while bucket_of(late) != first_of(world):
        head = next(job for job in heads if bucket_of(job) == first_of(world))
        stall(world)
        world.allocator.defer(head.id, sender=world.stranger)
        rounds += 1
    late.allocate()
    assert len(heads) <= rounds <= len(heads) * buckets


def test_head_that_costs_more_than_the_queue_holds_can_be_sent_back(world):
    """Defence: it goes to the end of the ring. Without that its organisation's next place is out of reach, `defer`
    reverts, and one computation at a price of nought stops its class until its deadline."""
    giant = world.submit(price=0, qubits=255, shots=65_535, replicas=16, depth_class=255)
    small = world.submit(join(world, "victim").account)
    stall(world)
    world.allocator.defer(giant.id, sender=world.stranger)
    small.allocate()
    assert giant.status is ComputationStatus.Queued


def test_small_computations_cannot_starve_a_large_one(world):
    """Defence: the guard of `backfill`. Without it, a stream of small ones takes every qubit that is given back before the
    large one has all that it needs."""
    running = world.submit(qubits=4, replicas=5).allocate()
    head = world.submit(qubits=20)
    stream = [world.submit(qubits=4) for _ in range(3)]
    for job in stream:
        ahead = [other.id for other in (head, *stream) if is_waiting(other) and bucket_of(other) < bucket_of(job)]
        with refused("TooFewEligibleProcessors"):
            world.allocator.backfill(job.id, ahead, sender=world.keeper)
    for index in range(3):
        running.refuse(index)
    head.allocate()


def test_newcomers_pass_a_large_one_a_bucket_at_most(world):
    """Defence: the virtual time. Whoever was idle starts in the head's bucket, where no guard protects it, and has so much
    cost in turn as a bucket holds; then it is behind."""
    head, newcomer = world.submit(qubits=20), join(world, "newcomer").account
    jobs = [world.submit(newcomer, qubits=1, payload=b"") for _ in range(30)]
    beside = [job for job in jobs if bucket_of(job) == bucket_of(head)]
    assert cost_of(1) * (len(beside) - 1) < BUCKET >> 8
    assert len(beside) == 3


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
    counts = Counter(processor for n in range(300) for processor in draw_under(world, easy, n))
    others = sum(counts[node.id] for node in world.nodes[1:]) / 4
    assert counts[lazy.id] < 0.8 * others


def test_flapping_processors_cost_a_draw_sixteen_removals(world):
    """Defence: those not heard of leave the index, so many at a draw. Without it, each draw meets them all for ever; without
    the limit, one draw could cost more than a block has."""
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
    """Defence: the replacement of one that refused pays nothing. Without it, an operator refuses, allocates, refuses ..."""
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
    """Defence: those replaced pay for it. Without it, a silent processor and a keeper of one owner share a bounty that the
    treasury or the requester gave: here they lose a slash for two bounties."""
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
