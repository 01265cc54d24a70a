"""Solidity and Python give the same answer: on a thousand cases a rule, and on a frozen sample."""

import json

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.decision import Decision
from qcrs.rules import audit_trail, hash_signature
from tests.evm import Chain
from tests.mirror.sketches import WIDTHS
from tests.mirror.vectors import COUNT, FROZEN, RULES, plain
from tests.scenario import account

DEPLOYER = account("deployer")
BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture(scope="module")
def harness():
    """Deploys each harness once."""
    chain, deployed = Chain(), {}

    def named(name):
        if name not in deployed:
            deployed[name] = chain.deploy(name, sender=DEPLOYER)
        return deployed[name]

    return named


def solidity(harness, rule, arguments):
    function = getattr(harness(rule.harness), rule.function)
    if not rule.refusable:
        return function(*arguments)
    try:
        function(*arguments)
    except ContractRefused:
        return False
    return True


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_is_the_same_on_both_sides(harness, rule):
    cases = rule.generate()
    assert len(cases) == rule.count >= COUNT
    answers = set()
    for case in cases:
        expected = rule.twin(*case)
        assert plain(solidity(harness, rule, case)) == plain(expected), (rule.name, case)
        answers.add(str(expected))
    assert len(answers) > 1, "cases that all have one answer tell nothing"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_frozen_cases_still_have_their_answers(harness, rule):
    cases = json.loads(FROZEN.read_text())[rule.name]
    assert cases
    for case in cases:
        arguments = [thawed(value) for value in case["arguments"]]
        assert plain(rule.twin(*arguments)) == case["result"]
        assert plain(solidity(harness, rule, arguments)) == case["result"]


def thawed(value):
    """Return a JSON value as the ABI encoder wants it; addresses stay text."""
    if isinstance(value, list):
        return [thawed(item) for item in value]
    if isinstance(value, str) and len(value) != 42:
        return bytes.fromhex(value[2:])
    return value


def test_frozen_cases_exist_for_every_rule_and_no_other():
    assert set(json.loads(FROZEN.read_text())) == set(BY_NAME)


def test_cases_cover_verdicts_committees_and_shots():
    rule = BY_NAME["Agreement.judge"]
    cases = rule.generate()
    assert {rule.twin(*case)[0] for case in cases} == {1, 2, 3}
    assert {len(case[0]) // case[1] for case in cases} >= {1, 2, 3, 4, 5, 7, 9, 16}
    assert any(case[5] for case in cases), "some replicas are excluded"
    assert {case[2] for case in cases} == set(WIDTHS)
    assert 65_535 in {case[3] for case in cases}


def test_signatures_are_distinct_and_of_every_kind():
    cases = BY_NAME["HashSignature.verify"].generate()
    assert len(set(cases)) >= 10_000
    valid = [case for case in cases if hash_signature.verify(*case)]
    assert len(valid) >= 1_000
    assert {0, hash_signature.LEAVES - 1} < {hash_signature.leaf_in(signature) for signature, _, _ in valid}
    reaching = [case for case in cases if case not in valid and has_digits(*case)]
    assert len(reaching) >= 1_000, "faults that are found at the root only"


def has_digits(signature, commitment, digest):
    """Return whether the verifier would get beyond the sum of digits."""
    randomizer, seed = signature[4:28], signature[28:52]
    if len(signature) != hash_signature.SIGNATURE_BYTES:
        return False
    head = seed + bytes([3]) + signature[:4] + bytes(3)
    message = keccak(head + randomizer + commitment + digest)[:24]
    return sum((byte >> 4) + (byte & 15) for byte in message) == hash_signature.TARGET_SUM


def test_head_and_root_are_the_same_for_a_thousand_entries():
    trail, leaves = Chain().deploy("AuditTrail", *[DEPLOYER] * 7, [DEPLOYER] * 6, sender=DEPLOYER), []
    head = audit_trail.EMPTY_HEAD
    for index in range(COUNT):
        decision = Decision(index % len(Decision))
        subject, digest = 2**64 - 1 - index, keccak(bytes([index % 256]))
        trail.append(decision, subject, digest, sender=DEPLOYER)
        leaf = audit_trail.leaf_of(index, decision, subject, DEPLOYER, digest)
        leaves.append(leaf)
        head = audit_trail.next_head(head, leaf)
        assert trail.head() == (head, index + 1)
        assert trail.root() == audit_trail.root_of(leaves)
