"""What Brownie deploys, encodes and decodes of our contracts, on Ganache.

What each function does is tested on a faster machine; here it is that Brownie's users get it too:
the deployment plan, user-defined value types, structs, events and custom errors.
"""

import brownie
import pytest

from qcrs.chain.codec import Interface
from qcrs.chain.deployment import DEFAULT_POLICY, ETHER, PRIVILEGES
from qcrs.chain.keys import account_of, sign_registration
from qcrs.chain.network import Network
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Computation, Policy, Request, Standing
from qcrs.rules.commitment import of_secret
from qcrs.rules.digest import keccak
from scripts.deploy import main
from tests.brownie.conftest import ROLE_HOLDERS
from tests.scenario import CIRCUIT, MINIMUM_SHOTS, NOISE_CLASS, QUBITS, capability

PRICE = DEFAULT_POLICY.price_per_qubit_shot
IDENTITY = keccak(b"identity document")
HARDWARE = keccak(b"a device")


def record(cls, struct):
    """Return Brownie's decoded *struct* as the record that it is."""
    values = [bytes(value) if isinstance(value, bytes) else value for value in struct]
    return cls(**dict(zip(cls.model_fields, values, strict=True)))


def refusal(name, *arguments):
    """Return Brownie's text for our custom error."""
    return f"{name}: " + ", ".join(str(argument).lower() for argument in arguments)


def request(**changes):
    """Return a sound request as a contract takes it, with *changes*."""
    sound = Request(
        circuit_digest=keccak(CIRCUIT),
        secret_commitment=of_secret(bytes(24)),
        deadline_at=brownie.chain.time() + 3600,
        shots=MINIMUM_SHOTS,
        replicas=3,
        noise_class=NOISE_CLASS,
        qubits=2,
        outcome_bits=2,
        replica_cap=3,
        gold=False,
        trust=0,
        priority=Priority.Routine,
        depth_class=1,
        profile=1,
        quantum_volume_log2=0,
        two_qubit_error_ppm=0,
        price=PRICE,
        max_fee=2**96 - 1,
        payload=CIRCUIT,
    )
    return sound.model_copy(update=changes).to_chain()


def money(suite, holder):
    """Return the available and the locked wei of *holder*, as a tuple that compares."""
    return tuple(map(int, suite.ComputationAllocator.balanceOf(holder)))


@pytest.fixture
def daemon(accounts, people):
    """A processor's own key, with some coin for gas."""
    key = accounts.add()
    people.operator.transfer(key, ETHER)
    yield key
    accounts.remove(key)


@pytest.fixture
def laboratory(suite, people):
    """Admit the operator's organisation."""
    suite.Consortium.admit("Delft Laboratory", people.operator, 1, {"from": people.certifier})


def proof(suite, operator, signer):
    """Return the EIP-712 consent of *signer* to serve a processor of *operator*."""
    registry, key = suite.ProcessorRegistry.address, account_of(signer.private_key)
    return sign_registration(key, brownie.chain.id, registry, operator.address, IDENTITY, HARDWARE)


def test_deploy_gives_every_contract_the_address_that_the_plan_predicted(suite, predicted):
    assert {name: contract.address for name, contract in vars(suite).items()} == predicted
    allocator = suite.ComputationAllocator
    assert allocator.REGISTRY() == predicted["ProcessorRegistry"]
    assert allocator.VERIFIER() == predicted["ResultVerifier"]
    assert allocator.BONDS() == suite.Disputes.BONDS() == predicted["Bonds"]
    assert suite.ResultVerifier.ALLOCATOR() == suite.Records.ALLOCATOR() == predicted["ComputationAllocator"]
    assert record(Policy, allocator.policy()) == DEFAULT_POLICY


def test_script_writes_a_network_file_and_prints_addresses_and_gas(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("QCRS_NETWORK", str(tmp_path / "network.json"))
    contracts = main()
    network = Network.read(tmp_path / "network.json")
    assert network.chain_id == brownie.chain.id
    assert network.contracts == {name: made.address for name, made in contracts.items()}
    printed = capsys.readouterr().out
    for made in contracts.values():
        assert f"{made.address}  {made.tx.gas_used:>9,}" in printed


def test_deploy_gives_every_privileged_function_its_role_and_every_role_its_holder(suite, accounts):
    for role, targets in PRIVILEGES.items():
        assert suite.Authority.hasRole(role, accounts[ROLE_HOLDERS[role]])[0]
        assert not suite.Authority.hasRole(role, accounts[0])[0]
        for name, functions in targets.items():
            contract = getattr(suite, name)
            interface = Interface(name, contract.abi)
            for function in functions:
                selector = interface.selector(function)
                assert suite.Authority.getTargetFunctionRole(contract, selector) == role


def test_admit_by_a_stranger_is_refused_with_the_custom_error_decoded(suite, people):
    with brownie.reverts(refusal("AccessManagedUnauthorized", people.stranger.address)):
        suite.Consortium.admit("Nobody", people.stranger, 1, {"from": people.stranger})


def test_register_certify_and_bond_make_a_processor_that_can_be_drawn(suite, people, daemon, laboratory, books):
    registry, by_operator = suite.ProcessorRegistry, {"from": people.operator}
    consent = proof(suite, people.operator, daemon)
    registered = registry.register(daemon, IDENTITY, HARDWARE, consent, by_operator)
    processor = registered.events["ProcessorRegistered"]["processor"]
    assert registered.return_value == processor == registry.processorOf(daemon) == 1

    declared = capability(brownie.chain.time() + 86_400)
    registry.declareCapability(processor, declared.to_chain(), "", by_operator)
    certified = registry.certify(processor, 1, {"from": people.certifier})
    assert certified.events["EntryAppended"]["index"] == 1  # after the admission
    suite.Bonds.bond(processor, by_operator | {"value": ETHER})
    registry.heartbeat(processor, {"from": daemon})

    standing = record(Standing, registry.standingOf(processor))
    assert standing.status == ProcessorStatus.Certified
    assert (standing.bonded, standing.qubits) == (True, QUBITS)
    assert list(registry.listOf(NOISE_CLASS, QUBITS.bit_length() - 1, 0, 10)) == [processor]
    assert suite.Bonds.bondOf(processor) == ETHER
    books()


def test_bond_leaves_in_two_steps_and_not_before_its_time(suite, people, daemon, laboratory, books):
    registry, bonds, by_operator = suite.ProcessorRegistry, suite.Bonds, {"from": people.operator}
    processor = registry.register(
        daemon, IDENTITY, HARDWARE, proof(suite, people.operator, daemon), by_operator
    ).return_value
    bonds.bond(processor, by_operator | {"value": ETHER})
    begun = bonds.beginUnbonding(processor, by_operator)
    free_at = begun.timestamp + DEFAULT_POLICY.challenge_seconds
    assert begun.events["UnbondingBegun"]["freeAt"] == free_at == bonds.unbondingOf(processor)[0]
    with brownie.reverts(revert_pattern=f"BondNotFree: {processor}, {free_at}, 0, .*"):
        bonds.unbond(processor, by_operator)
    brownie.chain.mine(timestamp=free_at + 1)
    before = people.operator.balance()
    removed = bonds.unbond(processor, by_operator)
    assert removed.events["BondRemoved"]["amount"] == ETHER
    assert people.operator.balance() - before == ETHER - removed.gas_used * removed.gas_price
    assert bonds.balance() == 0
    books()


def test_rule_is_the_council_s(suite, people):
    with brownie.reverts(refusal("AccessManagedUnauthorized", people.stranger.address)):
        suite.Disputes.rule(1, True, bytes(32), {"from": people.stranger})
    # There is no such dispute, but it is hers to rule on.
    with brownie.reverts(revert_pattern="UnexpectedDisputeStatus: 1, 0, 2"):
        suite.Disputes.rule(1, True, bytes(32), {"from": people.council})


def test_register_reverts_when_the_consent_is_another_daemon_s(suite, people, daemon, laboratory, accounts):
    consent = proof(suite, people.operator, accounts.add())
    refused = refusal("DaemonSignatureInvalid", daemon.address) + ", 0x[0-9a-f]{40}"
    with brownie.reverts(revert_pattern=refused):
        suite.ProcessorRegistry.register(daemon, IDENTITY, HARDWARE, consent, {"from": people.operator})


def test_submit_locks_the_quote_and_cancel_gives_it_back(suite, people, member, books):
    allocator, by_requester = suite.ComputationAllocator, {"from": people.requester}
    fee = allocator.quote(PRICE, 2, MINIMUM_SHOTS, 3, 3)
    bounty, sent = allocator.KEEPER_BOUNTY(), fee + 5
    submitted = allocator.submit(request(), by_requester | {"value": sent})
    event = submitted.events["ComputationSubmitted"]
    assert (event["computation"], event["organisation"], event["escrow"]) == (1, member, fee - bounty)
    computation = record(Computation, suite.Records.computationOf(1))
    assert computation.status == ComputationStatus.Queued
    assert allocator.requesterOf(1) == people.requester.address
    assert (event["bucket"], allocator.queueOf(NOISE_CLASS)["waiting"]) == (0, 1)
    assert money(suite, people.requester) == (5, fee - bounty)
    books()

    cancelled = allocator.cancel(1, by_requester)
    assert cancelled.events["ComputationCancelled"]["refund"] == fee
    assert money(suite, people.requester) == (sent, 0)
    books()
    before = people.requester.balance()
    withdrawn = allocator.withdraw(sent, by_requester)
    cost = withdrawn.gas_used * withdrawn.gas_price
    assert people.requester.balance() - before == sent - cost
    assert allocator.balance() == 0


def test_submit_reverts_below_the_quote_and_outside_the_consortium(suite, people, member):
    allocator, fee = suite.ComputationAllocator, suite.ComputationAllocator.quote(PRICE, 2, 4096, 3, 3)
    with brownie.reverts(refusal("FeeTooLow", fee - 1, fee)):
        allocator.submit(request(max_fee=fee - 1), {"from": people.requester, "value": fee})
    with brownie.reverts(refusal("SubmitterNotInConsortium", people.stranger.address)):
        allocator.submit(request(), {"from": people.stranger, "value": fee})
    assert allocator.balance() == 0
