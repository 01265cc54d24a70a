"""The replay of benchmarks: as they were, and told falsely."""

import pytest

from qcrs.model.certification import CertificationStatus
from qcrs.rules.replay import Rule
from tests.scenario import World
from tests.unit.qcrs.audit.benchmarks import benchmarks
from tests.unit.qcrs.audit.history import History, RecordedChain


@pytest.fixture(scope="module")
def tale():
    """A history of benchmarks alone."""
    world = World(RecordedChain(), processors=3)
    benchmarks(world)
    return History.of(world)


def test_the_untouched_tale_holds(tale):
    report = tale.examine()
    assert report.fault is None
    assert report.checks["benchmark"] > 50


def test_the_tale_has_every_ending_and_cause(tale):
    count = tale.view("Certifications", "certificationCount")
    records = [tale.view("Certifications", "certificationOf", id_)[0] for id_ in range(1, count + 1)]
    ends = {CertificationStatus(record["status"]) for record in records}
    assert ends == {CertificationStatus.Certified, CertificationStatus.Failed, CertificationStatus.Lapsed}
    assert {record["cause"] for record in records} == {1, 2}


def test_a_wei_that_benchmarks_owe_and_have_not_got_is_missed(tale):
    """The log is true; somebody took coin out of the contract all the same."""
    held = tale.view("coin", "Certifications")
    assert held > 0
    fault = tale.examine(coin={"Certifications": held - 1}).fault
    assert (fault.rule, fault.what) == (Rule.Books, "coin that is held for benchmarks")
    assert (fault.expected, fault.actual) == (f"{held} or more", str(held - 1))


def test_any_event_of_a_certification_left_out_is_missed(tale):
    own = [i for i, e in enumerate(tale.events) if e.contract == "Certifications" and e.name != "AuthorityUpdated"]
    unnoticed = {tale.events[i].name for i in own if tale.examine(tale.without(i)).holds}
    assert unnoticed == set()


def test_any_argument_of_a_certification_changed_is_noticed(tale):
    """But for what nothing rests on: counts of a round that was spoiled, salts of who left before it revealed any."""
    unnoticed = set()
    for position, event in enumerate(tale.events):
        if event.contract != "Certifications" or event.name == "AuthorityUpdated":
            continue
        for name, value in event.arguments.items():
            if tale.examine(tale.changed(position, **{name: other_than(value)})).holds:
                unnoticed.add(f"{event.name}.{name}")
    assert unnoticed == {"CertificationAnswered.answer", "CertifierEnlisted.tip"}


def other_than(value):
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, dict):
        first = next(iter(value))
        return value | {first: other_than(value[first])}
    if isinstance(value, list):
        return value[::-1]
    if isinstance(value, str):
        return "0x" + "77" * 20
    return value + 1
