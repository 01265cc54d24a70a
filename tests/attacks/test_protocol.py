"""What parties gain who follow the letter of the protocol and not its purpose.

Where an attack works, the test says so: what is not caught is written down, and not hoped for.
"""

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from qcrs.rules.count_sketch import bucket_of
from tests.evm import CHAIN_ID, refused
from tests.job import honest, rogue

Accepted, Outlier, Silent = AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Silent
WIDE = {"outcome_bits": 12, "qubits": 12}


# --- the last to reveal ---


@pytest.mark.parametrize("answer", [honest(2), rogue(2)], ids=["with an honest answer", "with a wrong one"])
def test_last_revealer_that_withholds_is_slashed_and_the_verdict_stands(world, answer):
    """It has seen all other answers, and the verdict that its own would lead to; it can only leave itself out."""
    job, slash = world.submit(), world.policy["slash"]
    job.to_revealing({2: answer}).reveal_all(2).end_phase()
    estate = world.estate()
    job.settle()
    assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted, Accepted, Silent])
    assert estate.gains()[job.operator(2)] == -slash
    assert estate.gains()[job.operator(0)] == job.pay


def test_last_revealer_that_is_late_is_still_taken_until_somebody_settles(world):
    job = world.submit().to_revealing().reveal_all(2).end_phase()
    job.reveal(2)
    job.settle()
    assert job.fates == [Accepted] * 3


def test_majority_that_withholds_pays_those_whose_work_it_voids(world):
    job = world.submit().to_revealing()
    job.reveal(0)
    job.end_phase()
    estate, slash = world.estate(), world.policy["slash"]
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.fates == [AssignmentStatus.Released, Silent, Silent]
    gains = estate.gains()
    assert gains[job.operator(0)] == 2 * slash - 2 * world.bounty > job.pay
    assert (gains[job.operator(1)], gains[job.operator(2)]) == (-slash, -slash)


# --- another's commitment ---


def test_mirrored_commitment_cannot_be_revealed(world):
    """A processor posts what another has posted, and waits for it to be opened: it opens for the other alone."""
    job = world.submit().allocate()
    job.commit(0)
    mirrored = job.assignments[0].digest
    world.verifier.commit(job.id, 1, mirrored, sender=job.node(1).daemon)
    job.commit(2)
    job.disclose().reveal(0)
    opening = (job.root(0), job.salt(0), job.sketch(0))
    actual = commitment.of_result(CHAIN_ID, world.verifier.address, job.id, 1, job.node(1).id, *opening[:2])
    with refused("CommitmentMismatch", computation=job.id, index=1, expected=mirrored, actual=actual):
        world.verifier.reveal(job.id, 1, *opening, sender=job.node(1).daemon)
    job.reveal(2)
    job.end_phase().settle()
    assert job.fates == [Accepted, Silent, Accepted]


def test_commitment_of_another_computation_cannot_be_revealed(world):
    first = world.submit(replicas=5)
    first.to_settled()
    second = world.submit(replicas=5).allocate()
    processor = second.node(0).id
    index = [a.processor for a in first.assignments].index(processor)
    replayed = commitment.of_result(
        CHAIN_ID, world.verifier.address, first.id, 1, processor, first.root(index), first.salt(index)
    )
    world.verifier.commit(second.id, 0, replayed, sender=second.node(0).daemon)
    second.commit_all().disclose()
    second.counts[0] = first.counts[index]
    with refused("CommitmentMismatch"):
        world.verifier.reveal(
            second.id, 0, first.root(index), first.salt(index), second.sketch(0), sender=second.node(0).daemon
        )


# --- the requester ---


def test_requester_that_withholds_its_secret_stops_nothing_and_pays_for_it(world):
    job = world.submit()
    estate = world.estate()
    job.allocate().commit_all().end_phase()
    world.verifier.substituteSecret(job.id, sender=world.keeper)
    assert world.records.seedOf(job.id) == commitment.seed_of(
        job.id, 1, commitment.beacon_secret(world.allocator.beacon(), job.id), job.record.commits_digest
    )
    job.reveal_all().settle()
    assert job.fates == [Accepted] * 3
    gains = estate.gains()
    assert gains[world.keeper] == 3 * world.bounty
    assert gains[world.requester] == -3 * job.pay - 2 * world.bounty


def test_requester_that_sees_the_answers_cannot_take_back_its_fee(world):
    job = world.submit().to_revealing().reveal_all()
    for step in (world.allocator.cancel, world.allocator.expire, world.allocator.reallocate):
        with world.chain.undone(), pytest.raises(ContractRefused):
            step(job.id, sender=world.requester)
    locked = world.locked(world.requester)
    with refused("InsufficientFunds", holder=world.requester, available=0, required=locked):
        world.allocator.withdraw(locked, sender=world.requester)


# --- grinding salts ---


def clashes(seed, outcomes):
    """Return in how many rows two outcomes share a bucket: there they cannot be told apart."""
    return sum(bucket_of(seed, row, outcomes[0], 12) == bucket_of(seed, row, outcomes[1], 12) for row in range(4))


def seed_for(job, digest, salt, secret):
    """Return the seed that the last committer gets from *salt*, were *secret* the requester's."""
    last = commitment.of_result(CHAIN_ID, job.world.verifier.address, job.id, 1, job.node(2).id, job.root(2), salt)
    return commitment.seed_of(job.id, 1, secret, commitment.extend(digest, 2, last))


@pytest.fixture
def grinder(world):
    """A wide computation in which only the third commit is due, and its processor tries many salts."""
    job = world.submit(**WIDE).allocate()
    job.commit(0)
    job.commit(1)
    job.counts[2] = {0: 2_048, 1: 2_048}
    return job


def test_any_salt_changes_the_seed(grinder):
    digest = grinder.record.commits_digest
    seeds = {seed_for(grinder, digest, keccak(bytes([n])), grinder.secrets[0]) for n in range(64)}
    assert len(seeds) == 64


def test_who_knew_the_secret_could_choose_a_friendly_layout(grinder):
    """A requester that tells its secret to a processor lets it hide two outcomes in one bucket: not caught."""
    digest = grinder.record.commits_digest
    best = max(
        (keccak(n.to_bytes(2, "big")) for n in range(2_000)),
        key=lambda salt: clashes(seed_for(grinder, digest, salt, grinder.secrets[0]), (5, 9)),
    )
    chosen = clashes(seed_for(grinder, digest, best, grinder.secrets[0]), (5, 9))
    assert chosen >= 1
    grinder.salt = lambda index, salts={2: best}: salts.get(index) or type(grinder).salt(grinder, index)
    grinder.commit(2, grinder.counts[2])
    grinder.disclose()
    assert clashes(grinder.world.records.seedOf(grinder.id), (5, 9)) == chosen


def test_without_the_secret_a_ground_salt_is_no_better_than_any(grinder):
    """What is ground against a guessed secret comes to nothing under the true one."""
    digest, guess = grinder.record.commits_digest, bytes(24)
    salts = [keccak(n.to_bytes(2, "big")) for n in range(2_000)]
    ground = [salt for salt in salts if clashes(seed_for(grinder, digest, salt, guess), (5, 9))]
    assert len(ground) > 20
    share = sum(bool(clashes(seed_for(grinder, digest, s, grinder.secrets[0]), (5, 9))) for s in ground) / len(ground)
    base = sum(bool(clashes(seed_for(grinder, digest, s, grinder.secrets[0]), (5, 9))) for s in salts) / len(salts)
    assert abs(share - base) < 0.1
    assert share < 0.25


def test_secret_is_bound_before_anybody_is_drawn(grinder):
    grinder.commit_all()
    for other in (bytes(24), grinder.secrets[1]):
        with refused("SecretMismatch"):
            grinder.world.verifier.disclose(grinder.id, other, sender=grinder.world.requester)


# --- a colluding majority ---


def test_two_colluders_of_three_are_accepted(world):
    """Not caught by comparison: this is what gold rounds, trust and disputes are for."""
    lie = {1: 3_000, 2: 1_096}
    job = world.submit()
    job.to_settled({0: lie, 1: lie | {1: 3_001, 2: 1_095}})
    assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted, Accepted, Outlier])


def test_one_liar_of_three_is_slashed(world):
    job = world.submit()
    job.to_settled({0: {1: 3_000, 2: 1_096}})
    assert job.fates == [Outlier, Accepted, Accepted]


# --- late everything ---


def test_everything_late_still_ends_in_a_verdict_when_nobody_minds(world):
    """Deadlines bind when somebody enforces them; until then late work is work."""
    job = world.submit().allocate().end_phase()
    job.commit_all().end_phase()
    job.disclose().end_phase()
    job.reveal_all().settle()
    assert job.fates == [Accepted] * 3


def test_everything_late_can_be_ended_by_a_stranger_at_every_step(world):
    """Whoever stalls, somebody is paid to go on without it."""
    world.enrol_until(12)
    job, allocator = world.submit(), world.allocator
    earned = world.purse(world.keeper)
    job.allocate().end_phase()
    allocator.reallocate(job.id, sender=world.keeper)
    job.allocate().commit_all().end_phase()
    world.verifier.substituteSecret(job.id, sender=world.keeper)
    job.end_phase()
    allocator.reallocate(job.id, sender=world.keeper)
    world.chain.warp(max(job.request.deadline_at + 1, world.chain.now))
    allocator.expire(job.id, sender=world.keeper)
    assert job.status is ComputationStatus.Failed
    assert earned.gains()[world.keeper] == 7 * world.bounty


def test_late_refusal_is_no_way_out(world):
    job = world.submit().allocate().end_phase()
    with refused("DeadlinePassed"):
        job.refuse(0)
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.fates == [Silent] * 3


def test_late_commit_comes_to_nothing_once_somebody_was_replaced(world):
    job = world.submit().allocate()
    job.commit(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    with refused("UnexpectedAssignmentStatus"):
        job.commit(1)
