"""Readout, T1 and T2 of every qubit at once, in circuits whose right answers depend on the seed.

Each round flips the qubits of a random mask just before they are measured, so that neither a constant answer nor
the answer to another seed fits. T1 is how long a qubit stays in 1; T2 how long an echo (a quarter turn, half of the
delay, a flip, the other half, a quarter turn) comes back.
"""

from dataclasses import dataclass
from enum import Enum

from qcrs.quantum.benchmark.claim import Claim
from qcrs.quantum.benchmark.stream import Stream
from qcrs.quantum.profile import LIMITS
from qcrs.quantum.program import Operation, Program

# Delays in hundredths of the claimed median: early enough for short lives, late enough for long ones.
_DELAYS = (40, 100)
_LONGEST = LIMITS.delay_nanoseconds


class Probe(Enum):
    """What a round looks at."""

    Readout = "readout"
    Relaxation = "T1"
    Echo = "T2"


@dataclass(frozen=True)
class Lifetime:
    """One round.

    Attributes:
        delay: Nanoseconds in all that each qubit waits.
        answer: The outcome if nothing went wrong and nothing decayed; bit j is the j-th measured qubit.
    """

    program: Program
    probe: Probe
    delay: int
    answer: int


def lifetime_rounds(claim: Claim, bits: int, stream: Stream) -> list[Lifetime]:
    """Return the rounds: two of readout, with opposite answers, then of T1 and T2 at two delays each."""
    mask = stream.below(1 << len(claim.qubits))
    opposite = mask ^ ((1 << len(claim.qubits)) - 1)
    rounds = [_round(claim, bits, Probe.Readout, 0, answer) for answer in (mask, opposite)]
    for probe, life in ((Probe.Relaxation, claim.facts.t1_nanoseconds), (Probe.Echo, claim.facts.t2_nanoseconds)):
        for hundredths in _DELAYS:
            # Halves of it are whole nanoseconds, and one delay is never longer than the profile allows.
            delay = min(max(life * hundredths // 200, 1), _LONGEST // 2) * 2
            rounds.append(_round(claim, bits, probe, delay, stream.below(1 << len(claim.qubits))))
    return rounds


def _round(claim: Claim, bits: int, probe: Probe, delay: int, answer: int) -> Lifetime:
    qubits = claim.qubits
    everything = Operation("barrier", (), tuple(range(claim.facts.qubits)))
    operations: list[Operation] = []

    def on_all(*names: str, wait: int = 0) -> None:
        operations.extend(Operation(name, (), (qubit,)) for name in names for qubit in qubits)
        if wait:
            operations.extend((everything, *(Operation("delay", (wait,), (qubit,)) for qubit in qubits), everything))

    flipped = answer
    if probe is Probe.Relaxation:
        on_all("x", wait=delay)
        flipped = answer ^ ((1 << len(qubits)) - 1)
    elif probe is Probe.Echo:
        on_all("h", wait=delay // 2)
        on_all("x", wait=delay // 2)
        on_all("h")
        operations.append(everything)
    operations += (Operation("x", (), (qubit,)) for bit, qubit in enumerate(qubits) if flipped >> bit & 1)
    operations += (Operation("measure", (), (qubit,), (bit,)) for bit, qubit in enumerate(qubits))
    return Lifetime(Program(claim.facts.qubits, bits, tuple(operations)), probe, delay, answer)
