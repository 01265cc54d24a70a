import pytest

from qcrs.model.session import SessionStatus
from tests.evm import refused
from tests.team import REQUEST, Team, use


def test_create_records_a_group_of_runs(lab):
    lab.world.enrol_until(4)
    channel, other = lab.channel(1, 2), lab.channel(3, 4)
    team = Team(lab, (1, 2), (3, 4), uses={0: [use(channel, 7)], 1: [use(other, 8)]})
    now = lab.world.chain.now
    receipt = team.create()
    assert team.group == 1
    assert lab.coordinator.sessionCount() == 2
    created = receipt.event("SessionsCreated")
    assert (created["group"], created["requester"], created["runs"]) == (1, lab.world.requester, 2)
    assert (created["request"], created["escrow"]) == (team.request, team.fees)
    one, two = (event.arguments for event in receipt.named("SessionFormed"))
    assert (one["session"], one["group"], one["members"]) == (1, 1, [1, 2])
    assert (two["session"], two["group"], two["members"]) == (2, 1, [3, 4])
    assert one["fragmentDigests"] == team.runs[0][1]
    assert one["phaseEndsAt"] == now + REQUEST["joinSeconds"]
    assert lab.coordinator.usesOf(2) == [{"channel": other, "pairs": 8}]
    record, members = lab.coordinator.sessionOf(2)
    assert (record["status"], members) == (SessionStatus.Forming, [3, 4])
    group = team.record_of_group()
    assert (group["requester"], group["runs"], group["running"], group["live"]) == (lab.world.requester, 2, 2, 2)


def test_create_reverts_outside_the_consortium(lab):
    with refused("RequesterNotAdmitted", account=lab.world.stranger):
        Team(lab).create(sender=lab.world.stranger)


def test_create_reverts_while_work_is_stopped(lab):
    lab.world.allocator.pause(1, bytes(32), sender=lab.world.security)
    with refused("WorkStopped"):
        Team(lab).create()


@pytest.mark.parametrize("off", [-1, 1])
def test_create_reverts_unless_exactly_the_fees_are_sent(lab, off):
    team = Team(lab)
    with refused("FeesMismatch", expected=team.fees, actual=team.fees + off):
        team.create(value=team.fees + off)


WEEK = 7 * 86_400


@pytest.mark.parametrize(
    "change",
    [
        {"phases": 0},
        {"phases": 65},
        {"shots": 0},
        {"outcomeBits": 0},
        {"outcomeBits": 241},
        *({name: seconds} for name in ("joinSeconds", "phaseSeconds", "reportSeconds") for seconds in (0, WEEK + 1)),
    ],
    ids=str,
)
def test_create_reverts_with_a_request_out_of_range(lab, change):
    team = Team(lab, **change)
    with refused("SessionRequestInvalid", request=team.request, runs=1):
        team.create()


@pytest.mark.parametrize(
    "change", [{"phases": 64}, {"shots": 1}, {"outcomeBits": 240}, {"joinSeconds": WEEK}, {"fee": 0, "deposit": 0}]
)
def test_create_takes_what_is_at_the_end_of_its_range(lab, change):
    assert Team(lab, **change).to_forming().status() is SessionStatus.Forming


@pytest.mark.parametrize("runs", [0, 6])
def test_create_reverts_with_too_few_or_too_many_runs(lab, runs):
    team = Team(lab)
    team.runs = team.runs * runs
    with refused("SessionRequestInvalid", request=team.request, runs=runs):
        team.create()


@pytest.mark.parametrize("members", [(), (1,), (2, 1), (1, 1), (0, 1), tuple(range(1, 14))], ids=str)
def test_create_reverts_unless_members_ascend(lab, members):
    team = Team(lab, members)
    with refused("RunShapeInvalid", run=0, members=len(members), fragments=len(members), uses=0):
        team.create()


def test_create_reverts_without_a_fragment_for_each(lab):
    team = Team(lab)
    team.runs[0][1].pop()
    with refused("RunShapeInvalid", run=0, members=2, fragments=1, uses=0):
        team.create()


def test_create_reverts_with_too_many_channels(lab):
    team = Team(lab, uses={0: [use(id_) for id_ in range(1, 18)]})
    with refused("RunShapeInvalid", run=0, members=2, fragments=2, uses=17):
        team.create()


def test_create_reverts_when_a_processor_serves_twice(lab):
    with refused("MemberRepeated", processor=2, run=2, other=0):
        Team(lab, (1, 2), (3, 4), (2, 5)).create()


@pytest.mark.parametrize("case", ["twice", "out of order", "no pairs", "foreign", "unknown"])
def test_create_reverts_with_channels_that_cannot_be_used(lab, case):
    one, other, foreign = lab.channel(1, 2), lab.channel(1, 2), lab.channel(2, 3)
    uses, named = {
        "twice": ([use(one), use(one)], (one, 100)),
        "out of order": ([use(other), use(one)], (one, 100)),
        "no pairs": ([use(one, 0)], (one, 0)),
        "foreign": ([use(foreign)], (foreign, 100)),
        "unknown": ([use(77)], (77, 100)),
    }[case]
    with refused("UseInvalid", run=0, channel=named[0], pairs=named[1]):
        Team(lab, uses={0: uses}).create()


def test_coin_comes_from_purses_alone(lab):
    with refused("CoinUnexpected", account=lab.world.stranger):
        lab.world.chain.send_raw(lab.coordinator.address, b"", lab.world.stranger, 1)
