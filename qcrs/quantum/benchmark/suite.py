"""The challenge that certifies a processor: circuits that follow from a seed and a claim, and from nothing else.

Four kinds of runs, each one payload like any computation's, for the same sandboxed execution:

* *volume*: quantum-volume circuits at the claimed size, placed where the processor likes;
* *mirror*: mirror circuits over all qubits, in blocks as wide and as deep as the claim says it can carry;
* *layers*: every coupling in layers of pairs, shallow and deep, and the same without couplings for comparison;
* *lifetimes*: readout, T1 and T2 of every qubit.

All but the volume circuits name qubits of the device, so their ``RunRequest`` is *pinned*.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from qcrs.quantum.benchmark.claim import Claim
from qcrs.quantum.benchmark.lifetime import Lifetime, lifetime_rounds
from qcrs.quantum.benchmark.mirror import Mirror, blocks_of, mirror
from qcrs.quantum.benchmark.stream import Stream
from qcrs.quantum.benchmark.volume import volume_circuit
from qcrs.quantum.profile import LIMITS
from qcrs.quantum.program import Program, depth_class
from qcrs.quantum.request import MAX_SHOTS, RunRequest
from qcrs.quantum.sweep import SWEEP_LIMITS, join
from qcrs.rules.benchmark import PPM
from qcrs.rules.digest import keccak
from qcrs.rules.gold import round_bits

VERSION = 1
MIRROR_WIDTHS = (4, 8)
# A block is as deep as keeps the polarisation that the claim foretells at least here, well above what passes.
FORETOLD_PPM = 600_000
_HALVES = (8, 6, 4, 3, 2, 1)
# Deep layers lose about a third of their polarisation, which tells a decay best.
_LOST_PPM = 350_000
_DEEPEST_HALVES = 20
# What a layer, and a measurement, takes of a circuit's text for each qubit, amply.
_LAYER_BYTES = 32
_MEASUREMENT_BYTES = 24


class Kind(Enum):
    """What a run is for."""

    Volume = "volume"
    Mirror = "mirror"
    Layers = "layers"
    Lifetimes = "lifetimes"


@dataclass(frozen=True)
class Depth:
    """How long to look. Circuits are counted per shape, shots per circuit.

    Attributes:
        volume_circuits: At least 100 for a quantum volume that counts as such.
        layer_circuits: Of each layer at each depth.
        lifetime_circuits: Of each probe. Readout is half of what a chain's fidelity is uncertain by.
    """

    name: str
    volume_circuits: int
    volume_shots: int
    mirror_circuits: int
    mirror_shots: int
    layer_circuits: int
    layer_shots: int
    lifetime_circuits: int
    lifetime_shots: int


FULL = Depth("full", 300, 100, 6, 400, 4, 1_500, 3, 2_000)
QUICK = Depth("quick", 100, 50, 3, 200, 2, 1_000, 1, 2_000)


@dataclass(frozen=True)
class Run:
    """One payload of the challenge: a sweep of circuits of one kind.

    Attributes:
        rounds: What each circuit is, beside its text; a plain program for a volume circuit.
        shots: Of each circuit.
        pinned: Whether qubit i of the circuits is qubit i of the device.
    """

    kind: Kind
    rounds: tuple[Program | Mirror | Lifetime, ...]
    shots: int
    pinned: bool

    @property
    def programs(self) -> tuple[Program, ...]:
        """The circuits."""
        return tuple(each if isinstance(each, Program) else each.program for each in self.rounds)

    @property
    def text(self) -> str:
        """The payload, whose keccak-256 identifies the run."""
        return join([_text(program) for program in self.programs])

    @property
    def total_shots(self) -> int:
        """Shots of all circuits together."""
        return self.shots * len(self.rounds)

    @property
    def bits(self) -> int:
        """Bits of an outcome within a round."""
        return self.programs[0].bits

    @property
    def outcome_bits(self) -> int:
        """Bits of an outcome, its round's number included."""
        return self.bits + round_bits(len(self.rounds))

    @property
    def layers(self) -> int:
        """Layers of two-qubit gates that all shots execute; a square circuit has as many as qubits."""
        halves = (2 * each.halves if isinstance(each, Mirror) else 0 for each in self.rounds)
        layers = (each.qubits if isinstance(each, Program) else 0 for each in self.rounds)
        return self.shots * (sum(halves) + sum(layers))

    def request(self, seed: int, time_limit_seconds: float = 300.0, memory_limit_bytes: int = 2 << 30) -> RunRequest:
        """Return the run as a processor's engine takes it; *seed* is 63 bits of the processor's own chance."""
        return RunRequest(
            text=self.text,
            shots=self.total_shots,
            seed=seed,
            qubits=self.programs[0].qubits,
            outcome_bits=self.outcome_bits,
            depth_class=depth_class(self.programs),
            pinned=self.pinned,
            time_limit_seconds=time_limit_seconds,
            memory_limit_bytes=memory_limit_bytes,
        )


@dataclass(frozen=True)
class Suite:
    """A whole challenge.

    Attributes:
        runs: In the order in which counts are answered.
    """

    seed: bytes
    claim: Claim
    depth: Depth
    runs: tuple[Run, ...]

    @property
    def digest(self) -> bytes:
        """What the challenge is: the version and every payload."""
        return keccak(VERSION.to_bytes(2, "big") + b"".join(keccak(run.text.encode()) for run in self.runs))

    @property
    def shots(self) -> int:
        """Shots of all runs."""
        return sum(run.total_shots for run in self.runs)

    @property
    def circuits(self) -> int:
        """Circuits of all runs."""
        return sum(len(run.rounds) for run in self.runs)

    @property
    def layers(self) -> int:
        """Circuit layers that all shots execute: what the time from challenge to answer is divided into.

        Their number by the seconds that a processor took is its speed in the sense of CLOPS.
        """
        return sum(run.layers for run in self.runs)

    @property
    def text_bytes(self) -> int:
        """Size of all payloads."""
        return sum(len(run.text) for run in self.runs)


def challenge(seed: bytes, claim: Claim, depth: Depth = FULL) -> Suite:
    """Return the challenge of *claim* by *seed*: the same for the processor, every certifier and every auditor.

    It has at most five runs of at most 65,535 shots each, and only circuits that any computation may have.

    Args:
        seed: 32 bytes that nobody knew when the processor declared itself ready.
    """
    if len(seed) != 32:
        raise ValueError(f"a seed of {len(seed)} bytes, expected 32")
    runs = [
        *_volume(seed, claim, depth),
        *_mirrors(seed, claim, depth),
        _layers(seed, claim, depth),
        _lifetimes(seed, claim, depth),
    ]
    return Suite(seed, claim, depth, tuple(runs))


def _volume(seed: bytes, claim: Claim, depth: Depth) -> Iterator[Run]:
    width = claim.facts.quantum_volume_log2
    if width >= 2:
        stream = Stream(seed, "volume")
        circuits: list[Program] = []
        room = SWEEP_LIMITS.text_bytes
        while len(circuits) < depth.volume_circuits:
            circuits.append(volume_circuit(width, stream))
            room -= len(circuits[-1].text())
            if room < 0:  # at the widest; a hundred always find room
                circuits.pop()
                break
        yield Run(Kind.Volume, tuple(circuits), depth.volume_shots, pinned=False)


def _mirrors(seed: bytes, claim: Claim, depth: Depth) -> Iterator[Run]:
    """Yield a run for each width that the device has: half of the circuits shallow, half as deep as foretold."""
    widths = sorted({min(width, len(claim.qubits)) for width in MIRROR_WIDTHS})
    for width in widths:
        stream = Stream(seed, f"mirror {width}")
        halves = (1, deepest_halves(claim, width))
        circuits = tuple(
            mirror(claim, blocks_of(claim, width, stream), half, len(claim.qubits), stream)
            for half in halves
            for _ in range(depth.mirror_circuits)
        )
        yield Run(Kind.Mirror, circuits, depth.mirror_shots, pinned=True)


def deepest_halves(claim: Claim, width: int) -> int:
    """Return the layers in each half of a mirror circuit that the claim foretells to keep enough polarisation."""
    facts = claim.facts
    for halves in (each for each in _HALVES if each <= _room(claim)):
        foretold = PPM
        for _ in range(width):
            foretold = foretold * max(0, PPM - facts.readout_error_ppm * 3 // 2) // PPM
        for _ in range(2 * halves * (width // 2)):
            foretold = foretold * max(0, PPM - facts.two_qubit_error_ppm * 3 // 2) // PPM
        if foretold >= FORETOLD_PPM:
            return halves
    return 1


def _layers(seed: bytes, claim: Claim, depth: Depth) -> Run:
    """Return each layer of pairs, and all qubits alone, at two depths."""
    stream = Stream(seed, "layers")
    alone = tuple((qubit,) for qubit in claim.qubits)
    deep = deep_halves(claim)
    groups = (alone, *claim.layers)
    shots = min(depth.layer_shots, MAX_SHOTS // (len(groups) * 2 * depth.layer_circuits))
    circuits = tuple(
        mirror(claim, blocks, halves, len(claim.qubits), stream)
        for blocks in groups
        for halves in (1, deep)
        for _ in range(depth.layer_circuits)
    )
    return Run(Kind.Layers, circuits, shots, pinned=True)


def deep_halves(claim: Claim) -> int:
    """Return the layers in each half of the deep circuits by which layers are measured; at least 3."""
    halves = _LOST_PPM * 3 // (8 * max(1, claim.facts.two_qubit_error_ppm))
    return max(3, min(halves, _room(claim), _DEEPEST_HALVES))


def _room(claim: Claim) -> int:
    """Return how many layers of each half a circuit's text has room for; 3 at 255 qubits."""
    qubits = len(claim.qubits)
    return ((LIMITS.text_bytes - _MEASUREMENT_BYTES * qubits) // (_LAYER_BYTES * qubits) - 1) // 2


def _lifetimes(seed: bytes, claim: Claim, depth: Depth) -> Run:
    stream = Stream(seed, "lifetimes")
    rounds = (lifetime_rounds(claim, len(claim.qubits), stream) for _ in range(depth.lifetime_circuits))
    return Run(Kind.Lifetimes, tuple(chain.from_iterable(rounds)), depth.lifetime_shots, pinned=True)


def _text(program: Program) -> str:
    """Return the canonical text with barriers across all qubits in short, or wide devices would have no room."""
    text = program.text()
    everything = ", ".join(f"q[{qubit}]" for qubit in range(program.qubits))
    short = text.replace(f"barrier {everything};", "barrier q;")
    if len(short) > LIMITS.text_bytes:
        raise ValueError(f"a circuit of {len(short)} bytes, expected at most {LIMITS.text_bytes}")
    return short
