from functools import partial

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules import gold, histogram
from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.gold import Answer, RoundKind
from tests.evm import refused
from tests.job import MINIMUM_SHOTS
from tests.sweep import (
    GOLD,
    NO_ANSWER,
    ROUNDS,
    SHOTS,
    TARGETS,
    TRAPS,
    WIDTH,
    Sweep,
    answer_of,
    honest,
    lying,
)

TARGET = TARGETS[1]


def opened(world, answers=None, **changes):
    sweep = Sweep(world, **changes).to_revealed(answers)
    sweep.open()
    return sweep


def without(counts, *rounds):
    return {x: n for x, n in counts.items() if x >> WIDTH not in rounds}


# --- what is proven ---


def test_score_proves_a_failed_round(world):
    sweep = opened(world, {1: lying(1, 4)})
    counts = gold.counts_of_round(lying(1, 4), 4, WIDTH)
    passed, fidelity = gold.score(counts, SHOTS, answer_of(4))
    receipt = sweep.score(1, 4)
    assert receipt.result == (passed, fidelity)
    assert not passed
    answer = answer_of(4)
    assert receipt.event("RoundScored") == {
        "computation": sweep.id,
        "index": 1,
        "round": 4,
        "kind": RoundKind.Gold,
        "passed": False,
        "fidelity": fidelity,
        "answer": {"entries": answer.packed, "ideal": answer.ideal, "uniform": answer.uniform},
        "counts": gold.pack_answer(sorted(counts.items())),
    }
    assert world.gold_rounds.tallyOf(sweep.id, 1) == {
        "goldRounds": 1,
        "goldFailures": 1,
        "trapFailures": 0,
        "fidelity": fidelity,
    }


@pytest.mark.parametrize("round_", [*GOLD, *TRAPS])
def test_score_passes_every_honest_round(world, round_):
    """The first and the last leaves of the histogram, and rounds of either parity, are among them."""
    sweep = opened(world)
    for index in range(3):
        assert sweep.score(index, round_).result[0]
    assert sweep.finding[1:3] == (0, 0)


def test_score_accuses_by_the_failure_that_is_one_too_many(world):
    sweep = opened(world, {2: lying(2, 4, 6)})
    sweep.accuse(2, 4)
    sweep.close()
    assert sweep.finding == (True, 0, 0, 0)


def test_score_counts_traps_apart(world):
    sweep = opened(world, {1: lying(1, 2, 4, 6)})
    sweep.accuse(1, 2, 4, 6)
    assert world.gold_rounds.tallyOf(sweep.id, 1)["trapFailures"] == 1
    sweep.close(sweep.stake_on(1))
    assert sweep.finding == (True, 0b010, 0b010, 0)
    sweep.settle()
    assert sweep.fates[1] is AssignmentStatus.GoldFailed


def test_score_of_failed_traps_alone_costs_the_pay_only(world):
    sweep = opened(world, {0: lying(0, 7)})
    sweep.accuse(0, 7)
    sweep.close(sweep.stake_on(1))
    assert sweep.finding == (True, 0, 0b001, 0)
    bond = world.bonds.bondOf(sweep.node(0).id)
    purse = world.purse(sweep.operator(0))
    sweep.settle()
    assert sweep.fates[0] is AssignmentStatus.TrapFailed
    assert purse.gains() == {}
    assert world.bonds.bondOf(sweep.node(0).id) == bond


@pytest.mark.parametrize("surplus", [-1, 1])
def test_score_fails_a_round_with_another_total_of_shots(world, surplus):
    """Shots moved out of the round that is looked at, or into it, to look better."""
    counts = honest(1)
    counts[9 << WIDTH | 5 * 9 % 64] += surplus
    counts[10 << WIDTH | 5 * 10 % 64] -= surplus
    sweep = opened(world, {1: counts})
    assert sweep.score(1, 9).result == (False, 0)
    assert world.gold_rounds.tallyOf(sweep.id, 1)["goldFailures"] == 1


@pytest.mark.parametrize("round_", [1, 6, 15])
def test_score_fails_a_round_that_was_not_run(world, round_):
    """There is no leaf to show, but its neighbours, or the end of the histogram."""
    counts = without(honest(1), round_)
    counts[5 << WIDTH | 0] = SHOTS
    sweep = opened(world, {1: counts})
    assert len(sweep.proof(1, round_)[6]) == (1 if round_ == 15 else 2)
    assert sweep.score(1, round_).result == (False, 0)


def test_score_fails_the_first_round_that_was_not_run(world):
    counts = without(honest(1), 0)
    counts[5 << WIDTH | 0] = SHOTS
    sweep = opened(world, {1: counts})
    assert sweep.score(1, 0).result == (False, 0)
    assert world.gold_rounds.tallyOf(sweep.id, 1)["goldFailures"] == 1


def test_score_of_a_target_counts_its_shots_only(world):
    counts = honest(1)
    counts[0 << WIDTH | 0] += 3
    counts[3 << WIDTH | 15] -= 3
    sweep = opened(world, {1: counts})
    receipt = sweep.score(1, 3)
    assert receipt.result == (False, 0)
    assert receipt.event("RoundScored")["answer"] == {"entries": b"", "ideal": 0, "uniform": 0}
    assert world.gold_rounds.fidelityOf(sweep.id, 1) == (0, 0)


def test_score_reverts_for_a_target_with_all_its_shots(world):
    sweep = opened(world)
    with refused("RoundIsTarget", computation=sweep.id, round=TARGET, shots=SHOTS):
        sweep.score(1, TARGET)


def test_score_is_taken_of_who_reveals_late(world):
    sweep = Sweep(world).to_revealing({2: lying(2, 4, 6)}).reveal_all(2).end_phase()
    sweep.open()
    with refused(
        "UnexpectedAssignmentStatus",
        id=sweep.id,
        index=2,
        actual=AssignmentStatus.Committed,
        allowed=1 << AssignmentStatus.Revealed,
    ):
        sweep.score(2, 4)
    sweep.reveal(2)
    assert not sweep.score(2, 4).result[0]


def test_fidelity_of_is_the_mean_over_the_gold_rounds_scored(world):
    sweep = opened(world, {1: lying(1, 4)})
    assert world.gold_rounds.fidelityOf(sweep.id, 1) == (0, 0)
    sweep.accuse(1, 4, 6, 9, 2)
    scores = [gold.score(gold.counts_of_round(lying(1, 4), r, WIDTH), SHOTS, answer_of(r))[1] for r in (4, 6, 9)]
    assert scores[0] < 0
    assert world.gold_rounds.fidelityOf(sweep.id, 1) == (sum(scores) // 3, 3)


# --- when ---


def test_score_reverts_before_the_list_is_open_and_after_it_is_closed(world):
    sweep = Sweep(world).to_revealed()
    with refused("GoldListNotOpen", computation=sweep.id, opened=False, closed=False):
        sweep.score(1, 4)
    sweep.acquit()
    with refused("GoldListNotOpen", computation=sweep.id, opened=True, closed=True):
        sweep.score(1, 4)


def test_score_reverts_after_its_time(world):
    sweep = opened(world)
    closes_at = sweep.record.phase_ends_at + world.policy["discloseSeconds"]
    world.chain.warp(closes_at + 1)
    with refused("DeadlinePassed", computation=sweep.id, deadlineAt=closes_at, timestamp=closes_at + 1):
        sweep.score(1, 4)


def test_score_reverts_for_anyone_but_the_requester(world):
    sweep = opened(world)
    with refused("CallerNotRequester", computation=sweep.id, account=world.stranger, requester=world.requester):
        sweep.score(1, 4, sender=world.stranger)


def test_score_reverts_the_second_time(world):
    sweep = opened(world, {1: lying(1, 4)})
    sweep.score(1, 4)
    with refused("RoundAlreadyScored", computation=sweep.id, index=1, round=4):
        sweep.score(1, 4)
    sweep.score(0, 4)
    sweep.score(1, 6)


# --- with what ---


def test_score_reverts_with_another_opening(world):
    sweep = opened(world)
    sweep.opening = Sweep(world, opening={"gold_tolerance": 0}).opening
    with refused("OpeningMismatch"):
        sweep.score(1, 4)


def test_score_reverts_for_what_was_not_revealed(world):
    sweep = opened(world)
    sweep.counts[1] = lying(1, 4)
    with refused("RevealMismatch") as refusal:
        sweep.score(1, 4)
    assert refusal.arguments["index"] == 1


def test_score_reverts_for_an_assignment_that_is_none(world):
    sweep = opened(world)
    root, salt, sketch = sweep.shown(1)
    for index in (3, 32, 2**255):
        with refused(
            "UnexpectedAssignmentStatus", id=sweep.id, index=index, actual=0, allowed=1 << AssignmentStatus.Revealed
        ):
            world.gold_rounds.score(
                sweep.id, index, sweep.words, (root, salt, sketch), sweep.proof(1, 4), sender=world.requester
            )


def test_score_reverts_for_leaves_that_are_not_the_histogram_s(world):
    sweep = opened(world)
    leaves = sweep.proof(1, 4)[6]
    with refused("RunMismatch"):
        sweep.score(1, 4, leaves=[leaves[0], leaves[1] + 1, *leaves[2:]])


def test_score_reverts_for_a_run_that_leaves_out_a_leaf_of_the_round(world):
    sweep = opened(world)
    counts = sweep.counts[1]
    first, length = gold.covering_run(counts, 4, WIDTH)
    for start, size in (
        (first + 1, length - 1),
        (first, length - 1),
        (first + 2, length - 2),
        (first, length - 2),
        (first + 2, 1),
        (first - 1, length + 1),
        (first, length + 1),
        (first, 1),
        (first + length - 1, 1),
        (0, 2),
        (len(counts) - 2, 2),
    ):
        run = histogram.run_proof(counts, start, size)
        with refused("RoundNotCovered", computation=sweep.id, index=1, round=4):
            sweep.score(1, 4, first=run.first, leaves=run.leaves, siblings=run.siblings)


def test_score_reverts_when_a_missing_end_of_the_histogram_is_not_its_end(world):
    """The last round needs no neighbour after it, but all its leaves."""
    sweep = opened(world)
    counts = sweep.counts[1]
    first, length = gold.covering_run(counts, ROUNDS - 1, WIDTH)
    run = histogram.run_proof(counts, first, length - 1)
    with refused("RoundNotCovered"):
        sweep.score(1, ROUNDS - 1, first=run.first, leaves=run.leaves, siblings=run.siblings)


def test_score_reverts_for_another_run_s_round(world):
    sweep = opened(world)
    with refused("RoundNotCovered", computation=sweep.id, index=1, round=4):
        other = sweep.proof(1, 6)
        sweep.score(1, 4, binding=other[4], first=other[5], leaves=other[6], siblings=other[7])


def test_score_reverts_when_a_target_is_scored_as_gold(world):
    sweep = opened(world)
    answer = answer_of(4)
    for kind in (RoundKind.Gold, RoundKind.Trap):
        with refused("GoldRootMismatch") as refusal:
            sweep.score(1, TARGET, kind=kind, answer=(answer.packed, answer.ideal, answer.uniform))
        assert refusal.arguments["expected"] == sweep.opening.gold_root


def test_score_reverts_for_another_answer_kind_or_place_than_was_bound(world):
    sweep = opened(world)
    wrong = answer_of(6)
    with refused("GoldRootMismatch"):
        sweep.score(1, 4, answer=(wrong.packed, wrong.ideal, wrong.uniform))
    with refused("GoldRootMismatch"):
        sweep.score(1, 4, kind=RoundKind.Trap)
    with refused("GoldRootMismatch"):
        sweep.score(1, 4, kind=RoundKind.Target, answer=NO_ANSWER)
    with refused("GoldRootMismatch"):
        sweep.score(1, 4, gold_proof=gold.gold_proof(sweep.leaves, 5))
    with refused("GoldProofLengthMismatch", round=4, rounds=ROUNDS, siblings=3):
        sweep.score(1, 4, gold_proof=gold.gold_proof(sweep.leaves, 4)[:-1])
    with refused("GoldProofLengthMismatch", round=4, rounds=ROUNDS, siblings=5):
        sweep.score(1, 4, gold_proof=[*gold.gold_proof(sweep.leaves, 4), bytes(32)])
    with refused("GoldProofLengthMismatch", round=ROUNDS + 4, rounds=ROUNDS, siblings=4):
        sweep.score(1, 4, round=ROUNDS + 4)


def test_score_reverts_for_a_run_of_too_many_leaves(world):
    counts = {x: n for x, n in honest(1).items() if x >> WIDTH != 4} | {4 << 11 | x: 1 for x in range(SHOTS)}
    sweep = opened(world, {1: counts})
    leaves = [x << 16 | 1 for x in range(1_025)]
    with refused("RunTooLong", length=1_025, maximum=1_024):
        sweep.score(1, 4, leaves=leaves)


def bound(world, packed, ideal, uniform):
    """Return an opened sweep with an answer that no client would bind, and how to score against it."""
    leaves = Sweep(world).leaves
    digest = abi_digest(["uint256", "uint256", "bytes32"], [ideal, uniform, keccak(packed)])
    leaves[4] = gold.leaf_of(4, RoundKind.Gold, digest)
    sweep = Sweep(world, opening={"gold_root": gold.gold_root(leaves)})
    sweep.leaves = leaves
    sweep.to_revealed().open()
    return partial(sweep.score, 1, 4, answer=(packed, ideal, uniform))


@pytest.mark.parametrize("length", [7, 8 * 1_025])
def test_score_reverts_for_entries_that_are_cut_off_or_too_many(world, length):
    score = bound(world, bytes(length), 2**20, 0)
    with refused("EntriesLengthInvalid", actual=length, maximum=8 * 1_024):
        score()


@pytest.mark.parametrize(("outcomes", "index"), [((0, 0), 1), ((3, 5, 4), 2), ((2**32 - 1, 0), 1)])
def test_score_reverts_for_entries_out_of_order(world, outcomes, index):
    packed = b"".join(outcome.to_bytes(4, "big") + bytes(4) for outcome in outcomes)
    score = bound(world, packed, 2**20, 0)
    with refused("EntriesNotAscending", index=index):
        score()


@pytest.mark.parametrize(("ideal", "uniform"), [(2**15 - 1, 0), (5, 2**20), (2**48, 0), (2**64 - 1, 2**64 - 1)])
def test_score_reverts_for_an_answer_that_cannot_tell_the_circuit_from_noise(world, ideal, uniform):
    score = bound(world, bytes(8), ideal, uniform)
    with refused("AnswerUnsound", ideal=ideal, uniform=uniform):
        score()


def test_score_takes_an_answer_of_the_greatest_size(world):
    entries = tuple((x, 1) for x in range(1_024))
    sweep = Sweep(world, {4: Answer(entries, 2**17, 2**16)}).to_revealed()
    sweep.open()
    assert sweep.score(1, 4).result == (False, 0)
    assert sum(n for x, n in sweep.counts[1].items() if x >> WIDTH == 4) == SHOTS == MINIMUM_SHOTS // ROUNDS
