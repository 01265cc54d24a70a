"""Every situation a computation can be in, and every step that might be tried there."""

from collections.abc import Callable

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.dispute import DisputeKind
from tests.job import Job, honest, noise, rogue
from tests.scenario import World


def queued_again(job: Job) -> None:
    job.allocate().refuse(2)


def revealing(job: Job) -> None:
    job.to_revealing()


def one_missing(job: Job) -> None:
    job.to_revealing().reveal_all(0)


def all_revealed(job: Job) -> None:
    job.to_revealing().reveal_all()


def restarted(job: Job) -> None:
    job.to_revealing().end_phase()
    job.world.allocator.reallocate(job.id, sender=job.world.keeper)


def escalated(job: Job) -> None:
    """Two more are sought; the three are bound to what they have answered."""
    job.world.enrol_until(9)
    widened = job.world.submit(replica_cap=5)
    job.id, job.request = widened.id, widened.request
    job.to_settled({0: rogue(0), 1: rogue(1)})


def alone(job: Job) -> None:
    single = job.world.submit(replicas=1)
    job.id, job.request = single.id, single.request
    job.to_settled()


def overturned(job: Job) -> None:
    """The council finds two of three accepted answers false."""
    job.to_settled()
    disputes, bond = job.world.disputes, job.world.policy["slash"]
    for index in (0, 1):
        about = (job.id, index, DisputeKind.WrongAnswer, bytes(32))
        dispute = disputes.open(*about, sender=job.world.stranger, value=bond).result
        disputes.rule(dispute, True, bytes(32), sender=job.world.council)


def failed(job: Job) -> None:
    queued_again(job)
    job.refuse(1)


def cancelled(job: Job) -> None:
    job.world.allocator.cancel(job.id, sender=job.world.requester)


# Where it is driven; the status that is; what succeeds before, and after, the running deadline.
SITUATIONS: dict[str, tuple[Callable[[Job], object], ComputationStatus, set[str], set[str]]] = {
    "Unset": (lambda job: setattr(job, "id", 99), ComputationStatus.Unset, set(), set()),
    "Queued": (
        lambda job: None,
        ComputationStatus.Queued,
        {"allocate", "cancel"},
        {"expire", "cancel"},
    ),
    "Queued again": (
        queued_again,
        ComputationStatus.Queued,
        {"allocate", "commit", "refuse"},
        {"expire", "commit"},
    ),
    "Queued, escalated": (escalated, ComputationStatus.Queued, {"allocate"}, {"expire"}),
    "Queued for another round": (restarted, ComputationStatus.Queued, {"allocate"}, {"expire"}),
    "Allocated": (
        lambda job: job.allocate(),
        ComputationStatus.Allocated,
        {"commit", "refuse"},
        {"commit", "reallocate"},
    ),
    "Committed": (
        lambda job: job.allocate().commit_all(),
        ComputationStatus.Committed,
        {"disclose"},
        {"disclose", "substituteSecret"},
    ),
    "Revealing": (revealing, ComputationStatus.Revealing, {"reveal"}, {"reveal", "reallocate"}),
    "Revealing, one missing": (
        one_missing,
        ComputationStatus.Revealing,
        {"reveal"},
        {"reveal", "settle"},
    ),
    "Revealing, all revealed": (
        all_revealed,
        ComputationStatus.Revealing,
        {"settle"},
        {"settle"},
    ),
    "Accepted": (lambda job: job.to_settled(), ComputationStatus.Accepted, {"dispute"}, set()),
    "Rejected": (
        lambda job: job.to_settled({0: rogue(0), 1: rogue(1)}),
        ComputationStatus.Rejected,
        {"dispute"},
        set(),
    ),
    "Inconclusive": (
        lambda job: job.to_settled({index: noise(index) for index in range(3)}),
        ComputationStatus.Inconclusive,
        {"dispute"},
        set(),
    ),
    "Unverified": (alone, ComputationStatus.Unverified, {"dispute"}, set()),
    "Overturned": (overturned, ComputationStatus.Overturned, set(), set()),
    "Failed": (failed, ComputationStatus.Failed, set(), set()),
    "Cancelled": (cancelled, ComputationStatus.Cancelled, set(), set()),
}


def attempts(job: Job) -> dict[str, Callable[[], object]]:
    """Return every step of a computation, ready to be taken in its favour."""
    world, keeper = job.world, job.world.keeper
    counts = {index: honest(index) for index in range(3)}
    job.counts = counts | job.counts
    daemon = job.node(0).daemon if job.record.tried else world.nodes[0].daemon
    revealed = job.indices(AssignmentStatus.Revealed)
    bond = world.policy["slash"]
    count = job.record.revealed
    bulk = job.settlement() if revealed else ([bytes(32)] * count, [bytes(32)] * count, [0] * count)
    secret = job.secrets[max(job.record.attempt, 1) - 1]
    return {
        "allocate": lambda: world.allocator.allocate(job.id, sender=keeper),
        "reallocate": lambda: world.allocator.reallocate(job.id, sender=keeper),
        "expire": lambda: world.allocator.expire(job.id, sender=keeper),
        "cancel": lambda: world.allocator.cancel(job.id, sender=world.requester),
        "commit": lambda: world.verifier.commit(job.id, 0, bytes(24), sender=daemon),
        "refuse": lambda: world.verifier.refuse(job.id, 0, 1, sender=daemon),
        "disclose": lambda: world.verifier.disclose(job.id, secret, sender=world.requester),
        "substituteSecret": lambda: world.verifier.substituteSecret(job.id, sender=keeper),
        "reveal": lambda: world.verifier.reveal(job.id, 0, job.root(0), job.salt(0), job.sketch(0), sender=daemon),
        "dispute": lambda: world.disputes.open(
            job.id, 0, DisputeKind.WrongAnswer, bytes(32), sender=world.stranger, value=bond
        ),
        "settle": lambda: world.verifier.settle(job.id, *bulk, sender=keeper),
    }


def succeeding(world: World, tries: dict[str, Callable[[], object]]) -> set[str]:
    """Return which of *tries* do not revert, undoing each."""
    found, nameless = set(), set()
    for name, attempt in tries.items():
        with world.chain.undone():
            try:
                attempt()
            except ContractRefused as refusal:
                nameless |= {name} if refusal.name in ("Panic", "Revert", "Unknown") else set()
            else:
                found.add(name)
    assert not nameless, "reverted without a named error"
    return found


def drive(world: World, situation: str, overdue: bool) -> Job:
    """Return a computation in *situation*, its running deadline passed if *overdue*, all alive."""
    world.enrol_until(9)
    job = world.submit()
    SITUATIONS[situation][0](job)
    if overdue:
        record = job.record
        queued = record.status <= ComputationStatus.Queued
        ends_at = max(record.phase_ends_at, record.deadline_at if queued else 0)
        world.chain.warp(max(ends_at + 1, world.chain.now))
    world.beat()
    return job
