"""Whoever wants more than its share of a class, or wants others to have less of theirs.

Each says which defence it would get through without. Where an attack works all the same, the test says so, and what it
costs.
"""

import pytest

from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from tests.allocation import BUCKET, bucket_of, cost_of, end, first_of, is_waiting, join, serve, stall
from tests.evm import refused
from tests.job import Job

UNPLACEABLE = {"quantum_volume_log2": 255}


def cost_served(jobs, requester):
    """Return the cost that *requester* has been served among *jobs*."""
    served = [job.request for job in jobs if job.request_account == requester]
    return sum(cost_of(r.qubits, r.shots, r.replicas, r.depth_class) for r in served)


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
    """Defence: all that takes time is in the cost. Without depth in it, deep circuits at the same fee take the
    machines."""
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


def test_spam_of_a_heavy_organisation_shuts_out_nobody(world):
    """Defence: the least step. Without it, small computations of an organisation with a weight of hundreds share a
    bucket, 255 fill it, and 16 full ones refuse whoever would start there."""
    with world.chain.undone():  # so that the fixture need not look through thousands
        heavy, victim = join(world, "heavy", 65_536), join(world, "victim").account
        submit_many(world, heavy, 255 * 16, qubits=1, replicas=1)
        job = world.submit(victim)
        assert bucket_of(job) == first_of(world)


def test_heads_that_nobody_can_run_cost_others_a_round_together(world):
    """Defences: defer, and distrust of an organisation that had to be sent back. Without the one, a single computation
    that no processor fits holds up its class until its deadline; without the other, each costs a round for every
    bucket that others still have before them: five cost more than thirty rounds here."""
    spammer, victim = join(world, "spammer"), join(world, "victim").account
    patient = {"deadline_at": world.chain.now + 86_400}
    heads = [world.submit(spammer.account, qubits=1, **UNPLACEABLE) for _ in range(5)]
    jobs = [world.submit(victim, qubits=20, **patient) for _ in range(2)]
    jobs[0].allocate()
    end(jobs[0])
    late, deferrals = jobs[1], 0
    stall(world)
    stalled_at = world.chain.now
    while bucket_of(late) != first_of(world):
        head = next(job for job in heads if bucket_of(job) == first_of(world))
        world.allocator.defer(head.id, sender=world.stranger)
        deferrals += 1
    assert deferrals > len(heads)
    assert world.chain.now == stalled_at + deferrals, "a second for each transaction, and no waiting"
    late.allocate()


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
    """Defence: the guard of `backfill`. Without it, a stream of small ones takes every qubit that is given back before
    the large one has all that it needs."""
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
    """Defence: the virtual time. Whoever was idle starts in the head's bucket, where no guard protects it, and has so
    much cost in turn as a bucket holds; then it is behind."""
    head, newcomer = world.submit(qubits=20), join(world, "newcomer").account
    jobs = [world.submit(newcomer, qubits=1, payload=b"") for _ in range(30)]
    beside = [job for job in jobs if bucket_of(job) == bucket_of(head)]
    assert cost_of(1) * (len(beside) - 1) < BUCKET >> 8
    assert len(beside) == 3
