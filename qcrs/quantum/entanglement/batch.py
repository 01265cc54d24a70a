"""Runs a distributed program for many shots and gives each member its own bits.

Stim does it when all gates are Clifford and what bits decide on are Paulis; Aer does the rest.
"""

from typing import NamedTuple

import numpy

from qcrs.quantum.entanglement import clifford
from qcrs.quantum.entanglement.errors import ProgramFailed, TooManyQubits
from qcrs.quantum.entanglement.order import Ledger
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.entanglement.seeds import derive

MAX_AER_QUBITS = 24
MAX_TABLE_BYTES = 1 << 26  # of measurements held at once
MAX_AER_ROWS = 1 << 14
MAX_BEGUN = 64  # shots for each that counts


class Outcome(NamedTuple):
    """What a run gave.

    Attributes:
        bits: For each member an array of one row a shot, its own bits as bytes, bit 0 the lowest of the first.
        begun: Shots that it took; more than were asked for when heralds failed.
        engine: Which one did it.
    """

    bits: list[numpy.ndarray]
    begun: int
    engine: str


def run(
    program: Program, shots: int, seed: int, most_qubits: int = MAX_AER_QUBITS, most_begun: int | None = None
) -> Outcome:
    """Run *program* until *shots* shots count.

    Args:
        most_qubits: That Aer may simulate.
        most_begun: Shots that may be begun for it; by default so many that heralds may fail almost always.

    Raises:
        TooManyQubits: The program is not Clifford and has more.
        ProgramFailed: Heralds failed too often.
    """
    rows = max(1, min(shots, MAX_TABLE_BYTES // max(1, program.measurements)))
    most = MAX_BEGUN * shots if most_begun is None else most_begun
    try:
        circuit, ledger = clifford.compile_clifford(program)
    except clifford.NotClifford:
        return _run_dynamic(program, shots, seed, most_qubits, most, rows)
    draw = clifford.sampler(circuit, derive("qcrs link Stim seed", seed))
    return Outcome(*_collect(draw, ledger, shots, rows, most), engine="stim")


def _run_dynamic(program: Program, shots: int, seed: int, most_qubits: int, most: int, rows: int) -> Outcome:
    from qcrs.quantum.entanglement import dynamic  # Aer takes half a second to import, and few programs need it

    if program.qubits > most_qubits:
        raise TooManyQubits(f"{program.qubits} qubits and gates that are not Clifford, expected at most {most_qubits}")
    circuit, ledger = dynamic.compile_dynamic(program)
    draw = dynamic.sampler(program, circuit, seed)
    return Outcome(*_collect(draw, ledger, shots, min(rows, MAX_AER_ROWS), most), engine="aer")


def _collect(draw: clifford.Draw, ledger: Ledger, shots: int, rows: int, most: int) -> tuple[list[numpy.ndarray], int]:
    """Return the bits of the first *shots* shots that count, by member, and how many were begun for them."""
    packed = [numpy.zeros((shots, (len(bits) + 7) // 8), dtype=numpy.uint8) for bits in ledger.bits]
    start = begun = 0
    while start < shots:
        count = min(rows, shots - start)
        begun += count
        if begun > most:
            raise ProgramFailed(f"{most} shots begun, of which {start} count: heralds failed; expected {shots} of them")
        table = draw(count)
        for herald in ledger.heralds:
            table = table[~numpy.logical_xor.reduce(table[:, herald], axis=1)]
        end = start + len(table)
        for member, bits in enumerate(ledger.bits):
            own = numpy.zeros((len(table), len(bits)), dtype=bool)
            held = [bit for bit, number in enumerate(bits) if number is not None]
            own[:, held] = table[:, [bits[bit] for bit in held]]
            packed[member][start:end] = numpy.packbits(own, axis=1, bitorder="little")
        start = end
    return packed, begun
