"""The log as it was, and logs that lack, repeat or disorder anything at all."""

from dataclasses import replace
from itertools import groupby

from qcrs.model.computation import ComputationStatus as C
from qcrs.rules.replay import Examination, LoggedEvent, Rule, timed_blocks
from qcrs.rules.replay.transcript import EMITTERS
from tests.scenario import account
from tests.unit.qcrs.audit.stories import CANCELLED, HONEST, LAST, NOISY, RUNNING, SPLIT, WAITING


def test_the_untouched_history_holds(history):
    report = history.examine()
    assert report.fault is None
    assert report.holds
    assert report.computations == LAST
    assert report.entries == history.view("AuditTrail", "head")[1]
    assert report.surplus == 0
    elsewhere = {"motion", "pause", "key"}  # see test_bodies, test_keys
    assert set(report.checks) == {rule.value for rule in Rule} - elsewhere


def test_the_history_has_every_ending(history):
    ends = {id_: C(history.view("Records", "computationOf", id_)["status"]) for id_ in range(1, LAST + 1)}
    assert set(ends.values()) == {
        C.Queued, C.Revealing, C.Accepted, C.Rejected, C.Inconclusive, C.Failed, C.Cancelled, C.Unverified, C.Overturned
    }  # fmt: skip
    assert (ends[HONEST], ends[NOISY], ends[SPLIT]) == (C.Accepted, C.Inconclusive, C.Rejected)
    assert (ends[CANCELLED], ends[WAITING], ends[RUNNING]) == (C.Cancelled, C.Queued, C.Revealing)


def test_times_outside_the_timed_blocks_do_not_matter(history):
    timed = timed_blocks(history.events)
    events = [e if e.block in timed else replace(e, timestamp=0) for e in history.events]
    assert len(timed) < len({event.block for event in history.events})
    assert history.examine(events).holds


def test_any_event_left_out_is_missed(history):
    """But a heartbeat that no draw needed, the leave of an account whose organisation is gone, what was said to a
    council, and an identity, of which the chain keeps nothing but this event: its suspension stands as any other.

    Tried with the first and the last event of each kind and every fifth of all.
    """
    replayed = [
        (position, event)
        for position, event in enumerate(history.events)
        if event.contract != "Authority" and event.name != "AuthorityUpdated"
    ]
    first = {event.name: position for position, event in reversed(replayed)}
    last = {event.name: position for position, event in replayed}
    tried = {*first.values(), *last.values(), *(position for position, _ in replayed[::5])}
    draining: dict[int, bool] = {}
    for position in history.positions("ProcessorDrained"):
        event = history.events[position]
        if draining.get(event["processor"], False) == event["draining"]:
            tried.discard(position)  # says again what was so before: nothing would be missing
        draining[event["processor"]] = event["draining"]
    unnoticed = {
        history.events[position].name for position in tried if history.examine(history.without(position)).holds
    }
    assert unnoticed == {"HeartbeatReceived", "AccountLeft", "DisputeAnswered", "IdentityUpdated"}


def test_any_argument_changed_is_noticed(history):
    """But for what nothing on chain rests on."""
    unnoticed = set()
    kinds = {event.name for event in history.events if event.contract != "Authority"}
    for name in kinds - {"AuthorityUpdated"}:
        position = history.position(name)
        for argument, value in history.events[position].arguments.items():
            for path, other in _others(value):
                if history.examine(history.changed(position, **{argument: other})).holds:
                    unnoticed.add(f"{name}.{argument}{path}")
    assert unnoticed == {
        "CapabilityDeclared.uri",
        # Terms under which nothing was decided before they were changed, or nothing so close to the edge.
        "CertificationTermsChanged.terms.cadenceSeconds",
        "CertificationTermsChanged.terms.driftPpm",
        "CertificationTermsChanged.terms.surprisePpm",
        "CertificationTermsChanged.terms.tolerancePpm",
        # Of a round that was spoiled, and of a certifier that left without having revealed a salt.
        "CertificationAnswered.answer",
        "CertifierEnlisted.tip",
        "DisputeAnswered.evidence",
        "DisputeOpened.evidence",
        "GoldListOpened.documentDigest",
        "ComputationSubmitted.request.maxFee",
        "PayloadRefused.code",
        "ProcessorRegistered.identityDigest",
        "ProcessorRegistered.hardwareDigest",
        # The contract has checked by proofs that no event carries which round it was, and what its answer is.
        "RoundScored.answer.ideal",
        "RoundScored.answer.uniform",
        "RoundScored.round",
        "TreasurySpent.to",
        "Withdrawn.to",
    }


def test_an_event_told_twice_is_noticed(history):
    for name in ("ComputationSettled", "ResultCommitted", "EntryAppended", "BondAdded", "Withdrawn"):
        position = history.position(name)
        events = [*history.events[: position + 1], *history.events[position:]]
        assert history.examine(events).fault is not None, name


def test_events_of_another_block_are_not_part_of_a_call(history):
    position = history.position("ComputationConcluded")
    later = replace(history.events[position], block=history.events[position].block + 1)
    events = [*history.events[:position], later, *history.events[position + 1 :]]
    assert history.examine(events).fault.rule is Rule.Sequence


def test_blocks_run_forward(history):
    position = history.position("ResultCommitted", computation=NOISY)
    events = list(history.events)
    events[position] = replace(events[position], block=1)
    fault = history.examine(events).fault
    assert (fault.rule, fault.computation) == (Rule.Sequence, NOISY)


def test_a_forged_emitter_is_noticed(history):
    position = history.position("Withdrawn")
    events = list(history.events)
    events[position] = replace(events[position], contract="Consortium")
    assert history.examine(events).fault.rule is Rule.Sequence


def test_an_unknown_event_is_not_passed_over(history):
    events = list(history.events)
    events[40] = replace(events[40], name="Reformed")
    assert history.examine(events).fault.rule is Rule.Sequence


def test_an_operator_keeps_to_its_first_organisation(history):
    """The events of a change of sides, which the registry would not have let happen."""
    last, stranger = history.events[-1], account("stranger")
    next_id = history.view("ProcessorRegistry", "processorCount") + 1
    told = list(history.events)

    def tell(name, **arguments):
        told.append(LoggedEvent(name, EMITTERS[name], arguments, last.block, last.timestamp))

    for offset, organisation in enumerate((1, 2)):
        tell("AccountInvited", organisation=organisation, account=stranger)
        tell("AccountJoined", organisation=organisation, account=stranger)
        tell(
            "ProcessorRegistered", processor=next_id + offset, operator=stranger,
            daemon=account(f"another daemon {offset}"), organisation=organisation, hardwareDigest=bytes([offset]) * 32,
        )  # fmt: skip
        tell("AccountLeft", organisation=organisation, account=stranger)
    fault = history.examine(told).fault
    assert (fault.rule, fault.expected, fault.actual) == (Rule.Membership, "1", "2")


def test_an_admin_does_not_leave_its_organisation(history):
    last = history.events[-1]
    arguments = {"organisation": 1, "account": account("requester")}
    left = LoggedEvent("AccountLeft", "Consortium", arguments, last.block, last.timestamp)
    assert history.examine([*history.events, left]).fault.rule is Rule.Membership


def test_a_log_that_ends_within_a_call_is_noticed(history):
    position = history.position("ComputationConcluded")
    fault = history.examine(history.events[:position]).fault
    assert (fault.rule, fault.computation, fault.actual) == (Rule.Sequence, HONEST, "the end of the log")


def test_an_empty_log_is_no_log_of_the_suite(history):
    assert history.examine([]).fault.rule is Rule.Policy


def test_another_genesis_fails_the_first_draw(history):
    constants = replace(history.constants, genesis_entropy=bytes(24))
    examination = Examination(history.events, constants)
    examination.run()
    assert examination.fault.rule is Rule.DrawSeed
    assert examination.fault.computation == HONEST


def test_another_chain_opens_no_commitment(history):
    examination = Examination(history.events, replace(history.constants, chain_id=5))
    examination.run()
    assert examination.fault.rule is Rule.Commitment


def test_progress_is_told(history):
    told = []
    Examination(history.events, history.constants).run(lambda done, total: told.append((done, total)))
    assert told[0][0] == 0
    assert told[-1][0] < told[-1][1]


def _others(value, path=""):
    """Yield *value* with one thing in it changed, and where."""
    if isinstance(value, dict):
        for key, inner in value.items():
            for deeper, other in _others(inner, f"{path}.{key}"):
                yield deeper, {**value, key: other}
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        yield path, value + 1
    elif isinstance(value, bytes):
        yield path, bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    elif isinstance(value, list):
        yield path, value[1:] if value else [1]
    elif value.startswith("0x"):
        yield path, f"0x{int(value, 16) ^ 1:040x}"
    else:
        yield path, value + "x"


def in_blocks(events):
    """Yield *events* block by block."""
    for _, block in groupby(events, key=lambda event: event.block):
        yield list(block)


def test_a_history_told_block_by_block_is_the_same_history(history):
    examination = Examination([], history.constants)
    for block in in_blocks(history.events):
        timed = timed_blocks(block)
        examination.extend([e if e.block in timed else replace(e, timestamp=0) for e in block])
        if "PolicyChanged" in {event.name for event in examination._log.events}:
            examination.run()
            assert examination.fault is None, str(examination.fault)
    whole = Examination(history.events, history.constants)
    whole.run()
    assert examination.report() == whole.report()
    assert list(examination.claims()) == list(whole.claims())


def test_a_lie_is_named_alike_however_the_history_is_told(history):
    position = history.position("ComputationSettled", computation=NOISY)
    lied = history.changed(position, accepted=1)
    examination, blocks = Examination([], history.constants), list(in_blocks(lied))
    for start in range(0, len(blocks), 50):
        examination.extend([event for block in blocks[start : start + 50] for event in block])
        examination.run()
    whole = Examination(lied, history.constants)
    whole.run()
    found, expected = examination.fault, whole.fault
    # The entry that rests on it may not have been in the log yet.
    assert replace(found, entry=expected.entry) == expected


def test_nothing_is_replayed_after_a_fault(history):
    position = history.position("ComputationSettled", computation=HONEST)
    examination = Examination(history.changed(position, accepted=1), history.constants)
    examination.run()
    before = examination.report().checks
    examination.extend(history.events)
    examination.run()
    assert examination.report().checks == before
