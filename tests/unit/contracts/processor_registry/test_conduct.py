"""Conduct decays with work, suspends by rule, and follows whoever registers again."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import reputation
from qcrs.rules.reputation import HORIZON, PROBATION
from tests.evm import refused
from tests.scenario import account, hardware_of

Accepted, Outlier, Silent, GoldFailed = (
    AssignmentStatus.Accepted,
    AssignmentStatus.Outlier,
    AssignmentStatus.Silent,
    AssignmentStatus.GoldFailed,
)
COUNTERS = ("accepted", "outliers", "silent", "refused", "failed")
CONDUCT = b"conduct".ljust(32, b"\0")


def conduct(roster, processor):
    standing = roster.standing(processor)
    return {counter: getattr(standing, counter) for counter in COUNTERS}


def behave(roster, processor, **counters):
    for counter, value in counters.items():
        roster.set_counter(processor, counter, value)


def register(roster, organisation, name, hardware):
    """Register a processor of *organisation* on *hardware*, and return its id."""
    operator, digest = account(organisation), b"\1" * 32
    if roster.world.consortium.organisationOf(operator) == 0:
        roster.world.admit(organisation)
    signature = roster.world.sign_registration(
        name, operator, digest, hardware, verifyingContract=roster.registry.address
    )
    return roster.registry.register(account(name), digest, hardware, signature, sender=operator)


# --- decay ---


def test_counters_are_halved_at_the_horizon(roster):
    processor = roster.add("laboratory")
    behave(roster, processor, accepted=HORIZON - 1, outliers=9, silent=1, refused=5, failed=3)
    before = conduct(roster, processor)
    roster.lease(qubits=1)
    roster.release([processor], [Accepted], qubits=1)
    assert conduct(roster, processor) == reputation.noted(before, Accepted)
    assert conduct(roster, processor) == {
        "accepted": HORIZON // 2, "outliers": 4, "silent": 0, "refused": 2, "failed": 1
    }  # fmt: skip


def test_a_fault_does_not_halve(roster):
    processor = roster.add("laboratory")
    behave(roster, processor, accepted=HORIZON - 1, outliers=9)
    roster.lease(qubits=1)
    roster.release([processor], [Outlier], qubits=1)
    assert conduct(roster, processor)["outliers"] == 10


def test_the_greatest_credibility_outlasts_a_halving():
    from qcrs.rules import credibility

    best = credibility.weight_of(credibility.score_of(HORIZON // 2, 0, 0, 0))
    assert best == credibility.MAX_WEIGHT


# --- suspension by rule ---


@pytest.mark.parametrize(
    ("counters", "suspends"),
    [
        ({"failed": 1}, False),
        ({"failed": 2}, True),
        ({"outliers": 7}, False),
        ({"outliers": 8}, True),
        ({"outliers": 3, "silent": 3, "refused": 2}, True),
        ({"failed": 2, "accepted": 27}, True),
        ({"failed": 2, "accepted": 28}, False),
    ],
    ids=str,
)
def test_suspend_by_rule_takes_who_is_unfit_and_nobody_else(roster, counters, suspends):
    processor = roster.add("laboratory")
    behave(roster, processor, **counters)
    assert reputation.is_unfit(counters) == suspends
    if not suspends:
        with refused(
            "ConductBearable",
            processor=processor,
            accepted=counters.get("accepted", 0),
            faults=reputation.faults_of(counters),
        ):
            roster.registry.suspendByRule(processor, sender=account("anyone"))
        return
    receipt = roster.registry.suspendByRule(processor, sender=account("anyone"))
    assert receipt.event("ProcessorSuspended") == {"processor": processor, "reason": CONDUCT}
    assert roster.standing(processor).status is ProcessorStatus.Suspended
    assert roster.standing(processor).entry == 0


def test_suspend_by_rule_is_for_the_certified(roster):
    processor = roster.add("laboratory")
    behave(roster, processor, failed=2)
    roster.registry.suspendByRule(processor, sender=account("anyone"))
    with refused("UnexpectedProcessorStatus"):
        roster.registry.suspendByRule(processor, sender=account("anyone"))


def test_who_comes_back_from_it_begins_with_one_proven_fault(roster):
    processor = roster.add("laboratory")
    behave(roster, processor, accepted=5, failed=4, silent=2)
    roster.registry.suspendByRule(processor, sender=account("anyone"))
    roster.registry.certify(processor, 1, sender=roster.world.deployer)
    assert conduct(roster, processor) == PROBATION
    with refused("ConductBearable", processor=processor, accepted=0, faults=4):
        roster.registry.suspendByRule(processor, sender=account("anyone"))


def test_who_was_suspended_without_such_conduct_keeps_its_own(roster):
    processor = roster.add("laboratory")
    behave(roster, processor, accepted=500, failed=1)
    before = conduct(roster, processor)
    roster.registry.suspend(processor, bytes(32), sender=roster.world.deployer)
    roster.registry.certify(processor, 1, sender=roster.world.deployer)
    assert conduct(roster, processor) == before


# --- whitewashing ---


def test_hardware_is_registered_once(roster):
    register(roster, "laboratory", "first daemon", hardware_of("device"))
    with refused("HardwareTaken", hardwareDigest=hardware_of("device"), former=1, status=ProcessorStatus.Applied):
        register(roster, "laboratory", "second daemon", hardware_of("device"))


def test_nobody_keeps_others_from_registering_what_is_theirs(roster):
    register(roster, "laboratory", "first daemon", hardware_of("device"))
    assert register(roster, "rival", "second daemon", hardware_of("device")).result == 2


def test_the_same_hardware_keeps_its_conduct_good_and_bad(roster):
    first = register(roster, "laboratory", "first daemon", hardware_of("device")).result
    behave(roster, first, accepted=40, outliers=3, failed=1)
    before = conduct(roster, first)
    roster.registry.retire(first, sender=account("laboratory"))
    receipt = register(roster, "laboratory", "second daemon", hardware_of("device"))
    assert receipt.event("ConductInherited") == {"processor": receipt.result, "former": first}
    assert conduct(roster, receipt.result) == before


@pytest.mark.parametrize("leaving", ["retired", "suspended"])
def test_another_processor_of_the_organisation_inherits_the_faults(roster, leaving):
    """Neither another daemon, nor another operator, nor a device said to be another one, washes them off."""
    first = roster.add("laboratory")
    behave(roster, first, accepted=40, outliers=3, failed=2)
    if leaving == "retired":
        roster.registry.retire(first, sender=account("laboratory"))
    else:
        roster.registry.suspend(first, bytes(32), sender=roster.world.deployer)
    second = roster.add("laboratory")
    assert conduct(roster, second) == {"accepted": 0, "outliers": 3, "silent": 0, "refused": 0, "failed": 2}
    assert conduct(roster, roster.add("rival")) == dict.fromkeys(COUNTERS, 0)


def test_a_dummy_does_not_take_the_faults_upon_itself(roster):
    first = roster.add("laboratory")
    behave(roster, first, failed=2)
    roster.registry.retire(first, sender=account("laboratory"))
    assert [conduct(roster, roster.add("laboratory"))["failed"] for _ in range(3)] == [2, 2, 2]


def test_a_spare_registered_beforehand_inherits_when_it_is_certified(roster):
    first = roster.add("laboratory")
    spare = register(roster, "laboratory", "spare daemon", hardware_of("spare")).result
    behave(roster, first, failed=2)
    roster.registry.retire(first, sender=account("laboratory"))
    from tests.scenario import capability

    declared = capability(roster.world.chain.now + 86_400).to_chain()
    roster.registry.declareCapability(spare, declared, "", sender=account("laboratory"))
    receipt = roster.registry.certify(spare, 1, sender=roster.world.deployer)
    assert receipt.event("ConductInherited") == {"processor": spare, "former": first}
    assert conduct(roster, spare)["failed"] == 2


def test_the_worst_that_left_is_remembered(roster):
    worst, better, clean = (roster.add("laboratory") for _ in range(3))
    behave(roster, worst, failed=3)
    behave(roster, better, outliers=1)
    for processor in (worst, better, clean):
        roster.registry.retire(processor, sender=account("laboratory"))
    assert conduct(roster, roster.add("laboratory"))["failed"] == 3


def test_who_is_certified_already_inherits_nothing(roster):
    first, second = roster.add("laboratory"), roster.add("laboratory")
    behave(roster, first, failed=3)
    roster.registry.retire(first, sender=account("laboratory"))
    roster.registry.certify(second, 1, sender=roster.world.deployer)
    assert conduct(roster, second)["failed"] == 0
