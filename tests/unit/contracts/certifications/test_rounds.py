"""Draw, salts, answer, scores: each step by whom it is due, in its time, and once."""

import pytest

from qcrs.model.certification import CertificationStatus
from qcrs.rules import certifying
from qcrs.rules.digest import keccak
from tests.certified import GOOD, Trials
from tests.evm import CHAIN_ID, refused

S = CertificationStatus


def allowed(*statuses):
    return sum(1 << status for status in statuses)


# --- convene ---


def test_convene_draws_three_independent_certifiers_for_a_bounty(trials, trial):
    world = trials.world
    purse = world.purse(world.keeper)
    trial.wait()
    receipt = trial.contract.convene(trial.id, sender=world.keeper)
    entropy = certifying.entropy_of(world.allocator.beacon(), bytes(32))
    seed = certifying.draw_seed(entropy, trial.id, 1)
    pool = [node.id for node in world.nodes[:5]]
    expected = certifying.drawn_certifiers(
        seed, pool, trial.node.organisation, lambda id_: (world.node(id_).organisation, 100)
    )
    assert [node.id for node in trial.seats] == expected
    assert len({node.organisation for node in trial.seats}) == 3
    assert (trial.status, trial.record.seed) == (S.Convened, seed)
    assert receipt.event("CertificationConvened")["certifiers"] == expected
    assert purse.gain(world.keeper) == world.bounty
    assert all(trial.certifier(seat).busy for seat in range(3))


def test_convene_waits_for_the_beacon_to_turn(trials, trial):
    deadline = trial.record.deadline_at
    with refused("CertificationNotDue"):
        trial.contract.convene(trial.id, sender=trials.world.keeper)
    trials.world.submit().to_settled()  # which turns it
    assert trials.world.chain.now < deadline
    trial.contract.convene(trial.id, sender=trials.world.keeper)
    assert trial.status is S.Convened


def test_convene_passes_over_who_is_busy_suspended_or_of_the_processor_s_organisation(trials, trial):
    world = trials.world
    world.registry.suspend(world.nodes[0].id, bytes(32), sender=world.security)
    world.registry.retire(world.nodes[1].id, sender=world.nodes[1].operator)
    trial.convene()
    assert {node.id for node in trial.seats} == {3, 4, 5}
    other, version = trials.applicant("second applicant")
    second = trials.request(other, version)
    second.wait()
    with refused("TooFewCertifiers", required=3, found=0):
        second.contract.convene(second.id, sender=world.keeper)


def test_convene_never_draws_two_of_one_organisation(trials, trial):
    world = trials.world
    for node in world.nodes[1:5]:
        trials.contract.delist(node.id, sender=node.operator)
    trials.enlist(world.enrol(world.nodes[0].organisation), world.enrol(world.nodes[0].organisation))
    trial.wait()
    with refused("TooFewCertifiers", required=3, found=1):
        trial.contract.convene(trial.id, sender=world.keeper)


# --- salts ---


def test_the_seed_is_made_of_all_salts_and_the_draw(trials, trial):
    trial.convene()
    mixed = trial.record.seed
    for seat in (2, 0, 1):
        mixed = certifying.folded_with(mixed, seat, trial.salt(seat))
        receipt = trial.reveal_salt(seat)
    seed = certifying.challenge_seed(CHAIN_ID, trial.contract.address, trial.id, 1, trial.node.id, mixed)
    assert (trial.status, trial.record.seed) == (S.Challenged, seed)
    assert receipt.event("CertificationChallenged")["seed"] == seed


def test_a_salt_binds_the_next_one(trial):
    trial.convene()
    salt = trial.salt(0)
    trial.reveal_salt(0)
    assert trial.certifier(0).tip == salt


def test_reveal_salt_reverts_for_another_salt(trial):
    trial.convene()
    with refused("SaltMismatch", certification=trial.id, seat=0, tip=trial.certifier(0).tip):
        trial.reveal_salt(0, keccak(b"chosen now"))


def test_reveal_salt_reverts_for_others_twice_late_and_out_of_turn(trial):
    with refused("UnexpectedCertificationStatus", id=trial.id, actual=S.Requested, allowed=allowed(S.Convened)):
        trial.contract.revealSalt(trial.id, 0, bytes(32), sender=trial.node.daemon)
    trial.convene()
    daemon, salt = trial.seats[0].daemon, trial.salt(0)
    caller = {"processor": trial.seats[0].id, "account": trial.node.daemon, "daemon": daemon}
    with refused("CallerNotCertificationDaemon", **caller):
        trial.contract.revealSalt(trial.id, 0, salt, sender=trial.node.daemon)
    with refused("SeatNotDue", certification=trial.id, seat=3, done=0):
        trial.contract.revealSalt(trial.id, 3, salt, sender=daemon)
    trial.reveal_salt(0)
    with refused("SeatNotDue", certification=trial.id, seat=0, done=1):
        trial.contract.revealSalt(trial.id, 0, salt, sender=daemon)
    trial.wait()
    with refused("CertificationOverdue"):
        trial.reveal_salt(1)


# --- answer ---


def test_answer_is_the_processor_s_daemon_s_alone_and_in_time(trial):
    trial.challenge()
    caller = {"processor": trial.node.id, "account": trial.node.operator, "daemon": trial.node.daemon}
    with refused("CallerNotCertificationDaemon", **caller):
        trial.answer(by=trial.node.operator)
    receipt = trial.answer(keccak(b"these"))
    assert (trial.status, trial.record.answer) == (S.Answered, keccak(b"these"))
    assert receipt.event("CertificationAnswered")["deadlineAt"] == trial.record.deadline_at
    with refused("UnexpectedCertificationStatus"):
        trial.answer(keccak(b"those"))


def test_answer_reverts_when_late(trial):
    trial.challenge().wait()
    with refused("CertificationOverdue"):
        trial.answer()


# --- scores ---


def test_scores_are_revealed_when_all_are_committed(trial):
    trial.challenge().answer()
    for seat in range(3):
        assert trial.status is S.Answered
        trial.commit(seat)
    assert trial.status is S.Scoring
    with refused("UnexpectedCertificationStatus"):
        trial.commit(0)


def test_commitments_are_those_of_the_twin(trial):
    trial.to_scoring()
    for seat in range(3):
        arguments = (trial.id, seat, GOOD.to_chain(), bytes(32), bytes(32))
        twin = certifying.commitment_of(
            CHAIN_ID, trial.contract.address, trial.id, 1, trial.seats[seat].id, GOOD, bytes(32), bytes(32)
        )
        assert trial.contract.commitmentOf(*arguments) == twin


def test_reveal_scores_reverts_for_what_was_not_committed_to(trial):
    trial.to_scoring()
    better = GOOD.model_copy(update={"two_qubit_error_ppm": 1})
    with refused("ScoresMismatch", certification=trial.id, seat=1, commitment=trial.commitment(1, GOOD)):
        trial.reveal(1, better)
    with refused("ScoresMismatch"):
        trial.reveal(1, salt=keccak(b"another"))


def test_steps_of_the_scores_revert_when_late(trial):
    trial.challenge().answer()
    deadline = trial.record.deadline_at
    trial.wait()
    with refused("CertificationOverdue", certification=trial.id, deadlineAt=deadline, timestamp=deadline + 1):
        trial.commit(0)


# --- every step in every status ---


def steps(trial: Trials):
    """Return every step, by whom it suits best."""
    seat = trial.seats[0].daemon if trial.record.status >= S.Convened else trial.node.daemon
    contract, id_ = trial.contract, trial.id
    scores = (id_, 0, GOOD.to_chain(), bytes(32), bytes(32))
    return {
        S.Requested: lambda: contract.convene(id_, sender=trial.world.keeper),
        S.Convened: lambda: contract.revealSalt(id_, 0, bytes(32), sender=seat),
        S.Challenged: lambda: contract.answer(id_, bytes(32), sender=trial.node.daemon),
        S.Answered: lambda: contract.commitScores(id_, 0, bytes(32), sender=seat),
        S.Scoring: lambda: contract.revealScores(*scores, sender=seat),
    }


def brought_to(trial, status):
    if status is S.Requested:
        return
    trial.convene()
    if status is S.Convened:
        return
    trial.challenge()
    if status is S.Challenged:
        return
    if status is S.Answered:
        trial.answer()
    elif status is S.Scoring:
        trial.to_scoring()
    elif status is S.Certified:
        trial.finish()
    elif status is S.Failed:
        trial.wait().enforce()
    else:
        trial.answer()
        for _ in range(3):
            if trial.status is S.Requested:
                trial.convene()
            trial.wait().enforce()


@pytest.mark.parametrize("status", [status for status in S if status is not S.Unset], ids=lambda s: s.name)
def test_each_step_is_one_of_one_status(trials, trial, status):
    spare = [trials.world.enrol() for _ in range(4)]
    trials.enlist(*spare)
    brought_to(trial, status)
    assert trial.status is status
    for due, step in steps(trial).items():
        if due is not status:
            with refused("UnexpectedCertificationStatus", id=trial.id, actual=status, allowed=allowed(due)):
                step()


def test_a_certification_that_is_none_has_no_steps(trials):
    with refused("UnexpectedCertificationStatus", id=7, actual=S.Unset, allowed=allowed(S.Requested)):
        trials.contract.convene(7, sender=trials.world.keeper)
