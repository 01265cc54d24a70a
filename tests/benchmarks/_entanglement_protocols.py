"""Teleportation, GHZ states and purification over noisy pairs, as Stim runs them, against their closed forms.

What runs are the fragments that the library writes, with Pauli faults on their pairs.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod, sqrt
from typing import Any

import numpy as np
import stim
from _report import Goal, table
from qiskit import QuantumCircuit

from qcrs.quantum.distribution.diagonal import diagonal
from qcrs.quantum.distribution.plan import distribute
from qcrs.quantum.distribution.quote import ghz_fidelity, teledata_fidelity, telegate_fidelity
from qcrs.quantum.distribution.segments import Assignment, Segments
from qcrs.quantum.distribution.split import split
from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.pairs import BellDiagonal, Fibre, LocalNoise, PairSource, purify, werner
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import Fragment, Op
from tests.entangled import outcomes
from tests.entangled import relayed as swapped_pair
from tests.fragments import steps_of

COMMAND = "make bench-entanglement"
SHOTS = 100_000
FIDELITIES = (1.0, 0.97, 0.9)
# From + to 0, 1, +, -, i and -i, by gates that end a segment; and their inverses.
STATES = (("h",), ("h", "x"), ("sx",), ("sx", "z"), ("sx", "s"), ("sx", "sdg"))
UNDONE = {"h": "h", "x": "x", "z": "z", "sx": "sxdg", "s": "sdg", "sdg": "s"}
STIM_NAMES = {"sdg": "S_DAG", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG", "id": "I"}
PURIFIED_SHOTS = 1_000_000
# Runs must not share their randomness: errors of means over them would be larger than they seem.
SEEDS = np.random.default_rng(6)


def protocols() -> tuple[list[Goal], list[dict[str, Any]]]:
    """Run teledata, telegate and GHZ states with Werner pairs and compare with their closed forms."""
    start = time.process_time()
    rows = [
        {"protocol": name, "F": fidelity, "measured": measured, "formula": formula, "sigmas": _sigmas(
            measured, formula, error)}
        for fidelity in FIDELITIES
        for name, measured, error, formula in _protocols(fidelity)
    ]  # fmt: skip
    seconds = time.process_time() - start
    print(f"\nMean fidelity of protocols over Werner pairs, {SHOTS:,} shots each\n")
    table(
        ("protocol", "F", "measured", "formula", "sigmas"),
        [
            (r["protocol"], *(f"{r[key]:.4f}" for key in ("F", "measured", "formula")), f"{r['sigmas']:.2f}")
            for r in rows
        ],
    )
    worst = max(row["sigmas"] for row in rows)
    return [
        Goal("teledata, telegate and GHZ-2 to 4 off their closed forms, at worst", worst, 3, "sigma", COMMAND),
        Goal("the same, time", seconds, 30, "CPU s", COMMAND),
    ], rows


def _sigmas(measured: float, formula: float, error: float) -> float:
    return abs(measured - formula) / error if error else float(measured != formula) * 1e9


def _protocols(fidelity: float) -> Iterator[tuple[str, float, float, float]]:
    """Yield each protocol's name, measured mean fidelity, its standard error, and the closed form."""
    pair = werner(fidelity)
    runs = [1 - _parities(_teledata(state), pair).mean() for state in STATES]
    yield "teledata", float(np.mean(runs)), _error([2 * run - 1 for run in runs]) / 2, teledata_fidelity(fidelity)
    # With both inputs entangled with witnesses, the chance to find the state that a perfect gate makes is the
    # entanglement fidelity E, and the mean over inputs (4E + 1) / 5.
    gate, error = _overlap(_telegate(), ("XXIX", "ZZII", "IIXX", "IZZZ"), 2, pair)
    yield "telegate", (4 * gate + 1) / 5, 0.8 * error, telegate_fidelity(fidelity)
    for nodes in (2, 3, 4):
        pairs = ["I" * node + "ZZ" + "I" * (nodes - node - 2) for node in range(nodes - 1)]
        found, error = _overlap(_ghz(nodes), ("X" * nodes, *pairs), nodes, pair)
        yield f"GHZ-{nodes}", found, error, ghz_fidelity(fidelity, nodes)


def _error(expectations: Sequence[float]) -> float:
    """Return the standard error of the mean of *expectations*, of ``SHOTS`` shots each."""
    return sqrt(sum(1 - value**2 for value in expectations) / SHOTS) / len(expectations)


def _teledata(state: Sequence[str]) -> Sequence[Fragment]:
    """Return fragments that make one of six states of a qubit, teleport it, and unmake it: the bit is 0."""
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.cz(0, 1)  # with a qubit in 0: it does nothing, but belongs on the first processor
    for name in state:
        getattr(circuit, name)(0)
    circuit.cz(0, 2)  # and this one on the second
    for name in reversed(state):
        getattr(circuit, UNDONE[name])(0)
    circuit.h(0)
    circuit.measure(0, 0)
    segments = Segments(diagonal(circuit))
    found = split(segments, Assignment([0, 1, 0, 1], [0, 1]), [8, 8])
    assert (found.copies, found.moves) == (0, 1)
    return found.fragments


def _telegate() -> QuantumCircuit:
    """Return a ``cx`` between two qubits that are entangled with a witness each."""
    circuit = QuantumCircuit(4, 4)
    for witness, qubit in ((0, 1), (2, 3)):
        circuit.h(witness)
        circuit.cx(witness, qubit)
    circuit.cx(1, 3)
    return circuit


def _ghz(nodes: int) -> QuantumCircuit:
    circuit = QuantumCircuit(nodes, nodes)
    circuit.h(0)
    for node in range(1, nodes):
        circuit.cx(0, node)
    return circuit


def _overlap(
    circuit: QuantumCircuit, generators: Sequence[str], processors: int, pair: BellDiagonal
) -> tuple[float, float]:
    """Return the fidelity of what distributed *circuit* makes with the state of *generators*, and its error.

    It is the mean expectation value of all products of the generators, each measured in a run of its own.
    """
    found: list[float] = []
    for chosen in range(1 << len(generators)):
        factors = [stim.PauliString(one) for place, one in enumerate(generators) if chosen >> place & 1]
        observable = prod(factors, start=stim.PauliString(circuit.num_qubits))
        measured = circuit.copy()
        for qubit, letter in enumerate(observable):
            for name in ((), ("h",), ("sdg", "h"), ())[letter]:
                getattr(measured, name)(qubit)
            if letter:
                measured.measure(qubit, qubit)
        share = circuit.num_qubits // processors
        fragments = distribute(measured, [16] * processors, [share] * processors).fragments
        found.append(float(observable.sign.real) * (1 - 2 * float(_parities(fragments, pair).mean())))
    return float(np.mean(found)), _error(found)


def _parities(fragments: Sequence[Fragment], pair: BellDiagonal) -> np.ndarray:
    """Return the parity of all outcome bits in each shot, as Stim runs *fragments* with faults on their pairs."""
    circuit, records = _stim_circuit(fragments, pair)
    outcomes = [(one.member, own) for one in fragments for own, _ in one.outputs]
    bits = circuit.compile_sampler(seed=int(SEEDS.integers(1 << 62))).sample(SHOTS)
    chosen = [record for outcome in outcomes for record in records.get(outcome, ())]
    return bits[:, chosen].sum(axis=1) % 2


def _stim_circuit(fragments: Sequence[Fragment], pair: BellDiagonal) -> tuple[stim.Circuit, dict[Any, tuple[int, ...]]]:
    """Return *fragments* as a Stim circuit, and of which of its measurements each bit is the parity."""
    circuit, records, places = stim.Circuit(), {}, {}
    for step in steps_of(fragments):
        qubits = [places.setdefault(qubit, len(places)) for qubit in step.qubits]
        match step.op:
            case Op.Receive:
                records[step.bits[0]] = records.get(step.reads[0], ())
            case Op.Measure:
                records[step.bits[0]] = (circuit.num_measurements,)
                circuit.append("M", qubits)
            case Op.Reset:
                circuit.append("R", qubits)
            case Op.Pair:
                circuit.append("R", qubits)
                circuit.append("H", qubits[:1])
                circuit.append("CX", qubits)
                circuit.append("PAULI_CHANNEL_1", qubits[1:], [pair.x, pair.y, pair.z])
            case Op.Gate if step.reads:
                for record in (record for bit in step.reads for record in records.get(bit, ())):
                    target = stim.target_rec(record - circuit.num_measurements)
                    circuit.append(f"C{step.name.upper()}", [target, *qubits])
            case Op.Gate:
                circuit.append(STIM_NAMES.get(step.name, step.name.upper()), qubits)
    return circuit, records


def purification() -> tuple[list[Goal], list[dict[str, Any]]]:
    """Compare purification plans with Stim's run of whole trees of pairs."""
    rows = []
    for fidelity in (0.9, 0.95):
        for error in (0.0, 0.001):
            for rounds in (1, 2, 3):
                plan = purify(werner(fidelity), rounds, LocalNoise(two_qubit_ppm=round(1e6 * error)))
                measured, success = _purified(fidelity, rounds, error)
                rows.append({
                    "F": fidelity, "gateError": error, "rounds": rounds, "plan": plan.fidelity,
                    "stim": measured, "planSuccess": plan.success, "stimSuccess": success, "rawPairs": plan.raw_pairs,
                })  # fmt: skip
    print(f"\nPurification (DEJMPS), {PURIFIED_SHOTS:,} trees each\n")
    head = ("F", "gate error", "rounds", "plan", "Stim", "success", "Stim", "raw pairs")
    table(head, [tuple(f"{value:.4g}" for value in row.values()) for row in rows])
    worst = max(max(abs(r["plan"] - r["stim"]), abs(r["planSuccess"] - r["stimSuccess"])) for r in rows)
    return [Goal("purification plans off Stim's fidelity or success, at worst", worst, 0.002, "", COMMAND)], rows


def relayed() -> tuple[list[Goal], list[dict[str, Any]]]:
    """Compare pairs that fragments swap at a node between, and purify end to end, with their closed form.

    A link's engine carries the fragments out; shots of which a herald fails do not count, and are counted.
    """
    rows = []
    for fidelity in (0.97, 0.9):
        for gate_error in (0, 1_000):
            for before, after in product((0, 1), (0, 1, 2)):
                noise = LocalNoise(two_qubit_ppm=gate_error)
                hop = Fibre(source=PairSource(fidelity_ppm=round(1e6 * fidelity), rate=1)).pair(before)
                plan = purify(swapped(hop, hop, noise), after, noise)
                measured, error, begun = _relayed(fidelity, before, after, noise)
                rows.append({
                    "F": fidelity, "gateError": gate_error / 1e6, "before": before, "after": after,
                    "plan": plan.fidelity, "measured": measured, "sigmas": _sigmas(measured, plan.fidelity, error),
                    "planBegun": 1 / plan.success, "begun": begun,
                })  # fmt: skip
    print(f"\nPairs swapped at a node between and purified end to end (DEJMPS), {SHOTS:,} shots each basis\n")
    head = ("F", "gate error", "before", "after", "plan", "measured", "sigmas", "shots begun, plan", "measured")
    table(head, [tuple(f"{value:.4g}" for value in row.values()) for row in rows])
    begun = max(abs(row["begun"] / row["planBegun"] - 1) for row in rows)
    return [
        Goal("swapped and purified pairs off their closed form, at worst", max(r["sigmas"] for r in rows), 3, "sigma",
             COMMAND),
        Goal("shots begun for them off the plan, at worst", begun, 0.01, "", COMMAND),
    ], rows  # fmt: skip


def _relayed(fidelity: float, before: int, after: int, noise: LocalNoise) -> tuple[float, float, float]:
    """Return the fidelity of such a pair with its error, and how many shots were begun for each that counts."""
    fibre = Fibre(source=PairSource(fidelity_ppm=round(1e6 * fidelity), rate=1))
    expectations, begun = [], 0.0
    for bases, sign in (("ZZ", 1), ("XX", 1), ("YY", -1)):
        fragments = swapped_pair(bases, after, before)
        outcome = run(Program(fragments, fibre, (noise,) * len(fragments)), SHOTS, int(SEEDS.integers(1 << 62)))
        expectations.append(sign * (1 - 2 * float((outcomes(fragments, outcome.bits).sum(axis=1) % 2).mean())))
        begun += outcome.begun / SHOTS / 3
    error = sqrt(sum(1 - value**2 for value in expectations) / SHOTS) / 4
    return (1 + sum(expectations)) / 4, error, begun


def _purified(fidelity: float, rounds: int, error: float) -> tuple[float, float]:
    """Return fidelity and success of a tree of 2**rounds pairs."""
    circuit, pairs = stim.Circuit(), [(2 * number, 2 * number + 1) for number in range(1 << rounds)]
    faults = werner(fidelity)[1:]
    for near, far in pairs:
        circuit.append("H", [near])
        circuit.append("CX", [near, far])
        circuit.append("PAULI_CHANNEL_1", [far], faults)
    while len(pairs) > 1:
        for kept, measured in zip(pairs[::2], pairs[1::2], strict=True):
            circuit.append("SQRT_X", [kept[0], measured[0]])
            circuit.append("SQRT_X_DAG", [kept[1], measured[1]])
            circuit.append("CX", [kept[0], measured[0], kept[1], measured[1]])
            circuit.append("DEPOLARIZE2", [kept[0], measured[0], kept[1], measured[1]], error)
            circuit.append("M", measured)
        pairs = pairs[::2]
    for basis in (stim.target_x, stim.target_z):
        circuit.append("MPP", [basis(pairs[0][0]), stim.target_combiner(), basis(pairs[0][1])])
    bits = circuit.compile_sampler(seed=int(SEEDS.integers(1 << 62))).sample(PURIFIED_SHOTS)
    equal = (bits[:, :-2:2] == bits[:, 1:-2:2]).all(axis=1)
    good = ~bits[equal, -2] & ~bits[equal, -1]
    return float(good.mean()), float(equal.mean())
