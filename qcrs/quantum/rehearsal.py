"""What honest processors would answer to golds: run before any money moves, on this machine.

Golds that honest processors of the wanted class fail would have them punished for the circuits' depth, and answers
that are spread too thin cannot be compared. Both show on the weakest bundled device of the class.
"""

import math
from dataclasses import dataclass

import numpy as np
from qiskit_aer import AerSimulator

from qcrs.quantum.angles import Chance
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.circuit import build
from qcrs.quantum.device import Device
from qcrs.quantum.gold import Golds, distribution_of
from qcrs.rules.gold import EXPECTATION_UNIT, FIDELITY_UNIT, PASS_FIDELITY, Answer

# The weakest bundled devices of each noise class, smallest first.
_WEAKEST = {1: ("marrakesh",), 2: ("oslo", "montreal"), 3: ("mumbai",), 4: ("perth", "geneva")}
_SIMULATED_QUBITS = 8
_ASSUMED_FIDELITY = 0.6  # of wider circuits, which take too long to rehearse with noise
_GOLDS, _WIDE_GOLDS, _WIDE_QUBITS = 24, 8, 7
_SHOTS = 2_048


@dataclass(frozen=True)
class Rehearsal:
    """How golds went.

    Attributes:
        device: Whose noise was simulated; empty when a fidelity was assumed.
        fidelity: Mean over the golds. failure: Mean probability that an honest gold fails.
        answers: Outcomes and how often they occur, for some golds. bits: Outcome bits of each.
    """

    device: str
    fidelity: float
    failure: float
    answers: tuple[tuple[np.ndarray, np.ndarray], ...]
    bits: int

    def counts(self, rounds: int, shots: int, chance: Chance) -> dict[int, int]:
        """Return what a replica would answer to a sweep of *rounds* such rounds."""
        counts: dict[int, int] = {}
        for number in range(rounds):
            outcomes, shares = self.answers[number % len(self.answers)]
            places = np.searchsorted(np.cumsum(shares), chance.uniform(shots) * shares.sum(), side="right")
            values, times = np.unique(outcomes[np.minimum(places, len(outcomes) - 1)], return_counts=True)
            counts |= {number << self.bits | int(x): int(count) for x, count in zip(values, times, strict=True)}
        return counts


def rehearse(golds: Golds, shots: int, noise_class: int, chance: Chance | None = None) -> Rehearsal:
    """Return how a weak processor of *noise_class* would do on *golds* at *shots* shots a round."""
    chance = chance or Chance()
    qubits, bits = golds.rounds[0][0].qubits, golds.rounds[0][0].bits
    rounds = golds.rounds[: _GOLDS if qubits < _WIDE_QUBITS else _WIDE_GOLDS]
    name = ""
    if qubits <= _SIMULATED_QUBITS:
        calibrations = map(Calibration.bundled, _WEAKEST.get(noise_class, _WEAKEST[max(_WEAKEST)]))
        calibration = next((c for c in calibrations if len(c.qubits) >= qubits), Calibration.bundled("montreal"))
        name = calibration.name
        device = Device(calibration)
        transpiled = [device.transpile(build(program)) for program, _ in rounds]
        simulator = AerSimulator(method="density_matrix", noise_model=device.noise(*transpiled), max_parallel_threads=1)
        seed = int(chance.below(1 << 52, 1)[0])
        result = simulator.run(transpiled, shots=_SHOTS, seed_simulator=seed).result()
        answers = tuple(_sorted(result.data(number)["counts"]) for number in range(len(rounds)))
    else:
        answers = tuple(_diluted(distribution_of(program)[:2], bits, chance) for program, _ in rounds)
    judged = [_judged(*answer, gold, shots) for answer, (_, gold) in zip(answers, rounds, strict=True)]
    fidelity, failure = (float(np.mean(column)) for column in zip(*judged, strict=True))
    return Rehearsal(name, fidelity, failure, answers, bits)


def _sorted(counts: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    outcomes = sorted((int(outcome, 16), count) for outcome, count in counts.items())
    return np.array([x for x, _ in outcomes]), np.array([count for _, count in outcomes]) / sum(counts.values())


def _diluted(exact: tuple[np.ndarray, np.ndarray], bits: int, chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact distribution among uniform noise, for which some thousand outcomes stand."""
    outcomes, shares = exact
    noise = chance.below(1 << bits, 8 * _SHOTS)
    everything = np.concatenate((outcomes, noise))
    weights = np.concatenate((_ASSUMED_FIDELITY * shares, np.full(len(noise), (1 - _ASSUMED_FIDELITY) / len(noise))))
    values, places = np.unique(everything, return_inverse=True)
    return values, np.bincount(places, weights)


def _judged(outcomes: np.ndarray, shares: np.ndarray, answer: Answer, shots: int) -> tuple[float, float]:
    """Return the fidelity of a round and the probability that it fails, by the normal approximation."""
    weight = dict(answer.entries)
    weights = np.array([weight.get(x, 0) for x in outcomes.tolist()], dtype=float)
    mean = float(shares @ weights)
    deviation = math.sqrt(max(0.0, float(shares @ weights**2) - mean**2) / shots)
    contrast = (answer.ideal - answer.uniform) / EXPECTATION_UNIT
    fidelity = (mean - answer.uniform / EXPECTATION_UNIT) / contrast
    margin = fidelity - PASS_FIDELITY / FIDELITY_UNIT
    if deviation == 0:
        return fidelity, float(margin < 0)
    return fidelity, 0.5 * math.erfc(margin * contrast / deviation / math.sqrt(2))
