"""Whatever is not listed here reverts, with an error that has a name.

Each lifecycle is driven into each of its statuses, before and after its deadline, and every
function that could move it is tried there, with the arguments and by the caller that suit it best.
"""

from collections.abc import Callable

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus
from qcrs.model.dispute import DisputeKind, DisputeStatus
from qcrs.model.processor import SOURCES, ProcessorStatus
from qcrs.model.reservation import ReservationStatus
from tests.job import Job, honest, rogue
from tests.scenario import World, round_seconds
from tests.situations import SITUATIONS, attempts, drive, succeeding
from tests.sweep import GOLD, TRAPS, Sweep, lying

# --- computations ---


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("overdue", [False, True], ids=["in time", "overdue"])
def test_computation_moves_only_as_listed(world, situation, overdue):
    _, status, in_time, late = SITUATIONS[situation]
    job = drive(world, situation, overdue)
    assert job.status is status
    assert succeeding(world, attempts(job)) == (late if overdue else in_time)


def test_every_status_of_a_computation_was_visited():
    assert {status for _, status, _, _ in SITUATIONS.values()} == set(ComputationStatus)
    ended = [(a, b) for _, status, a, b in SITUATIONS.values() if status in ENDED]
    assert all(in_time <= {"dispute"} and not late for in_time, late in ended)


# --- assignments ---


def assignment_statuses(world: World):
    """Yield computations, with an index for each status that an assignment has in them."""
    world.enrol_until(16)
    first = world.submit(replicas=5).allocate()
    first.commit(0)
    first.refuse(1)
    first.allocate().end_phase()
    first.commit(2)
    world.allocator.reallocate(first.id, sender=world.keeper)
    first.allocate()
    assigned = first.indices(AssignmentStatus.Assigned)[0]
    yield (
        first,
        {
            0: AssignmentStatus.Committed,
            1: AssignmentStatus.Refused,
            3: AssignmentStatus.Silent,
            assigned: AssignmentStatus.Assigned,
            first.record.tried: AssignmentStatus.Unset,
        },
    )
    second = world.submit().to_revealing()
    second.reveal(0)
    second.end_phase()
    world.allocator.reallocate(second.id, sender=world.keeper)
    second.to_revealing().reveal(3)
    yield (
        second,
        {
            0: AssignmentStatus.Released,
            1: AssignmentStatus.Silent,
            3: AssignmentStatus.Revealed,
            4: AssignmentStatus.Committed,
            6: AssignmentStatus.Unset,
        },
    )
    third = world.submit()
    third.to_settled({1: rogue(1)})
    yield third, {0: AssignmentStatus.Accepted, 1: AssignmentStatus.Outlier}
    fourth = world.submit()
    fourth.to_settled({1: rogue(1)})
    for index, kind in ((0, DisputeKind.WrongAnswer), (1, DisputeKind.WrongFault)):
        about, bond = (fourth.id, index, kind, bytes(32)), world.policy["slash"]
        dispute = world.disputes.open(*about, sender=fourth.operator(index), value=bond).result
        world.disputes.rule(dispute, True, bytes(32), sender=world.council)
    yield fourth, {0: AssignmentStatus.Disproven, 1: AssignmentStatus.Vindicated}
    fifth = Sweep(world, replicas=5)
    fifth.to_revealed({1: lying(1, *GOLD[:2]), 3: lying(3, TRAPS[0])}).open()
    fifth.accuse(1, *GOLD[:2]).accuse(3, TRAPS[0]).close(fifth.stake_on(2))
    fifth.settle()
    yield fifth, {1: AssignmentStatus.GoldFailed, 3: AssignmentStatus.TrapFailed}
    sixth = world.submit().allocate()
    for index in (0, 1):
        sixth.refuse(index)
    yield sixth, {0: AssignmentStatus.Excused, 1: AssignmentStatus.Excused, 2: AssignmentStatus.Released}


def test_assignment_moves_only_as_listed(world):
    listed = {
        (ComputationStatus.Allocated, AssignmentStatus.Assigned): {"commit", "refuse"},
        (ComputationStatus.Revealing, AssignmentStatus.Committed): {"reveal"},
        (ComputationStatus.Accepted, AssignmentStatus.Accepted): {"accuse"},
        (ComputationStatus.Accepted, AssignmentStatus.Outlier): {"complain"},
        (ComputationStatus.Accepted, AssignmentStatus.GoldFailed): {"complain"},
        (ComputationStatus.Accepted, AssignmentStatus.TrapFailed): {"complain"},
    }
    seen = set()
    for job, expected in assignment_statuses(world):
        for index, status in expected.items():
            assert (job.fates[index : index + 1] or [AssignmentStatus.Unset]) == [status]
            seen.add(status)
            listing = listed.get((job.status, status), set())
            assert succeeding(world, assignment_attempts(job, index)) == listing, (job, index)
    assert seen == set(AssignmentStatus)


def assignment_attempts(job: Job, index: int) -> dict[str, Callable[[], object]]:
    """Return what its daemon may try with assignment *index*."""
    world = job.world
    known = index < job.record.tried
    sender = job.node(index).daemon if known else world.nodes[0].daemon
    job.counts.setdefault(index, honest(0))
    operator, bond = job.operator(index) if known else world.requester, world.policy["slash"]
    opening = (job.root(index), job.salt(index), job.sketch(index))
    return {
        "commit": lambda: world.verifier.commit(job.id, index, bytes(24), sender=sender),
        "refuse": lambda: world.verifier.refuse(job.id, index, 1, sender=sender),
        "reveal": lambda: world.verifier.reveal(job.id, index, *opening, sender=sender),
        "accuse": lambda: world.disputes.open(
            job.id, index, DisputeKind.WrongAnswer, bytes(32), sender=world.stranger, value=bond
        ),
        "complain": lambda: world.disputes.open(
            job.id, index, DisputeKind.WrongFault, bytes(32), sender=operator, value=bond
        ),
    }


# --- disputes ---


@pytest.mark.parametrize("status", DisputeStatus, ids=lambda status: status.name)
@pytest.mark.parametrize("overdue", [False, True], ids=["in time", "overdue"])
def test_dispute_moves_only_as_listed(world, status, overdue):
    job = world.submit(replicas=5)
    job.to_settled()
    dispute = 99
    if status is not DisputeStatus.Unset:
        about, bond = (job.id, 0, DisputeKind.WrongAnswer, bytes(32)), world.policy["slash"]
        dispute = world.disputes.open(*about, sender=world.stranger, value=bond).result
    ends_at = world.disputes.disputeOf(dispute)["endsAt"]
    if status is DisputeStatus.Lapsed:
        world.chain.warp(ends_at + 1)
        world.disputes.lapse(dispute, sender=world.keeper)
    elif status in (DisputeStatus.Upheld, DisputeStatus.Dismissed):
        world.disputes.rule(dispute, status is DisputeStatus.Upheld, bytes(32), sender=world.council)
    if overdue:
        world.chain.warp(max(ends_at + 1, world.chain.now))
    assert world.disputes.disputeOf(dispute)["status"] == status
    tries = {
        "uphold": lambda: world.disputes.rule(dispute, True, bytes(32), sender=world.council),
        "dismiss": lambda: world.disputes.rule(dispute, False, bytes(32), sender=world.council),
        "lapse": lambda: world.disputes.lapse(dispute, sender=world.keeper),
        "answer": lambda: world.disputes.answer(dispute, bytes(32), sender=job.operator(0)),
    }
    listed = set()
    if status is DisputeStatus.Open:
        listed = {"answer", "lapse"} if overdue else {"answer", "uphold", "dismiss"}
    assert succeeding(world, tries) == listed


# --- reservations ---

HOUR = 3_600
# By status and moment: long before its window, in its first second, and when it is over.
RESERVATIONS = {
    (ReservationStatus.Unset, "over"): set(),
    (ReservationStatus.Granted, "early"): {"cancel"},
    (ReservationStatus.Granted, "due"): {"prepare", "cancel"},
    (ReservationStatus.Granted, "over"): {"lapse", "cancel"},
    (ReservationStatus.Prepared, "early"): set(),
    (ReservationStatus.Prepared, "due"): {"begin"},
    (ReservationStatus.Prepared, "over"): {"lapse"},
    (ReservationStatus.Active, "due"): {"leave"},
    (ReservationStatus.Active, "over"): {"leave", "finish"},
    (ReservationStatus.Ended, "over"): set(),
    (ReservationStatus.Cancelled, "early"): set(),
    (ReservationStatus.Cancelled, "over"): set(),
    (ReservationStatus.Lapsed, "over"): set(),
}


def reservation_attempts(world: World, reservation: int) -> dict[str, Callable[[], object]]:
    """Return every step of a reservation; to leave is to finish it as its requester."""
    contract = world.reservations
    return {
        "prepare": lambda: contract.prepare(reservation, sender=world.keeper),
        "begin": lambda: contract.begin(reservation, sender=world.keeper),
        "finish": lambda: contract.finish(reservation, sender=world.keeper),
        "leave": lambda: contract.finish(reservation, sender=world.requester),
        "lapse": lambda: contract.lapse(reservation, sender=world.keeper),
        "cancel": lambda: contract.cancel(reservation, sender=world.requester),
    }


def drive_reservation(world: World, status: ReservationStatus, moment: str) -> int:
    """Return a reservation in *status* at *moment*, or soon after where that cannot be."""
    if status is ReservationStatus.Unset:
        return 99
    world.reservations.setRate(1, 5, sender=world.nodes[0].operator)
    starts_at = world.chain.now + 4 * HOUR
    price = world.reservations.priceOf([1], 3, HOUR)
    window = (starts_at, starts_at + HOUR)
    id_ = world.reservations.reserve([1], 3, *window, 5, sender=world.requester, value=price).result
    steps = reservation_attempts(world, id_)
    if status is ReservationStatus.Cancelled:
        steps["cancel"]()
    if status in (ReservationStatus.Prepared, ReservationStatus.Active, ReservationStatus.Ended):
        world.chain.warp(starts_at - round_seconds(world))
        world.beat()
        steps["prepare"]()
    if status in (ReservationStatus.Active, ReservationStatus.Ended):
        world.chain.warp(starts_at)
        steps["begin"]()
    if status is ReservationStatus.Ended:
        steps["leave"]()
    moments = {"early": world.chain.now, "due": starts_at, "over": starts_at + HOUR}
    world.chain.warp(max(world.chain.now, moments[moment]))
    world.beat()
    if status is ReservationStatus.Lapsed:
        steps["lapse"]()
    return id_


@pytest.mark.parametrize(("status", "moment"), RESERVATIONS, ids=lambda part: getattr(part, "name", part))
def test_reservation_moves_only_as_listed(world, status, moment):
    reservation = drive_reservation(world, status, moment)
    assert world.reservations.reservationOf(reservation)[0]["status"] == status
    assert succeeding(world, reservation_attempts(world, reservation)) == RESERVATIONS[status, moment]


def test_every_status_of_a_reservation_was_visited():
    assert {status for status, _ in RESERVATIONS} == set(ReservationStatus)


# --- processors ---


def drive_processor(world: World, status: ProcessorStatus) -> int:
    """Return a processor in *status*."""
    if status is ProcessorStatus.Unset:
        return 99
    if status is ProcessorStatus.Applied:
        processor = world.register(world.requester, "applicant")
        declared = world.registry.capabilityOf(1, 1)
        world.registry.declareCapability(processor, tuple(declared.values()), "", sender=world.requester)
        return processor
    if status is ProcessorStatus.Suspended:
        world.registry.suspend(1, bytes(32), sender=world.security)
    if status is ProcessorStatus.Retired:
        world.registry.retire(1, sender=world.nodes[0].operator)
    return 1


@pytest.mark.parametrize("status", ProcessorStatus, ids=lambda status: status.name)
def test_processor_moves_only_as_listed(world, status):
    processor = drive_processor(world, status)
    assert world.status(processor) is status
    operator = world.registry.operatorOf(processor)
    sender = operator if processor != 99 else world.requester
    tries = {
        "certify": lambda: world.registry.certify(processor, 1, sender=world.certifier),
        "suspend": lambda: world.registry.suspend(processor, bytes(32), sender=world.security),
        "retire": lambda: world.registry.retire(processor, sender=sender),
    }
    targets = {
        "certify": ProcessorStatus.Certified,
        "suspend": ProcessorStatus.Suspended,
        "retire": ProcessorStatus.Retired,
    }
    listed = {name for name, to in targets.items() if status in SOURCES[to]}
    if status is ProcessorStatus.Certified:
        listed.add("certify")  # a new capability version, without leaving the status
    assert succeeding(world, tries) == listed


@pytest.mark.parametrize("status", ProcessorStatus, ids=lambda status: status.name)
def test_only_certified_processors_are_drawn(world, status):
    processor = drive_processor(world, status)
    drawn = set()
    for seed in range(6):
        with world.chain.undone():
            for _ in range(seed):
                world.submit().to_settled()
            drawn |= {a.processor for a in world.submit().allocate().assignments}
    assert (processor in drawn) == (status is ProcessorStatus.Certified)
