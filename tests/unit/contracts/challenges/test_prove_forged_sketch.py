import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import Fault
from qcrs.model.computation import ComputationStatus
from qcrs.rules import count_sketch
from qcrs.rules.histogram import run_proofs
from tests.challenged import BITS, Accused, measured, shifted
from tests.evm import refused


@pytest.fixture
def forged(world, challenges):
    """Replica 1 has bound another histogram than it sketched, and is accepted for its sketch."""
    return Accused.submit(world).settled(bound={1: shifted(measured(1))})


def test_shown_leaves_prove_a_forged_sketch(world, challenges, forged):
    assert forged.fates == [AssignmentStatus.Accepted] * 3
    proof, slash, purse = forged.proof(1), world.policy["slash"], world.estate()
    receipt = forged.prove_forged(1)
    refuted = receipt.event("SketchRefuted")
    assert (refuted["row"], refuted["bucket"]) == (proof.row, proof.bucket)
    assert refuted["shown"] == sum(leaf & 0xFFFF for leaf in refuted["leaves"]) > refuted["claimed"]
    lane = proof.row * 64 + proof.bucket
    assert refuted["claimed"] == count_sketch.unpack(forged.sketch(1), BITS)[lane]
    assert receipt.event("FaultProven")["fault"] == Fault.ForgedSketch
    assert forged.fates[1] is AssignmentStatus.Disproven
    assert forged.status is ComputationStatus.Accepted
    reward = (slash - forged.pay) // 2
    assert purse.gains() == {
        world.requester: forged.pay,
        world.stranger: reward,
        "treasury": slash - forged.pay - reward,
        forged.operator(1): -slash,
    }


@pytest.mark.parametrize("bits", [2, 6, 8, 9, 20])
def test_forged_sketch_of_any_width_is_proven(world, challenges, bits):
    job = Accused.submit(world, outcome_bits=bits)
    job.settled(bound={0: shifted(measured(7, bits), 1, bits)})
    job.prove_forged(0)
    assert job.fates[0] is AssignmentStatus.Disproven


def test_only_leaves_of_the_bucket_count(world, challenges, forged):
    """All leaves at once, in one run: the shots of the other buckets are left out."""
    row, bucket, binding, runs = forged.proof(1)
    everything = run_proofs(forged.bound[1], [(0, len(forged.bound[1]))])
    accusation = (forged.id, 1, forged.revealed(1), row, bucket, binding)
    receipt = challenges.proveForgedSketch(*accusation, everything, sender=world.stranger)
    lane = row * 64 + bucket
    true = count_sketch.unpack(count_sketch.sketch_of(forged.bound[1], BITS, forged.seed), BITS)
    assert (
        receipt.event("SketchRefuted")["shown"]
        == true[lane]
        > sum(leaf & 0xFFFF for run in runs for leaf in run[1]) - 1
    )


def test_no_bucket_of_an_honest_sketch_falls_short(world, challenges, honest_job):
    everything = run_proofs(honest_job.counts[0], [(0, len(honest_job.counts[0]))])
    table = count_sketch.unpack(honest_job.sketch(0), BITS)
    for row in range(4):
        for bucket in (0, 31, 63):
            claimed = table[64 * row + bucket]
            accusation = (honest_job.id, 0, honest_job.revealed(0), row, bucket, honest_job.binding(0), everything)
            expected = {"computation": honest_job.id, "index": 0, "claimed": claimed, "shown": claimed}
            with refused("SketchNotRefuted", **expected):
                challenges.proveForgedSketch(*accusation, sender=world.stranger)


def test_leaves_are_not_counted_twice(world, challenges, honest_job):
    counts = honest_job.counts[0]
    one, two = run_proofs(counts, [(0, 50), (49, 10)])
    accusation = (honest_job.id, 0, honest_job.revealed(0), 0, 0, honest_job.binding(0))
    with refused("RunsOverlap", first=49, next=50):
        challenges.proveForgedSketch(*accusation, [one, two], sender=world.stranger)
    with refused("RunsOverlap", first=0, next=59):
        challenges.proveForgedSketch(*accusation, [two, one], sender=world.stranger)


@pytest.mark.parametrize(("row", "bucket"), [(4, 0), (0, 64), (2**256 - 1, 2**256 - 1)])
def test_reverts_for_a_bucket_that_is_none(world, challenges, forged, row, bucket):
    with refused("BucketOutOfRange", row=row, bucket=bucket, rows=4, buckets=64):
        challenges.proveForgedSketch(
            forged.id, 1, forged.revealed(1), row, bucket, forged.binding(1), [], sender=world.stranger
        )


def test_reverts_for_leaves_of_another_histogram(world, challenges, forged):
    row, bucket, binding, runs = forged.proof(1)
    run = runs[0]._replace(leaves=[runs[0].leaves[0] + 1, *runs[0].leaves[1:]])
    accusation = (forged.id, 1, forged.revealed(1), row, bucket)
    with refused("RunMismatch"):
        challenges.proveForgedSketch(*accusation, binding, [run], sender=world.stranger)
    with refused("BindingMismatch"):
        challenges.proveForgedSketch(*accusation, forged.binding(0), runs, sender=world.stranger)


def test_reverts_the_second_time(world, challenges, forged):
    forged.prove_forged(1)
    expected = {"computation": forged.id, "index": 1, "status": AssignmentStatus.Disproven}
    with refused("AnswerNotStanding", **expected):
        forged.prove_forged(1)


def test_reverts_for_an_outlier(world, challenges):
    job = Accused.submit(world).settled({1: shifted(measured(1))}, bound={1: measured(1)})
    assert job.fates[1] is AssignmentStatus.Outlier
    with refused("AnswerNotStanding"):
        job.prove_forged(1)


def test_reverts_after_the_window(world, challenges, forged):
    forged.end_phase()
    with refused("ChallengeWindowClosed"):
        forged.prove_forged(1)


def test_reverts_for_an_answer_of_an_earlier_round(world, challenges):
    """Its sketch follows another seed: by today's it would look forged, though it is not."""
    world.enrol_until(6)
    job = Accused.submit(world).to_revealing({index: measured(index) for index in range(3)})
    job.reveal(0)
    earlier = job.revealed(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.to_revealing({index: measured(index) for index in range(3, 6)}).reveal_all().settle()
    assert job.fates[0] is AssignmentStatus.Released
    job.bound[0] = job.counts[0]
    assert job.proof(0) is None
    everything = run_proofs(job.counts[0], [(0, len(job.counts[0]))])
    false = next(lane for lane in range(64) if lane_of(job.sketch(0), lane) > lane_of(earlier.sketch, lane))
    expected = {"computation": job.id, "index": 0, "status": AssignmentStatus.Released}
    with refused("AnswerNotJudged", **expected):
        challenges.proveForgedSketch(job.id, 0, earlier, 0, false, job.binding(0), everything, sender=world.stranger)


def lane_of(sketch, lane):
    return count_sketch.unpack(sketch, BITS)[lane]
