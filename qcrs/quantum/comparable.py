"""Circuits whose honest answers verification could take for noise, and what can be done about that.

A committee that agrees on a uniform distribution comes to no verdict, since noise would have been agreed on too. Where
uniform is the right answer the circuit gets one more bit, which is never measured: it stays 0, and the answer is
uniform over half of the outcomes only. Noise passes there, and is right.
"""

from collections.abc import Mapping

from qiskit import ClassicalRegister

from qcrs.errors import QcrsError
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.ideal import CircuitTooWide, ideal_distribution
from qcrs.rules.agreement import Frame, is_flat, signal_of
from qcrs.rules.count_sketch import MAX_HISTOGRAM_BITS, sketch_of, unpack

# At a fidelity of 0.3, below which no answer is of use, this much of the ideal answer's power is left.
_POWER_LEFT = (9, 100)


class AnswerIncomparable(QcrsError):
    """Honest answers could not be told from noise, whatever is done to the circuit."""


def comparable(text: str, shots: int) -> str | None:
    """Return *text* such that honest answers of *shots* can be told from noise: as it is, or with one bit more.

    None if it is too wide for its answer to be foreseen.

    Raises:
        AnswerIncomparable: Its answer has too many outcomes for that bit to help.
    """
    circuit = load(text)
    try:
        ideal = ideal_distribution(circuit)
    except CircuitTooWide:
        return None
    if not _looks_like_noise(ideal, circuit.num_clbits, shots):
        return text
    if circuit.num_clbits >= MAX_HISTOGRAM_BITS:  # in a sketch with more, half of the outcomes look like all
        raise AnswerIncomparable(
            f"circuit of {circuit.num_clbits} outcome bits: expected an answer that {shots} shots tell from noise, got "
            "one that they do not. Measure fewer qubits at once, or ask for more shots"
        )
    circuit.add_register(ClassicalRegister(1, "spare"))
    return canonical(circuit)


def _looks_like_noise(ideal: Mapping[int, float], bits: int, shots: int) -> bool:
    """Return whether the contracts' rule could take honest, noisy answers for uniform noise."""
    frame = Frame.of(bits, shots)
    counts = {outcome: times for outcome, share in ideal.items() if (times := round(shots * share))}
    power = signal_of(frame, unpack(sketch_of(counts, bits, bytes(32)), bits)).power
    left, whole = _POWER_LEFT
    return is_flat(frame, power * left // whole)
