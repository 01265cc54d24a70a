import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from tests.doors import key_node
from tests.entanglement import PURSE
from tests.evm import refused
from tests.team import REQUEST, Team, use


def test_the_last_to_join_arms_the_session_and_takes_the_pairs(lab):
    channel = lab.channel()
    before = lab.purses()
    team = Team(lab, uses={0: [use(channel, 7)]}).to_forming()
    assert team.join(1).names[0] == "SessionJoined"
    assert team.record()["present"] == 0b10
    now = lab.world.chain.now
    receipt = team.join(0)
    assert receipt.event("SessionJoined") == {"session": 1, "index": 0, "processor": 1}
    due = now + REQUEST["phaseSeconds"]
    assert receipt.event("SessionArmed") == {"session": 1, "phaseEndsAt": due}
    assert receipt.event("PairsConsumed") == {"channel": channel, "session": 1, "pairs": 7}
    record = team.record()
    assert (team.status(), record["present"], record["phaseEndsAt"]) == (SessionStatus.Armed, 0, due)
    assert lab.purses() == {**before, **{i: before[i] - REQUEST["deposit"] for i in (1, 2)}}


def test_what_is_sent_along_goes_into_the_purse(lab):
    team = Team(lab).to_forming()
    lab.world.chain.fund(team.daemon(0), PURSE)
    team.join(0, value=5)
    assert lab.purse(1) == PURSE + 5 - REQUEST["deposit"]


def test_join_reverts_for_all_but_the_member_s_daemon(lab):
    team = Team(lab).to_forming()
    for caller in (team.daemon(1), lab.world.nodes[0].operator, lab.world.requester):
        with refused("CallerNotMember", session=1, index=0, account=caller, daemon=team.daemon(0)):
            team.join(0, sender=caller)
    nobody = "0x" + "00" * 20
    with refused("CallerNotMember", session=1, index=2, account=team.daemon(0), daemon=nobody):
        team.join(2, sender=team.daemon(0))


def test_join_reverts_twice(lab):
    team = Team(lab).to_forming()
    team.join(0)
    with refused("MemberPresent", session=1, index=0):
        team.join(0)


def test_join_reverts_with_too_small_a_purse(lab):
    team = Team(lab, deposit=PURSE + 1).to_forming()
    with refused("PurseTooSmall", processor=1, available=PURSE, needed=PURSE + 1):
        team.join(0)


def test_join_reverts_late(lab):
    team = Team(lab).to_forming()
    due = team.record()["phaseEndsAt"]
    lab.world.chain.warp(due)
    team.join(0)
    with refused("SessionOverdue", session=1, dueAt=due, timestamp=due + 1):
        team.join(1)


def test_keyed_daemons_join_and_arrive_through_the_door_alone(lab):
    _, daemon = key_node(lab.world, 1)
    team = Team(lab).to_forming()
    with refused("HashSignatureRequired", account=daemon.account, door=lab.world.hash_keys.address):
        team.join(0)
    assert daemon.perform(lab.coordinator, "join", 1, 0).result[0]
    team.join(1)
    with refused("HashSignatureRequired", account=daemon.account, door=lab.world.hash_keys.address):
        team.arrive(0, 0)
    assert daemon.perform(lab.coordinator, "arrive", 1, 0, 0, bytes(32)).result[0]


@pytest.mark.parametrize("spoilt", ["taken", "aged", "retested"])
def test_a_session_whose_channels_cannot_be_used_is_cancelled_and_refunded(lab, spoilt):
    good, bad = lab.channel(1, 2, lifetimeSeconds=7_000), lab.test(1, 3, lifetimeSeconds=200).to_open()
    bad.release()  # its money stays out of what follows
    world, before, coin = lab.world, lab.purses(), lab.world.available(lab.world.requester)
    uses = [use(good, 7), use(bad.id, 10_000)]
    team = Team(lab, (1, 2, 3), uses={0: uses}).to_forming()
    team.join(0)
    team.join(1)
    if spoilt == "taken":
        rival = Team(lab, (1, 3), uses={0: [use(bad.id, 1)]}, deposit=0).to_armed()
        rival.enforce()
        before = lab.purses()
        before = {**before, 1: before[1] + REQUEST["deposit"], 2: before[2] + REQUEST["deposit"]}
        coin = world.available(world.requester)
    elif spoilt == "aged":
        bad.late()
    else:
        bad.retest(1)
        before = {**before, 3: lab.purse(3)}
    receipt = team.join(2)
    event = receipt.event("SessionEnded")
    assert (event["status"], event["channel"], event["absent"]) == (SessionStatus.Cancelled, bad.id, 0)
    assert event["pay"] == [REQUEST["deposit"]] * 3
    assert (event["refund"], event["forfeit"]) == (team.fees, 0)
    assert lab.purses() == before
    assert world.available(world.requester) == coin + team.fees
    assert lab.channels.channelOf(good)["used"] == 0
    assert bad.status in (ChannelStatus.Open, ChannelStatus.Requested)
