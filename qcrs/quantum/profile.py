"""The circuits QCRS accepts: a flat OpenQASM profile and its limits.

Flat means a header, ``stdgates.inc`` (``qelib1.inc`` in OpenQASM 2), registers, gates with
constant parameters, ``delay``, ``measure``, ``barrier`` and ``reset``. Nothing in it can loop, branch, define,
import or read, so a text's cost is bounded by its length.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on a circuit, checked while its text is read.

    Attributes:
        angle: Largest absolute gate parameter in radians; beyond it a double has lost the digits
            that say where on the circle the angle lies.
        delay_nanoseconds: Longest single delay.
    """

    text_bytes: int = 65_536
    bracket_depth: int = 16
    name_characters: int = 64
    number_characters: int = 40
    qubits: int = 255
    bits: int = 255
    operations: int = 20_000
    angle: float = 1e6
    delay_nanoseconds: int = 10**6


LIMITS = Limits()


class GateShape(NamedTuple):
    """A gate's canonical name and how many parameters and qubits it takes."""

    name: str
    parameters: int
    qubits: int


def _shapes(*rows: tuple[str, int, int]) -> dict[str, GateShape]:
    return {name: GateShape(name, parameters, qubits) for name, parameters, qubits in rows}


# stdgates.inc, plus the built-in U. Aliases (phase, CX, ...) share their gate's canonical name.
GATES_3 = _shapes(
    *((name, 0, 1) for name in ("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx")),
    *((name, 1, 1) for name in ("p", "rx", "ry", "rz", "u1")),
    ("u2", 2, 1),
    ("u3", 3, 1),
    ("U", 3, 1),
    *((name, 0, 2) for name in ("cx", "cy", "cz", "ch", "swap")),
    *((name, 1, 2) for name in ("cp", "crx", "cry", "crz")),
    ("cu", 4, 2),
    *((name, 0, 3) for name in ("ccx", "cswap")),
)
GATES_3 |= {
    "phase": GATES_3["p"],
    "cphase": GATES_3["cp"],
    "CX": GATES_3["cx"],
}

# What one of the units that a duration may be in has of nanoseconds; a processor's own ``dt`` means nothing to another.
NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6}
# A delay takes as many layers as it has begun microseconds: waiting is charged like work.
LAYER_NANOSECONDS = 1_000

# qelib1.inc without the obsolete u0. Canonical names are Qiskit's; what OpenQASM 3 lacks of them is
# decomposed when the circuit is written.
GATES_2 = {name: shape for name, shape in GATES_3.items() if "phase" not in name}
GATES_2 |= _shapes(
    ("sxdg", 0, 1),
    ("csx", 0, 2),
    *((name, 1, 2) for name in ("cu1", "rxx", "rzz")),
    ("cu3", 3, 2),
    ("rccx", 0, 3),
)
GATES_2 |= {
    "u": GATES_3["U"],
    "rc3x": GateShape("rcccx", 0, 4),
    "c3x": GateShape("mcx", 0, 4),
    "c3sqrtx": GateShape("c3sx", 0, 4),
    "c4x": GateShape("mcx", 0, 5),
}
