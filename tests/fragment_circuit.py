"""A reference that knows fragments and nothing of surface codes: a program as one Stim circuit, with noise as a link's.

Members run in turn until each waits: for the other half of a pair or at a barrier. Noise is that of ``Noise``: after
gates, before measurements, after resets; pairs are Werner pairs; *resting* qubits wait noisily at every barrier.
"""

from collections.abc import Sequence
from itertools import accumulate

import stim

from qcrs.quantum.correction.noise import Noise
from qcrs.quantum.fragment import Fragment, Instruction, Op


class Composition:
    """The circuit, and which record index each member's bits have."""

    def __init__(
        self, fragments: Sequence[Fragment], noise: Noise, resting: Sequence[Sequence[int]] = ((), ())
    ) -> None:
        self._fragments, self._noise, self._resting = fragments, noise, resting
        self._first = [0, *accumulate(fragment.qubits for fragment in fragments)]
        self._at = [0] * len(fragments)
        self.circuit = stim.Circuit()
        self.records: list[dict[int, int]] = [{} for _ in fragments]
        self.pairs = 0
        while True:
            for member in range(len(fragments)):
                self._advance(member)
            if not any(self._step(member) for member in range(len(fragments))):
                break
            self._meet()

    def _step(self, member: int) -> Instruction | None:
        steps = self._fragments[member].instructions
        return steps[self._at[member]] if self._at[member] < len(steps) else None

    def _advance(self, member: int) -> None:
        while (step := self._step(member)) is not None and step.op not in (Op.Pair, Op.Barrier):
            self._local(member, step)
            self._at[member] += 1

    def _meet(self) -> None:
        steps = [self._step(member) for member in range(len(self._fragments))]
        assert steps[0] is not None
        assert steps[1] is not None
        assert steps[0].op is steps[1].op
        if steps[0].op is Op.Pair:
            a, b = (self._first[member] + step.qubits[0] for member, step in enumerate(steps) if step is not None)
            self.circuit += stim.Circuit(f"R {a} {b}\nH {a}\nCX {a} {b}")
            self.circuit.append("DEPOLARIZE1", [b], self._noise.pair.infidelity)
            self.pairs += 1
        for first, resting in zip(self._first, self._resting, strict=False):
            if steps[0].op is Op.Barrier:
                self.circuit.append("DEPOLARIZE1", [first + qubit for qubit in resting], self._noise.bulk)
        self._at = [at + 1 for at in self._at]

    def _local(self, member: int, step: Instruction) -> None:
        qubits = [self._first[member] + qubit for qubit in step.qubits]
        bulk = self._noise.bulk
        if step.op is Op.Gate:
            self.circuit.append(step.name.upper(), qubits)
            self.circuit.append(f"DEPOLARIZE{len(qubits)}", qubits, bulk)
        elif step.op is Op.Reset:
            self.circuit.append("R", qubits)
            self.circuit.append("X_ERROR", qubits, bulk)
        elif step.op is Op.Measure:
            self.circuit.append("X_ERROR", qubits, bulk)
            self.records[member][step.bits[0]] = self.circuit.num_measurements
            self.circuit.append("M", qubits)
        else:
            raise AssertionError(f"{step.op} is not used")

    def with_detectors(self, reference: stim.Circuit) -> stim.Circuit:
        """Return the circuit with the detectors and observables that *reference* has on the program's outcome bits."""
        where = {
            outcome: records[own]
            for fragment, records in zip(self._fragments, self.records, strict=True)
            for own, outcome in fragment.outputs
        }
        circuit, seen = self.circuit.copy(), 0
        for step in reference.flattened():
            if step.name in ("DETECTOR", "OBSERVABLE_INCLUDE"):
                outcomes = [where[seen + target.value] for target in step.targets_copy()]
                targets = [stim.target_rec(record - circuit.num_measurements) for record in outcomes]
                circuit.append(step.name, targets, step.gate_args_copy())
            seen += stim.Circuit(str(step)).num_measurements
        return circuit
