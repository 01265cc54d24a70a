"""Quantum-volume circuits: square, of gates drawn from all of SU(4), and which of their outcomes are heavy.

A gate is drawn in Cartan's form ``K1 exp(i (a XX + b YY + c ZZ) / 2) K2`` with one-qubit gates K: Haar measure is the
product of Haar measures of the K and, on (a, b, c), of a density proportional to the product of
``|sin(a + b) sin(a - b) sin(a + c) sin(a - c) sin(b + c) sin(b - c)|`` (Watts, O'Connor and Vala, Entropy 15, 2013). So
no matrix is decomposed, and no library decides the text. The middle is three controlled-not gates (Vatan and Williams,
Physical Review A 69, 2004).
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from qcrs.quantum.benchmark.stream import TURN, Stream, radians, sine
from qcrs.quantum.circuit import build
from qcrs.quantum.ideal import exact_outcomes
from qcrs.quantum.program import Operation, Program

_QUARTER = TURN // 4
_DENSITY_BITS = 64


def volume_circuit(width: int, stream: Stream) -> Program:
    """Return a square circuit on *width* qubits: as many layers, each of random gates on random pairs."""
    operations: list[Operation] = []
    for _ in range(width):
        places = stream.order(range(width))
        for low, high in zip(places[::2], places[1::2], strict=False):
            operations += _gate(low, high, stream)
    operations += (Operation("measure", (), (qubit,), (qubit,)) for qubit in range(width))
    return Program(width, width, tuple(operations))


def heavy_shots(program: Program, counts: Mapping[int, int]) -> int:
    """Return how many of the shots *counts* are heavy: likelier than the median outcome of the exact circuit.

    Costs the exact probabilities of 2^width outcomes. Doubles give the same answer everywhere unless a probability lies
    within rounding of the median, which random gates make as good as impossible.
    """
    outcomes, shares, bits = exact_outcomes(build(program), program.qubits)
    probabilities = np.zeros(1 << bits)
    probabilities[outcomes] = shares
    median = float(np.median(probabilities))
    return sum(count for outcome, count in counts.items() if probabilities[outcome] > median)


def _gate(a: int, b: int, stream: Stream) -> list[Operation]:
    x, y, z = _content(stream)
    return [
        _local(a, stream),
        _local(b, stream),
        _turn("rz", b, -_QUARTER),
        Operation("cx", (), (b, a)),
        _turn("rz", a, _QUARTER - z),
        _turn("ry", b, x - _QUARTER),
        Operation("cx", (), (a, b)),
        _turn("ry", b, _QUARTER - y),
        Operation("cx", (), (b, a)),
        _turn("rz", a, _QUARTER),
        _local(a, stream),
        _local(b, stream),
    ]


def _content(stream: Stream) -> tuple[int, int, int]:
    """Return what a random gate entangles by: a, b and c, in 2^-24 of a turn."""
    while True:
        angles = stream.below(TURN), stream.below(TURN), stream.below(TURN)
        weight = 1 << _DENSITY_BITS
        for one, other in combinations(angles, 2):
            weight = weight * sine(one + other) >> _DENSITY_BITS
            weight = weight * sine(one - other) >> _DENSITY_BITS
        if stream.accepts(4 * weight):  # the product of the six sines is 1 / 4 at most
            return angles


def _local(qubit: int, stream: Stream) -> Operation:
    """Return a one-qubit gate drawn from all of SU(2)."""
    while True:
        polar = stream.below(TURN // 2)
        if stream.accepts(sine(polar)):
            break
    around = (radians(stream.below(TURN)) for _ in range(2))
    return Operation("U", (radians(polar), *around), (qubit,))


def _turn(name: str, qubit: int, turn: int) -> Operation:
    return Operation(name, (radians(turn),), (qubit,))
