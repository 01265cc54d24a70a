import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import MAX_ASSIGNMENTS, ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.digest import abi_digest
from tests.evm import refused

Assigned, Committed, Revealed = (
    AssignmentStatus.Assigned,
    AssignmentStatus.Committed,
    AssignmentStatus.Revealed,
)
Silent, Released = AssignmentStatus.Silent, AssignmentStatus.Released


def reallocate(world, job):
    return world.allocator.reallocate(job.id, sender=world.keeper)


# --- while commits are due ---


def test_reallocate_replaces_those_who_did_not_commit(world):
    job = world.submit().allocate()
    job.commit(1)
    job.end_phase()
    receipt = reallocate(world, job)
    assert job.fates == [Silent, Committed, Silent]
    record = job.record
    assert (record.status, record.active, record.commits) == (ComputationStatus.Queued, 1, 0b010)
    assert record.attempt == 1
    assert receipt.event("ComputationRequeued") == {
        "computation": job.id,
        "attempt": 1,
        "phaseEndsAt": record.phase_ends_at,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ComputationReallocated, job.id)
    assert entry["digest"] == abi_digest(["uint64", "uint8", "uint8"], [job.id, 1, 3])


def test_reallocate_ends_leases_and_counts_silence(world):
    job = world.submit().allocate()
    job.commit(1)
    job.end_phase()
    receipt = reallocate(world, job)
    standings = [world.standing(a.processor) for a in job.assignments]
    assert [s.leased_qubits for s in standings] == [0, 2, 0]
    assert [s.silent for s in standings] == [1, 0, 1]
    assert [s.bonded for s in standings] == [False, True, False]
    ended = [event.arguments for event in receipt.named("AssignmentEnded")]
    assert [(e["index"], e["fate"]) for e in ended] == [(0, Silent), (2, Silent)]
    slashed = [event.arguments for event in receipt.named("BondSlashed")]
    assert slashed == [
        {"computation": job.id, "processor": job.node(index).id, "amount": world.policy["slash"]} for index in (0, 2)
    ]


def test_reallocate_pays_the_keeper_out_of_the_bonds(world):
    job = world.submit().allocate()
    job.commit(1)
    job.end_phase()
    purse, slash = world.estate(), world.policy["slash"]
    receipt = reallocate(world, job)
    assert purse.gains() == {
        job.operator(0): -slash,
        job.operator(2): -slash,
        world.keeper: 2 * world.bounty,
        "treasury": 2 * slash - 2 * world.bounty,
    }
    assert receipt.event("ComputationPaid") == {
        "computation": job.id,
        "source": "0x" + "00" * 20,
        "total": 2 * slash,
        "payees": [],
        "each": 0,
        "keeper": world.keeper,
        "bounty": 2 * world.bounty,
    }


def test_reallocated_computation_ends_in_a_verdict(world):
    job = world.submit().allocate()
    job.commit(1)
    job.end_phase()
    reallocate(world, job)
    receipt = job.allocate().commit_all().disclose().reveal_all().settle()
    assert receipt.event("ComputationSettled")["accepted"] == 0b11010
    accepted = AssignmentStatus.Accepted
    assert job.fates == [Silent, accepted, Silent, accepted, accepted]


def test_reallocate_reverts_when_deadline_is_open(world):
    job = world.submit().allocate()
    ends_at = job.record.phase_ends_at
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=job.id, endsAt=ends_at, timestamp=ends_at):
        reallocate(world, job)
    assert world.chain.now == ends_at


def test_reallocate_serves_from_the_second_after_the_deadline(world):
    job = world.submit().allocate()
    world.chain.warp(job.record.phase_ends_at + 1)
    reallocate(world, job)


def test_reallocate_takes_no_more_than_the_bond_holds(world):
    """A processor on two computations is slashed twice, then has nothing left."""
    policy = world.policy | {"slash": world.policy["minimumBond"]}
    world.set_policy(policy)
    jobs = [world.submit(replicas=5), world.submit(replicas=5)]
    for job in jobs:
        job.allocate()
    for job in jobs:
        job.end_phase()
    purse = world.estate()
    reallocate(world, jobs[0])
    receipt = reallocate(world, jobs[1])
    assert {event["amount"] for event in receipt.named("BondSlashed")} == {0}
    assert receipt.event("ComputationPaid")["bounty"] == 0
    assert purse.gains()[world.keeper] == 2 * world.bounty
    assert [world.bonds.bondOf(node.id) for node in world.nodes] == [0] * 5


# --- while reveals are due ---


def test_reallocate_starts_another_round_when_too_few_reveal(world):
    job = world.submit().to_revealing()
    job.reveal(2)
    job.end_phase()
    receipt = reallocate(world, job)
    assert job.fates == [Silent, Silent, Released]
    record = job.record
    assert (record.status, record.attempt) == (ComputationStatus.Queued, 2)
    assert (record.active, record.commits, record.revealed, record.refused) == (0, 0, 0, 0)
    assert record.commits_digest == commitment.NO_COMMITS
    assert receipt.event("ComputationRequeued") == {
        "computation": job.id,
        "attempt": 2,
        "phaseEndsAt": record.phase_ends_at,
    }


def test_reallocate_gives_the_bonds_of_the_silent_to_those_who_revealed(world):
    job = world.submit(replicas=5).to_revealing()
    job.reveal(1)
    job.reveal(3)
    job.end_phase()
    purse, slash = world.estate(), world.policy["slash"]
    reallocate(world, job)
    each, rest = divmod(3 * slash - 2 * world.bounty, 2)
    assert purse.gains() == {
        job.operator(0): -slash,
        job.operator(1): each,
        job.operator(2): -slash,
        job.operator(3): each,
        job.operator(4): -slash,
        world.keeper: 2 * world.bounty,
    } | ({"treasury": rest} if rest else {})


def test_second_round_needs_the_next_secret_of_the_chain(world):
    world.enrol_until(9)
    job = world.submit().to_revealing()
    job.end_phase()
    reallocate(world, job)
    job.allocate().commit_all()
    with refused("SecretMismatch"):
        world.verifier.disclose(job.id, job.secrets[0], sender=world.requester)
    job.disclose().reveal_all().settle()
    assert job.status is ComputationStatus.Accepted
    assert job.fates[3:] == [AssignmentStatus.Accepted] * 3


def test_commitment_of_one_round_does_not_serve_another(world):
    """The attempt is part of what a processor signs; no processor serves twice anyway."""
    world.enrol_until(9)
    job = world.submit().to_revealing()
    first = job.commitment(0)
    job.end_phase()
    reallocate(world, job)
    assert job.commitment(0) != first


def test_reallocate_reverts_when_a_quorum_has_revealed(world):
    job = world.submit().to_revealing()
    job.reveal(0)
    job.reveal(1)
    job.end_phase()
    with refused("QuorumRevealed", computation=job.id, revealed=2, quorum=2):
        reallocate(world, job)


def test_reallocate_reverts_when_the_reveal_deadline_is_open(world):
    job = world.submit().to_revealing()
    ends_at = job.record.phase_ends_at
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=job.id, endsAt=ends_at, timestamp=ends_at):
        reallocate(world, job)


# --- the end of patience ---


def test_reallocate_fails_a_computation_after_three_rounds(world):
    world.enrol_until(9)
    job = world.submit()
    purse = world.estate(world.requester)
    for _ in range(3):
        job.to_revealing().end_phase()
        receipt = reallocate(world, job)
    assert job.status is ComputationStatus.Failed
    assert receipt.event("ComputationFailed") == {
        "computation": job.id,
        "reason": FailureReason.AttemptsExhausted,
    }
    entry = receipt.event("EntryAppended")
    assert entry["decision"] == Decision.ComputationFailed
    assert entry["digest"] == abi_digest(["uint64", "uint8"], [job.id, FailureReason.AttemptsExhausted])
    assert purse.gains() == {"treasury": 9 * world.policy["slash"] - 6 * world.bounty}
    assert (world.locked(world.requester), job.record.escrow) == (0, 0)
    assert world.available(world.requester) == job.escrow
    assert world.allocator.queueOf(1)[1] == 0


def test_reallocate_fails_a_computation_that_used_up_its_assignments(world):
    """16 + 16 processors are lost before any commits; a 33rd is not tried."""
    world.enrol_until(33)
    job = world.submit(replicas=16).allocate().end_phase()
    reallocate(world, job)
    job.allocate()
    assert job.record.tried == MAX_ASSIGNMENTS == 32
    job.commit(16)
    job.end_phase()
    receipt = reallocate(world, job)
    assert receipt.event("ComputationFailed")["reason"] == FailureReason.AttemptsExhausted
    assert job.fates == [Silent] * 16 + [Released] + [Silent] * 15
    assert world.available(world.requester) == job.escrow


@pytest.mark.parametrize("computation", [0, 99])
def test_reallocate_reverts_when_unknown(world, computation):
    with refused(
        "UnexpectedComputationStatus",
        id=computation,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Allocated | 1 << ComputationStatus.Revealing,
    ):
        world.allocator.reallocate(computation, sender=world.keeper)
