"""What the engine is asked and what it answers, as both ends of its pipe know it."""

from dataclasses import dataclass, field

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.program import MAX_DEPTH_CLASS

MAX_SHOTS = 65_535  # what a sketch lane counts exactly


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One circuit, or one sweep, to run.

    Attributes:
        text: OpenQASM in the flat profile; several canonical texts in a row are a sweep
            (``qcrs.quantum.sweep``).
        shots: Of the circuit; of all rounds of a sweep together.
        seed: 63 bits; draw it from the operating system unless the run must be repeatable.
        qubits: Qubits declared on chain.
        outcome_bits: Bits declared on chain; a sweep's number its rounds too.
        pinned: Whether qubit i of the circuit is to be the device's qubit i, as in benchmarks; else it is placed.
        depth_class: Declared on chain (``qcrs.quantum.program.depth_class``); nothing deeper is run.
        time_limit_seconds: Wall time after which the run is killed.
        memory_limit_bytes: Address space the run may add to the engine's own.
    """

    text: str
    shots: int
    seed: int
    qubits: int
    outcome_bits: int
    depth_class: int = MAX_DEPTH_CLASS
    pinned: bool = False
    time_limit_seconds: float = 60.0
    memory_limit_bytes: int = 2 << 30


@dataclass(frozen=True, slots=True)
class RunResult:
    """Counts, or why there are none.

    Attributes:
        counts: Outcome to occurrences; bit 0 of an outcome is ``c[0]``. None when refused.
        refusal: ``Unset`` when there are counts.
        message: The refusal in words; empty when there are counts.
        timings: Milliseconds by stage: fork, scan, transpile, simulate, total.
    """

    counts: dict[int, int] | None
    refusal: RefusalCode = RefusalCode.Unset
    message: str = ""
    timings: dict[str, float] = field(default_factory=dict)
