"""Challenges and disputes from the command line: a forged histogram is proven and paid for, a ruling is shown."""

import asyncio
import json
import time

import pytest

from qcrs.chain.devnet import stop_group
from qcrs.circuits import text_of
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.digest import keccak
from qcrs.store import Store
from tests.integration.conftest import PATIENCE_SECONDS, POLICY, move_clock, running

FORGER = 3
SHOTS = 4096


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Four processors, of which one binds another histogram than the one it sketches."""
    with running(tmp_path_factory.mktemp("devnet"), 4, {FORGER - 1: "forge"}) as world:
        yield world


def computed(world, tmp_path, name="ising10"):
    """Have a circuit verified by all processors; return the computation's id and the seat of each processor."""
    path = tmp_path / f"{name}.qasm"
    path.write_text(text_of(name))
    submitted = world.json("job", "submit", str(path), "--shots", str(4 * SHOTS), "-k", "4")
    # The forger's histogram contradicts its sketch, so the counts cannot be pooled; the verdict stands all the same.
    world.run("job", "wait", str(submitted["id"]))
    shown = world.json("job", "show", str(submitted["id"]))
    assert shown["status"] == "Accepted"
    return submitted["id"], {seat["processor"]: seat["index"] for seat in shown["assignments"]}


def eventually(condition):
    """Wait until *condition* holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def stop(world, name):
    """End a daemon."""
    pid = world.devnet.nodes[name]
    stop_group(pid, world.devnet.started_ticks.get(pid))


def passed(world, seconds):
    """Let *seconds* pass on the chain."""

    async def work():
        async with world.client() as client:
            await move_clock(client, seconds)

    asyncio.run(work())


def status_of(world, computation, seat):
    return world.json("job", "show", str(computation))["assignments"][seat]["status"]


def test_a_forged_histogram_is_proven_and_the_result_mends(world, tmp_path):
    computation, seats = computed(world, tmp_path)
    assert world.run("job", "result", str(computation)).returncode == 2
    honest = next(seat for processor, seat in seats.items() if processor != FORGER)
    nothing = world.run("challenge", "prove", str(computation), str(honest), "--json")
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["sent"] is False
    assert status_of(world, computation, honest) == "Accepted"

    proven = world.json("challenge", "prove", str(computation), str(seats[FORGER]))
    [penalty] = proven["penalties"]
    assert (penalty["processor"], penalty["fault"], penalty["seat"]) == (FORGER, "ForgedSketch", seats[FORGER])
    assert int(penalty["slashed"]) == int(proven["stakes"]["mostPenalty"]) > 0
    assert int(penalty["reward"]) == int(proven["stakes"]["mostReward"])
    assert status_of(world, computation, seats[FORGER]) == AssignmentStatus.Disproven.name
    result = world.json("job", "result", str(computation))
    assert (result["disproven"], result["shots"]) == ([FORGER], 3 * SHOTS)

    again = world.run("challenge", "prove", str(computation), str(seats[FORGER]))
    assert again.returncode == 4
    assert "AnswerNotStanding" in again.stderr
    faults = world.json("challenge", "list")["faults"]
    assert [(fault["computation"], fault["processor"]) for fault in faults] == [(computation, FORGER)]


def test_a_demand_is_answered_by_the_daemon_and_shown(world, tmp_path):
    computation, seats = computed(world, tmp_path)
    honest = next(seat for processor, seat in seats.items() if processor != FORGER)
    demanded = world.json("challenge", "demand", str(computation), str(honest))
    challenge = str(demanded["challenge"])
    eventually(lambda: world.json("challenge", "show", challenge)["status"] != "Open")
    shown = world.json("challenge", "show", challenge)
    assert shown["status"] == "Answered"
    assert shown["leavesShown"] > 0
    assert (int(shown["returned"]), int(shown["compensation"])) == (0, int(demanded["bond"]) // 2)
    for verb in ("answer", "enforce", "drop"):
        assert world.run("challenge", verb, challenge).returncode in (2, 4), verb
    assert world.json("challenge", "list")["demands"][-1] == shown


def test_a_watch_that_challenges_posts_the_proof(world, tmp_path):
    computation, seats = computed(world, tmp_path)
    watched = world.run("audit", "watch", "--once", "--challenge", "--json")
    assert watched.returncode == 1
    told = [json.loads(line) for line in watched.stdout.splitlines()]
    notes = [line for line in told if line["event"] == "note" and line["kind"] == "challenge"]
    assert [(note["computation"], note["seat"]) for note in notes][-1] == (computation, seats[FORGER])
    assert status_of(world, computation, seats[FORGER]) == AssignmentStatus.Disproven.name


def test_an_auditing_daemon_posts_the_proof(world, tmp_path):
    auditor = "lab-1"
    stop(world, auditor)
    world.devnet.start_node(auditor, "--auditor", "--challenge")
    computation, seats = computed(world, tmp_path)
    eventually(lambda: status_of(world, computation, seats[FORGER]) == AssignmentStatus.Disproven.name)
    accusers = {
        fault["challenger"] for fault in world.json("challenge", "list")["faults"]
        if fault["computation"] == computation
    }  # fmt: skip
    assert accusers == {world.json("processor", "show", "1")["daemon"]}
    stop(world, auditor)
    world.devnet.start_node(auditor)


def test_silence_is_enforced_after_the_deadline(world, tmp_path):
    computation, seats = computed(world, tmp_path)
    silent = next(processor for processor in seats if processor not in (FORGER, 1))
    stop(world, f"lab-{silent}")
    challenge = str(world.json("challenge", "demand", str(computation), str(seats[silent]))["challenge"])
    early = world.run("challenge", "enforce", challenge)
    assert (early.returncode, "DeadlineOpen" in early.stderr) == (4, True)
    passed(world, POLICY.response_seconds + 1)
    enforced = world.json("challenge", "enforce", challenge)
    assert enforced["status"] == "Defaulted"
    [penalty] = enforced["penalties"]
    assert (penalty["processor"], penalty["fault"]) == (silent, "HistogramWithheld")
    assert int(penalty["bounty"]) > 0
    world.devnet.start_node(f"lab-{silent}")


def test_a_dispute_is_opened_answered_ruled_and_shown(world, tmp_path):
    computation, seats = computed(world, tmp_path, "bell")
    processor, seat = next((p, s) for p, s in seats.items() if p != FORGER)
    evidence, reply = tmp_path / "evidence.txt", tmp_path / "reply.txt"
    evidence.write_text("this processor answered before the circuit could have run")
    reply.write_text("it did not")
    opened = world.json(
        "dispute", "open", str(computation), str(seat), "--kind", "answer", "--evidence", str(evidence)
    )  # fmt: skip
    dispute = str(opened["dispute"])
    assert bytes.fromhex(opened["evidence"][2:]) == keccak(evidence.read_bytes())
    assert Store(world.network.store).get(keccak(evidence.read_bytes())) == evidence.read_bytes()

    wrong = f"lab-{processor % 4 + 1}"
    refused = world.run("dispute", "answer", dispute, "--evidence", str(reply), "--as", wrong)
    assert (refused.returncode, "CallerNotParty" in refused.stderr) == (4, True)
    world.json("dispute", "answer", dispute, "--evidence", str(reply), "--as", f"lab-{processor}")
    early = world.run("dispute", "lapse", dispute)
    assert (early.returncode, "RulingOpen" in early.stderr) == (4, True)

    ruled = world.json("dispute", "rule", dispute, "--uphold", "--reason", "0x" + "ab" * 32)
    assert (ruled["status"], ruled["seat"]) == ("Upheld", seat)
    assert int(ruled["division"]["award"]) > 0
    assert status_of(world, computation, seat) == AssignmentStatus.Disproven.name
    shown = world.json("dispute", "show", dispute, "--fetch", str(tmp_path / "exhibits"))
    assert {key: shown[key] for key in ruled} == ruled
    assert list(shown["inStore"].values()) == [True, True, False]
    assert {path.read_bytes() for path in (tmp_path / "exhibits").iterdir()} == {
        evidence.read_bytes(), reply.read_bytes()
    }  # fmt: skip
    assert world.json("dispute", "list")[-1] == ruled


def test_a_dispute_without_a_ruling_lapses(world, tmp_path):
    computation, seats = computed(world, tmp_path, "bell")
    seat = next(seat for processor, seat in seats.items() if processor != FORGER)
    dispute = str(
        world.json("dispute", "open", str(computation), str(seat), "--kind", "answer", "--evidence", "0" * 64)[
            "dispute"
        ]
    )

    passed(world, 8 * 24 * 3600)
    assert world.json("dispute", "lapse", dispute)["status"] == "Lapsed"
    late = world.run("dispute", "rule", dispute, "--dismiss", "--reason", "0" * 64)
    assert late.returncode == 4
    assert world.json("dispute", "show", dispute)["division"] is None
