"""Gold rounds measured: do cheats escape as often as the formula says, can golds be told, does honesty pass?

Sweeps of a six-qubit variational ansatz (three layers), 142 targets of each of three kinds, on bundled devices of
every noise class. Nothing here uses the chain: scores are those of ``qcrs.rules.gold``, the contract's twin.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from _report import Goal, table

from qcrs.quantum.angles import GENERATORS, Chance, Family, angles_of, template_of
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.gold import GoldUnavailable, distribution_of, make_golds
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.request import RunRequest
from qcrs.quantum.simulate import simulate
from qcrs.quantum.sweep import join, split
from qcrs.quantum.telltale import classifier_auc, telltale_auc
from qcrs.rules.gold import EXPECTATION_UNIT, Answer, round_bits, score
from qcrs.rules.soundness import RATES, escape_probability
from qcrs.sdk.sweep import LEAST_NOISY_SHOTS, LEAST_ROUND_SHOTS, NOISY_CLASS

COMMAND = "make bench-verification"
QUBITS, LAYERS, TARGETS = 6, 3, 142
SHOTS = (82, 164, 230)
DEVICES = {1: ("marrakesh",), 2: ("oslo", "kolkata"), 3: ("mumbai", "sydney"), 4: ("perth", "geneva")}
GAMES = ((40, 20, 1), (142, 140, 2), (252, 125, 2))  # targets, golds, tolerance; at a deviation of a tenth
PLAYS = 400_000
REPETITIONS = 2
DRAWS = 3
UNLIKE = 0.15  # fidelity that one round's exact counts have as another's
SEED = 7

Progress = Callable[[str], None]
Counts = Mapping[int, int]
raw: dict[str, Any] = {}


def measure(progress: Progress) -> list[Goal]:
    """Measure everything, say what goes on, and return the goals; ``raw`` keeps the figures behind them."""
    return [*_escapes(progress), *_telltales(progress), *_rounds(progress)]


def kinds_of_sweeps(rng: np.random.Generator, count: int = TARGETS) -> dict[str, list[Program]]:
    """Return sweeps as requesters make them: those that golds can hide in, and those that give golds away."""
    size = QUBITS * (2 * LAYERS + 1)
    centre = rng.uniform(-np.pi, np.pi, size)
    signs = rng.choice([-1, 1], (count, size))
    shifts = np.pi / 2 * np.eye(size)[np.arange(count) // 2 % size] * np.where(np.arange(count) % 2, -1, 1)[:, None]
    rows = {
        "one-sided SPSA": centre + 0.3 * signs,
        "normal": centre + 0.4 * rng.normal(size=(count, size)),
        "uniform": rng.uniform(-np.pi, np.pi, (count, size)),
        "SPSA in pairs": centre + 0.3 * np.concatenate((signs[: count // 2], -signs[: count // 2])),
        "parameter shift": centre + shifts[: 2 * size],
        "grid": centre + np.outer(np.linspace(0, 3, count), np.eye(size)[0]),
    }
    return {kind: [ansatz(row) for row in angles] for kind, angles in rows.items()}


HIDING = ("one-sided SPSA", "normal", "uniform")


def ansatz(angles: np.ndarray) -> Program:
    """Return layers of ry, rz and a ladder of cx, and a last layer of ry."""
    values = iter(angles.tolist())
    operations = []
    for layer in range(LAYERS + 1):
        for gate in ("ry", "rz") if layer < LAYERS else ("ry",):
            operations += [Operation(gate, (next(values),), (qubit,)) for qubit in range(QUBITS)]
        if layer < LAYERS:
            operations += [Operation("cx", (), (qubit, qubit + 1)) for qubit in range(QUBITS - 1)]
    operations += [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(QUBITS)]
    return Program(QUBITS, QUBITS, tuple(operations))


def _escapes(progress: Progress) -> list[Goal]:
    """Let cheats corrupt rounds of shuffled sweeps, and count who is not caught."""
    rng, rows = np.random.default_rng(SEED), []
    for targets, golds, tolerance in GAMES:
        exact, size = escape_probability(targets, golds, tolerance, Fraction(1, 10))
        escaped = 0
        for _ in range(PLAYS // 10_000):
            # The first *size* of a random order are corrupted; the golds are the last numbers.
            order = np.argpartition(rng.random((10_000, targets + golds)), size, axis=1)[:, :size]
            hits = (order >= targets).sum(axis=1)
            noticed = rng.binomial(hits, float(RATES.detection))
            escaped += int(((size - hits >= -(-targets // 10)) & (noticed <= tolerance)).sum())
        rows.append((f"{targets}+{golds}, {tolerance} may fail", escaped / PLAYS, float(exact)))
        progress(f"escape {rows[-1][0]}: played {rows[-1][1]:.2e}, exact {rows[-1][2]:.2e}")
    worst = max(abs(played / exact - 1) for _, played, exact in rows)
    raw["escapes"] = [{"sweep": name, "played": played, "exact": exact} for name, played, exact in rows]
    return [Goal("escape played against escape computed, worst difference", 100 * worst, 10, "%", COMMAND)]


def _telltales(progress: Progress) -> list[Goal]:
    """Tell golds from targets, by their angles and by what devices answer; below one half is guessing, too."""
    rng, chance = np.random.default_rng(SEED), Chance()
    angles: dict[str, list[float]] = {}
    outputs: dict[str, dict[int, list[float]]] = {}
    refused: dict[str, str] = {}
    for kind, targets in (item for _ in range(DRAWS) for item in kinds_of_sweeps(rng).items()):
        try:
            golds = make_golds(targets, len(targets), 230, chance)
        except GoldUnavailable as error:
            refused[kind] = str(error)
            continue
        angles.setdefault(kind, []).append(golds.auc or 0.0)
        rounds = answered([*targets, *(program for program, _ in golds.rounds)], "kolkata", 230)
        for shots in SHOTS:
            seen = output_features([subsample(counts, shots, rng) for counts in rounds])
            areas = [classifier_auc(seen, np.arange(len(seen)) >= len(targets), chance) for _ in range(3)]
            outputs.setdefault(kind, {}).setdefault(shots, []).append(float(np.mean(areas)))
        progress(f"golds for {kind}: AUC {angles[kind][-1]:.3f} by angles, {outputs[kind][230][-1]:.3f} by outputs")
    raw["aucByAngles"], raw["aucByOutputs"], raw["refusedSweeps"] = angles, outputs, refused
    raw["aucByGenerator"] = _by_generator(kinds_of_sweeps(rng), chance)
    # One sweep's area is known to 0.035 only, so the worst of nine would tell of chance.
    by_outputs = max(float(np.mean(list(areas.values()))) for areas in outputs.values())
    by_angles = max(float(np.mean(areas)) for areas in angles.values())
    betrayed = [kind for kind in ("SPSA in pairs", "parameter shift", "grid") if kind in refused]
    return [
        Goal("golds told from targets by their angles, worst kind of sweep, AUC", by_angles, 0.55, "", COMMAND),
        Goal("golds told from targets by 82 to 230 shots, worst kind of sweep, AUC", by_outputs, 0.55, "", COMMAND),
        Goal("sweeps that give golds away, refused (pairs, shifts, grids)", len(betrayed), 3, "", COMMAND, True),
    ]


def _by_generator(sweeps: Mapping[str, Sequence[Program]], chance: Chance) -> dict[str, dict[str, float]]:
    """Return what each generator would have given away, to show that the choice matters."""
    found: dict[str, dict[str, float]] = {}
    for kind, targets in sweeps.items():
        family = Family.of(template_of(targets[0]), np.array([angles_of(target) for target in targets]))
        for generator in GENERATORS:
            rows = family.draw(generator, len(targets), chance)
            if rows is not None:
                area = telltale_auc(family.columns, rows[:, list(family.free)], chance)
                found.setdefault(kind, {})[generator.__name__] = round(area, 3)
    return found


def answered(programs: Sequence[Program], device: str, shots: int, seed: int = SEED) -> list[dict[int, int]]:
    """Return the counts of each of *programs* on *device*, as a processor would run the sweep."""
    text = join([program.text() for program in programs])
    width = programs[0].bits
    outcome_bits = width + round_bits(len(programs))
    request = RunRequest(text, shots * len(programs), seed, programs[0].qubits, outcome_bits)
    counts, _ = simulate(Device(Calibration.bundled(device)), request)
    return split(counts, len(programs), width)


def subsample(counts: Counts, shots: int, rng: np.random.Generator) -> dict[int, int]:
    """Return *shots* of *counts*, drawn without replacement."""
    outcomes = sorted(counts)
    drawn = rng.multivariate_hypergeometric([counts[x] for x in outcomes], shots)
    return {x: int(count) for x, count in zip(outcomes, drawn, strict=True) if count}


def output_features(rounds: Sequence[Counts]) -> np.ndarray:
    """Return what a processor sees of each round's answer: how peaked it is, and every bit's and pair's bias."""
    shares = np.zeros((len(rounds), 1 << QUBITS))
    for number, counts in enumerate(rounds):
        for outcome, count in counts.items():
            shares[number, outcome] = count
    shares /= shares.sum(axis=1, keepdims=True)
    signs = 1 - 2 * ((np.arange(1 << QUBITS)[:, None] >> np.arange(QUBITS)) & 1)
    pairs = np.stack([signs[:, i] * signs[:, j] for i in range(QUBITS) for j in range(i)], axis=1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
    ordered = np.sort(shares, axis=1)[:, ::-1]
    apart = np.linalg.norm(shares[:, None] - shares[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.column_stack(
        [
            entropy, (shares > 0).sum(axis=1), (shares**2).sum(axis=1), ordered[:, :4],
            np.sort(apart, axis=1)[:, :3], shares @ signs, shares @ pairs,
        ]
    )  # fmt: skip


def _rounds(progress: Progress) -> list[Goal]:
    """Score honest and dishonest rounds, by noise class and shots."""
    rng, rows = np.random.default_rng(SEED), []
    sweeps = kinds_of_sweeps(rng)
    golds = {kind: make_golds(sweeps[kind], 140, 230, Chance()).rounds for kind in HIDING}
    unlike = {kind: _unlike(rounds) for kind, rounds in golds.items()}
    for noise_class, devices in DEVICES.items():
        tallies = {shots: _Tally() for shots in SHOTS}
        for device, kind, seed in product(devices, HIDING, range(REPETITIONS)):
            honest = answered([program for program, _ in golds[kind]], device, 460, seed)
            for shots, tally in tallies.items():
                for shown in zip(*(portions(counts, shots, rng) for counts in honest), strict=True):
                    tally.add(shown, [answer for _, answer in golds[kind]], unlike[kind], shots, rng)
        rows += [{"class": noise_class, "shots": shots, **tally.rates()} for shots, tally in tallies.items()]
        progress(f"rounds of class {noise_class} scored on {', '.join(devices)}")
    raw["rounds"] = rows
    header = ("class", "shots", "honest", "fail %", "fidelity", "uniform %", "any replay %", "unlike %", "diluted %")
    table(header, [_row(row) for row in rows])
    used = [row for row in rows if row["shots"] == 230]
    least = [row for row in rows if row["shots"] == (LEAST_ROUND_SHOTS, LEAST_NOISY_SHOTS)[row["class"] >= NOISY_CLASS]]

    def caught(kind: str, among: Sequence[Mapping[str, Any]]) -> float:
        return 100 * min(row[f"{kind}Caught"] for row in among)

    def failed(among: Sequence[Mapping[str, Any]]) -> float:
        return 100 * max(row["honestFailure"] for row in among)

    return [
        Goal("honest golds that fail at 230 shots, worst class", failed(used), 0.1, "%", COMMAND),
        Goal("honest golds that fail at the fewest shots allowed, worst class", failed(least), 0.1, "%", COMMAND),
        Goal("uniform golds caught at 230 shots, worst class", caught("uniform", used), 99, "%", COMMAND, True),
        Goal("uniform golds caught at the fewest shots, worst class", caught("uniform", least), 99, "%", COMMAND, True),
        Goal(
            "golds answered with an unlike round's counts caught at 230 shots, worst class",
            caught("unlike", used), 99, "%", COMMAND, True,
        ),
    ]  # fmt: skip


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    rates = [100 * row[f"{kind}Caught"] for kind in ("uniform", "replay", "unlike", "diluted")]
    return (
        str(row["class"]),
        str(row["shots"]),
        row["honestRounds"],
        100 * row["honestFailure"],
        row["fidelity"],
        *rates,
    )


def portions(counts: Counts, shots: int, rng: np.random.Generator) -> list[dict[int, int]]:
    """Return *counts* cut at random into as many histograms of *shots* shots as there are."""
    order = rng.permutation([outcome for outcome, count in counts.items() for _ in range(count)])
    return [dict(Counter(order[at : at + shots].tolist())) for at in range(0, len(order) - shots + 1, shots)]


def _unlike(rounds: Sequence[tuple[Program, Answer]]) -> np.ndarray:
    """Return whether the exact counts of one round (columns) score below UNLIKE on another (rows)."""
    shares, weights, scales = [], [], []
    for program, answer in rounds:
        outcomes, exact, _ = distribution_of(program)
        shares.append(np.bincount(outcomes, exact, 1 << QUBITS))
        weight = np.zeros(1 << QUBITS)
        for outcome, value in answer.entries:
            weight[outcome] = value
        weights.append(weight)
        scales.append((answer.uniform, answer.ideal - answer.uniform))
    floor, contrast = np.array(scales, dtype=float).T
    fidelity = (np.array(weights) @ np.array(shares).T * EXPECTATION_UNIT - floor[:, None]) / contrast[:, None]
    return fidelity < UNLIKE


class _Tally:
    """Passes and failures of rounds of one class and number of shots."""

    def __init__(self) -> None:
        self._honest: list[tuple[bool, int]] = []
        self._caught: dict[str, list[bool]] = {"uniform": [], "replay": [], "unlike": [], "diluted": []}

    def add(
        self,
        rounds: Sequence[Counts],
        answers: Sequence[Answer],
        unlike: np.ndarray,
        shots: int,
        rng: np.random.Generator,
    ) -> None:
        for number, (counts, answer) in enumerate(zip(rounds, answers, strict=True)):
            self._honest.append(score(counts, shots, answer))
            noise = noise_of(shots, rng)
            self._caught["uniform"].append(not score(noise, shots, answer)[0])
            half = subsample(counts, shots // 2, rng)
            for outcome, count in noise_of(shots - shots // 2, rng).items():
                half[outcome] = half.get(outcome, 0) + count
            self._caught["diluted"].append(not score(half, shots, answer)[0])
            other = int(number + 1 + rng.integers(len(rounds) - 1)) % len(rounds)
            caught = not score(rounds[other], shots, answer)[0]
            self._caught["replay"].append(caught)
            if unlike[number, other]:
                self._caught["unlike"].append(caught)

    def rates(self) -> dict[str, float]:
        return {
            "honestRounds": len(self._honest),
            "honestFailure": float(np.mean([not passed for passed, _ in self._honest])),
            "fidelity": float(np.mean([fidelity for _, fidelity in self._honest])) / 1e4,
            **{f"{kind}Caught": float(np.mean(caught)) for kind, caught in self._caught.items()},
        }


def noise_of(shots: int, rng: np.random.Generator) -> dict[int, int]:
    """Return *shots* of nothing but noise."""
    values, times = np.unique(rng.integers(1 << QUBITS, size=shots), return_counts=True)
    return {int(x): int(count) for x, count in zip(values, times, strict=True)}
