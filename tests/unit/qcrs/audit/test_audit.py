"""The audit over a node: bulk reads, the genesis of the beacon, and the command line."""

import asyncio
import json
from argparse import Namespace
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.cli import audit as command
from qcrs.cli import main
from qcrs.rules.replay import Rule, timed_blocks
from qcrs.sdk import audit, reader
from tests.unit.qcrs.audit.history import Node
from tests.unit.qcrs.audit.stories import HONEST, LAST, ROGUE


def test_verify_holds(history):
    node = Node(history)
    report = asyncio.run(audit.verify(node))
    assert report.holds, str(report.fault)
    assert report.computations == LAST
    assert report.genesis == "creation transaction"
    assert report.block == history.world.chain.number


def test_verify_reads_only_the_block_times_that_it_needs(history):
    node = Node(history)
    asyncio.run(audit.verify(node))
    assert node.asked.count("eth_getBlockByNumber") == len(timed_blocks(history.events))


def test_verify_names_a_fault_and_asks_no_further(history):
    position = history.position("ComputationSettled", computation=ROGUE)
    node = Node(history, history.changed(position, verdict=2))
    report = asyncio.run(audit.verify(node))
    assert (report.fault.rule, report.fault.computation) == (Rule.Verdict, ROGUE)
    assert "eth_getBalance" not in node.asked


def test_verify_finds_what_the_log_hides(history):
    start = history.position("ComputationSubmitted", computation=LAST)
    fault = asyncio.run(audit.verify(Node(history, history.events[:start]))).fault
    entries = [position for position, event in enumerate(history.events) if event.name == "EntryAppended"]
    assert (fault.rule, fault.what) == (Rule.HashChain, "head()[1]")
    assert (fault.expected, fault.actual) == (str(sum(p < start for p in entries)), str(len(entries)))


def test_a_log_without_the_deployment_is_a_fault(history):
    first = history.position("PolicyChanged")
    last = history.positions("PolicyChanged")[-1]
    node = Node(history, history.without(first, last))
    assert not asyncio.run(audit.verify(node)).holds


def test_a_factory_s_genesis_is_read_from_archived_state(history, monkeypatch):
    node = Node(history)
    monkeypatch.setattr(node, "eth_getTransactionByHash", lambda _: {"to": node.addresses["Authority"], "input": "0x"})
    # This chain keeps no old state, so the answer is today's beacon: the first draw cannot follow.
    report = asyncio.run(audit.verify(node))
    assert report.genesis == "archived state"
    assert report.fault.rule is Rule.DrawSeed


def test_an_unknown_genesis_is_an_error(history, monkeypatch):
    node = Node(history)

    def refuse(*_):
        raise ContractRefused("Unknown", {})

    monkeypatch.setattr(node, "eth_getTransactionByHash", lambda _: {"to": "0x0", "input": "0x"})
    monkeypatch.setattr(node, "eth_call", refuse)
    with pytest.raises(audit.GenesisUnknown):
        asyncio.run(audit.verify(node))


def test_progress_is_told_after_a_quiet_while_only(history, monkeypatch):
    told = []
    monkeypatch.setattr(reader, "QUIET_SECONDS", 1e9)
    asyncio.run(audit.verify(Node(history), told.append))
    assert told == []
    monkeypatch.setattr(reader, "QUIET_SECONDS", -1.0)
    asyncio.run(audit.verify(Node(history), told.append))
    assert told[0].startswith("read block times: 0 of ")


def test_list_entries(history):
    everything = asyncio.run(audit.list_entries(Node(history)))
    assert everything.holds
    assert everything.size == len(everything.entries)
    newest = asyncio.run(audit.list_entries(Node(history), last=2))
    assert newest.entries == everything.entries[-2:]
    one = asyncio.run(audit.list_entries(Node(history), computation=HONEST))
    assert [entry.subject for entry in one.entries] == [HONEST, HONEST]
    assert one.entries[0].timestamp == history.event("ComputationAllocated").timestamp


def test_list_entries_of_a_trail_that_lacks_one(history):
    position = history.position("EntryAppended", decision=7)
    assert not asyncio.run(audit.list_entries(Node(history, history.without(position)))).holds


@pytest.fixture
def served(history, monkeypatch):
    """Let ``qcrs audit`` read a history."""

    def serve(events=None):
        def run(options: Namespace, work, signs: bool) -> int:
            assert not signs
            return asyncio.run(work(SimpleNamespace(gateway=Node(history, events))))

        monkeypatch.setattr(command, "run_with_client", run)

    serve()
    return serve


def test_the_command_says_that_it_holds(served, capsys):
    assert main(["audit", "verify"]) == 0
    assert "the audit trail holds: " in capsys.readouterr().out
    assert main(["audit", "verify", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["holds"] is True
    assert value["fault"] is None
    assert value["checks"]["verdict"] > 0


def test_the_command_names_the_fault(served, history, capsys):
    position = history.position("ComputationConcluded", computation=ROGUE)
    served(history.changed(position, beacon=bytes(24)))
    assert main(["audit", "verify"]) == 1
    out = capsys.readouterr().out
    assert "DOES NOT HOLD" in out
    assert f"computation {ROGUE}" in out
    assert main(["audit", "verify", "--json"]) == 1
    fault = json.loads(capsys.readouterr().out)["fault"]
    assert (fault["rule"], fault["computation"]) == ("beacon", ROGUE)
    assert fault["entry"] == history.entry_after(position, ROGUE)


def test_the_command_lists_entries(served, capsys):
    assert main(["audit", "log", "--last", "3"]) == 0
    assert "3 of " in capsys.readouterr().out
    assert main(["audit", "log", "--computation", str(HONEST), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["holds"] is True
    assert [e["decision"] for e in value["entries"]] == ["ComputationAllocated", "ComputationSettled"]


def test_the_command_says_when_the_list_is_not_whole(served, history, capsys):
    served(history.without(history.position("EntryAppended")))
    assert main(["audit", "log", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False


def test_no_entries_cannot_be_asked_for(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["audit", "log", "--last", "0"])
    assert ended.value.code == 2
    assert "argument --last: expected an integer of at least 1, got '0'" in capsys.readouterr().err
