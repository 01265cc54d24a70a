import pytest
from eth_hash.auto import keccak

from qcrs.model.session import SessionStatus
from tests.evm import refused
from tests.team import REQUEST, Team


def test_barriers_pass_when_all_have_arrived(lab):
    team = Team(lab, (1, 2, 3), phases=2).to_armed()
    for phase in range(3):
        for index in (2, 0):
            receipt = team.arrive(index, phase)
            assert receipt.names == ["MemberArrived"]
        assert team.record()["present"] == 0b101
        now = lab.world.chain.now
        receipt = team.arrive(1, phase)
        passed = receipt.event("BarrierPassed")
        last = phase == 2
        assert passed == {
            "session": 1, "phase": phase + 1, "phaseEndsAt": 0 if last else now + REQUEST["phaseSeconds"],
        }  # fmt: skip
        assert team.status() is (SessionStatus.Reporting if last else SessionStatus.Running)
        assert team.record()["present"] == 0
    opened = receipt.event("ReportingOpened")
    assert opened == {"group": 1, "phaseEndsAt": now + REQUEST["reportSeconds"]}


def test_an_arrival_tells_what_its_phase_produced(lab):
    team = Team(lab).to_armed()
    event = team.arrive(1, 0).event("MemberArrived")
    assert event == {"session": 1, "index": 1, "phase": 0, "digest": keccak(bytes([0, 1]))}


def test_the_last_digest_is_kept_as_the_commitment(lab):
    team = Team(lab).to_reporting()
    for index in (0, 1):
        assert lab.coordinator.commitmentOf(1, index) == team.digest(index)


def test_arrive_reverts_twice_at_one_barrier(lab):
    team = Team(lab).to_armed()
    team.arrive(0, 0)
    with refused("MemberPresent", session=1, index=0):
        team.arrive(0, 0)


@pytest.mark.parametrize("phase", [0, 2])
def test_arrive_reverts_at_another_barrier(lab, phase):
    team = Team(lab).to_running()
    with refused("BarrierMismatch", session=1, expected=1, actual=phase):
        team.arrive(0, phase)


def test_arrive_reverts_for_all_but_the_member_s_daemon(lab):
    team = Team(lab).to_armed()
    for caller in (team.daemon(1), lab.world.nodes[0].operator, lab.world.requester):
        with refused("CallerNotMember", session=1, index=0, account=caller, daemon=team.daemon(0)):
            team.arrive(0, 0, sender=caller)


def test_arrive_reverts_late(lab):
    team = Team(lab).to_armed()
    due = team.record()["phaseEndsAt"]
    lab.world.chain.warp(due)
    team.arrive(0, 0)
    with refused("SessionOverdue", session=1, dueAt=due, timestamp=due + 1):
        team.arrive(1, 0)


def test_reporting_opens_when_no_run_is_on_its_way_any_more(lab):
    team = Team(lab, (1, 2), (3, 4), phases=1).to_armed()
    team.pass_barriers(0, 1, run=0)
    assert team.status(0) is SessionStatus.Reporting
    assert team.record_of_group()["phaseEndsAt"] == 0
    with refused("GroupRunning", group=1, running=1):
        team.report(0)
    team.pass_barriers(0, run=1)
    with refused("GroupRunning", group=1, running=1):
        team.report(0)
    team.enforce(1)
    assert team.record_of_group()["phaseEndsAt"] > 0
    team.report(0)
