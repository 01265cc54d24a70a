"""From counts to figures with intervals, in decimal arithmetic, which rounds the same on every machine.

Intervals are two-sided, of ``DEVIATIONS`` standard deviations of shot noise each way.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

DEVIATIONS = Decimal(2)
LARGEST = 10**12
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_LEAST = Decimal("1e-6")  # no share is taken for smaller, nor for larger than 1 less this: logarithms need it
# Of the median of a normal sample, against its mean.
_MEDIAN_SPREAD = Decimal("1.2533")

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def exact(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Make *function* compute in this module's decimal arithmetic, whatever its caller's is."""

    @wraps(function)
    def wrapped(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        with localcontext(_CONTEXT):
            return function(*arguments, **named)

    return wrapped


class Estimate(NamedTuple):
    """A measured figure in whole units, and the interval around it."""

    value: int
    low: int
    high: int


class Figure(NamedTuple):
    """A number and the square of its standard deviation."""

    value: Decimal
    variance: Decimal

    def estimate(self, unit: int, least: int = 0, largest: int = LARGEST) -> Estimate:
        """Return the figure and its interval in parts of *unit*, kept between *least* and *largest*."""
        width = DEVIATIONS * self.variance.sqrt()
        values = (self.value, self.value - width, self.value + width)
        return Estimate(*(min(max(int((value * unit).to_integral_value()), least), largest) for value in values))


@exact
def polarisation(histograms: Sequence[Sequence[int]]) -> Figure:
    """Return the polarisation that shots at known distances from the answer have, circuits of one shape together."""
    qubits = len(histograms[0]) - 1
    scale = Decimal(4) ** qubits
    scores = [(scale * Decimal("-0.5") ** k - 1) / (scale - 1) for k in range(qubits + 1)]
    distances = [sum(column) for column in zip(*histograms, strict=True)]
    shots = Decimal(sum(distances))
    mean = sum((score * count for score, count in zip(scores, distances, strict=True)), Decimal(0)) / shots
    square = sum((score * score * count for score, count in zip(scores, distances, strict=True)), Decimal(0)) / shots
    # One shot more, at no distance, keeps a perfect record from having no uncertainty.
    return Figure(mean, (max(Decimal(0), square - mean * mean) + 1 / shots) / shots)


@exact
def decay(shallow: Figure, deep: Figure, layers: int) -> Figure:
    """Return the polarisation that a layer keeps, from that of circuits that differ by *layers*.

    It is none, for certain, when even the shallow circuits show none: then there is no decay to look at.
    """
    if shallow.value < DEVIATIONS * shallow.variance.sqrt():
        return Figure(Decimal(0), Decimal(0))
    first, last = _share(shallow), _share(deep)
    kept = ((last.value / first.value).ln() / layers).exp()
    relative = (first.variance / first.value**2 + last.variance / last.value**2) / layers**2
    return Figure(kept, kept * kept * relative)


@exact
def process_fidelity(kept: Figure, qubits: int) -> Figure:
    """Return the process fidelity of a layer that keeps so much polarisation."""
    scale = Decimal(4) ** qubits
    return Figure((1 + (scale - 1) * kept.value) / scale, ((scale - 1) / scale) ** 2 * kept.variance)


@exact
def pair_error(pair: Figure, one: Figure, other: Figure) -> Figure:
    """Return the average error of a two-qubit gate from process fidelities: of its layer, of its qubits' alone.

    A qubit that alone keeps less than half excuses nothing: then the gate is charged with all that its layer loses.
    """
    alone = one.value * other.value if min(one.value, other.value) > Decimal("0.5") else Decimal(1)
    fidelity = min(Decimal(1), pair.value / alone)
    relative = sum(
        (figure.variance / figure.value**2 for figure in (pair, one, other)),
        Decimal(0),
    )
    return Figure(Decimal("0.8") * (1 - fidelity), Decimal("0.64") * fidelity**2 * relative)


@exact
def share(count: int, total: int) -> Figure:
    """Return a share of *total* trials; its variance is that of a rule that is never certain."""
    smoothed = Decimal(count + 1) / (total + 2)
    return Figure(Decimal(count) / total, smoothed * (1 - smoothed) / total)


@exact
def mean(figures: Sequence[Figure]) -> Figure:
    """Return the mean of independent figures."""
    size = len(figures)
    value = sum((figure.value for figure in figures), Decimal(0)) / size
    return Figure(value, sum((figure.variance for figure in figures), Decimal(0)) / size**2)


@exact
def product(fidelities: Sequence[Figure]) -> Figure:
    """Return the product of independent figures."""
    value, relative = Decimal(1), Decimal(0)
    for figure in map(_share, fidelities):
        value *= figure.value
        relative += figure.variance / figure.value**2
    return Figure(value, value * value * relative)


@exact
def complement(figure: Figure) -> Figure:
    """Return 1 less the figure."""
    return Figure(1 - figure.value, figure.variance)


@exact
def root(figure: Figure, degree: int) -> Figure:
    """Return the figure to the power of 1 / *degree*."""
    bounded = _share(figure)
    value = (bounded.value.ln() / degree).exp()
    return Figure(value, (value / (degree * bounded.value)) ** 2 * bounded.variance)


@exact
def lifetime(decays: Sequence[tuple[int, Figure]]) -> Figure:
    """Return the time, in nanoseconds, after which 1 / e is left, from what is left after each of several delays."""
    weighted = weight = Decimal(0)
    for delay, left in decays:
        bounded = _share(left)
        precision = bounded.value**2 / bounded.variance
        weighted += -bounded.value.ln() * delay * precision
        weight += delay * delay * precision
    rate = max(weighted / weight, 1 / Decimal(LARGEST))
    return Figure(1 / rate, 1 / weight / rate**4)


@exact
def corrected(read: Figure, zero_as_one: Figure, one_as_zero: Figure) -> Figure:
    """Return how often a qubit was 1, from how often it was read so."""
    contrast = max(1 - zero_as_one.value - one_as_zero.value, _LEAST)
    value = (read.value - zero_as_one.value) / contrast
    spread = read.variance + (1 - value) ** 2 * zero_as_one.variance + value**2 * one_as_zero.variance
    return Figure(value, spread / contrast**2)


@exact
def signed(ones: Figure) -> Figure:
    """Return what an echo has left, from how often a qubit was not where it belongs."""
    return Figure(1 - 2 * ones.value, 4 * ones.variance)


@exact
def median(figures: Sequence[Figure]) -> Figure:
    """Return the lower median of figures; noise moves it as it moves the mean of those it could be taken for.

    Those are the figures within one typical deviation of it.
    """
    ordered = sorted(figure.value for figure in figures)
    middle = ordered[(len(ordered) - 1) // 2]
    typical = sorted(figure.variance for figure in figures)[(len(figures) - 1) // 2]
    near = sum(abs(value - middle) ** 2 <= typical for value in ordered)
    return Figure(middle, typical * (_MEDIAN_SPREAD**2 if near > 1 else 1) / near)


def _share(figure: Figure) -> Figure:
    """Return the figure as one to take the logarithm of; what is lost in noise is read as one deviation."""
    least = max(_LEAST, figure.variance.sqrt())
    return Figure(min(max(figure.value, least), 1 - _LEAST), figure.variance)
