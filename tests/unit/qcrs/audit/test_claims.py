"""A replay that runs through must also end where the chain is."""

from dataclasses import replace

import pytest

from qcrs.rules.count_sketch import unpack
from qcrs.rules.digest import abi_digest
from qcrs.rules.replay import Rule
from qcrs.rules.replay.claims import difference
from tests.scenario import account
from tests.unit.qcrs.audit.stories import HONEST, ROGUE, RUNNING


@pytest.mark.parametrize(
    ("function", "answer", "rule"),
    [
        ("root", bytes(32), Rule.HashChain),
        ("beacon", bytes(24), Rule.Beacon),
        ("treasury", 1, Rule.Books),
        ("balanceOf", (1, 1), Rule.Books),
        ("bondOf", 1, Rule.Books),
        ("computationCount", 1, Rule.Record),
        ("processorCount", 1, Rule.Record),
        ("organisationCount", 1, Rule.Record),
        ("listOf", [], Rule.Record),
        ("daemonOf", account("somebody else"), Rule.Record),
        ("operatorOf", account("somebody else"), Rule.Record),
        ("organisationOf", 99, Rule.Membership),
        ("accountOf", account("somebody else"), Rule.Record),
        ("isScreened", False, Rule.Record),
        ("finishOf", 1, Rule.Record),
        ("queueOf", (0, 0, 0), Rule.Queue),
        ("rateOf", 1, Rule.Record),
        ("reservationCount", 0, Rule.Record),
        ("calendarOf", [7], Rule.Record),
    ],
)
def test_another_answer_of_the_chain_is_a_fault(history, function, answer, rule):
    fault = history.examine(**{function: answer}).fault
    assert fault.rule is rule
    assert function in fault.what


def test_a_longer_trail_names_the_first_entry_that_is_missing(history):
    size = history.view("AuditTrail", "head")[1]
    fault = history.examine(head=(bytes(24), size + 3)).fault
    assert (fault.rule, fault.entry, fault.expected, fault.actual) == (
        Rule.HashChain, size, str(size), str(size + 3)
    )  # fmt: skip


def test_another_head_of_the_same_length_is_a_fault(history):
    size = history.view("AuditTrail", "head")[1]
    assert history.examine(head=(bytes(24), size)).fault.rule is Rule.HashChain


def test_the_last_settlement_left_out_is_missing(history):
    """Nothing after it depends on it when the log simply ends."""
    start = history.position("ComputationSubmitted", computation=RUNNING)
    fault = history.examine(history.events[:start]).fault
    assert (fault.rule, fault.entry) == (Rule.HashChain, history.entry_after(start))


def test_facts_forged_together_with_their_digest_are_told_by_the_record(history):
    position = history.position("OrganisationAdmitted")
    facts = {**history.events[position].arguments, "name": "forged"}
    events = history.changed(position, name="forged")
    entry = history.position("EntryAppended")
    digest = abi_digest(
        ["uint24", "address", "string", "uint32"],
        [facts["organisation"], facts["admin"], "forged", facts["weight"]],
    )
    changed = {**events[entry].arguments, "digest": digest}
    events[entry] = replace(events[entry], arguments=changed)
    fault = history.examine(events).fault
    assert (fault.rule, fault.actual) == (Rule.Record, history.events[position]["name"])


def test_a_sketch_moved_within_its_totals_is_told_by_the_record(history):
    """No rule of the round sees it when the verdict stays; the digest that the chain keeps does."""
    position = history.position("ResultRevealed", computation=ROGUE, index=0)
    (word,) = history.events[position]["sketch"]
    assert unpack([word], 2)[3] > 0
    fault = history.examine(history.changed(position, sketch=[word + 1 - (1 << 48)])).fault
    assert (fault.rule, fault.computation) == (Rule.Record, ROGUE)
    assert fault.entry == history.entry_after(history.position("ComputationSettled", computation=ROGUE))


def test_another_keeper_is_told_by_the_balances(history):
    position = history.position("ComputationPaid", computation=HONEST)
    fault = history.examine(history.changed(position, keeper=account("somebody else"))).fault
    assert fault.rule is Rule.Books


def test_missing_coin_is_a_fault(history):
    held = history.view("coin", "ComputationAllocator")
    fault = history.examine(coin={"ComputationAllocator": held - 1}).fault
    assert (fault.rule, fault.expected, fault.actual) == (Rule.Books, f"{held} or more", str(held - 1))


@pytest.mark.parametrize("contract", ["Reservations", "Certifications"])
def test_missing_coin_of_another_contract_is_a_fault(history, contract):
    held = history.view("coin", contract)
    fault = history.examine(coin={contract: held - 1}).fault
    assert held > 0
    assert (fault.rule, fault.expected, fault.actual) == (Rule.Books, f"{held} or more", str(held - 1))


def test_forced_coin_is_no_fault(history):
    report = history.examine(coin={"ComputationAllocator": history.view("coin", "ComputationAllocator") + 7})
    assert report.holds
    assert report.surplus == 7


def test_a_fault_reads_well(history):
    fault = history.examine(treasury=1).fault
    assert str(fault).startswith("final state: books: treasury() is 1, expected ")
    assert fault.to_json()["rule"] == "books"


def test_difference_names_the_place():
    assert difference({"a": [1, {"b": ...}]}, {"a": [1, {"b": 2}], "c": 3}) is None
    assert difference([{"a": 1}], [{"a": 2}]) == ("[0].a", 1, 2)
    assert difference([1], [1, 2]) == (" length", 1, 2)
