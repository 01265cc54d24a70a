"""What a requester's client proves of gold rounds, taken by the contract itself."""

import pytest

from qcrs.rules.digest import keccak
from qcrs.rules.gold import RoundKind
from qcrs.sdk.gold import (
    Document,
    Round,
    failures,
    fidelity,
    opening_arguments,
    proof_arguments,
    reveal_arguments,
    scores,
)
from tests.sweep import GOLD_TOLERANCE, ROUNDS, SHOTS, TRAP_TOLERANCE, WIDTH, Sweep, answer_of, honest, kind_of, lying

DIGEST = keccak(b"public document")


def document() -> Document:
    rounds = tuple(
        Round(RoundKind.Target, None, number)
        if kind_of(number) is RoundKind.Target
        else Round(kind_of(number), answer_of(number))
        for number in range(ROUNDS)
    )
    return Document(rounds, WIDTH, SHOTS, GOLD_TOLERANCE, TRAP_TOLERANCE, keccak(b"blind"))


def proven(world, answers) -> Sweep:
    """Let the contract take what the client would prove of each replica, and close."""
    sweep, found = Sweep(world).to_revealed(answers), document()
    assert found.opening == sweep.opening
    world.gold_rounds.open(sweep.id, opening_arguments(found), DIGEST, sender=sweep.request_account)
    accused = 0
    for index in range(3):
        counts = answers.get(index, honest(index))
        rounds = failures(found, counts)
        accused += bool(rounds)
        shown = reveal_arguments(*sweep.shown(index))
        for proof in proof_arguments(found, counts, rounds):
            world.gold_rounds.score(
                sweep.id, index, opening_arguments(found), shown, proof, sender=sweep.request_account
            )
    sweep.close(sweep.stake_on(accused))
    return sweep


@pytest.mark.parametrize(
    ("answers", "gold_failed", "trap_failed"),
    [
        ({}, 0, 0),
        ({1: lying(1, 4)}, 0, 0),
        ({1: lying(1, 4, 6, 9)}, 0b010, 0),
        ({0: lying(0, 7), 2: lying(2, 1, 12)}, 0b100, 0b001),
        ({index: lying(index, 1, 4) for index in range(3)}, 0b111, 0),
    ],
)
def test_the_contract_finds_what_the_client_proves(world, answers, gold_failed, trap_failed) -> None:
    assert proven(world, answers).finding == (True, gold_failed, trap_failed, 0)


def test_every_round_can_be_proven(world) -> None:
    """Not only the first failures: golds, traps and short targets, at both ends of the histogram and next to gaps."""
    lie = {x: n for x, n in lying(1, 1, 9, 15).items() if x >> WIDTH not in (0, 14)}
    sweep, found = Sweep(world).to_revealed({1: lie | {0: 512}}), document()
    world.gold_rounds.open(sweep.id, opening_arguments(found), DIGEST, sender=sweep.request_account)
    failed = [entry.round for entry in scores(found, lie | {0: 512}) if not entry.passed]
    assert failed == [0, 1, 9, 14, 15]
    for proof in proof_arguments(found, lie | {0: 512}, failed):
        receipt = world.gold_rounds.score(
            sweep.id, 1, opening_arguments(found), sweep.shown(1), proof, sender=sweep.request_account
        )
        assert not receipt.event("RoundScored")["passed"]
    tally = world.gold_rounds.tallyOf(sweep.id, 1)
    assert (tally["goldFailures"], tally["trapFailures"]) == (4, 1)


def test_a_passing_round_scores_the_fidelity_that_the_client_computes(world) -> None:
    sweep, found = Sweep(world).to_revealed(), document()
    world.gold_rounds.open(sweep.id, opening_arguments(found), DIGEST, sender=sweep.request_account)
    golds = [number for number, entry in enumerate(found.rounds) if entry.kind is RoundKind.Gold]
    for proof in proof_arguments(found, honest(1), golds):
        world.gold_rounds.score(
            sweep.id, 1, opening_arguments(found), sweep.shown(1), proof, sender=sweep.request_account
        )
    total, rounds = world.gold_rounds.fidelityOf(sweep.id, 1)
    assert rounds == len(golds)
    assert total == fidelity(found, honest(1))
