import pytest

from qcrs.model.session import SessionStatus
from qcrs.rules import session_digest
from tests.evm import refused
from tests.team import REQUEST, Team


def test_a_run_is_final_when_all_report_the_same(lab):
    team = Team(lab).to_reporting()
    root, sketch = team.result()
    event = team.report(1, sender=lab.world.stranger).event("SessionReported")
    assert event == {
        "session": 1, "index": 1, "processor": 2, "countsRoot": root, "salt": team.salt(1), "sketch": sketch,
    }  # fmt: skip
    assert team.status() is SessionStatus.Reporting
    receipt = team.report(0)
    digest = session_digest.of_report(root, sketch)
    assert receipt.event("SessionFinished") == {"session": 1, "reportDigest": digest}
    assert (team.status(), team.record()["reportDigest"]) == (SessionStatus.Final, digest)
    assert team.record_of_group()["live"] == 0


@pytest.mark.parametrize("what", ["root", "sketch"])
def test_a_run_whose_members_differ_is_disputed_and_pays_nobody(lab, what):
    team = Team(lab, (1, 2, 3)).to_running()
    before, coin = lab.purses(), lab.world.available(lab.world.requester)
    team.pass_barriers(1)
    team.arrive(0, 2)
    team.arrive(1, 2)
    honest = team.counts
    if what == "root":
        team.counts = {0: {0b00: 4096}}
    team.arrive(2, 2)
    team.counts = honest
    team.report(0)
    team.report(1)
    team.counts = {0: {0b00: 4096}}
    root, sketch = team.result()
    if what == "sketch":
        team.counts = honest
        root, _ = team.result()
    receipt = lab.coordinator.report(1, 2, root, team.salt(2), sketch, sender=team.daemon(2))
    event = receipt.event("SessionEnded")
    assert event["status"] == team.status() == SessionStatus.Disputed
    assert (event["pay"], event["refund"], event["forfeit"]) == ([REQUEST["deposit"]] * 3, team.fees, 0)
    assert lab.purses() == {**before, **{i: before[i] + REQUEST["deposit"] for i in (1, 2, 3)}}
    assert lab.world.available(lab.world.requester) == coin + team.fees


def test_report_reverts_with_another_result_than_was_committed_to(lab):
    team = Team(lab).to_reporting()
    team.counts = {0: {0b00: 4096}}
    root, _ = team.result()
    actual = session_digest.of_result(1337, lab.coordinator.address, 1, 1, root, team.salt(0))
    expected = lab.coordinator.commitmentOf(1, 0)
    with refused("ResultMismatch", session=1, index=0, expected=expected, actual=actual):
        team.report(0)


def test_report_reverts_when_the_sketch_does_not_add_up(lab):
    team = Team(lab).to_reporting()
    root, sketch = team.result()
    with refused("SketchTotalMismatch", row=0, expected=4096, actual=4097):
        lab.coordinator.report(1, 0, root, team.salt(0), [sketch[0] + 1], sender=team.daemon(0))


def test_report_reverts_twice(lab):
    team = Team(lab).to_reporting()
    team.report(0)
    with refused("MemberPresent", session=1, index=0):
        team.report(0)


def test_report_reverts_late(lab):
    team = Team(lab).to_reporting()
    due = team.record_of_group()["phaseEndsAt"]
    lab.world.chain.warp(due)
    team.report(0)
    with refused("SessionOverdue", session=1, dueAt=due, timestamp=due + 1):
        team.report(1)
