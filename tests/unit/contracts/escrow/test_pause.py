"""A stop of new work: what it stops, what it never does, and that it ends."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest, keccak
from tests.evm import refused
from tests.scenario import account

HOUR, DAY = 3_600, 86_400
REASON = keccak(b"a key is out")


def end_of_day(world, days):
    return (world.chain.now // DAY + days) * DAY


def pause(world, length=1):
    return world.allocator.pause(length, REASON, sender=world.security)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_pause_lasts_to_the_end_of_a_day(world, length):
    ends_at = end_of_day(world, length)
    receipt = pause(world, length)
    assert receipt.event("WorkPaused") == {"endsAt": ends_at, "reason": REASON}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.WorkPaused, 0)
    assert entry["digest"] == abi_digest(["uint40", "bytes32"], [ends_at, REASON])
    assert world.allocator.pausedUntil() == ends_at
    assert ends_at - world.chain.now <= 3 * DAY
    world.chain.warp(ends_at - 1)
    assert world.allocator.pausedUntil() == ends_at
    world.chain.warp(ends_at)
    assert world.allocator.pausedUntil() == 0


@pytest.mark.parametrize("length", [0, 4, 2**256 - 1])
def test_pause_reverts_when_it_is_too_long_or_none(world, length):
    with refused("PauseLengthInvalid", length=length, maximum=3):
        pause(world, length)


def test_pause_cannot_follow_upon_another(world):
    """Nor by resuming first: the next waits for three days after the day on which this one was to end."""
    earliest = end_of_day(world, 2) + 3 * DAY
    pause(world, 2)
    with refused("PauseTooSoon", earliest=earliest, timestamp=world.chain.now):
        pause(world)
    world.allocator.resume(REASON, sender=world.security)
    world.chain.warp(earliest - 1)
    with refused("PauseTooSoon", earliest=earliest, timestamp=earliest - 1):
        pause(world)
    world.chain.warp(earliest)
    pause(world)


def test_pause_stops_submissions_until_it_ends(world):
    request, ends_at = world.request(deadline_at=world.chain.now + 5 * DAY), end_of_day(world, 1)
    pause(world)
    fee, stop = world.quote(request), {"endsAt": ends_at}
    for function, argument in (("submit", request.to_chain()), ("submitMany", [request.to_chain()])):
        with refused("WorkStopped", **stop, timestamp=world.chain.now):
            getattr(world.allocator, function)(argument, sender=world.requester, value=fee)
    world.chain.warp(ends_at)
    world.allocator.submit(request.to_chain(), sender=world.requester, value=fee)


def test_pause_stops_allocations_until_it_ends(world):
    job = world.submit(deadline_at=world.chain.now + 5 * DAY)
    ends_at = end_of_day(world, 1)
    pause(world)
    draw = lambda: world.allocator.allocate(job.id, sender=world.keeper)  # noqa: E731
    for step in (draw, lambda: world.allocator.backfill(job.id, [], sender=world.keeper)):
        with refused("WorkStopped", endsAt=ends_at, timestamp=world.chain.now):
            step()
    world.chain.warp(ends_at)
    world.beat()
    job.allocate()
    assert job.status is ComputationStatus.Allocated


def test_pause_stops_registrations_until_it_ends(world):
    ends_at = end_of_day(world, 1)
    pause(world)
    with refused("WorkStopped", endsAt=ends_at, timestamp=world.chain.now):
        world.register(world.requester, "late daemon")
    world.chain.warp(ends_at)
    world.register(world.requester, "late daemon")


def test_pause_stops_reservations_until_it_ends(world):
    world.reservations.setRate(2, 5, sender=world.nodes[1].operator)
    ends_at = end_of_day(world, 1)
    price, window = world.reservations.priceOf([2], 3, HOUR), (ends_at + HOUR, ends_at + 2 * HOUR)
    reserve = lambda: world.reservations.reserve(  # noqa: E731
        [2], 3, *window, 5, sender=world.requester, value=price
    )
    pause(world)
    with refused("WorkStopped", endsAt=ends_at, timestamp=world.chain.now):
        reserve()
    world.chain.warp(ends_at)
    world.beat()
    reserve()


def test_pause_stops_no_reveal_settlement_or_payment(world):
    job = world.submit().allocate()
    pause(world)
    job.commit_all().disclose().reveal_all().settle()
    assert job.fates == [AssignmentStatus.Accepted] * 3
    operator = job.operator(0)
    amount = world.available(operator)
    assert amount > 0
    world.allocator.withdraw(amount, sender=operator)
    world.bonds.bond(1, sender=world.nodes[0].operator, value=1)


def test_pause_stops_no_refund(world):
    silent = world.submit().allocate()
    waiting, cancelled = world.submit(), world.submit()
    pause(world)
    world.allocator.cancel(cancelled.id, sender=world.requester)
    silent.end_phase()
    world.allocator.reallocate(silent.id, sender=world.keeper)
    with refused("WorkStopped", endsAt=world.allocator.pausedUntil(), timestamp=world.chain.now):
        world.allocator.allocate(silent.id, sender=world.keeper)
    world.chain.warp(waiting.request.deadline_at + 1)
    for job in (waiting, silent):
        world.allocator.expire(job.id, sender=world.keeper)
        assert job.status is ComputationStatus.Failed
    assert world.locked(world.requester) == 0


def test_resume_ends_a_pause(world):
    pause(world, 3)
    receipt = world.allocator.resume(REASON, sender=world.security)
    assert receipt.event("WorkResumed") == {"reason": REASON}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["digest"]) == (Decision.WorkResumed, abi_digest(["bytes32"], [REASON]))
    assert world.allocator.pausedUntil() == 0
    world.submit().allocate()
    world.register(world.requester, "next daemon")


def test_pause_and_resume_revert_for_all_but_the_working_group(world):
    for caller in (world.deployer, world.committee, world.certifier, world.council, world.board, world.stranger):
        with refused("AccessManagedUnauthorized", caller=caller):
            world.allocator.pause(1, REASON, sender=caller)
        with refused("AccessManagedUnauthorized", caller=caller):
            world.allocator.resume(REASON, sender=caller)


def test_stop_reverts_for_all_but_the_allocator(world):
    for caller in (world.security, world.deployer, account("anyone")):
        with refused("CallerNotAllocator", account=caller):
            world.registry.stop(2**16 - 1, sender=caller)


def test_policy_leaves_a_pause_as_it_is(world):
    """They are kept in the same words."""
    pause(world)
    ends_at = world.allocator.pausedUntil()
    world.set_policy(world.policy | {"pricePerQubitShot": 7, "commitSeconds": 604_800, "challengeSeconds": 604_800})
    assert world.allocator.pausedUntil() == ends_at
    with refused("WorkStopped", endsAt=ends_at, timestamp=world.chain.now):
        world.submit()
