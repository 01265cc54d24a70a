"""Deliveries and relayed reports in the log: what follows passes, what does not is named."""

import pytest

from qcrs.model.computation import ComputationStatus
from qcrs.rules.replay import Rule
from tests.deliveries import Conduct, Desk, disprove
from tests.job import rogue
from tests.reports import Office
from tests.scenario import World
from tests.unit.qcrs.audit.history import History, RecordedChain

ACCEPTED, REJECTED, OVERTURNED, ALONE, RELAYED, WIDE = range(1, 7)


@pytest.fixture(scope="module")
def told() -> History:
    """A chain on which results and outcomes are delivered in every way."""
    world = World(RecordedChain())
    desk = Desk(world)
    accepted = world.submit()
    desk.subscribe(accepted, wait=True)
    desk.subscribe_to_outcomes(accepted, 9_000)
    accepted.to_settled()
    desk.deliver_outcomes(accepted, 9_000)
    desk.behave(Conduct.Revert)
    world.chain.warp(accepted.record.phase_ends_at + 1)
    desk.deliver(accepted)
    desk.behave(Conduct.Take)
    desk.deliver(accepted)
    for answers, replicas, false in (({0: rogue(0), 1: rogue(1)}, 3, ()), (None, 3, (0, 1)), (None, 1, ())):
        job = world.submit(replicas=replicas)
        desk.subscribe(job)
        job.to_settled(answers)
        for index in false:
            disprove(job, index)
            world.bond(job.node(index).id)
        desk.deliver(job)
    office, job = Office(world), world.submit().allocate()
    items = [office.signed(job, index) for index in range(3)]
    office.post(*items[:2])
    office.post(*items)
    job.disclose()
    office.post(*(office.reveal(job, index) for index in range(3)))
    office.post(office.reveal(job, 0))
    job.settle()
    wide = world.submit(outcome_bits=9)
    desk.subscribe_to_outcomes(wide)
    wide.to_settled()
    desk.deliver_outcomes(wide)
    return History.of(world)


def test_what_was_told_follows(told):
    assert told.examine(told.events).fault is None
    names = {event.name for event in told.events}
    assert {"ResultDelivered", "ResultDeliveryFailed", "OutcomesDelivered", "CommitSkipped", "RevealSkipped"} <= names


def change(name, computation, **arguments):
    def lie(told):
        return told.changed(told.position(name, computation=computation), **arguments)

    return lie


def drop(name, computation):
    return lambda told: told.without(told.position(name, computation=computation))


def again(told):
    position = told.position("ResultDelivered", computation=ACCEPTED)
    return told.inserted(position, "ResultDelivered", **told.events[position].arguments)


def early(told):
    """The first try, within the time for challenges."""
    position = told.position("ResultDeliveryFailed", computation=ACCEPTED)
    return told.retimed(position, told.events[position - 1].timestamp)


def before_the_end(told):
    """The delivery comes before the settlement."""
    end = told.position("OutcomesDelivered", computation=WIDE)
    settled = told.position("ComputationSettled", computation=WIDE)
    delivered = told.events[end]
    return told.inserted(settled, delivered.name, **delivered.arguments)


STRANGER = "0x" + "77" * 20
LIES = {
    "digest": (Rule.Answer, change("ResultDelivered", ACCEPTED, answerDigest=b"\1" * 32)),
    "accepted": (Rule.Answer, change("ResultDelivered", ACCEPTED, accepted=3)),
    "status": (Rule.Answer, change("ResultDelivered", REJECTED, status=ComputationStatus.Accepted)),
    "overturned": (Rule.Answer, change("ResultDelivered", OVERTURNED, status=ComputationStatus.Accepted)),
    "digest of one replica": (Rule.Answer, change("ResultDelivered", ALONE, answerDigest=bytes(32))),
    "consumer": (Rule.Answer, change("ResultDelivered", ACCEPTED, consumer=STRANGER)),
    "counts": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, counts=[6_165, 6_122])),
    "outcomes": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, outcomes=[1, 3])),
    "outcomes too wide": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, outcomes=[0, 4])),
    "order": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, outcomes=[3, 0])),
    "shots": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, shots=4_096)),
    "coverage": (Rule.Answer, change("OutcomesDelivered", ACCEPTED, outcomes=[0], counts=[6_165])),
    "most frequent": (Rule.Answer, change("OutcomesDelivered", WIDE, counts=[6_144])),
    "more than there are": (Rule.Answer, change("OutcomesDelivered", WIDE, counts=[12_289])),
    "not subscribed": (Rule.Lifecycle, drop("ResultSubscribed", REJECTED)),
    "told twice": (Rule.Lifecycle, again),
    "too early": (Rule.Window, early),
    "before the end": (Rule.Lifecycle, before_the_end),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_a_delivery_is_named(told, name):
    rule, lie = LIES[name]
    fault = told.examine(lie(told)).fault
    assert fault is not None
    assert fault.rule is rule, str(fault)
