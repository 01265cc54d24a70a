"""What the last reveal decides, and who is paid."""

import pytest

from qcrs.model.certification import CertificationStatus
from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import certifying
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import NOTHING
from tests.certified import GOOD, report_of
from tests.evm import refused

S = CertificationStatus


def changed(**changes):
    return GOOD.model_copy(update=changes)


def test_a_certificate_carries_what_was_measured(trials, trial):
    world, node = trials.world, trial.node
    purse = world.purse(node.operator, *(n.operator for n in world.nodes[:5]))
    escrow = trial.record.escrow
    receipt = trial.finish()
    assert trial.status is S.Certified
    assert world.status(node.id) is ProcessorStatus.Certified
    certified, newest = world.registry.versionsOf(node.id)
    assert certified == newest == 2
    capability = world.registry.capabilityOf(node.id, certified)
    for field in ("twoQubitErrorPpm", "readoutErrorPpm", "layerFidelityPpm", "t1Nanoseconds", "t2Nanoseconds"):
        assert capability[field] == GOOD.model_dump(by_alias=True)[field]
    assert capability["expiresAt"] - capability["measuredAt"] == trials.terms["validSeconds"]
    assert capability["couplingMapDigest"] == keccak(b"coupling map")
    evidence = certifying.evidence_of(trial.record.seed, keccak(b"counts"), [report_of(GOOD)] * 3, GOOD)
    assert receipt.event("ProcessorCertified")["evidence"] == evidence
    ended = receipt.event("CertificationEnded")
    assert (ended["status"], ended["evidence"]) == (S.Certified, evidence)
    assert receipt.event("EntryAppended")["decision"] == Decision.ProcessorCertified
    for seat in trial.seats:
        assert purse.gain(seat.operator) == trials.terms["fee"]
    assert purse.gain(node.operator) == escrow - 3 * trials.terms["fee"] - world.bounty
    assert trials.contract.openOf(node.id) == 0


def test_the_median_counts_field_by_field(trials, trial):
    errors = ((11_000, 14_200), (11_100, 14_000), (11_050, 14_100))
    scores = [changed(two_qubit_error_ppm=pair, readout_error_ppm=readout) for pair, readout in errors]
    trial.finish(*scores)
    capability = trials.world.registry.capabilityOf(trial.node.id, 2)
    assert (capability["twoQubitErrorPpm"], capability["readoutErrorPpm"]) == (11_050, 14_100)


@pytest.mark.parametrize(
    "changes",
    [
        {"qubits": 19},
        {"quantum_volume_log2": 4},
        {"noise_class": 2},
        {"heavy_outputs": 26_700},
        {"circuits": 99},
        {"mirror_ppm": 500_000},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_too_little_for_the_claim_fails(trials, trial, changes):
    world = trials.world
    purse = world.purse(trial.node.operator)
    escrow = trial.record.escrow
    receipt = trial.finish(*(changed(**changes),) * 3)
    assert trial.status is S.Failed
    assert world.status(trial.node.id) is ProcessorStatus.Applied
    assert receipt.named("ProcessorCertified") == []
    # The deposit is for silence: who was measured and found wanting has it back.
    assert purse.gain(trial.node.operator) == escrow - 3 * trials.terms["fee"] - world.bounty


def test_worse_errors_than_claimed_are_certified_as_measured(trials, trial):
    trial.finish(*(changed(two_qubit_error_ppm=30_000),) * 3)
    assert trials.world.registry.termsOf(trial.node.id)["twoQubitErrorPpm"] == 30_000


def test_a_claim_that_was_not_borne_out_leaves_the_certificate_that_there_is(trials):
    node = trials.world.nodes[0]
    version = trials.claim(node, quantum_volume_log2=9, expires_at=trials.world.chain.now + 900 * 86_400)
    trial = trials.request(node, version)
    trial.finish(*(changed(quantum_volume_log2=5),) * 3)
    assert trial.status is S.Failed
    assert trials.world.status(node.id) is ProcessorStatus.Certified
    assert trials.world.registry.versionsOf(node.id) == (1, 2)


def test_a_score_far_from_the_median_costs_the_stake_and_begins_another_round(trials, trial):
    world = trials.world
    trial.to_scoring(GOOD, GOOD, changed(two_qubit_error_ppm=2_000))
    liar, honest = trial.seats[2], trial.seats[:2]
    purse = world.purse(*(n.operator for n in world.nodes[:5]))
    treasury = world.allocator.treasury()
    trial.reveal(0)
    trial.reveal(1)
    receipt = trial.reveal(2, changed(two_qubit_error_ppm=2_000))
    terms = trials.terms
    assert receipt.event("CertifierSlashed") == {
        "certification": trial.id,
        "certifier": liar.id,
        "amount": terms["stake"],
    }
    assert receipt.event("CertificationRepeated")["round"] == trial.record.round == 2
    assert trial.status is S.Requested
    assert liar.id not in trials.contract.certifiers()
    assert [purse.gain(node.operator) for node in honest] == [terms["fee"]] * 2
    assert purse.gain(liar.operator) == 0
    assert world.allocator.treasury() - treasury == terms["stake"] - 2 * terms["fee"]
    trial.finish()
    assert trial.status is S.Certified


def test_rounds_are_bounded(trials, trial):
    world = trials.world
    trials.enlist(world.enrol(), world.enrol())
    purse = world.purse(trial.node.operator)
    escrow = trial.record.escrow
    for round_ in (1, 2, 3):
        assert (trial.status, trial.record.round) == (S.Requested, round_)
        receipt = trial.finish(GOOD, GOOD, changed(readout_error_ppm=1))
    assert trial.status is S.Lapsed
    assert receipt.event("CertificationEnded")["evidence"] == bytes(32)
    assert purse.gain(trial.node.operator) == escrow - 3 * world.bounty
    assert world.status(trial.node.id) is ProcessorStatus.Applied


def test_a_processor_that_has_left_is_not_certified(trials, trial):
    trial.to_scoring()
    trials.world.registry.retire(trial.node.id, sender=trial.node.operator)
    for seat in range(3):
        trial.reveal(seat)
    assert trial.status is S.Failed
    assert trials.world.status(trial.node.id) is ProcessorStatus.Retired


def test_a_claim_of_fewer_qubits_than_were_leased_meanwhile_fails(trials):
    world, node = trials.world, trials.world.nodes[0]
    version = trials.claim(node, qubits=3, expires_at=world.chain.now + 900 * 86_400)
    world.chain.advance(1)
    trial = trials.request(node, version)
    world.beat()
    world.submit(qubits=4, replicas=5, replica_cap=5).allocate()
    trials.enlist(world.enrol())
    trial.finish(*(changed(qubits=3),) * 3)
    assert trial.status is S.Failed
    assert world.standing(node.id).qubits == 20


def test_who_was_suspended_comes_back_by_a_benchmark(trials):
    world, node = trials.world, trials.world.nodes[0]
    world.registry.suspend(node.id, bytes(32), sender=world.security)
    trial = trials.request(node, 1)
    trial.finish()
    assert world.status(node.id) is ProcessorStatus.Certified


def test_nothing_to_measure_fails(trial):
    trial.finish(NOTHING, NOTHING, NOTHING)
    assert trial.status is S.Failed


def test_award_is_for_the_contract_alone(trials):
    world = trials.world
    capability = world.registry.capabilityOf(1, 1)
    for caller in (world.certifier, world.deployer, world.nodes[0].operator):
        with refused("CallerNotCertifications", account=caller):
            world.registry.award(1, tuple(capability.values()), bytes(32), sender=caller)
