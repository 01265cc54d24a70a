"""Two colluders of three, as processes: accepted where answers are only compared, caught where golds are hidden."""

import asyncio
import json
import random
import subprocess
import sys

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from tests.integration.conftest import PATIENCE_SECONDS, running

HONEST, COLLUDERS = 2, {1, 3}
CIRCUITS = 150
ANSATZ_QUBITS, LAYERS = 3, 2
MOST_LISTS = 5


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three processors, two of which falsify the same rounds of a sweep."""
    faults = {processor - 1: "corrupt" for processor in COLLUDERS}
    with running(tmp_path_factory.mktemp("devnet"), len(COLLUDERS) + 1, faults) as world:
        yield world


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A file of circuits around one point, as a Gaussian optimiser asks for."""
    rng = random.Random(3)
    count = ANSATZ_QUBITS * (LAYERS + 1)
    centre = [rng.uniform(-1.2, 1.2) for _ in range(count)]
    texts = []
    for _ in range(CIRCUITS):
        angles = iter([angle + rng.gauss(0, 0.3) for angle in centre])
        lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', f"qubit[{ANSATZ_QUBITS}] q;", f"bit[{ANSATZ_QUBITS}] c;"]
        for layer in range(LAYERS + 1):
            lines += [f"ry({next(angles)!r}) q[{qubit}];" for qubit in range(ANSATZ_QUBITS)]
            if layer < LAYERS:
                lines += [f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(ANSATZ_QUBITS - 1)]
        texts.append("\n".join([*lines, "c = measure q;", ""]))
    path = tmp_path_factory.mktemp("sweep") / "sweep.qasm"
    path.write_text("".join(texts))
    return path


def _story(world, computation):
    async def work():
        async with world.client() as client:
            return await client.story(computation)

    return asyncio.run(work())


def test_without_golds_the_majority_is_believed(world, sweep):
    """Not caught, and said so: comparison is worthless against a colluding majority."""
    result = world.json("job", "submit", str(sweep), "--shots", str(3 * CIRCUITS * 218), "--wait")
    assert result["status"] == "Accepted"
    # The honest replica may pass or not: a tenth of the rounds is near what honest devices differ by.
    assert set(result["accepted"]) >= COLLUDERS


def test_with_golds_both_colluders_are_caught(world, sweep):
    wish = ("--soundness", "1e-3", "--deviation", "0.1", "--max-cost", "2")
    for _ in range(MOST_LISTS):
        finished = world.run("job", "submit", str(sweep), *wish, "--yes", "--wait")
        if "GoldUnavailable" not in finished.stderr:
            break  # a list that happens to be told apart is refused, and nothing is lost
    assert finished.returncode == 1, finished.stderr
    assert "guaranteed: false answers to more than 10 % of the circuits escape" in finished.stderr
    computation = world.json("job", "list", "--last", "1")[0]["id"]
    story = _story(world, computation)
    assert story.status is ComputationStatus.Rejected
    fates = {duty.processor: duty.status for duty in story.duties}
    assert {p for p, fate in fates.items() if fate is AssignmentStatus.GoldFailed} == COLLUDERS
    assert fates[HONEST] is AssignmentStatus.Released
    slashed = {duty.processor: duty.slashed for duty in story.duties}
    assert slashed[HONEST] == 0
    assert all(slashed[p] > 0 for p in COLLUDERS)


def test_what_was_done_about_them_follows_from_the_events(world):
    report = world.json("audit", "verify")
    assert report["holds"], report
    assert report["checks"]["gold"] > 0


def test_their_failures_are_shown_and_the_answers_behind_them_recomputed(world):
    computation = str(world.json("job", "list", "--last", "1")[0]["id"])
    shown = world.json("job", "gold", computation)
    failed = {replica["processor"]: len(replica["goldFailures"]) for replica in shown["replicas"]}
    assert failed[HONEST] <= shown["goldTolerance"] < min(failed[processor] for processor in COLLUDERS)
    audited = world.json("audit", "gold", computation)
    assert (audited["holds"], audited["recomputed"], audited["framed"]) == (True, shown["golds"], [])


def test_whoever_judges_reads_the_circuits_that_were_accused_on(world, tmp_path):
    """They were encrypted; with the accusation their requester has let everybody read them."""
    computation = str(world.json("job", "list", "--last", "1")[0]["id"])
    audited = subprocess.run(
        [sys.executable, "-m", "qcrs", "audit", "gold", computation, "--json"],
        env={**world.environment(), "QCRS_HOME": str(tmp_path)}, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert audited.returncode == 0, audited.stderr
    assert json.loads(audited.stdout)["holds"]
