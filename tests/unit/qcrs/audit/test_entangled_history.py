"""The replay of channels and sessions: as they were, and told falsely."""

import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.decision import Decision
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.replay.fact_words import UNKNOWN, words_of
from qcrs.rules.replay.facts import encoded_facts
from qcrs.rules.replay.narrative import narrate
from tests.entanglement import LINK_OPERATOR, Lab
from tests.evm import CHAIN_ID
from tests.scenario import World
from tests.team import Team, use
from tests.unit.qcrs.audit.history import History, RecordedChain

FAR = {0b01: 2040, 0b10: 2056}
CONTRACTS = ("Channels", "EntanglementCoordinator")


def channels(lab: Lab) -> None:
    """Tell of every way in which a channel ends."""
    lab.test().to_requested().cancel()
    for stage in ("to_requested", "to_heralding", "to_committing", "to_revealing", "to_open"):
        getattr(lab.test(), stage)().enforce()
    half = lab.test().to_committing()
    half.commit(1)
    half.enforce()
    mute = lab.test(2, 3).to_revealing(1, 0)
    mute.reveal(0)
    mute.enforce()
    lab.test().to_failed()
    again = lab.test(3, 4).to_open()
    again.retest(1)
    again.accept()
    again.herald()
    again.err(3, 1)
    again.commit(1)
    again.commit(0)
    again.reveal(1)
    again.settle()
    again.release()
    lab.test(1, 4).to_open().retest(0)
    lab.test(4, 5).to_heralding()
    lab.test(1, 5).to_revealing()


def money(lab: Lab) -> None:
    """Tell of links and purses."""
    spare = lab.open_link(price=3)
    lab.channels.stake(spare, sender=lab.world.stranger, value=9)
    lab.channels.unstake(spare, 5, sender=LINK_OPERATOR)
    lab.channels.closeLink(spare, sender=LINK_OPERATOR)
    lab.channels.withdraw(1, 7, sender=lab.world.nodes[0].operator)


def sessions(lab: Lab) -> None:
    """Tell of every way in which a session ends."""
    channel = lab.test(1, 2, capacity=50).to_open().id
    Team(lab, uses={0: [use(channel, 30)]}).to_concluded()
    Team(lab, uses={0: [use(channel, 30)]}).to_armed()  # cancelled: the pairs are gone
    groups = Team(lab, (1, 2), (3, 4), (5, 6))
    groups.counts = {1: FAR}
    groups.to_concluded()
    split = Team(lab, (1, 2), (3, 4), outcomeBits=12)
    split.counts = {1: FAR}
    split.to_final().conclude()
    Team(lab, (1, 2, 3)).to_forming().enforce()
    for phase in range(3):
        broken = Team(lab, (1, 2, 3)).to_armed().pass_barriers(*range(phase))
        broken.arrive(1, phase)
        broken.enforce()
    Team(lab).to_running().enforce()
    late = Team(lab, outcomeBits=12).to_reporting()
    late.late()
    lab.coordinator.substituteSecret(late.group, sender=lab.world.keeper)
    late.report(1)
    late.enforce()
    late.conclude()
    disputed = Team(lab).to_running().pass_barriers(1)
    disputed.arrive(0, 2)
    disputed.counts = {0: FAR}
    disputed.arrive(1, 2)
    disputed.report(1)
    disputed.counts = {}
    disputed.report(0)
    Team(lab, (4, 5)).to_running()
    Team(lab, (4, 5)).to_final()


@pytest.fixture(scope="module")
def tale():
    """A history of channels and sessions alone."""
    world = World(RecordedChain(), processors=6)
    lab = Lab(world)
    money(lab)
    channels(lab)
    sessions(lab)
    lab.require_balanced()
    return History.of(world)


def test_the_untouched_tale_holds(tale):
    report = tale.examine()
    assert report.fault is None
    assert report.checks["verdict"] > 20


def test_the_tale_has_every_ending(tale):
    count = tale.view("Channels", "channelCount")
    seen = {ChannelStatus(tale.view("Channels", "channelOf", id_)["status"]) for id_ in range(1, count + 1)}
    assert seen >= {ChannelStatus.Open, ChannelStatus.Failed, ChannelStatus.Expired, ChannelStatus.Cancelled}
    coordinator = "EntanglementCoordinator"
    ids = range(1, tale.view(coordinator, "sessionCount") + 1)
    ends = {SessionStatus(tale.view(coordinator, "sessionOf", id_)[0]["status"]) for id_ in ids}
    assert ends >= {status for status in SessionStatus if status >= SessionStatus.Final}
    verdicts = {e["verdict"] for e in tale.events if e.name == "SessionsConcluded"}
    assert verdicts == {Verdict.Accepted, Verdict.Rejected, Verdict.Unverified}


def own(tale):
    return [position for position, event in enumerate(tale.events) if event.contract in CONTRACTS]


def test_any_event_left_out_is_missed(tale):
    """But for what was put in before something was taken out: the stake that is told then is right."""
    unnoticed = {tale.events[position].name for position in own(tale) if tale.examine(tale.without(position)).holds}
    assert unnoticed == {"LinkStaked"}


def test_any_argument_changed_is_noticed(tale):
    """But for what nothing on chain rests on: digests of documents, and of phases before the last; and a stake that is
    told anew later."""
    unnoticed = set()
    for position in own(tale):
        event = tale.events[position]
        for name, value in event.arguments.items():
            if tale.examine(tale.changed(position, **{name: other_than(value)})).holds:
                unnoticed.add(f"{event.name}.{name}")
    assert unnoticed == {
        "LinkOpened.descriptorDigest",
        "LinkOpened.endpointDigest",
        "LinkOpened.stake",
        "PairsHeralded.root",
        "PurseFunded.from",
        "SessionsCreated.request",
        "SessionFormed.fragmentDigests",
        "MemberArrived.digest",
    }


def test_a_verdict_is_recounted_from_what_was_revealed(tale):
    """An end that is said to have measured otherwise, and a count that is said to be another, are both found."""
    position = tale.position("ChannelSettled", verdict=ChannelStatus.Failed)
    fault = tale.examine(tale.changed(position, verdict=ChannelStatus.Open)).fault
    assert (fault.rule, fault.what) == ("verdict", "verdict of ChannelSettled")
    told = tale.events[position]["errorsZ"]
    fault = tale.examine(tale.changed(position, errorsZ=told - 1)).fault
    assert (fault.rule, fault.what) == ("verdict", "errorsZ of ChannelSettled")
    position = tale.position("OutcomesRevealed")
    opening = dict(tale.events[position]["opening"])
    opening["outcomes"] = [opening["outcomes"][0] ^ 1, *opening["outcomes"][1:]]
    assert tale.examine(tale.changed(position, opening=opening)).fault.rule == "commitment"


def test_every_entry_is_told_in_words_and_its_facts_are_found(tale):
    entries = [entry for entry in narrate(tale.events) if entry.decision >= Decision.ChannelSettled]
    assert {entry.decision for entry in entries} == {d for d in Decision if d >= Decision.ChannelSettled}
    assert not any("does not say" in entry.words for entry in entries)
    silent = [entry.words for entry in entries if "being silent" in entry.words]
    assert any(words.endswith("expired, the link being silent") for words in silent)
    for entry in entries:
        facts = encoded_facts(tale.events, entry.index, CHAIN_ID, tale.constants.contracts["ResultVerifier"])
        assert facts is not None, entry
        assert UNKNOWN not in words_of(entry.decision, entry.subject, facts)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_coin_that_is_missing_is_found(tale, contract):
    held = tale.view("coin", contract)
    assert held > 0
    assert tale.examine(coin={contract: held - 1}).fault.rule == "books"


def other_than(value):
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, dict):
        first = next(iter(value))
        return value | {first: other_than(value[first])}
    if isinstance(value, list):
        return [*value[:-1], other_than(value[-1])] if value else [{"channel": 99, "pairs": 1}]
    if isinstance(value, str):
        return "0x" + "77" * 20
    return not value if isinstance(value, bool) else value + 1
