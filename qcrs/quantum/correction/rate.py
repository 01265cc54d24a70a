"""A rate that was counted, with its interval."""

from dataclasses import dataclass

from scipy.special import betaincinv


@dataclass(frozen=True)
class Rate:
    """*errors* were seen among *shots*; what was asked for lies within [low, high].

    Attributes:
        scale: What a share of errors is multiplied by to give the rate.
    """

    errors: int
    shots: int
    low: float
    high: float
    scale: float = 1.0

    @property
    def value(self) -> float:
        """The likeliest rate."""
        return self.scale * self.errors / self.shots

    def __str__(self) -> str:
        return f"{self.value:.2e} [{self.low:.2e}, {self.high:.2e}]"


def clopper_pearson(errors: int, shots: int, confidence: float = 0.95) -> Rate:
    """Return the two-sided interval of Clopper and Pearson: exact, never too narrow, also when nothing was seen."""
    if not 0 <= errors <= shots or shots == 0:
        raise ValueError(f"{errors} errors among {shots} shots")
    tail = (1 - confidence) / 2
    low = float(betaincinv(errors, shots - errors + 1, tail)) if errors else 0.0
    high = float(betaincinv(errors + 1, shots - errors, 1 - tail)) if errors < shots else 1.0
    return Rate(errors, shots, low, high)


def infidelity_of_test(errors: int, tested: int, confidence: float = 0.95) -> Rate:
    """Return the infidelity of Werner pairs of which *errors* of *tested* disagreed in Z or X, with its interval.

    The ends disagree in a basis with probability 2/3 of the infidelity. Interval: Clopper and Pearson's, scaled.
    """
    share = clopper_pearson(errors, tested, confidence)
    return Rate(errors, tested, min(1.0, 1.5 * share.low), min(1.0, 1.5 * share.high), scale=1.5)


def per_round(total: float, rounds: int) -> float:
    """Return the rate a round of which *rounds* give *total*: a bit flipped twice is not flipped."""
    return (1 - (1 - 2 * min(total, 0.5)) ** (1 / rounds)) / 2


def per_experiment(each: float, rounds: int) -> float:
    """Return the inverse of ``per_round``."""
    return (1 - (1 - 2 * min(each, 0.5)) ** rounds) / 2
