"""The command line as its users meet it, good input and bad, on a running network."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.devnet import free_port, is_running
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.config import NodeConfig
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.organisation import Priority
from qcrs.model.records import Request
from qcrs.model.refusal import RefusalCode
from qcrs.rules.digest import keccak
from tests.integration.conftest import PATIENCE_SECONDS, drive, running

HEADER = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BELL = HEADER + "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Four honest processors, one more than a computation needs."""
    with running(tmp_path_factory.mktemp("devnet"), 4) as world:
        yield world


@pytest.fixture
def bell(tmp_path):
    """A circuit file."""
    path = tmp_path / "bell.qasm"
    path.write_text(BELL)
    return str(path)


def _refused(finished, code, *words):
    """Check that a command ended with *code* and said *words*, without a traceback."""
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in finished.stderr


def test_submit_and_wait_prints_one_object(world, bell):
    answer = world.json("job", "submit", bell, "--shots", "12288", "--wait")
    assert set(answer) == {
        "id", "status", "verdict", "counts", "shots", "replicas", "accepted", "outliers", "silent", "failed",
        "disproven", "challengeableUntil", "gas", "seconds", "resultDigest", "signatures",
    }  # fmt: skip
    assert set(answer["gas"]) == {
        "submit",
        "allocate",
        "commit",
        "disclose",
        "reveal",
        "settle",
        "total",
    }
    assert answer["status"] == answer["verdict"] == "Accepted"
    assert answer["shots"] == sum(answer["counts"].values()) == 4096 * 3
    assert answer["counts"]["00"] + answer["counts"]["11"] > 0.8 * answer["shots"]
    assert len(answer["accepted"]) == answer["replicas"] == 3
    assert answer["resultDigest"].startswith("0x")


def test_show_list_and_result_tell_the_same_story(world, bell):
    answer = world.json("job", "submit", bell, "--wait")
    assert world.json("job", "result", str(answer["id"]))["counts"] == answer["counts"]
    story = world.json("job", "show", str(answer["id"]))
    assert sorted(duty["processor"] for duty in story["assignments"]) == sorted(answer["accepted"])
    listed = {job["id"]: job for job in world.json("job", "list")}
    assert listed[answer["id"]]["status"] == "Accepted"
    assert "Accepted" in world.run("job", "show", str(answer["id"])).stdout


def test_submission_from_standard_input_and_openqasm_2(world):
    source = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
    finished = world.run("job", "submit", "-", "--wait", "--json", stdin=source)
    assert json.loads(finished.stdout)["status"] == "Accepted", finished.stderr


def test_cancel_refunds(world, bell):
    submitted = world.json("job", "submit", bell, "--replicas", "3", "--noise-class", "99", "--plain")
    before = world.json("ledger", "show")
    assert world.json("job", "cancel", str(submitted["id"]))["status"] == "Cancelled"
    after = world.json("ledger", "show")
    assert before["balanced"]
    assert after["balanced"]

    def money(books, kind):
        return {a["name"]: int(a[kind]) for a in books["accounts"]}["researcher"]

    assert money(after, "available") - money(before, "available") == int(submitted["quote"]["total"])
    _refused(world.run("job", "cancel", str(submitted["id"])), 4, "UnexpectedComputationStatus")


def test_withdraw_empties_the_available_balance(world, bell):
    world.json("ledger", "deposit", "0.5")
    withdrawn = int(world.json("ledger", "withdraw")["withdrawn"])
    assert withdrawn >= 5 * 10**17
    _refused(world.run("ledger", "withdraw", "1"), 4, "InsufficientFunds")


def test_processors_are_listed_and_shown(world):
    processors = world.json("processor", "list")
    assert [p["id"] for p in processors] == [1, 2, 3, 4]
    assert all(p["available"] for p in processors)
    shown = world.json("processor", "show", "1")
    assert shown["capability"]["twoQubitErrorPpm"] > 0
    _refused(world.run("processor", "show", "99"), 2, "ProcessorNotRegistered")


def test_status_of_devnet_and_node(world):
    directory = str(world.devnet.directory)
    assert world.json("devnet", "status", "--directory", directory)["chain"] is True
    config = str(world.devnet.node_files("lab-1").config)
    assert world.json("node", "status", "--config", config)["status"] == "running"


def test_audit_log_lists_decisions(world, bell):
    world.json("job", "submit", bell, "--wait")
    assert world.run("audit", "log").returncode == 0
    assert world.json("audit", "verify")["holds"] is True


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("this is not a circuit", ["NotOpenQasm"]),
        (HEADER + 'include "secret.inc";\nqubit q;\nbit c;\nc = measure q;\n', ["IncludeRefused"]),
        (
            HEADER + "gate a q { h q; }\nqubit[1] q;\nbit[1] c;\na q[0];\nc = measure q;\n",
            ["GateDefinitionRefused"],
        ),
        (HEADER + "qubit[2] q;\nbit[2] c;\nh q[0];\n", ["NoMeasurement"]),
        (HEADER + "qubit[1000000000] q;\nbit[1] c;\nc[0] = measure q[0];\n", ["TooManyQubits"]),
        (
            HEADER + "qubit[2] q;\nbit[2] c;\nc[0] = measure q[0];\nif (c[0]) { x q[1]; }\nc[1] = measure q[1];\n",
            ["FeedForwardUnsupported"],
        ),
        (
            HEADER + "qubit[1] q;\nbit[1] c;\nrx(1/0) q[0];\nc = measure q;\n",
            ["NonFiniteParameter"],
        ),
    ],
    ids=["prose", "include", "gate", "unmeasured", "wide", "feed-forward", "division-by-zero"],
)
def test_bad_circuits_are_refused_before_any_money_moves(world, tmp_path, source, words):
    path = tmp_path / "bad.qasm"
    path.write_text(source)
    before = world.json("ledger", "show")
    finished = world.run("job", "submit", str(path))
    _refused(finished, 2, "CircuitRefused", *words)
    assert world.json("ledger", "show") == before


def test_a_million_nested_gate_definitions_are_refused(world, tmp_path):
    path = tmp_path / "bomb.qasm"
    gates = [
        "gate g0 q { h q; }\n",
        *(f"gate g{i} q {{ g{i - 1} q; g{i - 1} q; }}\n" for i in range(1, 10**6)),
    ]
    path.write_text(HEADER + "".join(gates) + "qubit[1] q;\nbit[1] c;\ng999999 q[0];\nc = measure q;\n")
    _refused(world.run("job", "submit", str(path)), 2, "CircuitRefused")


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--shots", "0"], 2, ["ShotsOutOfRange", "0 shots"]),
        (["--shots", "1000000000"], 2, ["ShotsOutOfRange", "1000000000 shots"]),
        (["--replicas", "2"], 2, ["ReplicasOutOfRange"]),
        (["--replicas", "5"], 2, ["NoCapacity", "4 of one noise class fit"]),
        (["--max-fee", "1"], 2, ["FeeTooLow", "1 wei"]),
        (["--as", "operator"], 2, ["NotAMember"]),
        (["--as", "nobody"], 2, ["no account 'nobody'"]),
    ],
)
def test_bad_terms_are_refused_before_any_money_moves(world, bell, flags, code, words):
    before = world.json("ledger", "show")
    _refused(world.run("job", "submit", bell, *flags), code, *words)
    assert world.json("ledger", "show") == before


def test_more_qubits_than_any_processor(world, tmp_path):
    path = tmp_path / "wide.qasm"
    path.write_text(HEADER + "qubit[255] q;\nbit[1] c;\nh q[254];\nc[0] = measure q[254];\n")
    _refused(world.run("job", "submit", str(path)), 2, "NoCapacity", "255 qubits")


def test_missing_files_and_unknown_jobs(world):
    _refused(world.run("job", "submit", "nowhere.qasm"), 2, "nowhere.qasm")
    _refused(world.run("job", "show", "424242"), 2, "ComputationUnknown", "424242")
    _refused(
        world.run("job", "list", network=world.devnet.directory / "absent.json"),
        2,
        "NetworkFileInvalid",
    )


def test_chain_down_and_wrong_chain(world, tmp_path):
    facts = world.network.to_json()
    port = free_port()
    down = tmp_path / "down.json"
    down.write_text(json.dumps({**facts, "rpcUrl": f"http://127.0.0.1:{port}", "wsUrl": f"ws://127.0.0.1:{port}"}))
    _refused(world.run("job", "list", network=down), 3, "ChainUnreachable", str(port))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**facts, "chainId": 1}))
    _refused(world.run("job", "list", network=other), 3, "WrongChain", "serves chain 1337, expected 1")


def test_port_in_use(world, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = world.run("devnet", "up", "--directory", str(tmp_path / "other"), "--port", str(port))
    _refused(finished, 2, "PortInUse", str(port))


def test_second_daemon_with_the_same_key(world, tmp_path):
    config = NodeConfig.read(world.devnet.node_files("lab-1").config)
    copy = tmp_path / "node.toml"
    config.model_copy(update={"journal": tmp_path / "journal.sqlite"}).write(copy)
    _refused(world.run("node", "start", "--config", str(copy)), 2, "KeyInUse", "process")


def test_damaged_journal_stops_the_daemon_and_says_what_to_do(world, tmp_path):
    files = world.devnet.node_files("lab-1")
    config = NodeConfig.read(files.config)
    directory = tmp_path / "node"
    assert world.run(
        "node", "init", str(directory), "--calibration", str(config.calibration),
        "--network", str(world.devnet.network_path),
    ).returncode == 0  # fmt: skip
    (directory / "journal.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    _refused(
        world.run("node", "start", "--config", str(directory / "node.toml")),
        2,
        "JournalDamaged",
        "Restore it",
    )


def test_daemon_without_a_processor_says_so(world, tmp_path):
    config = NodeConfig.read(world.devnet.node_files("lab-1").config)
    directory = tmp_path / "node"
    world.run("node", "init", str(directory), "--calibration", str(config.calibration),
              "--network", str(world.devnet.network_path))  # fmt: skip
    _refused(
        world.run("node", "start", "--config", str(directory / "node.toml")),
        2,
        "ProcessorUnknown",
        "register",
    )


def _submit_raw(world, circuit_text, payload, qubits, outcome_bits):
    """Submit past the client's checks, as a hostile requester would, and drive it to its end."""

    async def work():
        async with world.client() as client:
            price = (await client.allocator.policy()).price_per_qubit_shot
            quote = await client.allocator.quote(price, qubits, 4096, 3, 3)
            request = Request(
                circuit_digest=keccak(circuit_text.encode()),
                secret_commitment=client.secrets.create(),
                deadline_at=int(client.gateway.now) + 3600,
                shots=4096,
                replicas=3,
                noise_class=await client.choose_class(2, 3),
                qubits=qubits,
                outcome_bits=outcome_bits,
                replica_cap=3,
                gold=False,
                trust=0,
                priority=Priority.Routine,
                depth_class=1,
                profile=1,
                quantum_volume_log2=0,
                two_qubit_error_ppm=0,
                price=price,
                max_fee=quote,
                payload=payload,
            )
            receipt = await client.gateway.send(
                client.account, "ComputationAllocator", "submit", request.to_chain(), value=quote
            )
            return await drive(client, receipt.event("ComputationSubmitted")["computation"])

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("text", "bits", "code"),
    [
        (HEADER + 'include "secret.inc";\n', 2, RefusalCode.IncludeRefused),
        (BELL, 3, RefusalCode.WidthMismatch),
        (BELL.replace("h q[0];", "h q[0];" * 65), 2, RefusalCode.DepthExceeded),
    ],
    ids=["include", "width", "depth"],
)
def test_hostile_payload_is_refused_on_chain_and_refunded(world, text, bits, code):
    story = _submit_raw(world, text, text.encode(), 2, bits)
    assert story.status is ComputationStatus.Failed
    assert story.failure is FailureReason.PayloadRefused
    assert {duty.refusal for duty in story.duties if duty.refusal} == {int(code)}
    assert all(duty.slashed == 0 for duty in story.duties)
    assert world.json("ledger", "show")["balanced"]


def test_circuit_that_is_nowhere_is_refused(world):
    story = _submit_raw(world, BELL + "// not in the store\n", b"", 2, 2)
    assert story.failure is FailureReason.PayloadRefused
    assert {duty.refusal for duty in story.duties if duty.refusal} == {int(RefusalCode.PayloadUnavailable)}
    assert all(is_running(pid) for pid in world.devnet.nodes.values())


def test_payload_that_does_not_match_its_digest_is_refused_by_the_contract(world):
    with pytest.raises(ContractRefused, match="PayloadDigestMismatch"):
        _submit_raw(world, BELL, BELL.encode() + b" ", 2, 2)


def test_long_circuit_travels_through_the_store(world, tmp_path):
    body = "".join("rz(0.25) q[0];\n" for _ in range(200))
    path = tmp_path / "long.qasm"
    path.write_text(HEADER + f"qubit[2] q;\nbit[2] c;\nh q[0];\n{body}cx q[0], q[1];\nc = measure q;\n")
    assert len(circuit_of(str(path)).text) > 1024
    assert world.json("job", "submit", str(path), "--wait")["status"] == "Accepted"


def test_devnet_up_in_one_terminal_serves_another_and_goes_down(tmp_path):
    directory = str(tmp_path / "devnet")
    environment = {**os.environ, "QCRS_HOME": str(tmp_path / "home")}

    def qcrs(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "qcrs", *arguments],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    up = qcrs("devnet", "up", "--processors", "3", "--directory", directory, "--json")
    assert up.returncode == 0, up.stderr
    try:
        network = json.loads(up.stdout)["networkFile"]
        circuit = tmp_path / "ghz5.qasm"
        circuit.write_text(text_of("ghz5"))
        job = qcrs("job", "submit", str(circuit), "--wait", "--json", "--network", network)
        assert json.loads(job.stdout)["status"] == "Accepted", job.stderr
        again = qcrs("devnet", "up", "--directory", directory)
        assert again.returncode == 2
        assert "DevnetRunning" in again.stderr
        pids = json.loads((tmp_path / "devnet" / "processes.json").read_text())
    finally:
        assert qcrs("devnet", "down", "--directory", directory).returncode == 0
    assert not any(is_running(pid) for pid in [pids["chain"], *pids["nodes"].values()])


def test_interrupted_daemon_ends_cleanly(world):
    files = world.devnet.node_files("lab-4")
    pid = world.devnet.nodes["lab-4"]
    os.kill(pid, signal.SIGTERM)
    while is_running(pid):
        time.sleep(0.05)
    assert json.loads(files.state.read_text())["status"] == "stopped"
    backup = files.directory / "journal.copy"
    shutil.copy(files.directory / "journal.sqlite", backup)
    world.devnet.start_node("lab-4")
