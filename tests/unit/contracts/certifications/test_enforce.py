"""Whoever lets a deadline pass pays; anyone may say so."""

import pytest

from qcrs.model.certification import CertificationStatus
from qcrs.model.processor import ProcessorStatus
from tests.certified import Trial
from tests.evm import refused

S = CertificationStatus


def missing_salts(trial: Trial) -> list[int]:
    trial.convene()
    trial.reveal_salt(1)
    return [0, 2]


def missing_commitments(trial: Trial) -> list[int]:
    trial.challenge().answer()
    trial.commit(0)
    trial.commit(2)
    return [1]


def missing_scores(trial: Trial) -> list[int]:
    trial.to_scoring()
    trial.reveal(2)
    return [0, 1]


@pytest.mark.parametrize("silence", [missing_salts, missing_commitments, missing_scores])
def test_a_silent_certifier_loses_its_stake_and_the_round_is_repeated(trials, trial, silence):
    world, terms = trials.world, trials.terms
    silent = silence(trial)
    seats = trial.seats
    purse = world.purse(world.keeper, *(node.operator for node in world.nodes[:5]))
    with refused("CertificationNotDue"):
        trial.enforce()
    receipt = trial.wait().enforce()
    assert receipt.event("CertificationEnforced") == {"certification": trial.id, "keeper": world.keeper}
    assert [event["certifier"] for event in receipt.named("CertifierSlashed")] == [seats[i].id for i in silent]
    assert purse.gain(world.keeper) == world.bounty
    for i, seat in enumerate(seats):
        assert purse.gain(seat.operator) == (0 if i in silent else terms["fee"])
        assert (seat.id in trials.contract.certifiers()) == (i not in silent)
    assert (trial.status, trial.record.round) == (S.Requested, 2)


def test_a_processor_that_does_not_answer_loses_its_deposit(trials, trial):
    world, terms = trials.world, trials.terms
    trial.challenge()
    escrow = trial.record.escrow
    purse = world.purse(world.keeper, trial.node.operator, *(node.operator for node in world.nodes[:5]))
    treasury = world.allocator.treasury()
    trial.wait().enforce()
    assert trial.status is S.Failed
    assert purse.gain(trial.node.operator) == 0
    assert purse.gain(world.keeper) == world.bounty
    assert all(purse.gain(seat.operator) == terms["fee"] for seat in trial.seats)
    assert world.allocator.treasury() - treasury == escrow - 3 * terms["fee"] - world.bounty
    assert world.status(trial.node.id) is ProcessorStatus.Applied


def test_a_request_for_which_nobody_can_be_drawn_lapses(trials, trial):
    world = trials.world
    purse = world.purse(trial.node.operator)
    escrow = trial.record.escrow
    trial.wait()
    with refused("CertificationNotDue"):
        trial.enforce()
    world.chain.advance(trials.terms["windowSeconds"])
    trial.enforce()
    assert trial.status is S.Lapsed
    assert purse.gain(trial.node.operator) == escrow - world.bounty


@pytest.mark.parametrize("to", [S.Certified, S.Failed])
def test_what_has_ended_is_not_enforced(trial, to):
    if to is S.Certified:
        trial.finish()
    else:
        trial.challenge().wait().enforce()
    trial.world.chain.advance(10_000)
    with refused("UnexpectedCertificationStatus"):
        trial.enforce()
