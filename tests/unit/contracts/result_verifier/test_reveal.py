import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from qcrs.rules.count_sketch import pack, unpack
from tests.evm import refused
from tests.job import honest

WIDTHS = [1, 2, 3, 4, 5, 8, 9, 16, 240]


def answers(outcome_bits, shots=4_096):
    return {index: honest(index, outcome_bits, shots) for index in range(3)}


def reveal(world, job, sketch, index=0, root=None, salt=None):
    root = job.root(index) if root is None else root
    salt = job.salt(index) if salt is None else salt
    return world.verifier.reveal(job.id, index, root, salt, sketch, sender=world.stranger)


def test_reveal_keeps_a_digest_and_tells_the_rest(world):
    job = world.submit().to_revealing()
    sketch = job.sketch(1)
    receipt = job.reveal(1)
    assert job.fates == [
        AssignmentStatus.Committed,
        AssignmentStatus.Revealed,
        AssignmentStatus.Committed,
    ]
    assert job.record.revealed == 1
    expected = commitment.of_reveal(job.root(1), job.salt(1), sketch)
    assert job.assignments[1].digest == expected
    assert receipt.event("ResultRevealed") == {
        "computation": job.id,
        "index": 1,
        "processor": job.node(1).id,
        "countsRoot": job.root(1),
        "salt": job.salt(1),
        "sketch": sketch,
    }


@pytest.mark.parametrize("bits", WIDTHS)
def test_reveal_takes_sketches_of_every_width(world, bits):
    job = world.submit(outcome_bits=bits, shots=65_535).to_revealing()
    job.reveal_all()
    assert job.record.revealed == 3


def test_reveal_is_open_to_anyone_who_knows_the_salt(world):
    job = world.submit().to_revealing()
    reveal(world, job, job.sketch(0))
    assert job.fates[0] is AssignmentStatus.Revealed


def test_reveal_is_taken_late_until_someone_enforces_the_deadline(world):
    job = world.submit().to_revealing().end_phase()
    job.reveal_all().settle()
    assert job.status is ComputationStatus.Accepted


@pytest.mark.parametrize("changed", ["root", "salt", "index"])
def test_reveal_reverts_when_it_was_not_committed_to(world, changed):
    job = world.submit().to_revealing()
    root, salt, index = job.root(0), job.salt(0), 0
    if changed == "root":
        root = job.root(1)
    elif changed == "salt":
        salt = bytes(32)
    else:
        index = 1
    actual = commitment.of_result(1337, world.verifier.address, job.id, 1, job.node(index).id, root, salt)
    with refused(
        "CommitmentMismatch",
        computation=job.id,
        index=index,
        expected=job.assignments[index].digest,
        actual=actual,
    ):
        reveal(world, job, job.sketch(0), index, root, salt)


@pytest.mark.parametrize(("bits", "words"), [(2, 1), (5, 2), (8, 16), (9, 16)])
def test_reveal_reverts_when_the_sketch_has_another_length(world, bits, words):
    job = world.submit(outcome_bits=bits).to_revealing(answers(bits))
    sketch = job.sketch(0)
    for wrong in ([], sketch[:-1], [*sketch, 0]):
        with refused("SketchLengthMismatch", outcomeBits=bits, expected=words, actual=len(wrong)):
            reveal(world, job, wrong)


@pytest.mark.parametrize("change", [-1, 1])
def test_reveal_reverts_when_a_histogram_has_other_totals(world, change):
    job = world.submit().to_revealing()
    with refused("SketchTotalMismatch", row=0, expected=4_096, actual=4_096 + change):
        reveal(world, job, [job.sketch(0)[0] + change])


@pytest.mark.parametrize("row", range(4))
def test_reveal_reverts_when_any_row_has_other_totals(world, row):
    job = world.submit(outcome_bits=10).to_revealing(answers(10))
    buckets = unpack(job.sketch(0), 10)
    buckets[64 * row + 5] += 1
    with refused("SketchTotalMismatch", row=row, expected=4_096, actual=4_097):
        reveal(world, job, pack(buckets))


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_reveal_reverts_when_unreachable_lanes_are_used(world, bits):
    job = world.submit(outcome_bits=bits).to_revealing(answers(bits))
    (word,) = job.sketch(0)
    moved = word - 1 + (1 << 16 * (1 << bits))
    with refused("SketchLaneUnused", outcomeBits=bits, index=0):
        reveal(world, job, [moved])


def test_reveal_reverts_the_second_time(world):
    job = world.submit().to_revealing()
    job.reveal(0)
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=0,
        actual=AssignmentStatus.Revealed,
        allowed=1 << AssignmentStatus.Committed,
    ):
        job.reveal(0)


def test_reveal_reverts_before_the_seed_is_fixed(world):
    job = world.submit().allocate().commit_all()
    with refused(
        "UnexpectedComputationStatus",
        id=job.id,
        actual=ComputationStatus.Committed,
        allowed=1 << ComputationStatus.Revealing,
    ):
        job.reveal(0)


def test_reveal_reverts_for_an_index_never_assigned(world):
    job = world.submit().to_revealing()
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=3,
        actual=AssignmentStatus.Unset,
        allowed=1 << AssignmentStatus.Committed,
    ):
        reveal(world, job, job.sketch(0), 3, bytes(32), bytes(32))


@pytest.mark.parametrize("sketch", [[], [0]])
def test_reveal_reverts_when_unknown(world, sketch):
    with refused(
        "UnexpectedComputationStatus",
        id=99,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Revealing,
    ):
        world.verifier.reveal(99, 0, bytes(32), bytes(32), sketch, sender=world.stranger)
