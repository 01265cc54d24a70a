import pytest

from qcrs.model.computation import ComputationStatus
from tests.evm import refused


def test_cancel_refunds_in_full(world):
    job = world.submit()
    receipt = world.allocator.cancel(job.id, sender=world.requester)
    assert job.status is ComputationStatus.Cancelled
    assert job.record.escrow == 0
    assert (world.available(world.requester), world.locked(world.requester)) == (job.fee, 0)
    assert receipt.event("ComputationCancelled") == {"computation": job.id, "refund": job.fee}
    assert world.allocator.queueOf(1)[1] == 0


def test_cancel_serves_after_the_deadline_too(world):
    job = world.submit()
    world.chain.warp(job.request.deadline_at + 1)
    world.allocator.cancel(job.id, sender=world.requester)
    assert world.available(world.requester) == job.fee


def test_cancel_serves_a_requester_who_was_expelled(world):
    job = world.submit()
    world.consortium.expel(world.requesters, sender=world.certifier)
    world.allocator.cancel(job.id, sender=world.requester)
    world.allocator.withdraw(job.fee, sender=world.requester)


def test_cancel_reverts_for_all_but_the_requester(world):
    job = world.submit()
    for caller in (world.stranger, world.committee, world.nodes[0].operator):
        with refused("CallerNotRequester", computation=job.id, account=caller, requester=world.requester):
            world.allocator.cancel(job.id, sender=caller)


def test_cancel_reverts_once_processors_were_assigned(world):
    job = world.submit().allocate()
    with refused("ProcessorsAssigned", computation=job.id, tried=3):
        world.allocator.cancel(job.id, sender=world.requester)
    job.refuse(0)
    assert job.status is ComputationStatus.Queued
    with refused("ProcessorsAssigned", computation=job.id, tried=3):
        world.allocator.cancel(job.id, sender=world.requester)


def test_cancel_reverts_when_cancelled(world):
    job = world.submit()
    world.allocator.cancel(job.id, sender=world.requester)
    with refused(
        "UnexpectedComputationStatus",
        id=job.id,
        actual=ComputationStatus.Cancelled,
        allowed=1 << ComputationStatus.Queued,
    ):
        world.allocator.cancel(job.id, sender=world.requester)


@pytest.mark.parametrize("computation", [0, 99])
def test_cancel_reverts_when_unknown(world, computation):
    with refused(
        "CallerNotRequester",
        computation=computation,
        account=world.requester,
        requester="0x" + "00" * 20,
    ):
        world.allocator.cancel(computation, sender=world.requester)
