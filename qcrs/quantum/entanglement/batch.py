"""Runs a distributed program for many shots and gives each member its own bits.

Stim does it when all gates are Clifford and what bits decide on are Paulis; Aer does the rest.
"""

from typing import NamedTuple

import numpy

from qcrs.quantum.entanglement import clifford
from qcrs.quantum.entanglement.errors import TooManyQubits
from qcrs.quantum.entanglement.order import Ledger
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.entanglement.seeds import derive

MAX_AER_QUBITS = 24
MAX_TABLE_BYTES = 1 << 26  # of measurements held at once
MAX_AER_ROWS = 1 << 14


class Outcome(NamedTuple):
    """What a run gave.

    Attributes:
        bits: For each member an array of one row a shot, its own bits as bytes, bit 0 the lowest of the first.
        engine: Which one did it.
    """

    bits: list[numpy.ndarray]
    engine: str


def run(program: Program, shots: int, seed: int, most_qubits: int = MAX_AER_QUBITS) -> Outcome:
    """Run *program* for *shots* shots.

    Args:
        most_qubits: That Aer may simulate.

    Raises:
        TooManyQubits: The program is not Clifford and has more.
    """
    rows = max(1, min(shots, MAX_TABLE_BYTES // max(1, program.measurements)))
    try:
        circuit, ledger = clifford.compile_clifford(program)
    except clifford.NotClifford:
        return _run_dynamic(program, shots, seed, most_qubits, rows)
    tables = clifford.sample(circuit, shots, derive("qcrs link Stim seed", seed), rows)
    return Outcome(_collect(tables, ledger, shots), "stim")


def _run_dynamic(program: Program, shots: int, seed: int, most_qubits: int, rows: int) -> Outcome:
    from qcrs.quantum.entanglement import dynamic  # Aer takes half a second to import, and few programs need it

    if program.qubits > most_qubits:
        raise TooManyQubits(f"{program.qubits} qubits and gates that are not Clifford, expected at most {most_qubits}")
    circuit, ledger = dynamic.compile_dynamic(program)
    tables = dynamic.sample(program, circuit, shots, seed, min(rows, MAX_AER_ROWS))
    return Outcome(_collect(tables, ledger, shots), "aer")


def _collect(tables, ledger: Ledger, shots: int) -> list[numpy.ndarray]:
    packed = [numpy.zeros((shots, (len(bits) + 7) // 8), dtype=numpy.uint8) for bits in ledger.bits]
    start = 0
    for table in tables:
        end = start + len(table)
        for member, bits in enumerate(ledger.bits):
            own = numpy.zeros((len(table), len(bits)), dtype=bool)
            held = [bit for bit, number in enumerate(bits) if number is not None]
            own[:, held] = table[:, [bits[bit] for bit in held]]
            packed[member][start:end] = numpy.packbits(own, axis=1, bitorder="little")
        start = end
    return packed
