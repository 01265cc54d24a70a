"""Proofs as files: made from the log, held to themselves, to a known root, to a contract and to the chain."""

import asyncio
import io
import json
from argparse import Namespace
from copy import deepcopy
from types import SimpleNamespace

import pytest

from qcrs.cli import audit as command
from qcrs.cli import main
from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import prove
from qcrs.rules.replay.fact_words import UNKNOWN, words_of
from qcrs.rules.replay.facts import encoded_facts
from qcrs.sdk.proof import EntryUnknown, Proof, ProofInvalid, TrailIncomplete, departure, make_proof
from tests.evm import CHAIN_ID, Chain
from tests.scenario import account
from tests.unit.qcrs.audit.history import Node, block_hash
from tests.unit.qcrs.audit.stories import FAILED, HONEST, SILENT, WAITING


def proof_of(history, computation=None, index=None, events=None):
    return asyncio.run(make_proof(Node(history, events), computation, index))


@pytest.fixture(scope="module")
def proof(history):
    return proof_of(history, HONEST)


@pytest.fixture(scope="module")
def witness():
    """A contract on another chain."""
    return Chain().deploy("AuditProofHarness", sender=account("deployer"))


PARTS = ("later", "siblings", "peaks")


def accepts(witness, value):
    entry = value["entry"]
    return witness.includes(
        binary(value["root"]),
        (entry["index"], Decision[entry["decision"]], entry["subject"], entry["recorder"], binary(entry["digest"])),
        (
            value["size"],
            binary(value["head"]),
            binary(value["before"]),
            *([binary(node) for node in value[part]] for part in PARTS),
        ),
    )


def binary(text):
    return bytes.fromhex(text[2:])


# --- made ---


def test_the_newest_entry_about_a_computation_is_proven(history, proof):
    last = history.positions("EntryAppended", decision=Decision.ComputationSettled, subject=HONEST)[-1]
    assert proof.entry.index == history.events[last]["index"]
    assert proof.fault() is None
    assert proof.words.startswith(
        f"ComputationSettled, computation {HONEST}: status Accepted, fates by seat [Accepted, Accepted, Accepted], "
    )
    assert proof.root == history.view("AuditTrail", "root")


def test_every_entry_is_proven_with_its_facts(history, witness):
    size = history.view("AuditTrail", "head")[1]
    for index in range(size):
        proof = proof_of(history, index=index)
        assert proof.fault(history.view("AuditTrail", "root")) is None
        assert UNKNOWN not in proof.words, proof.words
        assert accepts(witness, proof.to_json())


def test_an_entry_may_be_named_with_what_it_is_about(history):
    entry = history.event("EntryAppended", decision=Decision.ComputationAllocated, subject=SILENT)["index"]
    assert proof_of(history, SILENT, entry).entry.decision is Decision.ComputationAllocated
    with pytest.raises(EntryUnknown, match=f"not about computation {HONEST}"):
        proof_of(history, HONEST, entry)


@pytest.mark.parametrize(("computation", "index"), [(WAITING, None), (10_000, None), (None, 10_000), (HONEST, 0)])
def test_what_the_trail_lacks_cannot_be_proven(history, computation, index):
    with pytest.raises(EntryUnknown):
        proof_of(history, computation, index)


@pytest.mark.parametrize("lie", ["without", "last", "changed"])
def test_nothing_is_proven_from_a_log_that_is_not_the_contract_s(history, lie):
    position = history.position("EntryAppended", subject=FAILED, decision=Decision.ComputationFailed)
    last = history.positions("EntryAppended")[-1]
    events = {
        "without": history.without(position),
        "last": history.without(last),
        "changed": history.changed(position, digest=bytes(32)),
    }[lie]
    with pytest.raises(TrailIncomplete, match="qcrs audit verify"):
        proof_of(history, HONEST, events=events)


def test_facts_that_the_log_tells_falsely_are_left_out(history):
    position = history.position("ComputationSettled", computation=HONEST)
    proof = proof_of(history, HONEST, events=history.changed(position, answerDigest=bytes(32)))
    assert proof.facts is None
    assert proof.words == f"ComputationSettled, computation {HONEST}: {UNKNOWN}"
    assert proof.fault() is None


def test_facts_that_the_log_lacks_are_left_out(history):
    entry = history.event("EntryAppended", decision=Decision.ProcessorCertified)
    declared = set(history.positions("CapabilityDeclared"))
    context = (CHAIN_ID, history.constants.contracts["ResultVerifier"])
    assert encoded_facts(history.events, entry["index"], *context) is not None
    assert encoded_facts(history.without(*declared), entry["index"], *context) is None
    assert encoded_facts(history.events, 10_000, *context) is None


def test_words_of_what_cannot_be_decoded():
    assert words_of(Decision.ComputationFailed, 7, b"\x01") == f"ComputationFailed, computation 7: {UNKNOWN}"
    assert words_of(Decision.Unset, 7, b"") == f"Unset, computation 7: {UNKNOWN}"


# --- tampered with ---


def leaves_of(value, path=()):
    """Yield the path of every value in a JSON object that is not a container."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from leaves_of(item, (*path, key))
        else:
            yield (*path, key)


def changed(value, path):
    """Return *value* with one of its values changed to another of the same kind."""
    other = deepcopy(value)
    at = other
    for key in path[:-1]:
        at = at[key]
    old = at[path[-1]]
    if path[-1] == "decision":
        at[path[-1]] = "PolicyChanged"
    elif isinstance(old, int):
        at[path[-1]] = old + 1
    elif old.startswith("0x"):
        at[path[-1]] = old[:-1] + ("1" if old[-1] != "1" else "2")
    else:
        at[path[-1]] = old + "!"
    return other


def resummed(value):
    """Return *value* with the checksum that a forger would give it."""
    proof = Proof.read(json.dumps(value))
    return proof.model_copy(update={"checksum": proof.sum()})


BOUND = {"entry", "leaf", "size", "head", "before", *PARTS, "root", "facts", "words"}


def test_tampering_with_any_field_is_refused(proof):
    value = proof.to_json()
    paths = list(leaves_of(value))
    assert {path[0] for path in paths} == set(value)
    for path in paths:
        try:
            assert Proof.read(json.dumps(changed(value, path))).fault() is not None, path
        except ProofInvalid:
            assert path == ("schema",)


def test_a_forger_who_mends_the_checksum_is_refused_by_what_the_root_binds(history, proof):
    value, root = proof.to_json(), history.view("AuditTrail", "root")
    for path in leaves_of(value):
        if path[0] in BOUND:
            assert resummed(changed(value, path)).fault(root) is not None, path


def test_a_contract_refuses_what_was_tampered_with(witness, proof):
    value = proof.to_json()
    assert accepts(witness, value)
    for path in leaves_of(value):
        if path[0] in {"entry", "size", "head", "before", *PARTS, "root"}:
            assert not accepts(witness, changed(value, path)), path


def test_nodes_left_out_added_or_moved_are_refused(witness, proof):
    value = proof.to_json()
    for part in PARTS:
        nodes = value[part]
        assert len(nodes) > 1, part
        for other in (nodes[1:], nodes[:-1], [*nodes, nodes[0]], nodes[::-1], []):
            forged = {**value, part: other}
            assert resummed(forged).fault() is not None
            assert not accepts(witness, forged)


def test_another_trail_s_root_is_refused(proof):
    assert "the trusted one is 0x00" in proof.fault(bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        b"\xff\xfe",
        " " * (2**20 + 1),
    ],
)
def test_what_is_no_proof_is_said_to_be_none(text):
    with pytest.raises(ProofInvalid):
        Proof.read(text)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (("schema",), "qcrs.audit-proof/1"),
        (("size",), "13"),
        (("size",), -1),
        (("size",), True),
        (("entry", "index"), 2**64),
        (("entry", "decision"), 7),
        (("entry", "decision"), ["ComputationSettled"]),
        (("entry", "decision"), "Nonesuch"),
        (("entry", "recorder"), "0x1234"),
        (("root",), "0x1234"),
        (("root",), 5),
        (("facts",), "0x123"),
        (("facts",), "0xAB"),
        (("siblings",), "0x"),
        (("extra",), 1),
    ],
)
def test_a_field_of_another_kind_is_named(proof, path, other):
    value = proof.to_json()
    at = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    with pytest.raises(ProofInvalid, match=path[-1]):
        Proof.read(json.dumps(value))


# --- against the chain ---


def departs(history, proof, **more):
    node = Node(history, more.get("events"))
    return asyncio.run(departure(node, proof))


def test_a_sound_proof_agrees_with_the_chain(history, proof):
    assert departs(history, proof) is None


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (("chainId",), "chain id"),
        (("genesis",), "first block"),
        (("auditTrail",), "address"),
        (("block", "number"), "the chain ends in block"),
        (("block", "hash"), "the proof was made in"),
        (("block", "timestamp"), "is of"),
    ],
)
def test_what_the_root_does_not_bind_is_held_to_the_chain(history, proof, path, what):
    forged = resummed(changed(proof.to_json(), path))
    assert forged.fault() is None
    assert what in departs(history, forged)


def test_a_forged_history_is_told_by_the_chain(history, proof):
    """Whoever makes up a whole trail has a proof that is sound in itself."""
    entry = proof.entry.model_copy(update={"index": 0, "subject": 99})
    made_up = {
        "entry": entry,
        "facts": None,
        "words": words_of(entry.decision, 99, None),
        "leaf": entry.leaf,
        **{part: [] for part in PARTS},
        "size": 1,
        "head": prove([entry.leaf], 0).head,
        "before": bytes(24),
        "root": prove([entry.leaf], 0).root,
    }
    forged = proof.model_copy(update=made_up)
    forged = forged.model_copy(update={"checksum": forged.sum()})
    assert forged.fault() is None
    assert forged.fault(history.view("AuditTrail", "root")) is not None
    assert "another root" in departs(history, forged)


def test_a_node_that_hides_entries_proves_nothing(history, proof):
    events = history.without(history.positions("EntryAppended")[-1])
    with pytest.raises(TrailIncomplete):
        departs(history, proof, events=events)


# --- the commands ---


@pytest.fixture
def served(history, monkeypatch):
    def run(options: Namespace, work, signs: bool):
        assert not signs
        return asyncio.run(work(SimpleNamespace(gateway=Node(history))))

    monkeypatch.setattr(command, "run_with_client", run)


def test_the_command_writes_a_proof_that_the_command_accepts(served, history, tmp_path, capsys):
    file = tmp_path / "proof.json"
    assert main(["audit", "prove", str(HONEST), "--out", str(file)]) == 0
    assert "status Accepted" in capsys.readouterr().out
    root = "0x" + history.view("AuditTrail", "root").hex()
    assert main(["audit", "check", str(file)]) == 0
    assert "holds in itself" in capsys.readouterr().out
    assert main(["audit", "check", str(file), "--root", root]) == 0
    assert "holds against the root that you gave" in capsys.readouterr().out
    assert main(["audit", "check", str(file), "--network", "any", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["holds"], value["against"]) == (True, "the contract as of now")


def test_the_command_prints_a_proof_and_reads_one(served, monkeypatch, capsys):
    assert main(["audit", "prove", "--entry", "0"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["entry"]["index"] == 0
    assert main(["audit", "prove", "--entry", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(text)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    assert main(["audit", "check", "-"]) == 0


def test_the_command_says_what_does_not_hold(served, proof, tmp_path, capsys):
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(changed(proof.to_json(), ("entry", "subject"))))
    assert main(["audit", "check", str(file)]) == 1
    assert "THE PROOF DOES NOT HOLD\nleaf is" in capsys.readouterr().out
    resummed(changed(proof.to_json(), ("block", "hash"))).write(file)
    assert main(["audit", "check", str(file)]) == 0
    capsys.readouterr()
    assert main(["audit", "check", str(file), "--network", "any", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["holds"] is False
    assert block_hash(proof.block.number) in value["fault"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["prove"], "EntryUnknown"),
        (["prove", "0"], "UsageError"),
        (["prove", "1", "--entry", "-1"], "UsageError"),
        (["check", "/nonexistent"], "FileNotFoundError"),
        (["check", "-", "--root", "0x12"], "UsageError"),
    ],
)
def test_wrong_usage_is_told(served, capsys, arguments, error):
    try:
        code = main(["audit", *arguments, "--json"])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert json.loads(capsys.readouterr().out)["error"] == error
