import pytest

from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import certifying
from tests.evm import refused


def test_request_opens_a_certification_of_the_claim(trials, applied):
    node, version = applied
    price = trials.contract.requestPriceOf(node.id)
    receipt = trials.contract.request(node.id, version, sender=node.operator, value=price)
    record, seats = trials.contract.certificationOf(receipt.result)
    terms, bounty = trials.terms, trials.world.bounty
    benchmark = 3 * terms["fee"] + 5 * bounty
    assert price == terms["deposit"] + 2 * benchmark
    assert (record["status"], record["cause"]) == (CertificationStatus.Requested, CertificationCause.Request)
    assert (record["processor"], record["version"], record["round"]) == (node.id, version, 1)
    assert (record["escrow"], record["fee"]) == (terms["deposit"] + benchmark, terms["fee"])
    assert record["seed"] == certifying.entropy_of(trials.world.allocator.beacon(), bytes(32))
    assert seats == [0, 0, 0]
    assert trials.contract.openOf(node.id) == receipt.result == trials.contract.certificationCount() == 1
    assert trials.contract.reserveOf(node.id) == benchmark
    event = receipt.event("CertificationRequested")
    assert event == {
        "certification": 1, "processor": node.id, "version": version, "cause": CertificationCause.Request,
        "entropy": record["seed"], "deadlineAt": record["deadlineAt"], "escrow": record["escrow"],
        "reserve": benchmark, "by": node.operator,
    }  # fmt: skip


def test_request_tops_the_reserve_up_and_no_more(trials, applied):
    node, version = applied
    trials.request(node, version).finish()
    benchmark = 3 * trials.terms["fee"] + 5 * trials.world.bounty
    assert trials.contract.requestPriceOf(node.id) == trials.terms["deposit"] + benchmark
    trials.request(node, version)
    assert trials.contract.reserveOf(node.id) == benchmark


def test_request_reverts_for_all_but_the_operator(trials, applied):
    node, version = applied
    for caller in (node.daemon, trials.world.certifier, trials.world.nodes[0].operator):
        with refused("CallerNotCertificationOperator", processor=node.id, account=caller, operator=node.operator):
            trials.contract.request(node.id, version, sender=caller)


def test_request_reverts_when_one_is_open(trial, trials, applied):
    with refused("CertificationOpen", processor=trial.node.id, present=trial.id):
        trials.request(*applied)


@pytest.mark.parametrize("change", [-1, 1])
def test_request_reverts_for_another_price(trials, applied, change):
    node, version = applied
    price = trials.contract.requestPriceOf(node.id)
    with refused("CertificationPriceMismatch", required=price, sent=price + change):
        trials.contract.request(node.id, version, sender=node.operator, value=price + change)


def test_request_reverts_without_a_claim_a_bond_or_a_processor_that_stays(trials, applied):
    node, version = applied
    fault = {"processor": node.id, "status": ProcessorStatus.Applied, "bonded": True}
    with refused("NotCertifiable", version=version + 1, **fault):
        trials.request(node, version + 1)
    bare, claim = trials.applicant("unbonded", bonded=False)
    with refused("NotCertifiable", processor=bare.id, version=claim, status=ProcessorStatus.Applied, bonded=False):
        trials.request(bare, claim)
    trials.world.registry.retire(node.id, sender=node.operator)
    with refused("NotCertifiable", version=version, **fault | {"status": ProcessorStatus.Retired}):
        trials.request(node, version)


def test_request_reverts_for_fewer_qubits_than_are_leased(trials):
    node = trials.world.nodes[0]
    trials.world.submit(qubits=4, replicas=5, replica_cap=5).allocate()
    version = trials.claim(node, qubits=3, expires_at=trials.world.chain.now + 400 * 86_400)
    with refused("NotCertifiable", processor=node.id, version=version, status=ProcessorStatus.Certified, bonded=True):
        trials.request(node, version)
