"""The typed views say what the allocator's storage words hold."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority, Screen
from qcrs.rules import commitment
from tests.evm import artifacts
from tests.job import rogue

SCREENED = 1  # as in contracts/libraries/Asked.sol
NOTHING = {0, bytes(4), bytes(24)}


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
        replica_cap=5,
        shots=60_001,
        outcome_bits=7,
        qubits=9,
        depth_class=3,
        quantum_volume_log2=4,
        two_qubit_error_ppm=60_000,
        max_fee=2**95,
        deadline_at=world.chain.now + 9_999,
    ).allocate()
    job.refuse(1)
    job.to_revealing({0: rogue(0, 7, 60_001), 3: rogue(1, 7, 60_001)}).reveal_all()
    job.settle()
    return job


@pytest.mark.parametrize("gold", [False, True])
def test_submit_writes_words_as_the_compiler_packs_them(world, gold):
    """They are written as words too: see Admission.enter."""
    world.consortium.grantQuota(world.requesters, 2**56 - 1, 0, sender=world.committee)
    world.consortium.chooseScreen(Screen.Except, sender=world.requester)
    world.submit(qubits=200, replicas=8, depth_class=5)
    request = world.request(
        secret_commitment=bytes(range(1, 25)),
        deadline_at=world.chain.now + 9_999,
        shots=60_001,
        replicas=5,
        replica_cap=5 if gold else 9,
        qubits=9,
        outcome_bits=7,
        gold=gold,
        trust=77,
        priority=Priority.Elevated,
        depth_class=3,
        profile=4,
        quantum_volume_log2=6,
        two_qubit_error_ppm=60_002,
    )
    fee = world.quote(request)
    receipt = world.allocator.submit(request.to_chain(), sender=world.requester, value=fee)
    record = world.allocator.recordOf(receipt.result)
    layout = artifacts()["ComputationAllocator"].storage_layout
    type_ = next(name for name in layout["types"] if name.startswith("t_struct(Computation)"))
    bucket = receipt.event("ComputationSubmitted")["bucket"]
    assert bucket > 2**8
    expected = {
        "replicas": 5,
        "replicaCap": 5 if gold else 9,
        "noiseClass": 1,
        "qubits": 9,
        "depthClass": 3,
        "profile": 4,
        "quantumVolumeLog2": 6,
        "twoQubitErrorPpm": 60_002,
        "shots": 60_001,
        "place": bucket % 2**16,
        "flags": SCREENED,
        "organisation": world.requesters,
        "deadlineAt": request.deadline_at,
        "escrow": fee - world.bounty,
        "secret": int.from_bytes(request.secret_commitment, "big"),
        "requester": 1,
        "outcomeBits": 7,
        "trust": 77,
        "gold": gold,
        "priority": Priority.Elevated,
    }
    stored = unpack(layout, type_, record)
    assert {name: number for name, number in stored.items() if number} == {k: v for k, v in expected.items() if v}
    # A record without a round is queued: its status is not written.
    assert plain(world.records.computationOf(receipt.result)) == stored | {"status": ComputationStatus.Queued}


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
