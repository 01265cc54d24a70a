"""A consortium's history with everything in it that an audit must understand."""

from collections.abc import Callable

from qcrs.chain.deployment import ETHER
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.dispute import DisputeKind
from tests.challenged import Accused, measured, shifted
from tests.job import Job, noise, rogue
from tests.scenario import World, account
from tests.sweep import GOLD, TRAPS, Sweep, lying
from tests.unit.qcrs.audit import allocations
from tests.unit.qcrs.audit.benchmarks import benchmarks

# Computations in the order in which ``STORIES`` submits them.
(
    HONEST,
    ROGUE,
    SILENT,
    NOISY,
    WITHHELD,
    WIDE,
    SPLIT,
    REFUSED,
    FAILED,
    LATE,
    CANCELLED,
    UNREVEALED,
    QUORUMLESS,
    OVERDUE,
    ESCALATED,
    UNRESOLVED,
    EXPIRED,
    ALONE,
    TRUSTED,
    DOUBTED,
    UNVERIFIED,
    DISPROVEN,
    CLEARED,
    FRAMED,
    GUILTY,
    LAPSED,
    GOLDEN,
    CHALLENGED,
    BUSY,
    AHEAD,
    BACKFILLED,
    DEFERRED,
    WITHDRAWN,
    BEHIND,
    LONG,
    SHORT,
    ELEVATED,
    CRITICAL,
    NEXT_DAY,
    CHEAP,
    SCREENED,
    CHOOSY,
    EXCEPTED,
    BATCHED,
    BATCHED_TOO,
    ABSENT,
    RETURNED,
    BESIDE,
    RUNNING,
    WAITING,
) = range(1, 51)
LAST = WAITING + 4


def _honest(world: World) -> None:
    world.submit().to_settled()


def _rogue(world: World) -> None:
    job = world.submit()
    job.to_settled({1: rogue(1)})
    world.bond(job.node(1).id)


def _silent(world: World) -> None:
    job = world.submit().allocate()
    job.commit(0)
    job.commit(2)
    _reallocate(job)
    job.to_settled()
    world.bond(job.node(1).id)


def _noisy(world: World) -> None:
    job = world.submit()
    job.to_settled({index: noise(index) for index in range(3)})


def _withheld(world: World) -> None:
    job = world.submit().allocate().commit_all().end_phase()
    world.verifier.substituteSecret(job.id, sender=world.keeper)
    job.reveal_all().settle()


def _wide(world: World) -> None:
    world.submit(outcome_bits=10, qubits=10, replicas=5).to_settled()


def _split(world: World) -> None:
    job = world.submit(outcome_bits=3)
    job.to_settled({index: rogue(index, 3) for index in range(3)})


def _refused(world: World) -> None:
    job = world.submit().allocate()
    job.refuse(0)
    job.to_settled()


def _failed(world: World) -> None:
    job = world.submit().allocate()
    job.refuse(0, code=3)
    job.refuse(2, code=3)


def _late(world: World) -> None:
    job = world.submit(deadline_at=world.chain.now + 60)
    world.chain.advance(100)
    world.allocator.expire(job.id, sender=world.stranger)


def _cancelled(world: World) -> None:
    job = world.submit()
    world.allocator.cancel(job.id, sender=job.request_account)


def _unrevealed(world: World) -> None:
    """One of three reveals; the round begins anew with others, and then all do."""
    job = world.submit().to_revealing()
    job.reveal(0)
    _reallocate(job)
    for index in (1, 2):
        world.bond(job.node(index).id)
    job.to_settled()


def _quorumless(world: World) -> None:
    """Two of three reveal and suffice."""
    job = world.submit().to_revealing()
    job.reveal_all(2)
    job.end_phase()
    job.settle()
    world.bond(job.node(2).id)


def _overdue(world: World) -> None:
    """Loses a processor and is then left waiting beyond its deadline."""
    job = world.submit(deadline_at=world.chain.now + 300).allocate()
    job.commit(0)
    _reallocate(job)
    world.chain.advance(600)
    world.allocator.expire(job.id, sender=world.keeper)


def _escalated(world: World) -> None:
    """Three are split; of the two that join and those before them, a quorum agrees, and one hides its answer."""
    job = world.submit(replica_cap=7, outcome_bits=10, qubits=10)
    job.to_settled({0: rogue(0, 10), 1: rogue(1, 10)})
    job.to_revealing().reveal_all(0).end_phase()
    job.settle()
    assert job.status is ComputationStatus.Accepted
    for index in (0, 1):
        world.bond(job.node(index).id)


def _unresolved(world: World) -> None:
    """Five cannot tell, any more than three."""
    job = world.submit(replica_cap=5)
    job.to_settled({index: noise(index) for index in range(3)})
    job.to_settled({index: noise(index) for index in range(3, 5)})
    assert job.status is ComputationStatus.Inconclusive


def _expired(world: World) -> None:
    """Nobody joins in time; those whose answers are known are paid."""
    job = world.submit(replica_cap=5)
    job.to_settled({index: noise(index) for index in range(3)})
    job.end_phase()
    world.allocator.expire(job.id, sender=world.keeper)


def _alone(world: World) -> None:
    """One replica, whose answer is later found false."""
    job = world.submit(replicas=1)
    job.to_settled()
    _dispute(job, 0, DisputeKind.WrongAnswer, world.stranger, True)
    world.bond(job.node(0).id)


def _trusted(world: World) -> None:
    world.submit(replicas=5, trust=16).to_settled()


def _doubted(world: World) -> None:
    job = world.submit(replicas=5, trust=255)
    job.to_settled()
    assert job.status is ComputationStatus.Inconclusive


def _unverified(world: World) -> None:
    world.submit(replicas=1).to_settled({0: noise(0)})


def _disproven(world: World) -> None:
    """Two of three accepted answers are found false; after the second the verdict falls."""
    job = world.submit()
    job.to_settled()
    for index in (0, 2):
        _dispute(job, index, DisputeKind.WrongAnswer, world.stranger, True)
        world.bond(job.node(index).id)
    assert job.status is ComputationStatus.Overturned


def _cleared(world: World) -> None:
    job = world.submit()
    job.to_settled()
    _dispute(job, 1, DisputeKind.WrongAnswer, world.stranger, False)


def _framed(world: World) -> None:
    """An outlier whose device was right."""
    job = world.submit()
    job.to_settled({1: rogue(1)})
    _dispute(job, 1, DisputeKind.WrongFault, job.operator(1), True)
    world.bond(job.node(1).id)


def _guilty(world: World) -> None:
    job = world.submit()
    job.to_settled({1: rogue(1)})
    _dispute(job, 1, DisputeKind.WrongFault, job.operator(1), False)
    world.bond(job.node(1).id)


def _lapsed(world: World) -> None:
    """Nobody rules."""
    job = world.submit()
    job.to_settled()
    dispute = _open(job, 0, DisputeKind.WrongAnswer, world.stranger)
    world.chain.warp(world.disputes.disputeOf(dispute)["endsAt"] + 1)
    world.disputes.lapse(dispute, sender=world.keeper)


def _golden(world: World) -> None:
    """One replica fails two gold rounds and another a trap; the first is vindicated, at the requester's expense."""
    sweep = Sweep(world, replicas=5)
    sweep.to_revealed({1: lying(1, *GOLD[:2]), 3: lying(3, TRAPS[0])})
    sweep.open()
    sweep.accuse(1, *GOLD[:2]).accuse(3, TRAPS[0])
    sweep.close(sweep.stake_on(2))
    sweep.settle()
    _dispute(sweep, 1, DisputeKind.WrongFault, sweep.operator(1), True)
    sweep.end_phase()
    world.gold_rounds.reclaim(sweep.id, sender=world.keeper)
    world.bond(sweep.node(1).id)


def _challenged(world: World) -> None:
    """One histogram is shown, another withheld, and a third was never what its sketch says."""
    forged = measured(3)
    job = Accused.submit(world, replicas=5).settled(bound={2: shifted(forged)}, answers={2: forged})
    challenge = job.demand(0)
    job.answer(challenge, 0)
    withheld = job.demand(1)
    job.prove_forged(2)
    world.chain.warp(world.challenges.challengeOf(withheld)["deadlineAt"] + 1)
    world.challenges.enforce(withheld, sender=world.keeper)
    for index in (1, 2):
        world.bond(job.node(index).id)


def _governance(world: World) -> None:
    world.allocator.deposit(sender=world.stranger, value=5 * ETHER)
    world.allocator.withdraw(ETHER, sender=world.stranger)
    world.allocator.disburse(world.committee, world.allocator.treasury() // 2, sender=world.committee)
    policy = {**world.policy, "revealSeconds": 90, "pricePerQubitShot": 2_000_000_000}
    world.set_policy(policy)
    organisation = world.admit("observer")
    world.consortium.setWeight(organisation, 3, sender=world.committee)
    world.consortium.invite(world.stranger, sender=account("observer"))
    world.consortium.join(organisation, sender=world.stranger)
    world.consortium.resign(sender=world.stranger)
    world.consortium.expel(organisation, sender=world.certifier)
    world.consortium.resign(sender=account("observer"))
    world.registry.suspend(2, b"\x07" * 32, sender=world.security)
    world.certify(2)
    renewed = world.node(4)
    consent = world.sign_registration("daemon 4", renewed.operator, b"\x0b" * 32, bytes(32))
    world.registry.updateIdentity(4, b"\x0b" * 32, consent, sender=renewed.operator)
    world.certify(4)
    world.registry.retire(5, sender=world.node(5).operator)
    leaving = world.node(6)
    world.bonds.beginUnbonding(leaving.id, sender=leaving.operator)
    world.chain.warp(world.bonds.unbondingOf(leaving.id)[0] + 1)
    world.bonds.unbond(leaving.id, sender=leaving.operator)
    world.bonds.beginUnbonding(7, sender=world.node(7).operator)
    world.bonds.bond(7, sender=world.node(7).operator)


def _after_governance(world: World) -> None:
    world.submit().to_revealing().reveal(0)
    for _ in range(WAITING, LAST + 1):
        world.submit()


def _open(job: Job, index: int, kind: DisputeKind, opener: str) -> int:
    bond = job.world.policy["slash"]
    return job.world.disputes.open(job.id, index, kind, bytes(32), sender=opener, value=bond).result


def _dispute(job: Job, index: int, kind: DisputeKind, opener: str, upheld: bool) -> None:
    """Open a dispute, let the other side answer, and the council rule."""
    disputes, dispute = job.world.disputes, _open(job, index, kind, opener)
    other = job.operator(index) if kind is DisputeKind.WrongAnswer else job.request_account
    disputes.answer(dispute, b"\x08" * 32, sender=other)
    disputes.rule(dispute, upheld, b"\x09" * 32, sender=job.world.council)


def _reallocate(job: Job) -> None:
    job.end_phase()
    job.world.allocator.reallocate(job.id, sender=job.world.keeper)
    assert AssignmentStatus.Silent in job.fates


STORIES: tuple[Callable[[World], None], ...] = (
    _honest,
    _rogue,
    _silent,
    _noisy,
    _withheld,
    _wide,
    _split,
    _refused,
    _failed,
    _late,
    _cancelled,
    _unrevealed,
    _quorumless,
    _overdue,
    _escalated,
    _unresolved,
    _expired,
    _alone,
    _trusted,
    _doubted,
    _unverified,
    _disproven,
    _cleared,
    _framed,
    _guilty,
    _lapsed,
    _golden,
    _challenged,
    allocations.backfilled,
    allocations.deferred,
    allocations.exchanged,
    allocations.prior,
    allocations.cheap,
    allocations.choosy,
    allocations.batched,
    allocations.absent,
    allocations.reserved,
    allocations.lasting,
    _governance,
    _after_governance,
    benchmarks,
)
