from itertools import product

import pytest
from eth_hash.auto import keccak
from faster_eth_abi import encode

from qcrs.model.decision import Decision
from qcrs.model.session import SessionStatus
from tests.evm import refused
from tests.team import REQUEST, Team

DEPOSIT = REQUEST["deposit"]


def test_a_session_that_does_not_form_is_refunded(lab):
    before, coin = lab.purses(), lab.world.available(lab.world.requester)
    team = Team(lab, (1, 2, 3)).to_forming()
    team.join(1)
    event = team.enforce(sender=lab.world.stranger).event("SessionEnded")
    assert (event["status"], event["absent"]) == (SessionStatus.Cancelled, 0b101)
    assert event["pay"] == [0, DEPOSIT, 0]
    assert (event["refund"], event["forfeit"]) == (team.fees, 0)
    assert (lab.purses(), lab.world.available(lab.world.requester)) == (before, coin + team.fees)


PHASES = {"arming": 0, "first": 1, "last": 2, "reporting": None}


@pytest.mark.parametrize(("phase", "absent"), list(product(PHASES, [(0,), (2,), (0, 1), (0, 1, 2)])))
def test_the_absent_are_named_and_pay_the_present(lab, phase, absent):
    world, before, coin = lab.world, lab.purses(), lab.world.available(lab.world.requester)
    treasury = world.allocator.treasury()
    team = Team(lab, (1, 2, 3)).to_armed()
    present = [index for index in range(3) if index not in absent]
    barrier = PHASES[phase]
    team.pass_barriers(*range(3 if barrier is None else barrier))
    for index in present:
        team.report(index) if barrier is None else team.arrive(index, barrier)
    receipt = team.enforce(sender=world.stranger)
    event = receipt.event("SessionEnded")
    bits = sum(1 << index for index in absent)
    assert (event["status"], event["absent"], event["refund"]) == (SessionStatus.Aborted, bits, team.fees)
    share = DEPOSIT * len(absent) // len(present) if present else 0
    forfeit = DEPOSIT * len(absent) - share * len(present)
    assert event["forfeit"] == forfeit
    assert event["pay"] == [DEPOSIT + share if index in present else 0 for index in range(3)]
    gains = {index + 1: share if index in present else -DEPOSIT for index in range(3)}
    assert lab.purses() == {id_: wei + gains.get(id_, 0) for id_, wei in before.items()}
    assert world.available(world.requester) == coin + team.fees
    assert world.allocator.treasury() == treasury + forfeit
    entry = receipt.event("EntryAppended")
    facts = [1, team.record()["phase"], bits, event["pay"], event["refund"], forfeit]
    digest = keccak(encode(["uint64", "uint8", "uint256", "uint256[]", "uint256", "uint256"], facts))
    assert (entry["decision"], entry["subject"], entry["digest"]) == (Decision.SessionAborted, 1, digest)


def test_nothing_is_enforced_in_the_last_second(lab):
    team = Team(lab, (1, 2), (3, 4))
    for way in (team.to_forming, team.to_armed, lambda: team.pass_barriers(0)):
        way()
        due = team.record()["phaseEndsAt"]
        with lab.world.chain.undone():
            lab.world.chain.warp(due)
            with refused("SessionNotDue", session=1, dueAt=due, timestamp=due):
                lab.coordinator.enforce(1, sender=lab.world.keeper)


def test_a_run_that_waits_for_the_others_is_not_late(lab):
    team = Team(lab, (1, 2), (3, 4), phaseSeconds=7 * 86_400).to_armed()
    team.pass_barriers(0, 1, 2, run=0)
    lab.world.chain.advance(REQUEST["reportSeconds"] + 1)
    now = lab.world.chain.now
    with refused("SessionNotDue", session=1, dueAt=0, timestamp=now):
        lab.coordinator.enforce(1, sender=lab.world.keeper)


def test_who_waits_for_the_secret_is_not_late(lab):
    team = Team(lab, outcomeBits=12).to_reporting()
    lab.world.chain.advance(REQUEST["reportSeconds"] + 1)
    with refused("SessionNotDue", session=1, dueAt=0, timestamp=lab.world.chain.now):
        lab.coordinator.enforce(1, sender=lab.world.keeper)
    team.disclose()
    team.report(0)
    team.enforce()
    assert team.status() is SessionStatus.Aborted
