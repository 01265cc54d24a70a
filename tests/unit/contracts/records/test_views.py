"""The typed views say what the allocator's storage words hold."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from tests.evm import artifacts
from tests.job import rogue

NOTHING = {0, bytes(9), bytes(24), "0x" + "00" * 20}


def unpack(layout, type_, words):
    """Take apart the storage words of a struct as the compiler lays it out."""
    values = {}
    for member in layout["types"][type_]["members"]:
        size = int(layout["types"][member["type"]]["numberOfBytes"])
        word = int.from_bytes(words[int(member["slot"])], "big") >> 8 * member["offset"]
        values[member["label"]] = word & (1 << 8 * size) - 1
    return values


def plain(record):
    """Turn what a view returned into the numbers that are in storage."""
    return {
        key: int(value, 16)
        if isinstance(value, str)
        else int.from_bytes(value, "big")
        if isinstance(value, bytes)
        else int(value)
        for key, value in record.items()
    }


@pytest.fixture
def job(world):
    """A computation all of whose fields say something."""
    world.enrol_until(7)
    job = world.submit(
        replica_cap=5, shots=60_001, outcome_bits=7, qubits=9, max_fee=2**95, deadline_at=world.chain.now + 9_999
    ).allocate()
    job.refuse(1)
    job.to_revealing({0: rogue(0, 7, 60_001), 3: rogue(1, 7, 60_001)}).reveal_all()
    job.settle()
    return job


@pytest.mark.parametrize("settled", [False, True])
def test_computation_of_reads_the_words_as_the_compiler_packs_them(world, job, settled):
    if settled:
        job.to_settled({index: rogue(index, 7, 60_001) for index in (4, 5)})
    layout = artifacts()["ComputationAllocator"].storage_layout
    type_ = next(name for name in layout["types"] if name.startswith("t_struct(Computation)"))
    stored = unpack(layout, type_, world.allocator.recordOf(job.id))
    assert plain(world.records.computationOf(job.id)) == stored
    assert list(world.records.computationOf(job.id)) == list(stored)


def test_assignments_of_reads_the_words_as_the_compiler_packs_them(world, job):
    layout = artifacts()["ComputationAllocator"].storage_layout
    type_ = next(name for name in layout["types"] if name.startswith("t_struct(Assignment)"))
    assignments = world.records.assignmentsOf(job.id)
    words = world.allocator.seatsOf(job.id)
    assert len(assignments) == len(words) == job.record.tried == 4
    for index, (assignment, word) in enumerate(zip(assignments, words, strict=True)):
        assert plain(assignment) == unpack(layout, type_, [word])
        assert world.allocator.seatOf(job.id, index) == word


def test_duty_of_is_the_record_with_one_assignment(world, job):
    for index in range(4):
        record, assignment = world.records.dutyOf(job.id, index)
        assert record == world.records.computationOf(job.id)
        assert assignment == world.records.assignmentsOf(job.id)[index]


def test_views_tell_an_escalation(world, job):
    record = job.record
    assert (record.status, record.replicas, record.replica_cap) == (ComputationStatus.Queued, 5, 5)
    committed, refused = AssignmentStatus.Committed, AssignmentStatus.Refused
    assert job.fates == [committed, refused, committed, committed]


def test_seed_of_follows_the_rounds(world, job):
    job.allocate().commit_all({index: rogue(index, 7, 60_001) for index in (4, 5)}).disclose()
    record = job.record
    assert world.records.seedOf(job.id) == commitment.seed_of(job.id, 2, job.secrets[1], record.commits_digest)


def test_views_of_an_unknown_computation_are_empty(world):
    assert set(world.records.computationOf(99).values()) <= NOTHING
    assert world.records.assignmentsOf(99) == []
    assert set(world.records.dutyOf(99, 0)[1].values()) <= NOTHING
