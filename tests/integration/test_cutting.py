"""A circuit larger than any piece, cut once and run by a real consortium; taken up again where a client died."""

import json

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qcrs.quantum.circuit import canonical
from tests.integration.conftest import running

# Noise takes little of their values, and 123,000 shots leave little open.
OBSERVABLES = ("IIZ", "ZZI")
TOLERANCE = 0.15


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """As many honest processors as a computation needs."""
    with running(tmp_path_factory.mktemp("devnet"), 3) as world:
        yield world


def _chain():
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(0.3 + 0.2 * qubit, qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    return circuit


@pytest.fixture
def chain(tmp_path):
    """A circuit file."""
    circuit = _chain()
    circuit.measure_all()
    path = tmp_path / "chain.qasm"
    path.write_text(canonical(circuit))
    return path


def _flags(path, plan):
    named = [flag for one in OBSERVABLES for flag in ("--observable", one)]
    return ["job", "cut", str(path), "--qubits", "2", *named, "--plan", str(plan)]


def _require_exact(answer):
    state = Statevector(_chain())
    for one in answer["values"]:
        exact = state.expectation_value(SparsePauliOp(one["observable"])).real
        assert one["value"] == pytest.approx(exact, abs=TOLERANCE)
        assert 0 < one["error"] < answer["cut"]["expectedError"] * 2


def test_a_cut_circuit_has_expectation_values_from_verified_counts(world, chain, tmp_path):
    plan = tmp_path / "chain.plan.jsonl"
    quoted = world.json(*_flags(chain, plan), "--dry-run")
    assert quoted["submitted"] is False
    assert (quoted["cut"]["cuts"], quoted["cut"]["overhead"], quoted["cut"]["shotsPerReplica"]) == (1, 9.0, 4096)
    assert quoted["cut"]["spareBits"] == 1  # without it, one of the pieces would never get a verdict
    assert not plan.exists()
    answer = world.json(*_flags(chain, plan), "--wait")
    assert [one["observable"] for one in answer["values"]] == list(OBSERVABLES)
    assert answer["unaccepted"] == []
    assert len(answer["ids"]) == answer["cut"]["subexperiments"] == quoted["cut"]["subexperiments"]
    assert answer["verifiedShots"] <= answer["cut"]["shots"]
    _require_exact(answer)


def test_a_client_that_died_pays_nothing_twice(world, chain, tmp_path):
    plan = tmp_path / "chain.plan.jsonl"
    before = len(world.json("job", "list", "--last", "1000"))
    submitted = world.json(*_flags(chain, plan))
    task, ids = filter(None, plan.read_text().splitlines())
    assert json.loads(ids)["ids"] == {str(place): number for place, number in enumerate(submitted["ids"])}
    plan.write_text(task + "\n" + ids[: len(ids) // 2])  # killed while it noted what it had submitted
    answer = world.json("job", "cut", "--resume", str(plan))
    assert answer["ids"] == submitted["ids"]
    assert len(world.json("job", "list", "--last", "1000")) == before + len(submitted["ids"])
    _require_exact(answer)
    finished = world.run(*_flags(chain, plan))
    assert finished.returncode == 2
    assert "PlanExists" in finished.stderr
