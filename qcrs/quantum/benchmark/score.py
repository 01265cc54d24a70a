"""What a processor's counts say about it: every certifier finds the same whole numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, cast

from qcrs.quantum.benchmark import estimate
from qcrs.quantum.benchmark.claim import Claim
from qcrs.quantum.benchmark.estimate import Estimate, Figure
from qcrs.quantum.benchmark.lifetime import Lifetime, Probe
from qcrs.quantum.benchmark.mirror import Mirror
from qcrs.quantum.benchmark.suite import Kind, Run, Suite
from qcrs.quantum.benchmark.volume import heavy_shots
from qcrs.quantum.program import Program
from qcrs.quantum.sweep import split
from qcrs.rules.benchmark import PPM, noise_class_of, polarisation_passes

# Proctor and others: a circuit of this shape is within a processor's capability above 1 / e.
MIRROR_THRESHOLD_PPM = 367_879

Counts = Mapping[int, int]


class Heavy(NamedTuple):
    """Heavy shots, all shots and circuits of the volume run."""

    heavy: int
    shots: int
    circuits: int


class Shape(NamedTuple):
    """Blocks of one width and depth in mirror circuits, and how many passed; smaller remainders count too."""

    width: int
    halves: int
    passed: int
    blocks: int


@dataclass(frozen=True)
class Measured:
    """What was measured. Intervals are of two standard deviations of shot noise.

    Attributes:
        unanswered: Runs without counts, or with counts that such a run cannot have.
        heavy: None when no quantum volume is claimed, or its run is unanswered.
        shapes: Of the mirror runs that were answered.
        two_qubit_error_ppm: Median over couplings of a gate's average error; None on a device without any.
        readout_error_ppm: Median over qubits of the assignment error, as are T1 and T2.
        layer_fidelity_ppm: The chain fidelity: gates and readouts of the claimed chain.
        error_per_layered_gate_ppm: EPLG of the same chain, one-qubit gates included; None without couplings.
        noise_class: From the measured chain fidelity, never from the claim; 0 when that was not measured.
    """

    unanswered: tuple[int, ...]
    heavy: Heavy | None
    shapes: tuple[Shape, ...]
    two_qubit_error_ppm: Estimate | None
    readout_error_ppm: Estimate | None
    layer_fidelity_ppm: Estimate | None
    error_per_layered_gate_ppm: Estimate | None
    t1_nanoseconds: Estimate | None
    t2_nanoseconds: Estimate | None
    noise_class: int

    def words(self) -> list[int]:
        """Return every figure in a fixed order, as the evidence binds them; what was not measured is 0."""
        estimates = (
            self.two_qubit_error_ppm,
            self.readout_error_ppm,
            self.layer_fidelity_ppm,
            self.error_per_layered_gate_ppm,
            self.t1_nanoseconds,
            self.t2_nanoseconds,
        )
        words = [self.noise_class, sum(1 << run for run in self.unanswered), *(self.heavy or (0, 0, 0))]
        for found in estimates:
            words += found or (0, 0, 0)
        return words + [number for shape in self.shapes for number in shape]


def score(suite: Suite, counts: Sequence[Counts | None]) -> Measured:
    """Return what *counts* say, one histogram for each run of *suite*, or None where there was no answer.

    It takes a second or two of exact simulation for the volume run: not for an event loop.
    """
    rounds = [_rounds(run, answer) for run, answer in zip(suite.runs, counts, strict=True)]
    answered = {
        kind: [(run, each) for run, each in zip(suite.runs, rounds, strict=True) if run.kind is kind and each]
        for kind in Kind
    }
    readout, t1, t2 = _lifetimes(suite.claim, answered[Kind.Lifetimes])
    pairs, layers = _pairs(suite.claim, answered[Kind.Layers])
    chain = _chain(suite.claim, pairs, readout)
    fidelity = chain.estimate(PPM, largest=PPM) if chain else None
    layered = estimate.product(layers) if layers else None
    return Measured(
        unanswered=tuple(number for number, each in enumerate(rounds) if not each),
        heavy=next((_heavy(run, each) for run, each in answered[Kind.Volume]), None),
        shapes=tuple(shape for run, each in answered[Kind.Mirror] for shape in _shapes(run, each)),
        two_qubit_error_ppm=_median(pairs.values(), PPM, PPM),
        readout_error_ppm=_median((estimate.mean(errors) for errors in readout.values()), PPM, PPM),
        layer_fidelity_ppm=fidelity,
        error_per_layered_gate_ppm=estimate.complement(estimate.root(layered, len(layers))).estimate(PPM, largest=PPM)
        if layered
        else None,
        t1_nanoseconds=_median(t1.values()),
        t2_nanoseconds=_median(t2.values()),
        noise_class=noise_class_of(fidelity.value) if fidelity else 0,
    )


def _rounds(run: Run, counts: Counts | None) -> list[dict[int, int]] | None:
    """Return the histogram of each round, or None if these cannot be the counts of such a run."""
    if counts is None or any(outcome < 0 or count < 1 for outcome, count in counts.items()):
        return None
    if any(outcome >> run.bits >= len(run.rounds) for outcome in counts):
        return None
    rounds = split(counts, len(run.rounds), run.bits)
    return rounds if all(sum(each.values()) == run.shots for each in rounds) else None


def _heavy(run: Run, rounds: Sequence[dict[int, int]]) -> Heavy:
    circuits = cast(Sequence[Program], run.rounds)
    heavy = sum(heavy_shots(program, counts) for program, counts in zip(circuits, rounds, strict=True))
    return Heavy(heavy, run.total_shots, len(circuits))


def _shapes(run: Run, rounds: Sequence[dict[int, int]]) -> list[Shape]:
    mirrors = cast(Sequence[Mirror], run.rounds)
    width = max(len(block) for each in mirrors for block in each.blocks)
    results: dict[int, list[bool]] = {}
    for each, counts in zip(mirrors, rounds, strict=True):
        passes = (polarisation_passes(distances, MIRROR_THRESHOLD_PPM) for distances in each.distances(counts))
        results.setdefault(each.halves, []).extend(passes)
    return [Shape(width, halves, sum(passed), len(passed)) for halves, passed in sorted(results.items())]


def _pairs(
    claim: Claim, answered: Sequence[tuple[Run, list[dict[int, int]]]]
) -> tuple[dict[tuple[int, int], Figure], list[Figure]]:
    """Return the error of each coupling's gate, and the process fidelity of the chain's couplings in their layers."""
    histograms: dict[tuple[int, ...], dict[int, list[list[int]]]] = {}
    for run, rounds in answered:
        for each, counts in zip(cast(Sequence[Mirror], run.rounds), rounds, strict=True):
            for block, distances in zip(each.blocks, each.distances(counts), strict=True):
                histograms.setdefault(block, {}).setdefault(each.halves, []).append(distances)
    fidelities = {}
    for block, found in histograms.items():
        shallow, deep = sorted(found)
        figures = (estimate.polarisation(found[halves]) for halves in (shallow, deep))
        kept = estimate.decay(*figures, 2 * (deep - shallow))
        fidelities[block] = estimate.process_fidelity(kept, len(block))
    errors = {
        (low, high): estimate.pair_error(fidelities[low, high], fidelities[low,], fidelities[high,])
        for low, high in claim.couplings
        if fidelities
    }
    line = [(min(pair), max(pair)) for pair in pairwise(claim.chain)]
    return errors, [fidelities[pair] for pair in line if fidelities]


def _lifetimes(
    claim: Claim, answered: Sequence[tuple[Run, list[dict[int, int]]]]
) -> tuple[dict[int, tuple[Figure, Figure]], dict[int, Figure], dict[int, Figure]]:
    """Return by qubit: errors of reading 0 and of reading 1, T1, T2."""
    readout, t1, t2 = {}, {}, {}
    for run, rounds in answered:
        probed = list(zip(cast(Sequence[Lifetime], run.rounds), rounds, strict=True))
        for bit, qubit in enumerate(claim.qubits):
            wrong = [(each, _wrong(each, bit, counts, run.shots)) for each, counts in probed]
            read = [(each.answer >> bit & 1, found) for each, found in wrong if each.probe is Probe.Readout]
            by_value = [estimate.mean([found for value, found in read if value == right]) for right in (0, 1)]
            readout[qubit] = by_value[0], by_value[1]
            for probe, lives in ((Probe.Relaxation, t1), (Probe.Echo, t2)):
                lives[qubit] = estimate.lifetime(
                    [(each.delay, _left(each, bit, found, by_value)) for each, found in wrong if each.probe is probe]
                )
    return readout, t1, t2


def _wrong(each: Lifetime, bit: int, counts: Counts, shots: int) -> Figure:
    wrong = sum(count for outcome, count in counts.items() if (outcome ^ each.answer) >> bit & 1)
    return estimate.share(wrong, shots)


def _left(each: Lifetime, bit: int, wrong: Figure, readout: Sequence[Figure]) -> Figure:
    """Return what is left of a qubit's excitation or of its echo, without the errors of its readout."""
    right = each.answer >> bit & 1
    moved = estimate.corrected(wrong, readout[right], readout[1 - right])
    return estimate.complement(moved) if each.probe is Probe.Relaxation else estimate.signed(moved)


def _chain(
    claim: Claim, pairs: Mapping[tuple[int, int], Figure], readout: Mapping[int, tuple[Figure, Figure]]
) -> Figure | None:
    """Return the fidelity of the claimed chain, gates and readouts, or None if either was not measured."""
    line = [(min(pair), max(pair)) for pair in pairwise(claim.chain)]
    if not readout or (line and not pairs):
        return None
    errors = [*(pairs[pair] for pair in line), *(estimate.mean(readout[qubit]) for qubit in claim.chain)]
    return estimate.product([estimate.complement(error) for error in errors])


def _median(figures: Iterable[Figure], unit: int = 1, largest: int = estimate.LARGEST) -> Estimate | None:
    found = list(figures)
    return estimate.median(found).estimate(unit, largest=largest) if found else None
