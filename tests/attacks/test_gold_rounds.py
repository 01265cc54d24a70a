"""Liars whom comparison alone cannot catch, requesters who would cheat with gold rounds, and what stops them."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.dispute import DisputeKind
from qcrs.rules import gold, histogram
from qcrs.rules.digest import keccak
from qcrs.rules.gold import RoundKind
from tests.evm import refused
from tests.scenario import NOBODY
from tests.sweep import GOLD, GOLD_TOLERANCE, TARGETS, TRAPS, WIDTH, Sweep, answer_of, honest, lying

GOLD_FAILED, ACCEPTED, OUTLIER = AssignmentStatus.GoldFailed, AssignmentStatus.Accepted, AssignmentStatus.Outlier
LIE = (0, 1, 3, 4, 6, 10, 13)
COLLUDERS = (0, 2)


def judged(sweep):
    """Score every gold round and trap of every replica, as the requester's client does, and close."""
    sweep.open()
    for index in range(len(sweep.fates)):
        counts = sweep.counts[index]
        failed = [
            r for r in GOLD + TRAPS if not gold.score(gold.counts_of_round(counts, r, WIDTH), 256, sweep.answers[r])[0]
        ]
        sweep.accuse(index, *failed)
    accused = sum(sweep.world.gold_rounds.tallyOf(sweep.id, i)["goldFailures"] > GOLD_TOLERANCE for i in range(3))
    sweep.close(sweep.stake_on(accused))
    return sweep


# --- two colluders of three ---


def collusion():
    return {index: lying(index, *LIE) for index in COLLUDERS}


def test_two_colluders_of_three_are_accepted_without_gold_rounds(world):
    """Not caught: they are the quorum, and the honest one is slashed for dissent. Gold rounds are for this."""
    sweep = Sweep(world, gold=False).to_revealed(collusion())
    sweep.settle()
    assert sweep.status is ComputationStatus.Accepted
    assert sweep.fates == [ACCEPTED, OUTLIER, ACCEPTED]


def test_two_colluders_of_three_fail_with_gold_rounds_and_the_honest_one_does_not(world):
    sweep = judged(Sweep(world).to_revealed(collusion()))
    assert sweep.finding == (True, 0b101, 0, 0)
    bonds = [world.bonds.bondOf(sweep.node(index).id) for index in range(3)]
    sweep.settle()
    assert sweep.status is ComputationStatus.Rejected
    assert sweep.fates == [GOLD_FAILED, AssignmentStatus.Released, GOLD_FAILED]
    slash = world.policy["slash"]
    assert [world.bonds.bondOf(sweep.node(index).id) for index in range(3)] == [
        bonds[0] - slash,
        bonds[1],
        bonds[2] - slash,
    ]


def test_three_colluders_of_three_fail_too(world):
    sweep = judged(Sweep(world).to_revealed({index: lying(index, *LIE) for index in range(3)}))
    sweep.settle()
    assert sweep.fates == [GOLD_FAILED] * 3
    assert sweep.status is ComputationStatus.Rejected


def test_colluders_who_lie_about_targets_only_are_not_caught(world):
    """What gold rounds promise holds for lies that do not know which rounds are gold; these do."""
    sweep = judged(Sweep(world).to_revealed({index: lying(index, *TARGETS[:5]) for index in COLLUDERS}))
    sweep.settle()
    assert sweep.fates == [ACCEPTED, OUTLIER, ACCEPTED]


def test_colluders_within_tolerance_are_not_caught(world):
    rounds = (*TARGETS[:6], GOLD[0])
    sweep = judged(Sweep(world).to_revealed({index: lying(index, *rounds) for index in COLLUDERS}))
    assert sweep.finding == (True, 0, 0, 0)
    sweep.settle()
    assert sweep.fates == [ACCEPTED, OUTLIER, ACCEPTED]


def test_colluders_cannot_starve_the_rounds_they_suspect(world):
    """Shots moved from some rounds to others keep every total but the rounds' own."""
    counts = {x: n for x, n in honest(0).items() if x >> WIDTH not in (4, 6, 9)}
    for round_ in (5, 8, 10):
        counts[round_ << WIDTH | 63] = counts.get(round_ << WIDTH | 63, 0) + 256
    sweep = judged(Sweep(world).to_revealed({0: counts, 2: counts}))
    assert sweep.finding == (True, 0b101, 0, 0)


# --- a requester that frames ---


def framing(world):
    """Return a sweep whose requester bound false answers, so that replica 1, honest as all, fails."""
    false = {r: answer_of(r + 1 if r + 1 in GOLD else GOLD[0] if r != GOLD[0] else GOLD[1]) for r in GOLD}
    sweep = Sweep(world, false).to_revealed()
    sweep.open()
    sweep.accuse(1, *GOLD[: GOLD_TOLERANCE + 1])
    assert world.gold_rounds.tallyOf(sweep.id, 1)["goldFailures"] == GOLD_TOLERANCE + 1
    sweep.close(sweep.stake_on(1))
    return sweep


def dispute(sweep, index):
    world = sweep.world
    return world.disputes.open(
        sweep.id,
        index,
        DisputeKind.WrongFault,
        keccak(b"the document"),
        sender=sweep.operator(index),
        value=world.policy["slash"],
    ).result


def test_framing_requester_pays_twice_what_it_cost_its_victim(world):
    sweep = framing(world)
    slash, operator = world.policy["slash"], sweep.operator(1)
    bond = world.bonds.bondOf(sweep.node(1).id)
    sweep.settle()
    assert sweep.fates[1] is GOLD_FAILED
    assert world.bonds.bondOf(sweep.node(1).id) == bond - slash
    purse, burned = world.purse(), world.chain.balance(NOBODY)
    number = dispute(sweep, 1)
    world.disputes.rule(number, True, keccak(b"the answers are false"), sender=world.council)
    assert sweep.fates[1] is AssignmentStatus.Vindicated
    assert purse.gains() == {operator: slash + slash}  # its dispute's bond, and what the fault had cost
    assert world.chain.balance(NOBODY) == burned + slash
    sweep.end_phase()
    with refused("StakeMissing"):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)


def test_framing_requester_cannot_take_its_stake_away_while_the_dispute_is_open(world):
    sweep = framing(world)
    sweep.settle()
    number = dispute(sweep, 1)
    sweep.end_phase()
    with refused("StakeHeld"):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    world.disputes.rule(number, True, keccak(b"the answers are false"), sender=world.council)
    assert world.chain.balance(world.gold_rounds.address) == 0


def test_framing_without_a_stake_has_no_effect(world):
    sweep = Sweep(world, {r: answer_of(GOLD[(GOLD.index(r) + 1) % len(GOLD)]) for r in GOLD}).to_revealed()
    sweep.open()
    sweep.accuse(1, *GOLD)
    with refused("StakeMismatch"):
        sweep.close()
    world.chain.warp(sweep.finding[3] + 1)
    sweep.settle()
    assert sweep.fates == [ACCEPTED] * 3


def test_a_liar_cannot_have_an_honest_requester_s_stake_forfeited_by_itself(world):
    sweep = judged(Sweep(world).to_revealed(collusion()))
    sweep.settle()
    number = dispute(sweep, 0)
    with refused("AccessManagedUnauthorized"):
        world.disputes.rule(number, True, bytes(32), sender=sweep.operator(0))
    with refused("CallerNotDisputes"):
        world.gold_rounds.forfeit(sweep.id, 0, sweep.operator(0), sender=sweep.operator(0))


# --- a requester that changes its mind ---


def test_list_opened_after_the_deadline_counts_for_nothing(world):
    sweep = Sweep(world).to_revealed(collusion())
    world.chain.warp(sweep.finding[3] + 1)
    with refused("DeadlinePassed"):
        sweep.open()
    sweep.settle()
    assert sweep.fates == [ACCEPTED, OUTLIER, ACCEPTED]


def test_silent_requester_holds_up_nobody_beyond_the_deadline(world):
    sweep = Sweep(world).to_revealed()
    with refused("GoldRoundsOpen"):
        sweep.settle()
    world.chain.warp(sweep.finding[3] + 1)
    sweep.settle()
    assert sweep.status is ComputationStatus.Accepted


def test_list_made_up_after_the_reveals_is_not_the_one_that_was_bound(world):
    """Knowing all answers, the requester would call those rounds gold in which its victim differs most."""
    sweep = Sweep(world).to_revealed()
    made_up = Sweep(
        world, {r: answer_of(GOLD[(GOLD.index(r) + 1) % len(GOLD)]) for r in GOLD}, opening={"blind": bytes(32)}
    )
    with refused("OpeningMismatch"):
        sweep.open(gold_root=made_up.opening.gold_root)
    sweep.open()
    sweep.opening = made_up.opening
    with refused("OpeningMismatch"):
        sweep.score(1, GOLD[0])


def test_tolerance_cannot_be_lowered_once_answers_are_known(world):
    sweep = Sweep(world).to_revealed({1: lying(1, GOLD[0])})
    for change in ({"gold_tolerance": 0}, {"trap_tolerance": 0, "gold_tolerance": 0}):
        with refused("OpeningMismatch"):
            sweep.open(**change)
    sweep.open()
    sweep.accuse(1, GOLD[0])
    sweep.close()
    assert sweep.finding == (True, 0, 0, 0)


def test_list_is_not_shown_to_replacements_before_they_answer(world):
    """Neither while a replica may still stay silent, nor when so few revealed that others will be drawn."""
    sweep = Sweep(world).to_revealing().reveal_all(1, 2)
    with refused("DeadlineOpen"):
        sweep.open()
    sweep.end_phase()
    with refused("TooFewRevealed"):
        sweep.open()


# --- false proofs ---


@pytest.mark.parametrize("kind", [RoundKind.Gold, RoundKind.Trap])
def test_target_is_not_scored_as_if_its_answer_were_known(world, kind):
    sweep = Sweep(world).to_revealed()
    sweep.open()
    answer = answer_of(GOLD[0])
    with refused("GoldRootMismatch"):
        sweep.score(1, TARGETS[0], kind=kind, answer=(answer.packed, answer.ideal, answer.uniform))


def test_one_failed_round_is_not_counted_twice(world):
    sweep = Sweep(world).to_revealed({1: lying(1, GOLD[0])})
    sweep.open()
    sweep.accuse(1, GOLD[0])
    with refused("RoundAlreadyScored"):
        sweep.score(1, GOLD[0])
    with refused("GoldRootMismatch"):
        sweep.score(1, GOLD[0], kind=RoundKind.Trap)
    assert world.gold_rounds.tallyOf(sweep.id, 1)["goldFailures"] == 1


def test_good_outcomes_cannot_be_left_out_of_a_round(world):
    """Whatever run of leaves is shown, it is the whole round or it is refused."""
    sweep = Sweep(world).to_revealed()
    sweep.open()
    counts, round_ = sweep.counts[1], GOLD[2]
    whole = gold.covering_run(counts, round_, WIDTH)
    outcomes = sorted(counts)
    for first in range(whole[0] - 1, sum(whole)):
        for length in range(1, len(outcomes) - first + 1):
            if (first, length) == whole or length > whole[1] + 2:
                continue
            run = histogram.run_proof(counts, first, length)
            with refused("RoundNotCovered"):
                sweep.score(1, round_, first=run.first, leaves=run.leaves, siblings=run.siblings)
    assert sweep.score(1, round_).result[0]


def test_histogram_of_another_replica_or_another_root_is_refused(world):
    sweep = Sweep(world).to_revealed({2: lying(2, *GOLD)})
    sweep.open()
    with refused("RevealMismatch"):
        world.gold_rounds.score(
            sweep.id, 1, sweep.words, sweep.shown(2), sweep.proof(2, GOLD[0]), sender=world.requester
        )
    with refused("BindingMismatch"):
        world.gold_rounds.score(
            sweep.id, 1, sweep.words, sweep.shown(1), sweep.proof(2, GOLD[0]), sender=world.requester
        )
