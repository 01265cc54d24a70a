import pytest

from qcrs.model.computation import ComputationStatus
from qcrs.model.delivery import DeliveryStatus
from qcrs.rules.histogram import Binding, Run, binding_of, run_proof
from qcrs.sdk import delivery
from tests.deliveries import Conduct, disprove, dispute, story_of
from tests.evm import refused
from tests.job import MINIMUM_SHOTS, Job, rogue

# Three replicas that agree; each has seen an outcome that others have not.
ANSWERS = {
    0: {1: 2_500, 4: 1_500, 5: 90, 9: 6},
    1: {1: 2_510, 4: 1_490, 9: 96},
    2: {0: 1, 1: 2_505, 4: 1_495, 12: 95},
}
SHOTS = 3 * MINIMUM_SHOTS
POOLED = {0: 1, 1: 7_515, 4: 4_485, 5: 90, 9: 102, 12: 95}


@pytest.fixture
def job(world, desk):
    job = world.submit(outcome_bits=4)
    desk.subscribe_to_outcomes(job, 1)
    job.to_settled(ANSWERS)
    assert job.status is ComputationStatus.Accepted
    return job


def told(desk):
    outcomes, counts, shots = desk.consumer.shown()
    return dict(zip(outcomes, counts, strict=True)), shots


@pytest.mark.parametrize("others", [(), (4,), (4, 5), (0, 4), (0, 12), (9,), tuple(POOLED)])
def test_deliver_outcomes_tells_pooled_counts(desk, job, others):
    outcomes = sorted({1, *others})
    receipt = desk.show(job, outcomes)
    expected = {outcome: POOLED[outcome] for outcome in outcomes}
    assert told(desk) == (expected, SHOTS)
    assert receipt.event("OutcomesDelivered") == {
        "computation": job.id,
        "consumer": desk.consumer.address,
        "outcomes": outcomes,
        "counts": list(expected.values()),
        "shots": SHOTS,
    }
    assert desk.outcomes_status(job) is DeliveryStatus.Delivered


@pytest.mark.parametrize("absent", [2, 3, 6, 8, 10, 13, 15])
def test_deliver_outcomes_tells_that_an_outcome_was_never_measured(desk, job, absent):
    desk.show(job, sorted({1, absent}))
    assert told(desk) == ({1: POOLED[1], absent: 0}, SHOTS)


@pytest.mark.parametrize(("coverage", "fewest"), [(1, [1]), (6_115, [1]), (6_116, [1, 4]), (9_766, [1, 4, 9])])
def test_deliver_outcomes_takes_the_fewest_that_cover(world, desk, coverage, fewest):
    job = world.submit(outcome_bits=4)
    desk.subscribe_to_outcomes(job, coverage)
    job.to_settled(ANSWERS)
    for without in fewest:
        if len(fewest) > 1:
            with refused("CoverageTooLow"):
                desk.show(job, [outcome for outcome in fewest if outcome != without])
    desk.deliver_outcomes(job, coverage)
    assert told(desk) == ({outcome: POOLED[outcome] for outcome in fewest}, SHOTS)


def test_deliver_outcomes_of_every_shot(world, desk):
    job = world.submit(outcome_bits=4)
    desk.subscribe_to_outcomes(job, 10_000)
    job.to_settled(ANSWERS)
    but_one = [outcome for outcome in POOLED if outcome != 0]
    with refused("CoverageTooLow", computation=job.id, shown=SHOTS - 1, required=SHOTS, shots=SHOTS):
        desk.show(job, but_one)
    desk.deliver_outcomes(job, 10_000)
    assert told(desk) == (POOLED, SHOTS)


def test_deliver_outcomes_leaves_out_who_did_not_agree(world, desk):
    job = world.submit(replicas=5)
    desk.subscribe_to_outcomes(job)
    job.to_settled({2: rogue(2)})
    desk.deliver_outcomes(job, 10_000)
    pooled, shots = told(desk)
    assert shots == sum(pooled.values()) == 4 * MINIMUM_SHOTS


def test_deliver_outcomes_reverts_when_one_not_shown_may_be_more_frequent(desk, job):
    left = SHOTS - POOLED[4] - POOLED[9]
    with refused("TopOutcomeUncertain", computation=job.id, most=POOLED[4], left=left):
        desk.show(job, [4, 9])


# --- when ---


def test_deliver_outcomes_reverts_before_the_end(world, desk):
    job = world.submit()
    desk.subscribe_to_outcomes(job)
    job.to_revealing().reveal_all()
    with refused("UnexpectedComputationStatus"):
        desk.contract.deliverOutcomes(job.id, [0], [], sender=world.stranger)


def test_deliver_outcomes_reverts_without_acceptance(world, desk):
    job = world.submit()
    desk.subscribe_to_outcomes(job)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    allowed = sum(1 << status for status in delivery.ANSWERED)
    with refused("UnexpectedComputationStatus", id=job.id, actual=ComputationStatus.Rejected, allowed=allowed):
        desk.contract.deliverOutcomes(job.id, [0], [], sender=world.stranger)


def test_deliver_outcomes_waits_for_open_cases_if_the_subscriber_does(world, desk):
    job = world.submit()
    desk.subscribe_to_outcomes(job, wait=True)
    job.to_settled()
    opened = dispute(job, 0)
    world.chain.warp(job.record.phase_ends_at + 1)
    with refused("CasesOpen", computation=job.id, index=0, cases=1):
        desk.deliver_outcomes(job)
    world.disputes.rule(opened, True, bytes(32), sender=world.council)
    desk.deliver_outcomes(job)
    assert desk.consumer.shown()[2] == 2 * MINIMUM_SHOTS


def test_deliver_outcomes_of_one_replica_alone(world, desk):
    job = world.submit(replicas=1)
    desk.subscribe_to_outcomes(job)
    job.to_settled({0: {0: 4_000, 3: 96}})
    desk.deliver_outcomes(job)
    assert told(desk) == ({0: 4_000}, MINIMUM_SHOTS)


def test_deliver_outcomes_leaves_out_who_was_disproven(desk, job):
    disprove(job, 2)
    desk.show(job, [0, 1])
    assert told(desk) == ({0: 0, 1: POOLED[1] - ANSWERS[2][1]}, 2 * MINIMUM_SHOTS)


def test_deliver_outcomes_reverts_when_the_answer_was_overturned(world, desk, job):
    for index in (0, 1):
        disprove(job, index)
    with refused("UnexpectedComputationStatus"):
        desk.contract.deliverOutcomes(job.id, [1], [], sender=world.stranger)


def test_deliver_outcomes_waits_for_challenges_if_the_subscriber_does(world, desk):
    job = world.submit()
    desk.subscribe_to_outcomes(job, wait=True)
    job.to_settled()
    with refused("ChallengesOpen"):
        desk.deliver_outcomes(job)
    world.chain.warp(job.record.phase_ends_at + 1)
    desk.deliver_outcomes(job)
    assert desk.consumer.calls() == 1


def test_deliver_outcomes_reverts_the_second_time(desk, job):
    desk.show(job, [1])
    with refused("UnexpectedDeliveryStatus"):
        desk.show(job, [1, 4])


def test_deliver_outcomes_records_a_failure_and_tries_again(desk, job):
    desk.behave(Conduct.Revert)
    receipt = desk.show(job, [1])
    assert receipt.result is False
    assert receipt.event("OutcomesDeliveryFailed")["consumer"] == desk.consumer.address
    assert desk.outcomes_status(job) is DeliveryStatus.Failed
    desk.behave(Conduct.Take)
    assert desk.show(job, [1, 4]).result is True
    assert told(desk)[0] == {1: POOLED[1], 4: POOLED[4]}


# --- proofs ---


def evidence_with(desk, job: Job, index: int, outcomes, **changes):
    """Return true evidence of *outcomes*, but for *changes* in what assignment *index* shows."""
    evidence = desk.evidence(job, outcomes)
    reveal, binding, runs = evidence[index]
    evidence[index] = (changes.get("reveal", reveal), changes.get("binding", binding), changes.get("runs", runs))
    return evidence


def send(desk, job, outcomes, evidence):
    return desk.contract.deliverOutcomes(job.id, outcomes, evidence, sender=desk.world.stranger)


@pytest.mark.parametrize("outcomes", [[4, 1], [1, 1], [0, 1, 1], [1, 9, 4]])
def test_deliver_outcomes_reverts_when_they_do_not_ascend(desk, job, outcomes):
    position = next(i for i in range(1, len(outcomes)) if outcomes[i] <= outcomes[i - 1])
    with refused("OutcomesUnordered", position=position):
        send(desk, job, outcomes, desk.evidence(job, sorted(set(outcomes))))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_deliver_outcomes_reverts_when_evidence_is_missing_or_too_much(desk, job, count):
    evidence = (desk.evidence(job, [1]) * 2)[:count]
    with refused("RevealCountMismatch", computation=job.id, expected=3, actual=count):
        send(desk, job, [1], evidence)


def test_deliver_outcomes_reverts_on_another_s_histogram(desk, job):
    evidence = desk.evidence(job, [1])
    with refused("RevealNotOfAssignment"):
        send(desk, job, [1], [evidence[1], evidence[0], evidence[2]])
    swapped = evidence_with(desk, job, 0, [1], binding=evidence[1][1], runs=evidence[1][2])
    with refused("BindingMismatch"):
        send(desk, job, [1], swapped)


def test_deliver_outcomes_reverts_on_a_false_count(desk, job):
    forged = {**ANSWERS[0], 1: 2_600, 4: 1_400}
    run = run_proof(forged, 0, 1)
    with refused("RunMismatch"):
        send(desk, job, [1], evidence_with(desk, job, 0, [1], runs=[run]))


@pytest.mark.parametrize("index", range(3))
def test_deliver_outcomes_reverts_when_an_outcome_is_passed_over(desk, job, index):
    """A replica's count must not be hidden: what remains would seem more."""
    evidence = evidence_with(desk, job, index, [1, 4], runs=delivery.evidence_of(
        story_of(job).duties[index], ANSWERS[index], [4])[2])  # fmt: skip
    with refused("OutcomeUnproven", root=job.root(index), outcome=1):
        send(desk, job, [1, 4], evidence)
    with refused("OutcomeUnproven", root=job.root(index), outcome=1):
        send(desk, job, [1, 4], evidence_with(desk, job, index, [1, 4], runs=[]))


def test_deliver_outcomes_reverts_when_a_gap_is_not_closed(desk, job):
    """Outcome 2 is absent, but of the two leaves around it one is missing, or both are not neighbours."""
    counts = ANSWERS[0]
    only_before, only_after = [run_proof(counts, 0, 1)], [run_proof(counts, 1, 1)]
    for runs in (only_before, [run_proof(counts, 0, 1), run_proof(counts, 2, 1)]):
        with refused("OutcomeUnproven", root=job.root(0), outcome=2):
            send(desk, job, [1, 2], evidence_with(desk, job, 0, [1, 2], runs=runs))
    with refused("OutcomeUnproven", root=job.root(0), outcome=2):
        send(desk, job, [2], evidence_with(desk, job, 0, [2], runs=only_after))


def test_deliver_outcomes_takes_neighbouring_runs_for_one(desk, job):
    runs = [run_proof(ANSWERS[0], place, 1) for place in range(4)]
    send(desk, job, [1, 2], evidence_with(desk, job, 0, [1, 2], runs=runs))
    assert told(desk)[0] == {1: POOLED[1], 2: 0}


def test_deliver_outcomes_counts_a_leaf_once_however_often_it_is_shown(desk, job):
    leaf = run_proof(ANSWERS[0], 0, 1)
    send(desk, job, [1], evidence_with(desk, job, 0, [1], runs=[leaf, leaf, leaf]))
    assert told(desk)[0] == {1: POOLED[1]}


# --- roots that are no histogram's of these shots ---


@pytest.mark.parametrize("bound", [MINIMUM_SHOTS - 1, MINIMUM_SHOTS + 1, 0, 2**256 - 1])
def test_deliver_outcomes_reverts_when_a_root_binds_other_shots(world, desk, monkeypatch, bound):
    true = binding_of(ANSWERS[0])
    false = Binding(true.leaf_count, bound, true.top)
    job = settled_with_root(world, desk, monkeypatch, false)
    with refused("HistogramUnsound", root=false.root, shots=MINIMUM_SHOTS, bound=bound, counted=2_500):
        send(desk, job, [1], evidence_with(desk, job, 0, [1], binding=false))


def test_deliver_outcomes_reverts_when_counts_exceed_the_shots(world, desk, monkeypatch):
    swollen = {1: 4_000, 4: 97}
    false = Binding(2, MINIMUM_SHOTS, binding_of(swollen).top)
    job = settled_with_root(world, desk, monkeypatch, false)
    run: Run = run_proof(swollen, 0, 2)
    with refused("HistogramUnsound", root=false.root, shots=MINIMUM_SHOTS, bound=MINIMUM_SHOTS, counted=4_097):
        send(desk, job, [1, 4], evidence_with(desk, job, 0, [1, 4], binding=false, runs=[run]))


def settled_with_root(world, desk, monkeypatch, binding):
    """Return an accepted computation whose first replica committed to the root of *binding*."""
    true_root = Job.root
    monkeypatch.setattr(Job, "root", lambda job, index: binding.root if index == 0 else true_root(job, index))
    job = world.submit(outcome_bits=4)
    desk.subscribe_to_outcomes(job, 1)
    job.to_settled(ANSWERS)
    assert job.status is ComputationStatus.Accepted
    return job
