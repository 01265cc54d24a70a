"""Settlements that end in no verdict but in more replicas."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict
from qcrs.rules.digest import abi_digest
from tests.evm import CHAIN_ID, refused
from tests.job import honest, noise, rogue

Accepted, Outlier, Assigned = AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Assigned
Committed, Released, Silent = AssignmentStatus.Committed, AssignmentStatus.Released, AssignmentStatus.Silent

SPLIT = {0: rogue(0), 1: rogue(1)}
NOISY = {index: noise(index) for index in range(3)}


@pytest.fixture
def crowd(world):
    """The consortium with nine processors."""
    world.enrol_until(9)
    return world


def escalated(world, answers=SPLIT, cap=5, **changes):
    """Return a job of three replicas that has just escalated, and the settlement's receipt."""
    job = world.submit(replica_cap=cap, **changes)
    receipt = job.to_settled(answers)
    assert receipt.event("ComputationSettled")["verdict"] == Verdict.Escalated
    return job, receipt


# --- the step itself ---


def test_escalate_asks_for_two_more_when_three_are_split(crowd):
    job, receipt = escalated(crowd)
    record = job.record
    assert (record.status, record.replicas, record.active) == (ComputationStatus.Queued, 5, 3)
    assert (record.attempt, record.commits, record.revealed, record.refused) == (2, 0b111, 0, 0)
    assert record.commits_digest == commitment.NO_COMMITS
    assert record.carried == 0
    assert job.fates == [Committed] * 3
    assert receipt.event("ComputationSettled") == {
        "computation": job.id,
        "verdict": Verdict.Escalated,
        "accepted": 0,
        "answerDigest": bytes(32),
    }
    assert receipt.event("ComputationEscalated") == {
        "computation": job.id,
        "verdict": Verdict.Rejected,
        "replicas": 5,
        "beacon": crowd.allocator.beacon(),
    }
    assert receipt.event("ComputationRequeued") == {
        "computation": job.id,
        "attempt": 2,
        "phaseEndsAt": record.phase_ends_at,
    }
    assert crowd.allocator.queueOf(1)[1] == 0  # in turn without waiting
    assert receipt.named("ComputationConcluded") == receipt.named("AssignmentEnded") == []


def test_escalate_remembers_those_whose_answers_nobody_could_have_made_conclusive(crowd):
    job, receipt = escalated(crowd, NOISY)
    assert receipt.event("ComputationEscalated")["verdict"] == Verdict.Inconclusive
    assert job.record.carried == 3


def test_escalate_keeps_leases_and_conduct(crowd):
    job, _ = escalated(crowd, qubits=7)
    standings = [crowd.standing(a.processor) for a in job.assignments]
    assert [(s.leased_qubits, s.accepted, s.outliers, s.silent) for s in standings] == [(7, 0, 0, 0)] * 3


def test_escalate_binds_each_to_the_answer_it_has_given(crowd):
    job, _ = escalated(crowd)
    for index, assignment in enumerate(job.assignments):
        assert assignment.digest == commitment.of_result(
            CHAIN_ID,
            crowd.verifier.address,
            job.id,
            2,
            assignment.processor,
            job.root(index),
            job.salt(index),
        )


def test_escalate_is_in_the_audit_trail(crowd):
    job, receipt = escalated(crowd)
    first, second = (event.arguments for event in receipt.named("EntryAppended"))
    assert (first["decision"], first["subject"]) == (Decision.ComputationEscalated, job.id)
    assert first["digest"] == abi_digest(
        ["uint64", "uint8", "uint8[]", "bytes24[]", "bytes32"],
        [job.id, Verdict.Rejected, [0] * 3, [a.digest for a in job.assignments], crowd.allocator.beacon()],
    )
    assert second["decision"] == Decision.ComputationReallocated
    assert second["digest"] == abi_digest(["uint64", "uint8", "uint8"], [job.id, 2, 3])


def test_escalate_turns_the_beacon(crowd):
    before = crowd.allocator.beacon()
    job, _ = escalated(crowd)
    entropy = commitment.entropy_of(job.secrets[0], [job.salt(index) for index in range(3)])
    assert crowd.allocator.beacon() == commitment.next_beacon(before, entropy)


def test_escalate_pays_the_keeper_one_bounty_and_nobody_else(crowd):
    job, purse = crowd.submit(replica_cap=7), crowd.estate()
    receipt = job.to_settled(SPLIT)
    # The other bounty is that of the allocation, which was in nobody's purse.
    assert purse.gains() == {crowd.requester: -crowd.bounty, crowd.keeper: 2 * crowd.bounty}
    assert job.record.escrow == job.escrow - crowd.bounty == crowd.locked(crowd.requester)
    assert receipt.event("ComputationPaid") == {
        "computation": job.id,
        "source": crowd.requester,
        "total": crowd.bounty,
        "payees": [],
        "each": 0,
        "keeper": crowd.keeper,
        "bounty": crowd.bounty,
    }


def test_escalate_of_a_majority_below_the_quorum(crowd):
    """Two of five agree: most, but not a quorum."""
    job = crowd.submit(replicas=5, replica_cap=7, outcome_bits=3)
    receipt = job.to_settled({index: rogue(index, 3) for index in range(3)})
    assert receipt.event("ComputationEscalated")["replicas"] == 7
    receipt = job.to_settled()
    assert job.status is ComputationStatus.Accepted
    assert job.fates == [Outlier] * 3 + [Accepted] * 4


def test_escalate_drops_the_silent_and_replaces_them_too(crowd):
    """One of three is silent and the other two are split: two join, and one in its place."""
    job, slash, purse = crowd.submit(replica_cap=5), crowd.policy["slash"], crowd.estate()
    job.to_revealing({0: rogue(0)}).reveal_all(1).end_phase()
    receipt = job.settle()
    assert receipt.event("ComputationEscalated")["replicas"] == 5
    assert job.fates == [Committed, Silent, Committed]
    assert (job.record.active, job.record.commits) == (2, 0b101)
    assert purse.gains() == {
        crowd.requester: -crowd.bounty,
        crowd.keeper: 2 * crowd.bounty,
        job.operator(1): -slash,
        "treasury": slash,
    }
    entry = receipt.named("EntryAppended")[0].arguments
    digests = [job.assignments[0].digest, bytes(24), job.assignments[2].digest]
    assert entry["digest"] == abi_digest(
        ["uint64", "uint8", "uint8[]", "bytes24[]", "bytes32"],
        [job.id, Verdict.Rejected, [0, Silent, 0], digests, crowd.allocator.beacon()],
    )
    job.allocate()
    assert job.fates == [Committed, Silent, Committed, Assigned, Assigned, Assigned]


# --- the round that follows ---


def test_escalated_computation_draws_independent_processors(crowd):
    job, _ = escalated(crowd)
    job.allocate()
    assert job.fates == [Committed] * 3 + [Assigned] * 2
    assert len({job.node(index).organisation for index in range(5)}) == 5


def test_escalated_computation_is_accepted_once_a_quorum_agrees(crowd):
    job, purse, slash = crowd.submit(replica_cap=5), crowd.estate(), crowd.policy["slash"]
    job.to_settled(SPLIT)
    receipt = job.to_settled()
    assert job.status is ComputationStatus.Accepted
    assert job.fates == [Outlier, Outlier, Accepted, Accepted, Accepted]
    roots = [job.root(index) for index in (2, 3, 4)]
    assert receipt.event("ComputationSettled") == {
        "computation": job.id,
        "verdict": Verdict.Accepted,
        "accepted": 0b11100,
        "answerDigest": commitment.of_answer(job.id, 0b11100, roots),
    }
    assert purse.gains() == {
        crowd.requester: -3 * job.pay - 2 * crowd.bounty,
        crowd.keeper: 3 * crowd.bounty,
        "treasury": 2 * slash,
    } | {job.operator(index): -slash for index in (0, 1)} | {job.operator(index): job.pay for index in (2, 3, 4)}
    assert crowd.locked(crowd.requester) == 0


def test_escalated_round_has_another_seed_of_the_next_secret_and_the_new_commits(crowd):
    job = crowd.submit(replica_cap=5, outcome_bits=10).to_revealing({0: rogue(0, 10), 1: rogue(1, 10)})
    first = crowd.records.seedOf(job.id)
    job.reveal_all().settle()
    job.allocate().commit_all()
    digest = commitment.NO_COMMITS
    for index in (3, 4):
        digest = commitment.extend(digest, index, job.commitment(index))
    assert job.record.commits_digest == digest
    job.disclose()
    second = crowd.records.seedOf(job.id)
    assert second == commitment.seed_of(job.id, 2, job.secrets[1], digest) != first


def test_same_answers_are_revealed_again_under_the_other_seed(crowd):
    job = crowd.submit(replica_cap=5, outcome_bits=10)
    job.to_revealing({0: rogue(0, 10), 1: rogue(1, 10)}).reveal_all()
    before = [job.sketch(index) for index in range(3)]
    job.settle()
    job.allocate().commit_all().disclose()
    for index in range(3):
        revealed = job.reveal(index).event("ResultRevealed")
        assert (revealed["countsRoot"], revealed["salt"]) == (job.root(index), job.salt(index))
        assert revealed["sketch"] != before[index]


def test_kept_replica_cannot_reveal_another_answer(crowd):
    job, _ = escalated(crowd)
    job.allocate().commit_all().disclose()
    job.counts[0] = honest(0)
    with refused("CommitmentMismatch"):
        job.reveal(0)


def test_kept_replica_that_does_not_reveal_again_is_silent(crowd):
    job, _ = escalated(crowd)
    slash = crowd.policy["slash"]
    job.allocate().commit_all().disclose().reveal_all(0).end_phase()
    purse = crowd.estate()
    job.settle()
    assert job.fates == [Silent, Outlier, Accepted, Accepted, Accepted]
    assert purse.gains()[job.operator(0)] == -slash
    assert crowd.standing(job.node(0).id).silent == 1


def test_kept_replica_neither_commits_nor_refuses_again(crowd):
    job, _ = escalated(crowd)
    job.allocate()
    with refused("UnexpectedAssignmentStatus"):
        job.commit(0, honest(0))
    with refused("UnexpectedAssignmentStatus"):
        job.refuse(0)


def test_silent_newcomer_is_replaced_and_the_kept_stay_bound(crowd):
    job, _ = escalated(crowd)
    job.allocate()
    job.commit(3)
    job.end_phase()
    crowd.allocator.reallocate(job.id, sender=crowd.keeper)
    assert job.fates == [Committed] * 4 + [Silent]
    assert job.record.attempt == 2
    job.to_settled()
    assert job.fates == [Outlier, Outlier, Accepted, Accepted, Silent, Accepted]


def test_refusals_of_an_escalated_round_are_counted_anew(crowd):
    job = crowd.submit(replica_cap=5).allocate()
    job.refuse(2)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    assert job.record.refused == 0
    job.allocate()
    for index in job.indices(Assigned):
        job.refuse(index)
    assert (job.status, job.record.refused) == (ComputationStatus.Queued, 2)


def test_withheld_secret_leaves_escalation_to_the_beacon(crowd):
    """The chain of secrets is broken, so later rounds need the beacon too, at no further cost."""
    job, purse = crowd.submit(replica_cap=5), crowd.estate(crowd.requester, crowd.keeper)
    job.allocate().commit_all(SPLIT).end_phase()
    crowd.verifier.substituteSecret(job.id, sender=crowd.keeper)
    job.reveal_all().settle()
    job.allocate().commit_all()
    with refused("SecretMismatch"):
        job.disclose()
    job.end_phase()
    crowd.verifier.substituteSecret(job.id, sender=crowd.keeper)
    job.reveal_all().settle()
    assert job.status is ComputationStatus.Accepted
    assert purse.gains() == {crowd.requester: -3 * job.pay - 3 * crowd.bounty, crowd.keeper: 4 * crowd.bounty} | {
        "treasury": 2 * crowd.policy["slash"]
    }


# --- the end of escalation ---


def test_settle_rejects_once_the_cap_is_reached(crowd):
    job, purse = crowd.submit(replica_cap=5, outcome_bits=3), crowd.estate()
    job.to_settled({index: rogue(index, 3) for index in range(3)})
    receipt = job.to_settled({index: rogue(index, 3) for index in (3, 4)})
    assert receipt.event("ComputationSettled")["verdict"] == Verdict.Rejected
    assert (job.status, job.fates) == (ComputationStatus.Rejected, [Released] * 5)
    assert purse.gains() == {crowd.requester: -2 * crowd.bounty, crowd.keeper: 3 * crowd.bounty}
    assert job.record.escrow == 0


def test_settle_is_inconclusive_once_the_cap_is_reached_and_pays_all(crowd):
    job, purse = crowd.submit(replica_cap=5), crowd.estate()
    job.to_settled(NOISY)
    receipt = job.to_settled({index: noise(index) for index in (3, 4)})
    assert receipt.event("ComputationSettled")["verdict"] == Verdict.Inconclusive
    assert (job.status, job.fates) == (ComputationStatus.Inconclusive, [Released] * 5)
    assert purse.gains() == {
        crowd.requester: -5 * job.pay - 2 * crowd.bounty,
        crowd.keeper: 3 * crowd.bounty,
    } | {job.operator(index): job.pay for index in range(5)}
    assert job.record.escrow == job.pay


def test_escalate_twice_is_the_most(crowd):
    job, _ = escalated(crowd, {index: rogue(index, 4) for index in range(3)}, cap=7, outcome_bits=4)
    receipt = job.to_settled({index: rogue(index, 4) for index in (3, 4)})
    assert receipt.event("ComputationEscalated")["replicas"] == 7
    assert job.record.attempt == 3
    receipt = job.to_settled({index: rogue(index, 4) for index in (5, 6)})
    assert receipt.event("ComputationSettled")["verdict"] == Verdict.Rejected
    assert job.fates == [Released] * 7


def test_every_bounty_of_two_escalations_and_a_withheld_secret_is_covered(crowd):
    job = crowd.submit(replica_cap=7, outcome_bits=4)
    purse = crowd.estate(crowd.requester, crowd.keeper)
    job.allocate().commit_all({index: rogue(index, 4) for index in range(3)}).end_phase()
    for indices in ((3, 4), (5, 6)):
        crowd.verifier.substituteSecret(job.id, sender=crowd.keeper)
        job.reveal_all().settle()
        job.allocate().commit_all({index: honest(index, 4) for index in indices}).end_phase()
    crowd.verifier.substituteSecret(job.id, sender=crowd.keeper)
    job.reveal_all().settle()
    assert job.status is ComputationStatus.Accepted
    assert purse.gains() == {crowd.requester: -4 * job.pay - 4 * crowd.bounty, crowd.keeper: 5 * crowd.bounty} | {
        "treasury": 3 * crowd.policy["slash"]
    }


def test_settle_does_not_escalate_after_the_last_attempt(crowd):
    """Two rounds were lost before anybody could be compared."""
    crowd.enrol_until(12)
    job = crowd.submit(replica_cap=5)
    for _ in range(2):
        job.to_revealing().end_phase()
        crowd.allocator.reallocate(job.id, sender=crowd.keeper)
    job.to_settled({6: rogue(0), 7: rogue(1)})
    assert job.status is ComputationStatus.Rejected


def test_settle_does_not_escalate_beyond_the_assignments_that_may_be_used_up(crowd):
    crowd.enrol_until(31)
    job = crowd.submit(replicas=14, replica_cap=16, outcome_bits=5).allocate().end_phase()
    crowd.allocator.reallocate(job.id, sender=crowd.keeper)
    job.allocate()
    for index in (14, 15, 16):
        job.refuse(index)
    answers = {index: rogue(index, 5) for index in range(32)}
    job.to_revealing(answers).reveal_all()
    assert job.record.tried == 31
    job.settle()
    assert job.status is ComputationStatus.Rejected


def test_settle_escalates_in_the_last_second_in_which_others_can_be_drawn(crowd):
    """Later it would only lose the verdict: nobody is drawn after the deadline."""
    job = crowd.submit(replica_cap=5).to_revealing(SPLIT).reveal_all()
    crowd.chain.warp(job.request.deadline_at)
    with crowd.chain.undone():
        job.settle()
        assert job.status is ComputationStatus.Queued
    crowd.chain.advance(1)
    job.settle()
    assert job.status is ComputationStatus.Rejected


def test_settle_of_enough_never_escalates(crowd):
    job = crowd.submit(replica_cap=7)
    job.to_settled({1: rogue(1)})
    assert job.status is ComputationStatus.Accepted
    assert job.record.replicas == 3


# --- nobody gets answers for nothing ---


def test_expired_escalation_pays_those_whose_answers_are_known(crowd):
    """Else a requester would read inconclusive answers and let the escalation run out."""
    job, purse = crowd.submit(replica_cap=5), crowd.estate()
    job.to_settled(NOISY)
    crowd.chain.warp(job.record.phase_ends_at + 1)
    receipt = crowd.allocator.expire(job.id, sender=crowd.keeper)
    assert receipt.event("ComputationFailed")["reason"] == FailureReason.DeadlinePassed
    assert job.fates == [Released] * 3
    assert purse.gains() == {
        crowd.requester: -3 * job.pay - 2 * crowd.bounty,
        crowd.keeper: 3 * crowd.bounty,
    } | {job.operator(index): job.pay for index in range(3)}
    assert (crowd.locked(crowd.requester), job.record.escrow) == (0, 0)


def test_expired_escalation_pays_no_newcomer(crowd):
    job, _ = escalated(crowd, NOISY)
    job.allocate()
    job.commit(3)
    job.refuse(4)
    purse = crowd.estate()
    crowd.chain.warp(job.record.phase_ends_at + 1)
    crowd.allocator.expire(job.id, sender=crowd.keeper)
    assert job.fates == [Released] * 4 + [AssignmentStatus.Refused]
    assert purse.gains() == {
        crowd.requester: -3 * job.pay - crowd.bounty,
        crowd.keeper: crowd.bounty,
    } | {job.operator(index): job.pay for index in range(3)}


def test_expired_escalation_of_split_answers_pays_nobody(crowd):
    """As a rejection would: some of them are surely wrong."""
    job, purse = crowd.submit(replica_cap=5), crowd.estate()
    job.to_settled(SPLIT)
    crowd.chain.warp(job.record.phase_ends_at + 1)
    crowd.allocator.expire(job.id, sender=crowd.keeper)
    assert purse.gains() == {crowd.requester: -2 * crowd.bounty, crowd.keeper: 3 * crowd.bounty}


def test_refused_escalation_pays_those_whose_answers_are_known(crowd):
    job, _ = escalated(crowd, NOISY)
    job.allocate()
    purse = crowd.estate()
    job.refuse(3)
    job.refuse(4)
    job.allocate()
    job.refuse(5)
    assert job.status is ComputationStatus.Failed
    assert purse.gains() == {crowd.requester: -3 * job.pay} | {job.operator(index): job.pay for index in range(3)}


def test_kept_replicas_that_fall_silent_are_not_paid_when_the_round_is_lost(crowd):
    """Two of three hide what they are bound to; who reveals again shares their bonds instead of its pay."""
    job, _ = escalated(crowd, NOISY)
    slash, purse = crowd.policy["slash"], crowd.estate()
    job.allocate().commit_all({3: noise(3), 4: noise(4)}).disclose().reveal(0)
    job.reveal(3)
    job.end_phase()
    crowd.allocator.reallocate(job.id, sender=crowd.keeper)
    assert job.fates == [Released, Silent, Silent, Released, Silent]
    each, rest = divmod(3 * slash - 2 * crowd.bounty, 2)
    gains = purse.gains()
    assert [gains[job.operator(index)] for index in range(5)] == [each, -slash, -slash, each, -slash]
    assert gains.get("treasury", 0) == rest
    assert crowd.requester not in gains
