"""What a cheat answers instead of the truth, as distributions over outcomes, and how copies are made."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
# Whose answer is replayed: another circuit with as many outcomes.
MATES = {
    "deutsch_jozsa4": "grover3",
    "grover3": "deutsch_jozsa4",
    "ghz5": "qft5",
    "qft5": "ansatz5",
    "ansatz5": "ghz5",
    "qpe6": "random6",
    "random6": "qpe6",
    "ghz8": "vqe8",
    "vqe8": "ghz8",
    "ghz10": "qaoa10",
    "qaoa10": "random10",
    "random10": "clifford10",
    "clifford10": "ising10",
    "ising10": "ghz10",
}


@dataclass(frozen=True)
class Case:
    """What a cheat has to work with: its circuit, its own honest answers to all, its stale ones, and luck."""

    circuit: str
    honest: dict[str, Array]
    stale: dict[str, Array]
    rng: np.random.Generator

    @property
    def truth(self) -> Array:
        """Its own honest answer."""
        return self.honest[self.circuit]


def uniform(case: Case) -> Array:
    """Nothing was run."""
    return np.full(len(case.truth), 1 / len(case.truth))


def replay(case: Case) -> Array:
    """Another circuit was run."""
    return case.honest[MATES[case.circuit]]


def flip(case: Case) -> Array:
    """The first bit is read the wrong way round."""
    return case.truth[np.arange(len(case.truth)) ^ 1]


def point(share: float) -> Callable[[Case], Array]:
    """Give *share* of the shots to one outcome, of the rarer half."""

    def attack(case: Case) -> Array:
        answer = (1 - share) * case.truth
        answer[case.rng.choice(np.argsort(case.truth)[: len(answer) // 2])] += share
        return answer

    return attack


def spread(case: Case) -> Array:
    """Give a fifth of the shots to a random half of the outcomes, evenly."""
    half = case.rng.permutation(len(case.truth))[: len(case.truth) // 2]
    answer = 0.8 * case.truth
    answer[half] += 0.2 / len(half)
    return answer


def stale(case: Case) -> Array:
    """The device has drifted since it was calibrated: errors are three times what it claims."""
    return case.stale[case.circuit]


ATTACKS: dict[str, Callable[[Case], Array]] = {
    "uniform noise": uniform,
    "replay of another circuit": replay,
    "bit-flip": flip,
    "point bias 5 %": point(0.05),
    "point bias 10 %": point(0.1),
    "point bias 20 %": point(0.2),
    "spread bias 20 %": spread,
    "stale calibration, errors x 3": stale,
}
PROMISED_AT_4096 = ("uniform noise", "replay of another circuit", "bit-flip", "point bias 10 %", "point bias 20 %")
PROMISED_AT_16384 = ("point bias 5 %", "spread bias 20 %", "stale calibration, errors x 3")


def verbatim(victim: Array, _own: Array, _rng: np.random.Generator) -> Array:
    """Return the victim's histogram."""
    return victim


def bootstrap(victim: Array, _own: Array, rng: np.random.Generator) -> Array:
    """Return as many shots, drawn from the victim's histogram."""
    return rng.multinomial(int(victim.sum()), victim / victim.sum())


def half(victim: Array, own: Array, rng: np.random.Generator) -> Array:
    """Return half of the victim's shots and half of one's own."""
    shots = int(victim.sum())
    taken = rng.multivariate_hypergeometric(victim, shots // 2, method="marginals")
    return taken + rng.multivariate_hypergeometric(own, shots - shots // 2, method="marginals")


COPIES: dict[str, Callable[[Array, Array, np.random.Generator], Array]] = {
    "verbatim copy": verbatim,
    "bootstrap copy": bootstrap,
    "half copied": half,
}
