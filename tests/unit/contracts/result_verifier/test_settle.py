import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict, judge
from qcrs.rules.count_sketch import unpack
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.job import honest, noise, rogue

Accepted, Outlier = AssignmentStatus.Accepted, AssignmentStatus.Outlier
Released, Silent = AssignmentStatus.Released, AssignmentStatus.Silent


def settle(world, job, roots, salts, sketches):
    return world.verifier.settle(job.id, roots, salts, sketches, sender=world.keeper)


# --- verdicts ---


def test_settle_accepts_when_all_agree(world):
    job, purse = world.submit(), world.estate()
    receipt = job.to_settled()
    assert job.status is ComputationStatus.Accepted
    assert job.fates == [Accepted] * 3
    assert receipt.event("ComputationSettled") == {
        "computation": job.id,
        "verdict": Verdict.Accepted,
        "accepted": 0b111,
        "answerDigest": commitment.of_answer(job.id, 0b111, [job.root(i) for i in range(3)]),
    }
    assert purse.gains() == {
        world.keeper: 2 * world.bounty,
        world.requester: -3 * job.pay - world.bounty,
    } | {job.operator(index): job.pay for index in range(3)}
    assert world.locked(world.requester) == 0
    assert job.record.escrow == job.pay


def test_settle_slashes_an_outlier_and_refunds_its_share(world):
    job = world.submit(replicas=5)
    purse, slash = world.estate(), world.policy["slash"]
    receipt = job.to_settled({2: rogue(2)})
    assert job.fates == [Accepted, Accepted, Outlier, Accepted, Accepted]
    assert purse.gains() == {
        job.operator(2): -slash,
        world.keeper: 2 * world.bounty,
        world.requester: -4 * job.pay - world.bounty,
        "treasury": slash,
    } | {job.operator(index): job.pay for index in (0, 1, 3, 4)}
    assert receipt.event("ComputationSettled")["accepted"] == 0b11011
    standing = world.standing(job.node(2).id)
    assert (standing.outliers, standing.accepted, standing.bonded) == (1, 0, False)
    paid = receipt.event("ComputationPaid")
    assert paid["payees"] == [job.operator(index) for index in (0, 1, 3, 4)]
    assert (paid["each"], paid["bounty"]) == (job.pay, world.bounty)
    assert (paid["total"], paid["source"]) == (job.escrow, world.requester)


def test_settle_rejects_when_no_quorum_agrees_and_pays_nobody(world):
    job, purse = world.submit(), world.estate()
    receipt = job.to_settled({0: rogue(0), 1: rogue(1)})
    assert job.status is ComputationStatus.Rejected
    assert job.fates == [Released] * 3
    assert purse.gains() == {world.requester: -world.bounty, world.keeper: 2 * world.bounty}
    settled = receipt.event("ComputationSettled")
    assert (settled["verdict"], settled["accepted"]) == (Verdict.Rejected, 0)
    assert settled["answerDigest"] == bytes(32)


def test_settle_is_inconclusive_about_noise_and_pays_the_work(world):
    job, purse = world.submit(), world.estate()
    receipt = job.to_settled({index: noise(index) for index in range(3)})
    assert job.status is ComputationStatus.Inconclusive
    assert job.fates == [Released] * 3
    assert purse.gains() == {
        world.keeper: 2 * world.bounty,
        world.requester: -3 * job.pay - world.bounty,
    } | {job.operator(index): job.pay for index in range(3)}
    settled = receipt.event("ComputationSettled")
    assert (settled["verdict"], settled["accepted"]) == (Verdict.Inconclusive, 0)


@pytest.mark.parametrize("bits", [1, 2, 8, 9, 16, 240])
def test_settle_judges_every_width(world, bits):
    job = world.submit(outcome_bits=bits, shots=65_535)
    answers = {index: {0: 50_000 + index, 1: 15_535 - index} for index in range(3)}
    assert job.to_settled(answers).event("ComputationSettled")["accepted"] == 0b111


def test_settle_judges_sixteen_replicas(world):
    world.enrol_until(16)
    job = world.submit(replicas=16, outcome_bits=9)
    receipt = job.to_settled({index: rogue(index, 9) for index in range(7)})
    assert receipt.event("ComputationSettled")["accepted"] == 0xFFFF << 7 & 0xFFFF


def test_settle_maps_members_to_assignments_past_those_who_left(world):
    job = world.submit().allocate()
    job.refuse(1)
    job.allocate().commit_all({2: rogue(2)}).disclose()
    receipt = job.reveal_all().settle()
    assert receipt.event("ComputationSettled")["accepted"] == 0b1001
    assert job.fates == [Accepted, AssignmentStatus.Refused, Outlier, Accepted]
    roots = [job.root(0), job.root(3)]
    digest = commitment.of_answer(job.id, 0b1001, roots)
    assert receipt.event("ComputationSettled")["answerDigest"] == digest


# --- who is silent ---


def test_settle_with_one_silent_after_the_deadline(world):
    job = world.submit()
    purse, slash = world.estate(), world.policy["slash"]
    job.to_revealing().reveal_all(1).end_phase()
    receipt = job.settle()
    assert job.fates == [Accepted, Silent, Accepted]
    assert receipt.event("ComputationSettled")["accepted"] == 0b101
    assert purse.gains() == {
        job.operator(0): job.pay,
        job.operator(1): -slash,
        job.operator(2): job.pay,
        world.keeper: 2 * world.bounty,
        world.requester: -2 * job.pay - world.bounty,
        "treasury": slash,
    }
    assert world.standing(job.node(1).id).silent == 1


def test_settle_slashes_the_silent_under_every_verdict(world):
    job = world.submit().to_revealing({0: rogue(0), 2: rogue(1)}).reveal_all(1).end_phase()
    job.settle()
    assert (job.status, job.fates) == (ComputationStatus.Rejected, [Released, Silent, Released])


def test_settle_reverts_when_one_may_still_reveal(world):
    job = world.submit().to_revealing().reveal_all(1)
    ends_at = job.record.phase_ends_at
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=job.id, endsAt=ends_at, timestamp=ends_at):
        job.settle()
    world.chain.warp(ends_at + 1)
    job.settle()


def test_settle_reverts_when_too_few_revealed(world):
    job = world.submit().to_revealing()
    job.reveal(0)
    job.end_phase()
    with refused("TooFewRevealed", computation=job.id, revealed=1, required=2):
        job.settle()


def test_settle_of_two_that_disagree_rejects(world):
    job = world.submit().to_revealing({0: rogue(0)}).reveal_all(1).end_phase()
    job.settle()
    assert job.status is ComputationStatus.Rejected


# --- what a settlement must carry ---


def test_settle_reverts_when_nothing_was_revealed(world):
    job = world.submit().to_revealing()
    with refused("SettlementLengthMismatch", computation=job.id, expected=0, words=0):
        settle(world, job, [], [], [])


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("longer", [False, True])
def test_settle_reverts_when_a_part_has_another_length(world, part, longer):
    job = world.submit(outcome_bits=9).to_revealing().reveal_all()
    parts = [list(part) for part in job.settlement()]
    parts[part] = [*parts[part], parts[part][-1]] if longer else parts[part][:-1]
    with refused("SettlementLengthMismatch", computation=job.id, expected=3, words=48):
        settle(world, job, *parts)


@pytest.mark.parametrize("part", ["roots", "salts", "sketches"])
@pytest.mark.parametrize("index", range(3))
def test_settle_reverts_when_a_part_is_forged(world, part, index):
    job = world.submit().to_revealing({2: rogue(2)}).reveal_all()
    roots, salts, sketches = job.settlement()
    if part == "roots":
        roots[index] = job.root((index + 1) % 3)
    elif part == "salts":
        salts[index] = bytes(32)
    else:
        sketches[index] = 4_096
    actual = commitment.of_reveal(roots[index], salts[index], sketches[index : index + 1])
    with refused(
        "RevealMismatch",
        computation=job.id,
        index=index,
        expected=job.assignments[index].digest,
        actual=actual,
    ):
        settle(world, job, roots, salts, sketches)


def test_settle_reverts_when_the_order_is_changed(world):
    job = world.submit().to_revealing().reveal_all()
    backwards = [list(reversed(part)) for part in job.settlement()]
    with refused("RevealMismatch"):
        settle(world, job, *backwards)


def test_settle_reverts_when_one_revealed_answer_stands_in_for_another(world):
    job = world.submit().to_revealing({2: rogue(2)}).reveal_all()
    roots, salts, sketches = job.settlement()
    with refused("RevealMismatch"):
        settle(world, job, roots[:2] + roots[:1], salts[:2] + salts[:1], sketches[:2] + sketches[:1])


# --- what a verdict leaves behind ---


def test_settle_is_in_the_audit_trail(world):
    receipt = world.submit().to_settled()
    settled, entry = receipt.event("ComputationSettled"), receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ComputationSettled, 1)
    assert entry["digest"] == abi_digest(
        ["uint64", "uint8", "uint8[]", "bytes32", "bytes32"],
        [
            1,
            ComputationStatus.Accepted,
            [Accepted] * 3,
            settled["answerDigest"],
            world.allocator.beacon(),
        ],
    )


def test_settle_turns_the_beacon_by_the_secret_and_the_salts(world):
    before = world.allocator.beacon()
    job = world.submit()
    receipt = job.to_settled()
    settled_at = world.chain.now - 1
    entropy = commitment.entropy_of(job.secrets[0], [job.salt(index) for index in range(3)])
    after = commitment.next_beacon(before, entropy)
    assert world.allocator.beacon() == after
    assert receipt.event("ComputationConcluded") == {
        "computation": job.id,
        "verdict": ComputationStatus.Accepted,
        "beacon": after,
        "phaseEndsAt": settled_at + world.policy["challengeSeconds"],
    }
    assert job.record.phase_ends_at == settled_at + world.policy["challengeSeconds"]


def test_settle_ends_all_leases(world):
    job = world.submit(qubits=7)
    job.to_settled({1: rogue(1)})
    assert {world.standing(node.id).leased_qubits for node in world.nodes} == {0}


def test_settle_reverts_the_second_time(world):
    job = world.submit().to_revealing().reveal_all()
    settlement = job.settlement()
    settle(world, job, *settlement)
    with refused(
        "UnexpectedComputationStatus",
        id=job.id,
        actual=ComputationStatus.Accepted,
        allowed=1 << ComputationStatus.Revealing,
    ):
        settle(world, job, *settlement)


@pytest.mark.parametrize("computation", [0, 99])
def test_settle_reverts_when_unknown(world, computation):
    with refused("SettlementLengthMismatch", computation=computation, expected=0, words=0):
        world.verifier.settle(computation, [], [], [], sender=world.keeper)


@pytest.mark.parametrize("moved", range(0, 1_000, 50))
def test_settle_judges_as_the_rules_do(world, moved):
    job = world.submit()
    answers = {0: honest(0), 1: honest(1), 2: {0: 2_048 + moved, 3: 2_048 - moved}}
    receipt = job.to_settled(answers)
    judged = judge([unpack(job.sketch(i), 2) for i in range(3)], 2, 4_096, 2)
    settled = receipt.event("ComputationSettled")
    assert (settled["verdict"], settled["accepted"]) == (judged.verdict, judged.members)
