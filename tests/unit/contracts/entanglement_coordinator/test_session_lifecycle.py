"""Whatever is not an edge reverts by name, in every status."""

import pytest

from qcrs.model.session import SessionStatus
from tests.evm import refused
from tests.team import Team

_S = SessionStatus
FAR = {0b01: 2040, 0b10: 2056}


def _disputed(team):
    team.to_running().pass_barriers(1)
    team.arrive(0, 2)
    team.counts = {0: FAR}
    team.arrive(1, 2)
    team.report(1)
    team.counts = {}
    team.report(0)


def _outlier(team):
    team.runs = Team(team.lab, (1, 2), (3, 4), (5, 6)).runs
    team.counts = {0: FAR}
    team.to_concluded()


def _released(team):
    team.runs = Team(team.lab, (1, 2), (3, 4)).runs
    team.counts = {0: FAR}
    team.to_concluded()


WAYS = {
    _S.Unset: lambda team: None,
    _S.Forming: lambda team: team.to_forming(),
    _S.Armed: lambda team: team.to_armed(),
    _S.Running: lambda team: team.to_running(),
    _S.Reporting: lambda team: team.to_reporting(),
    _S.Final: lambda team: team.to_final(),
    _S.Disputed: _disputed,
    _S.Aborted: lambda team: team.to_armed().enforce(),
    _S.Cancelled: lambda team: team.to_forming().enforce(),
    _S.Paid: lambda team: team.to_concluded(),
    _S.Outlier: _outlier,
    _S.Released: _released,
}
STEPS = {
    "join": (lambda team: team.join(0), {_S.Forming}),
    "arrive": (lambda team: team.arrive(0, team.record()["phase"]), {_S.Armed, _S.Running}),
    "report": (lambda team: team.report(0), {_S.Reporting}),
    "enforce": (lambda team: team.enforce(), {_S.Forming, _S.Armed, _S.Running, _S.Reporting}),
}
# What is refused for another reason first: who has not joined is no member, and where nothing is due nobody is late.
EARLIER = {
    (_S.Unset, "arrive"): "CallerNotMember",
    (_S.Forming, "arrive"): "CallerNotMember",
    (_S.Cancelled, "arrive"): "CallerNotMember",
    (_S.Unset, "enforce"): "SessionNotDue",
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", SessionStatus)
def test_steps_are_made_where_they_are_listed_alone(lab, status, step):
    lab.world.enrol_until(6)
    for node in lab.world.nodes[5:]:
        lab.channels.fund(node.id, sender=node.operator, value=10**18)
    team = Team(lab)
    WAYS[status](team)
    team.group = team.group or 99
    make, allowed = STEPS[step]
    assert team.status() is status
    if status in allowed:
        make(team)
        return
    if (status, step) in EARLIER:
        with refused(EARLIER[status, step]):
            make(team)
        return
    bits = sum(1 << source for source in allowed)
    if step == "enforce":
        bits &= ~(1 << _S.Forming)  # who is not Forming is to be Aborted
    with refused("UnexpectedSessionStatus", id=team.group, actual=status, allowed=bits):
        make(team)
    assert team.status() is status


@pytest.mark.parametrize("status", SessionStatus)
def test_conclude_takes_a_group_where_nobody_can_go_on_alone(lab, status):
    lab.world.enrol_until(6)
    for node in lab.world.nodes[5:]:
        lab.channels.fund(node.id, sender=node.operator, value=10**18)
    team = Team(lab)
    WAYS[status](team)
    team.group = team.group or 99
    if status in (_S.Final, _S.Disputed, _S.Aborted, _S.Cancelled):
        team.conclude()
        return
    with refused("GroupNotConcludable"):
        team.conclude()
