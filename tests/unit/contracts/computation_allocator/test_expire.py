from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest
from tests.evm import refused


def test_expire_fails_and_refunds_less_the_bounty(world):
    job, purse = world.submit(deadline_at=world.chain.now + 30), world.estate()
    world.chain.warp(job.request.deadline_at + 1)
    receipt = world.allocator.expire(job.id, sender=world.keeper)
    assert job.status is ComputationStatus.Failed
    # The bounty of the allocation, which was not with the requester when the purse was looked into, is back.
    assert purse.gains() == {world.keeper: world.bounty}
    assert (world.available(world.requester), world.locked(world.requester)) == (job.fee - world.bounty, 0)
    assert world.allocator.queueOf(1)[1] == 0
    assert receipt.event("ComputationFailed") == {
        "computation": job.id,
        "reason": FailureReason.DeadlinePassed,
    }
    assert receipt.event("ComputationPaid") == {
        "computation": job.id,
        "source": world.requester,
        "total": job.escrow,
        "payees": [],
        "each": job.pay,
        "keeper": world.keeper,
        "bounty": world.bounty,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ComputationFailed, job.id)
    assert entry["digest"] == abi_digest(["uint64", "uint8"], [job.id, FailureReason.DeadlinePassed])


def test_expire_releases_those_who_waited_for_a_replacement(world):
    job = world.submit().allocate()
    job.commit(0)
    job.refuse(1)
    world.chain.warp(job.request.deadline_at + 1)
    world.allocator.expire(job.id, sender=world.keeper)
    assert job.fates == [
        AssignmentStatus.Released,
        AssignmentStatus.Refused,
        AssignmentStatus.Released,
    ]
    assert [world.bonds.bondOf(node.id) for node in world.nodes] == [world.policy["minimumBond"]] * 5


def test_expire_reverts_when_deadline_is_open(world):
    job = world.submit(deadline_at=world.chain.now + 30)
    deadline = job.request.deadline_at
    world.chain.warp(deadline)
    with refused("DeadlineOpen", computation=job.id, endsAt=deadline, timestamp=deadline):
        world.allocator.expire(job.id, sender=world.keeper)


def test_expire_frees_those_on_duty_once_no_replacement_came_for_a_round(world):
    """Else the lack of one processor would bind the others until the deadline."""
    job = world.submit(replicas=5).allocate()
    job.refuse(0)
    ends_at, purse = job.record.phase_ends_at, world.estate()
    assert ends_at < job.request.deadline_at
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=job.id, endsAt=ends_at, timestamp=ends_at):
        world.allocator.expire(job.id, sender=world.keeper)
    world.chain.warp(ends_at + 1)
    world.allocator.expire(job.id, sender=world.keeper)
    assert job.fates == [AssignmentStatus.Refused] + [AssignmentStatus.Released] * 4
    assert purse.gains() == {world.requester: -world.bounty, world.keeper: world.bounty}


def test_expire_waits_for_the_deadline_when_nobody_is_on_duty(world):
    job = world.submit().allocate().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.record.active == 0
    deadline = job.request.deadline_at
    world.chain.warp(deadline)
    with refused("DeadlineOpen", computation=job.id, endsAt=deadline, timestamp=deadline):
        world.allocator.expire(job.id, sender=world.keeper)


def test_expire_goes_by_the_deadline_when_it_comes_before_the_round_ends(world):
    job = world.submit(deadline_at=world.chain.now + 20).allocate()
    job.refuse(0)
    assert job.record.phase_ends_at > job.request.deadline_at
    world.chain.warp(job.request.deadline_at + 1)
    world.allocator.expire(job.id, sender=world.keeper)
    assert job.status is ComputationStatus.Failed


def test_expire_reverts_when_unknown(world):
    with refused(
        "UnexpectedComputationStatus",
        id=99,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Queued,
    ):
        world.allocator.expire(99, sender=world.keeper)
