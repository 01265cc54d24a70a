"""Circuits that fall into parts which never meet: each part is simulated on its own.

A benchmark works on every qubit of a device at once, a pair here and a pair there. As one circuit that is beyond any
simulator; as parts it costs what the parts cost, and means the same: qubits that no gate and no bit connects are
independent under this noise, which has no crosstalk.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from qiskit import QuantumCircuit

_MACHINE_BITS = 62


def active_qubits(circuit: QuantumCircuit) -> int:
    """Return how many qubits *circuit* acts on, or has barriers on."""
    return len({qubit for instruction in circuit.data for qubit in instruction.qubits})


def parts_of(circuit: QuantumCircuit) -> list[QuantumCircuit]:
    """Return the parts of *circuit*, each on the same registers.

    Barriers connect nothing: they hold back the transpiler, which has run, and are left out.
    """
    parents = {wire: wire for wire in (*circuit.qubits, *circuit.clbits)}

    def root(wire: object) -> object:
        while parents[wire] is not wire:
            parents[wire] = parents[parents[wire]]
            wire = parents[wire]
        return wire

    acting = [instruction for instruction in circuit.data if instruction.operation.name != "barrier"]
    for instruction in acting:
        first, *others = (*instruction.qubits, *instruction.clbits)
        for other in others:
            parents[root(other)] = root(first)
    parts: dict[object, QuantumCircuit] = {}
    for instruction in acting:
        key = root(instruction.qubits[0])
        if key not in parts:
            parts[key] = circuit.copy_empty_like()
        parts[key].append(instruction)
    return list(parts.values())


def combine(counts: Sequence[Mapping[int, int]], bits: int, seed: int) -> dict[int, int]:
    """Return the histogram of the whole from those of its parts, which have equally many shots.

    The shots of a part are put in random order, so that those of different parts meet independently.
    """
    if len(counts) == 1:
        return dict(counts[0])
    generator = np.random.default_rng(seed)
    kind = np.int64 if bits <= _MACHINE_BITS else object
    whole = np.zeros(sum(counts[0].values()), dtype=kind)
    for part in counts:
        outcomes = np.repeat(np.array(list(part), dtype=kind), list(part.values()))
        whole |= generator.permutation(outcomes)
    if kind is object:
        found: dict[int, int] = {}
        for outcome in whole:
            found[outcome] = found.get(outcome, 0) + 1
        return found
    outcomes, times = np.unique(whole, return_counts=True)
    return dict(zip(outcomes.tolist(), times.tolist(), strict=True))
