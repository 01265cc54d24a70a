"""A consortium's history with everything in it that an audit must understand."""

from collections.abc import Callable

from qcrs.chain.deployment import ETHER
from qcrs.model.assignment import AssignmentStatus
from tests.job import Job, noise, rogue
from tests.scenario import World, account

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
) = range(1, 13)
QUORUMLESS, OVERDUE, RUNNING, WAITING = range(13, 17)
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


def _governance(world: World) -> None:
    world.allocator.deposit(sender=world.stranger, value=5 * ETHER)
    world.allocator.withdraw(ETHER, sender=world.stranger)
    world.allocator.disburse(world.committee, world.allocator.treasury() // 2, sender=world.committee)
    policy = {**world.policy, "revealSeconds": 90, "pricePerQubitShot": 2_000_000_000}
    world.allocator.setPolicy(tuple(policy.values()), sender=world.committee)
    organisation = world.admit("observer")
    world.consortium.setWeight(organisation, 3, sender=world.committee)
    world.consortium.invite(world.stranger, sender=account("observer"))
    world.consortium.join(organisation, sender=world.stranger)
    world.consortium.resign(sender=world.stranger)
    world.consortium.expel(organisation, sender=world.certifier)
    world.consortium.resign(sender=account("observer"))
    world.registry.suspend(2, b"\x07" * 32, sender=world.security)
    world.certify(2)
    world.certify(4)
    world.registry.retire(5, sender=world.node(5).operator)
    world.bonds.beginUnbonding(6, sender=world.node(6).operator)
    world.chain.advance(world.policy["challengeSeconds"])
    world.bonds.unbond(6, sender=world.node(6).operator)


def _after_governance(world: World) -> None:
    world.submit().to_revealing().reveal(0)
    for _ in range(WAITING, LAST + 1):
        world.submit()


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
    _governance,
    _after_governance,
)
