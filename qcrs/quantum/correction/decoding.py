"""From detectors to logical outcomes, and how often these are wrong.

Matching is PyMatching's, in two passes: what the first finds in one kind of check makes the errors that come with it
likelier in the other. At a seam they come together often, since a pair's Y error is as likely as its X or Z.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pymatching
import stim

from qcrs.quantum.correction.circuit import direct
from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise
from qcrs.quantum.correction.rate import Rate, clopper_pearson

BATCH = 5_000


class Decoder:
    """Matching for the noise of one circuit of a memory.

    An error's X part fires Z checks, its Z part X checks, never more than two of either: each part is an edge. Stim's
    own decomposition also makes edges between X and Z checks, which at a seam loses far more logical qubits. Rates go
    in with six digits: whoever decodes the same bits with the locked versions gets the same outcomes.
    """

    def __init__(self, memory: Memory, circuit: stim.Circuit) -> None:
        places = circuit.get_detector_coordinates()
        kinds = {detector: memory.code.kind((int(x), int(y))) for detector, (x, y, _) in places.items()}
        model = stim.DetectorErrorModel()
        for detector in kinds:
            model.append("detector", [], [stim.target_relative_detector_id(detector)])
        model.append("logical_observable", [], [stim.target_logical_observable_id(0)])
        for error in circuit.detector_error_model(flatten_loops=True):
            if error.type == "error":
                model.append("error", error.args_copy(), _parts(memory.basis, kinds, error.targets_copy()))
        self._matching = pymatching.Matching.from_detector_error_model(model, enable_correlations=True)

    def flips(self, detectors: np.ndarray) -> np.ndarray:
        """Return for each shot whether the logical outcome was flipped, from its *detectors* as packed bits."""
        found = self._matching.decode_batch(detectors, bit_packed_shots=True, enable_correlations=True)
        return found[:, 0].astype(np.bool_)


def _parts(basis: Basis, kinds: dict[int, Basis], targets: Sequence[stim.DemTarget]) -> list[stim.DemTarget]:
    """Return the parts of an error, each kind of check by itself, the logical outcome with its own kind."""
    parts: list[stim.DemTarget] = []
    for kind in Basis:
        part = [target for target in targets if target.is_relative_detector_id() and kinds[target.val] is kind]
        if len(part) > 2:
            raise ValueError(f"an error fires {len(part)} {kind} checks; expected at most two")
        if part and kind is basis:
            part += [target for target in targets if target.is_logical_observable_id()]
        parts += [stim.target_separator(), *part] if parts and part else part
    return parts


@dataclass(frozen=True)
class Budget:
    """How long to sample: until *errors* have been seen, or *shots* taken.

    Stopping at a count biases the rate by about 1 / errors, upwards; intervals are those of a fixed number of shots.
    """

    shots: int = 1_000_000
    errors: int = 400


def logical_error(
    memory: Memory, noise: Noise, budget: Budget = Budget(), seed: int | None = None, assumed: Noise | None = None
) -> Rate:
    """Return how often *memory* loses its outcome in a whole experiment under *noise*, sampled.

    Args:
        seed: Of the samples; the same seed gives the same ones on machines with the same SIMD width only.
        assumed: What the decoder takes the noise for; None for the noise itself.
    """
    trial = _Trial(memory, noise, seed, assumed)
    while not trial.spent(budget):
        trial.sample(budget)
    return trial.rate


def worst_basis(
    distance: int, rounds: int, noise: Noise, budget: Budget = Budget(), seed: int | None = None,
    assumed: Noise | None = None,
) -> tuple[Basis, Rate]:  # fmt: skip
    """Return the basis with the greater logical error, and that: a seam hurts one logical operator more.

    Both take the same number of shots, until one of them has spent its *budget*.
    """
    trials = {basis: _Trial(Memory(distance, rounds, basis), noise, seed, assumed) for basis in Basis}
    while not any(trial.spent(budget) for trial in trials.values()):
        for trial in trials.values():
            trial.sample(budget)
    worst = max(trials, key=lambda basis: trials[basis].errors)
    return worst, trials[worst].rate


class _Trial:
    """A memory under noise, sampled and decoded batch by batch."""

    def __init__(self, memory: Memory, noise: Noise, seed: int | None, assumed: Noise | None) -> None:
        circuit = direct(memory, noise)
        self._decoder = Decoder(memory, circuit if assumed is None else direct(memory, assumed))
        self._sampler = circuit.compile_detector_sampler(seed=seed)
        self.shots = self.errors = 0

    def spent(self, budget: Budget) -> bool:
        return self.shots >= budget.shots or self.errors >= budget.errors

    def sample(self, budget: Budget) -> None:
        take = min(BATCH, budget.shots - self.shots)
        detectors, flips = self._sampler.sample(take, separate_observables=True, bit_packed=True)
        self.errors += int(np.count_nonzero(self._decoder.flips(detectors) != flips[:, 0]))
        self.shots += take

    @property
    def rate(self) -> Rate:
        return clopper_pearson(self.errors, self.shots)
