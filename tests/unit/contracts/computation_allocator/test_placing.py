"""Where a submission is placed in its class's queue."""

import pytest

from qcrs.model.organisation import Priority
from tests.allocation import BUCKET, bucket_of, cost_of, first_of, join, serve
from tests.evm import refused

DAY = 86_400


def test_submit_places_by_weight(world):
    """Four to two to one: the tags of each are what it asked for before, divided by its weight."""
    members = [join(world, f"weight {weight}", weight) for weight in (4, 2, 1)]
    for n in range(12):
        for member, weight in zip(members, (4, 2, 1), strict=True):
            assert bucket_of(world.submit(member.account)) == n * (cost_of() << 8) // weight // BUCKET


def test_submit_tells_the_bucket(world):
    request = world.request(qubits=20)
    for bucket in (0, 7, 15):
        fee = world.quote(request)
        receipt = world.allocator.submit(request.to_chain(), sender=world.requester, value=fee)
        assert receipt.event("ComputationSubmitted")["bucket"] == bucket
        assert world.records.computationOf(receipt.result)["place"] == bucket
    assert world.allocator.queueOf(1)[:2] == (0, 3)


def test_service_is_shared_by_weight(world):
    """While all three wait, after any number of services each has had its share, give or take one computation."""
    weights = {"large": 4, "middle": 2, "small": 1}
    members = {name: join(world, name, weight) for name, weight in weights.items()}
    names, jobs = {}, []
    for name, member in members.items():
        for _ in range(6 * weights[name]):
            jobs.append(world.submit(member.account))
            names[jobs[-1].id] = name
    grain = BUCKET / (cost_of() << 8)  # in computations, for weight 1
    counts = dict.fromkeys(weights, 0)
    for job in serve(jobs, 35):
        counts[names[job.id]] += 1
        shares = {name: counts[name] / weight for name, weight in weights.items()}
        for one, other in (("large", "middle"), ("large", "small"), ("middle", "small")):
            bound = 1 / weights[one] + 1 / weights[other] + grain
            assert abs(shares[one] - shares[other]) <= bound
    assert counts["large"] / 4 == pytest.approx(counts["small"], abs=2)


def test_submit_gives_no_credit_for_idle_time(world):
    """Who comes late starts at the virtual time: it neither catches up nor waits behind the others' whole backlog."""
    early, late = join(world, "early"), join(world, "late")
    jobs = [world.submit(early.account) for _ in range(12)]
    serve(jobs, 6)
    first = first_of(world)
    assert first > 0
    assert bucket_of(world.submit(late.account)) == first
    # From the virtual time, not from nought: the first bucket's lower end.
    assert bucket_of(world.submit(late.account)) == (first * BUCKET + (cost_of() << 8)) // BUCKET


def test_submit_starts_anew_when_nobody_waits(world):
    first = world.submit(qubits=20)
    world.allocator.cancel(first.id, sender=world.requester)
    assert bucket_of(world.submit()) == first_of(world)


def test_submit_charges_a_deeper_circuit_in_proportion(world):
    world.submit(depth_class=5)
    assert bucket_of(world.submit()) == 5 * (cost_of() << 8) // BUCKET


@pytest.mark.parametrize(("priority", "credit"), [("Routine", 0), ("Elevated", 16), ("Critical", 64)])
def test_submit_places_the_urgent_ahead(world, priority, credit):
    world.consortium.grantQuota(world.requesters, 10**9, 10**9, sender=world.committee)
    waiting = [world.submit(qubits=20) for _ in range(16)]
    tail = 16 * (cost_of(20) << 8) // BUCKET
    job = world.submit(priority=Priority[priority])
    assert bucket_of(job) == tail - credit
    assert job.record.priority == Priority[priority]
    assert bucket_of(world.submit()) == (16 * cost_of(20) + cost_of() << 8) // BUCKET, "they are charged all the same"
    assert waiting


def test_submit_places_nobody_before_whoever_is_in_turn(world):
    world.consortium.grantQuota(world.requesters, 0, 10**9, sender=world.committee)
    for _ in range(3):
        world.submit(qubits=20)
    assert bucket_of(world.submit(priority=Priority.Critical)) == 0


def test_submit_reverts_beyond_the_quota_until_the_next_day(world):
    world.consortium.grantQuota(world.requesters, cost_of() * 2 - 1, 0, sender=world.committee)
    world.submit(priority=Priority.Elevated)
    renews_at = (world.chain.now // DAY + 1) * DAY
    expected = {"organisation": world.requesters, "priority": Priority.Elevated, "cost": cost_of()}
    with refused("QuotaExhausted", **expected, left=cost_of() - 1, renewsAt=renews_at):
        world.submit(priority=Priority.Elevated)
    world.chain.warp(renews_at)
    world.submit(priority=Priority.Elevated)


def test_submit_reverts_when_its_organisation_has_too_much_ahead(world):
    """Its own backlog: another organisation's computation still starts at once."""
    world.submit(qubits=255, shots=65_535, depth_class=255, replicas=16, price=0)
    with refused("BacklogFull"):
        world.submit()
    other = join(world, "other")
    assert bucket_of(world.submit(other.account)) == first_of(world)


def test_submit_keeps_the_classes_queues_apart(world):
    world.submit(qubits=20)
    assert bucket_of(world.submit(noise_class=2)) == 0
    assert [world.allocator.queueOf(noise_class)[1] for noise_class in (1, 2, 3)] == [1, 1, 0]
