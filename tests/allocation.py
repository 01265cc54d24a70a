"""Organisations that compete for processors, and in which order their computations are served."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qcrs.chain.deployment import ETHER
from qcrs.model.computation import ComputationStatus
from tests.evm import artifacts
from tests.job import MINIMUM_SHOTS, Job
from tests.scenario import World, account

BUCKET = 1 << 23  # tag units
COST_BITS = 8
MAX_AHEAD = 3


@dataclass(frozen=True)
class Member:
    """An organisation that only submits, and its admin's account."""

    name: str
    organisation: int
    account: str


def join(world: World, name: str, weight: int = 1) -> Member:
    """Admit an organisation that only submits."""
    person = account(name)
    world.chain.fund(person, 1_000 * ETHER)
    world.holders.add(person)
    return Member(name, world.admit(name, weight), person)


def cost_of(qubits: int = 2, shots: int = MINIMUM_SHOTS, replicas: int = 3, depth_class: int = 1) -> int:
    """Return what a computation costs its organisation in its turn."""
    return qubits * shots * replicas * depth_class


def first_of(world: World, noise_class: int = 1) -> int:
    """Return the bucket that is in turn."""
    return world.allocator.queueOf(noise_class)[0]


def bucket_of(job: Job) -> int:
    """Return the bucket in which *job* waits."""
    record = job.record
    first = first_of(job.world, record.noise_class)
    return first + (record.place - first) % 65_536


def is_waiting(job: Job) -> bool:
    """Return whether *job* waits in a queue."""
    return job.status is ComputationStatus.Queued and job.record.tried == 0


def ahead_of(job: Job, jobs: Iterable[Job]) -> list[int]:
    """Return which of *jobs* wait in earlier buckets, by ascending id."""
    own = bucket_of(job)
    return sorted(other.id for other in jobs if is_waiting(other) and bucket_of(other) < own)


def end(job: Job) -> None:
    """Let an allocated computation end at once: two refuse it, which frees all."""
    for index in range(job.request.replicas // 2 + 1):
        job.refuse(index)


def serve(jobs: Sequence[Job], count: int) -> list[Job]:
    """Serve *count* of *jobs* in turn, the oldest of a bucket first, each of which ends at once."""
    served = []
    for _ in range(count):
        job = min((job for job in jobs if is_waiting(job)), key=lambda job: (bucket_of(job), job.id))
        job.allocate()
        end(job)
        served.append(job)
    return served


def stall(world: World, noise_class: int = 1) -> None:
    """Let a round's time pass since somebody was served in turn."""
    policy = world.policy
    patience = policy["commitSeconds"] + policy["discloseSeconds"] + policy["revealSeconds"]
    world.chain.warp(max(world.chain.now, world.allocator.queueOf(noise_class)[2] + patience + 1))


def set_beacon(world: World, beacon: bytes) -> None:
    """Write the beacon where the compiler keeps it: what another history would have made it."""
    layout = artifacts()["ComputationAllocator"].storage_layout
    desk = next(item for item in layout["storage"] if item["label"] == "_desk")
    member = next(item for item in layout["types"][desk["type"]]["members"] if item["label"] == "beacon")
    slot = int(desk["slot"]) + int(member["slot"])
    policy = world.settings.policy
    word = int.from_bytes(beacon, "big") | policy.commit_seconds << 192 | policy.challenge_seconds << 224
    world.chain.put_storage(world.allocator.address, slot, word)
    assert world.allocator.beacon() == beacon


def lists_of(world: World, noise_class: int = 1) -> list[list[int]]:
    """Return the index of a class: a list of processors for each level."""
    return [world.registry.listOf(noise_class, level, 0, 10_000) for level in range(8)]


def require_exact_index(world: World, noise_classes: Sequence[int] = (1,)) -> None:
    """Check that each processor's entry is its place in the list of its free qubits, or it has none."""
    listed = {}
    for noise_class in noise_classes:
        for level, row in enumerate(lists_of(world, noise_class)):
            for place, processor in enumerate(row):
                assert processor not in listed, "listed twice"
                listed[processor] = level + 1 << 20 | place
    for node in world.nodes:
        s = world.registry.standingOf(node.id)
        assert s["entry"] == listed.get(node.id, 0)
        free = max(0, s["qubits"] - s["leasedQubits"] - s["heldQubits"])
        assert s["entry"] >> 20 in (0, free.bit_length())
