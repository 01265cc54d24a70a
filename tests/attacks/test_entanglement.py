"""What the ends of a channel, its link, members of a session and its requester gain by misbehaving."""

import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.rules import link_test
from tests.entanglement import LINK_OPERATOR, STAKE
from tests.evm import refused
from tests.team import REQUEST, Team, use

FAR = {0b01: 2040, 0b10: 2056}
DEPOSIT = REQUEST["deposit"]


# --- channels ---


def test_an_end_that_lies_about_its_outcomes_gains_nothing(lab):
    """Defence: it can only make the test fail, and then everybody has its own back. The link is not paid: its loss."""
    before = lab.purses(), lab.stake()
    test = lab.test().to_committing()
    test.flips = [2**256 - 1] * len(test.flips)
    test.commit(0)
    test.commit(1)
    assert test.settle().event("ChannelSettled")["verdict"] == ChannelStatus.Failed
    assert (lab.purses(), lab.stake()) == before


def test_an_end_cannot_fit_its_outcomes_to_the_other_s(lab):
    """Defence: both are bound before either shows anything; the second cannot open what it has not committed to."""
    test = lab.test().to_committing()
    test.flips = [2**256 - 1] * len(test.flips)
    test.commit(0)
    test.commit(1)
    test.reveal(0)
    seed, salt, _ = test.opening(1)
    fitted = seed, salt, test.opening(0)[2]
    with refused("TranscriptMismatch"):
        lab.channels.settle(test.id, test.opening(0), fitted, sender=test.daemon(1))
    test.enforce()
    assert lab.purse(1) > lab.purse(2), "who keeps silent rather than fail pays for it"


def test_an_end_cannot_choose_its_seed_after_the_other_s(lab):
    """Defence: seeds are committed to before the pairs are made, so neither end picks what is tested."""
    test = lab.test().to_committing()
    chosen = b"chosen".ljust(32, b"\0")
    honest, test.seeds[1] = test.seeds[1], chosen
    test.commit(0)
    test.commit(1)
    with refused("TranscriptMismatch"):
        test.settle()
    with refused("TranscriptMismatch"):
        test.reveal(1)
    others = link_test.of_seed(honest), test.commitment(1)
    lab.channels.reveal(test.id, 0, test.opening(0), *others, sender=test.daemon(0))
    test.enforce()
    assert lab.purse(1) > lab.purse(2)


def test_when_both_ends_are_silent_neither_gains(lab):
    before = lab.purses()
    lab.test().to_committing().enforce()
    assert all(lab.purse(end) < before[end] for end in (1, 2))


def test_an_old_test_cannot_be_replayed(lab):
    """Defence: the number of the test is in the commitment, and in what is tested."""
    test = lab.test().to_revealing()
    old = [test.commitment(0), test.commitment(1)], [test.opening(0), test.opening(1)]
    test.settle()
    with refused("UnexpectedChannelStatus"):
        test.settle()
    seeds = list(test.seeds)
    test.retest(0)
    test.seeds = seeds
    # The asker is bound to a fresh seed already; the other end commits to its old one, and both to old outcomes.
    test.accept()
    test.herald()
    for end in (0, 1):
        lab.channels.commit(test.id, end, old[0][end], sender=test.daemon(end))
    with refused("TranscriptMismatch"):
        lab.channels.settle(test.id, *old[1], sender=lab.world.stranger)
    test.enforce()


def test_a_commitment_copied_from_the_other_end_opens_nothing(lab):
    test = lab.test().to_committing()
    test.commit(0)
    copied = test.commitment(0)
    lab.channels.commit(test.id, 1, copied, sender=test.daemon(1))
    with refused("TranscriptMismatch"):
        opening, others = test.opening(0), (link_test.of_seed(test.seeds[0]), copied)
        lab.channels.reveal(test.id, 1, opening, *others, sender=test.daemon(1))


def test_a_commitment_of_another_channel_opens_nothing(lab):
    one, other = lab.test(1, 2).to_committing(), lab.test(1, 2).to_committing()
    for end in (0, 1):
        lab.channels.commit(other.id, end, one.commitment(end), sender=one.daemon(end))
    with refused("TranscriptMismatch"):
        lab.channels.settle(other.id, one.opening(0), one.opening(1), sender=lab.world.keeper)


def test_a_link_whose_operator_is_silent_pays_both_ends(lab):
    before = lab.purses()
    test = lab.test().to_heralding()
    lab.channels.unstake(lab.link, STAKE - test.deposit, sender=LINK_OPERATOR)
    with refused("LinkInUse"):
        lab.channels.closeLink(lab.link, sender=LINK_OPERATOR)
    test.enforce()
    assert lab.stake() == 0
    assert sum(lab.purses().values()) == sum(before.values()) + test.deposit


def test_a_link_cannot_herald_for_another_link_s_channel(lab):
    test, other = lab.test().to_heralding(), "0x" + "42" * 20
    lab.admit(other, "another link")
    lab.world.consortium.organisationOf(other)
    with refused("CallerNotLinkOperator", link=lab.link, account=other, operator=LINK_OPERATOR):
        test.herald(sender=other)


# --- sessions ---


def test_a_channel_is_not_consumed_twice_or_beyond_capacity(lab):
    """Defence: a session names each channel once, and what is left is taken with the last to join, or not at all."""
    channel = lab.channel(capacity=100)
    with refused("UseInvalid", run=0, channel=channel, pairs=60):
        Team(lab, uses={0: [use(channel, 60), use(channel, 60)]}).create()
    one = Team(lab, uses={0: [use(channel, 60)]}).to_forming()
    other = Team(lab, uses={0: [use(channel, 60)]}).to_forming()
    for team in (one, other):
        team.join(0)
    one.join(1)
    other.join(1)
    assert (one.status(), other.status()) == (SessionStatus.Armed, SessionStatus.Cancelled)
    assert lab.channels.channelOf(channel)["used"] == 60


def test_strangers_cannot_use_up_a_channel(lab):
    channel = lab.channel(1, 2)
    with refused("UseInvalid", run=0, channel=channel, pairs=100):
        Team(lab, (3, 4), uses={0: [use(channel)]}).create()
    with refused("CallerNotCoordinator", account=lab.world.requester):
        lab.channels.consume(1, [use(channel)], sender=lab.world.requester)


def test_a_barrier_is_neither_started_nor_passed_twice(lab):
    team = Team(lab).to_armed()
    team.arrive(0, 0)
    with refused("MemberPresent", session=1, index=0):
        team.arrive(0, 0)
    team.arrive(1, 0)
    for index in (0, 1):
        with refused("BarrierMismatch", session=1, expected=1, actual=0):
            team.arrive(index, 0)


@pytest.mark.parametrize("stage", ["joining", "arming", "first", "last", "reporting"])
def test_a_member_killed_at_any_stage_is_named_and_the_requester_refunded(lab, stage):
    world, before, coin = lab.world, lab.purses(), lab.world.available(lab.world.requester)
    team = Team(lab, (1, 2, 3)).to_forming()
    survivors = (0, 2)
    if stage == "joining":
        for index in survivors:
            team.join(index)
    else:
        team.to_armed()
        barrier = {"arming": 0, "first": 1, "last": 2, "reporting": 3}[stage]
        team.pass_barriers(*range(barrier))
        for index in survivors:
            team.report(index) if barrier == 3 else team.arrive(index, barrier)
    event = team.enforce().event("SessionEnded")
    assert event["absent"] == 0b010
    assert world.available(world.requester) == coin + team.fees
    change = {id_: lab.purse(id_) - wei for id_, wei in before.items()}
    if stage == "joining":
        assert not any(change.values())
    else:
        assert (change[2], change[1], change[3]) == (-DEPOSIT, DEPOSIT // 2, DEPOSIT // 2)


def test_a_run_cannot_copy_another_s_result(lab):
    """Defence: nothing is reported before all runs are bound, and a commitment is worth nothing in another run."""
    team = Team(lab, (1, 2), (3, 4), phases=1).to_armed()
    team.pass_barriers(0, 1, run=0)
    with refused("GroupRunning", group=1, running=1):
        team.report(0, 0)
    team.pass_barriers(0, run=1)
    for index in (0, 1):
        lab.coordinator.arrive(2, index, 1, team.digest(index, 0), sender=team.daemon(index, 1))
    for index in (0, 1):
        team.report(index, 0)
    root, sketch = team.result(0)
    with refused("ResultMismatch"):
        lab.coordinator.report(2, 0, root, team.salt(0, 0), sketch, sender=team.daemon(0, 1))
    assert team.enforce(1).event("SessionEnded")["absent"] == 0b11


def test_a_member_cannot_change_its_mind_once_it_has_seen_the_others(lab):
    team = Team(lab).to_reporting()
    team.report(0)
    team.counts = {0: FAR}
    with refused("ResultMismatch"):
        team.report(1)


def test_a_liar_in_a_run_costs_everybody_its_pay_and_nobody_its_deposit(lab):
    """What remains: who lies is not found out by the contract, so it loses no more than its fee."""
    before = lab.purses()
    team = Team(lab).to_running().pass_barriers(1)
    team.arrive(0, 2)
    team.counts = {0: FAR}
    team.arrive(1, 2)
    team.report(1)
    team.counts = {}
    team.report(0)
    assert (team.status(), lab.purses()) == (SessionStatus.Disputed, before)


def test_runs_that_outvote_another_gain_nothing_by_it(lab):
    """Defence: an outlier's deposits go to the treasury."""
    world = lab.world
    world.enrol_until(6)
    for node in world.nodes[5:]:
        lab.channels.fund(node.id, sender=node.operator, value=10**18)
    treasury, before = world.allocator.treasury(), lab.purses()
    team = Team(lab, (1, 2), (3, 4), (5, 6))
    team.counts = {0: FAR, 2: FAR}
    team.to_concluded()
    assert team.status(1) is SessionStatus.Outlier
    assert world.allocator.treasury() == treasury + 2 * DEPOSIT
    assert {lab.purse(id_) - before[id_] for id_ in (1, 2, 5, 6)} == {REQUEST["fee"]}


def test_a_requester_that_withholds_its_secret_stalls_nothing(lab):
    team = Team(lab, outcomeBits=12).to_reporting()
    team.late()
    lab.coordinator.substituteSecret(1, sender=lab.world.stranger)
    for index in (0, 1):
        team.report(index)
    team.conclude()
    assert team.status() is SessionStatus.Paid


def test_a_verifier_that_lies_about_a_memory_disputes_it_and_gains_nothing(lab):
    """A verifier shares no channel; halves that reported the truth keep their deposits, and nobody is paid."""
    team = Team(lab, (1, 2, 3), uses={0: [use(lab.channel(1, 3))]}, outcomeBits=1, phases=3)
    team.counts = {0: {0: 4000, 1: 96}}
    before = lab.purses()
    team.to_running().pass_barriers(1, 2)
    team.arrive(0, 3)
    team.arrive(2, 3)
    team.counts = {0: {0: 4096}}
    team.arrive(1, 3)
    team.report(1)
    team.counts = {0: {0: 4000, 1: 96}}
    team.report(0)
    assert (team.status(), lab.purses()) == (SessionStatus.Disputed, before)
