"""Bundles of commits as daemons post them, and what opens them again."""

from collections.abc import Sequence

from qcrs.rules import bundle
from tests.evm import Receipt
from tests.job import Job, honest
from tests.scenario import Node, World

NO_ROOT = bytes(32)
Seat = tuple[Job, int]


def seats_of(node: Node, jobs: Sequence[Job]) -> list[Seat]:
    """Return the assignments of *node* in *jobs*."""
    return [(job, index) for job in jobs for index in range(len(job.fates)) if job.node(index) == node]


def allocated(world: World, count: int, replicas: int = 5) -> list[Job]:
    """Return *count* computations of one qubit in which each node has a seat, as all five do of five replicas."""
    return [world.submit(qubits=1, replicas=replicas).allocate() for _ in range(count)]


def items_of(seats: Sequence[Seat]) -> list[tuple[int, int, bytes]]:
    """Return what a bundle of *seats* says; seats without an answer get an honest one."""
    for job, index in seats:
        job.counts.setdefault(index, honest(index, job.request.outcome_bits, job.request.shots))
    return [(job.id, index, job.commitment(index)) for job, index in seats]


def post(world: World, node: Node, seats: Sequence[Seat], lane: int = 0, before: bytes = NO_ROOT) -> Receipt:
    """Let *node* bundle its commits of *seats*."""
    return world.verifier.commitBundle(node.id, lane, before, items_of(seats), sender=node.daemon)


def leaves_of(seats: Sequence[Seat]) -> list[bytes]:
    """Return the leaves of a bundle of *seats*."""
    return [bundle.leaf_of(job.id, index, job.record.attempt, job.commitment(index)) for job, index in seats]


def reveal(world: World, seats: Sequence[Seat], position: int, lane: int = 0, leaves: Sequence[bytes] = ()) -> Receipt:
    """Let somebody reveal seat *position* of a bundle of *seats*, whose *leaves* are by default all of theirs."""
    job, index = seats[position]
    proof = bundle.proof_of(leaves or leaves_of(seats), position)
    opening = (job.id, index, job.root(index), job.salt(index), job.sketch(index))
    return world.verifier.revealBundled(*opening, lane, proof, sender=world.stranger)
