import pytest

from qcrs.model.session import SessionStatus
from qcrs.rules import commitment, session_digest
from tests.evm import refused
from tests.team import REQUEST, Team

WIDE = 12


def test_disclose_fixes_the_seed_of_wide_results(lab):
    team = Team(lab, outcomeBits=WIDE).to_reporting()
    with refused("SecretUnknown", group=1):
        team.report(0)
    now = lab.world.chain.now
    event = team.disclose().event("SketchSeedFixed")
    assert event == {
        "group": 1,
        "secret": team.secret,
        "seed": session_digest.seed_of(1, team.secret),
        "withheld": False,
        "phaseEndsAt": now + REQUEST["reportSeconds"],
    }
    team.report(0)
    team.report(1)
    assert team.status() is SessionStatus.Final


def test_the_beacon_stands_in_for_a_secret_that_is_overdue(lab):
    team = Team(lab, outcomeBits=WIDE).to_reporting()
    due = team.record_of_group()["phaseEndsAt"]
    lab.world.chain.warp(due)
    with refused("SessionNotDue", session=1, dueAt=due, timestamp=due):
        lab.coordinator.substituteSecret(1, sender=lab.world.stranger)
    lab.world.chain.advance(1)
    beacon = lab.world.allocator.beacon()
    event = lab.coordinator.substituteSecret(1, sender=lab.world.stranger).event("SketchSeedFixed")
    secret = session_digest.substitute_of(1, beacon, commitment.of_secret(team.secret))
    assert (event["secret"], event["withheld"]) == (secret, True)
    assert event["seed"] == session_digest.seed_of(1, secret)
    with refused("SecretKnown", group=1):
        team.disclose()


def test_disclose_reverts_with_another_secret(lab):
    team = Team(lab, outcomeBits=WIDE).to_reporting()
    wrong = bytes(24)
    expected, actual = commitment.of_secret(team.secret), commitment.of_secret(wrong)
    with refused("SessionSecretMismatch", group=1, expected=expected, actual=actual):
        team.disclose(b"\0" * 24)


def test_disclose_reverts_before_all_are_bound(lab):
    team = Team(lab, outcomeBits=WIDE).to_running()
    with refused("GroupRunning", group=1, running=1):
        team.disclose()


@pytest.mark.parametrize("group", [1, 99], ids=["narrow", "unknown"])
def test_a_narrow_result_needs_no_secret(lab, group):
    team = Team(lab, outcomeBits=8).to_reporting()
    team.group = group
    with refused("SecretKnown", group=group):
        team.disclose()
    with refused("SecretKnown", group=group):
        lab.coordinator.substituteSecret(group, sender=lab.world.keeper)
