"""How many gold rounds buy how much: exact probabilities, in fractions.

A sweep holds *targets* d and *golds* t in random order. Processors cannot tell them apart, so they corrupt some m of
the n = d + t rounds blindly, colluders all the same ones: probabilities are not multiplied over replicas. They
*escape* when at least c = ceil(deviation d) corrupted rounds are targets and no more than *tolerance* w golds fail:

    max over m of  sum over h <= m - c of  C(t, h) C(d, m - h) / C(n, m) P(Bin(h, detection) + Bin(t - h, slip) <= w)

All who do not collude are honest, and an honest replica is rejected when more than w of its golds fail. The guarantee
covers deviations on *unlinkable* rounds: with one circuit hidden among g golds (d = 1, w = 0) it is 1 / (g + 1),
whatever the number of shots.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import comb

from qcrs.errors import QcrsError

MAX_ROUNDS = 1_024  # of a sweep: qcrs.quantum.sweep
ONE = Fraction(1)


class SoundnessUnavailable(QcrsError):
    """No number of golds within the allowed cost gives the wanted soundness."""


@dataclass(frozen=True)
class Rates:
    """What a round is assumed to do; measured by the verification benchmark.

    Attributes:
        detection: Least probability that a corrupted gold fails.
        failure: Greatest probability that an honest gold fails.
        rejection: Greatest probability that may be left to reject an honest replica.
        slip: Probability that a cheater's uncorrupted gold fails. 0 is the cautious choice: a cheater may own a
            better device than its class requires.
    """

    detection: Fraction = Fraction(99, 100)
    failure: Fraction = Fraction(1, 1000)
    rejection: Fraction = Fraction(1, 1000)
    slip: Fraction = Fraction(0)


RATES = Rates()


@dataclass(frozen=True)
class Plan:
    """A sweep's golds and what they guarantee.

    Attributes:
        targets, golds: Rounds of each kind. tolerance: Golds that may fail.
        deviation: Share of targets that may be false without notice. escape: Probability that more are, unnoticed.
        rejection: Probability that an honest replica is rejected.
    """

    targets: int
    golds: int
    tolerance: int
    deviation: Fraction
    escape: Fraction
    rejection: Fraction

    @property
    def rounds(self) -> int:
        """All rounds."""
        return self.targets + self.golds

    @property
    def cost(self) -> Fraction:
        """Rounds run for each target."""
        return Fraction(self.rounds, self.targets)


def corrupted_least(targets: int, deviation: Fraction) -> int:
    """Return c, the fewest false targets that exceed what is allowed."""
    return max(1, -(-deviation.numerator * targets // deviation.denominator))


def escape_probability(
    targets: int, golds: int, tolerance: int, deviation: Fraction, rates: Rates = RATES
) -> tuple[Fraction, int]:
    """Return the probability of the best blind corruption to escape, and how many rounds it corrupts."""
    least, rounds = corrupted_least(targets, deviation), targets + golds
    missed = _missed(golds, tolerance, rates)
    best, best_size = Fraction(0), least
    for size in range(least, rounds + 1):
        if _bound(targets, golds, size, missed) <= best:
            break  # and so does every greater size: it hits more golds
        hits = range(max(0, size - targets), min(golds, size - least) + 1)
        ways = sum((comb(golds, hit) * comb(targets, size - hit) * missed[hit] for hit in hits), Fraction(0))
        escape = ways * Fraction(1, comb(rounds, size))
        if escape > best:
            best, best_size = escape, size
    return best, best_size


def rejection_probability(golds: int, tolerance: int, rates: Rates = RATES) -> Fraction:
    """Return the probability that an honest replica fails more than *tolerance* golds."""
    return ONE - _at_most(golds, tolerance, rates.failure)


def plan(
    targets: int,
    soundness: Fraction,
    deviation: Fraction,
    max_cost: Fraction,
    max_rounds: int = MAX_ROUNDS,
    rates: Rates = RATES,
) -> Plan:
    """Return the cheapest plan that lets a deviation of more than *deviation* escape with at most *soundness*.

    Raises:
        SoundnessUnavailable: There is none for so few targets, at such a cost, or in so few rounds; says what there is.
    """
    best = _strongest(targets, soundness, deviation, max_cost, max_rounds, rates)
    if best is not None and best.escape <= soundness:
        return best
    raise SoundnessUnavailable(_refusal(targets, soundness, deviation, max_cost, max_rounds, rates, best))


def least_targets(
    soundness: Fraction,
    deviation: Fraction,
    max_cost: Fraction,
    max_rounds: int = MAX_ROUNDS,
    rates: Rates = RATES,
) -> Plan | None:
    """Return the plan with fewest targets that has *soundness* within *max_cost*, or None within *max_rounds*."""
    for targets in count(1):
        if targets >= max_rounds:
            return None
        most = min(max_cost.numerator * targets // max_cost.denominator, max_rounds) - targets
        least = corrupted_least(targets, deviation)
        # Corrupting just enough and hitting no gold escapes for certain, so this is a lower bound, and a quick one.
        if comb(targets, least) > soundness * comb(targets + most, least):
            continue
        best = _strongest(targets, soundness, deviation, max_cost, max_rounds, rates)
        if best is not None and best.escape <= soundness:
            return best
    raise AssertionError("unreachable")


def single_circuit(golds: int, rates: Rates = RATES) -> Plan:
    """Return what *golds* golds of as many shots each guarantee of one circuit: 1 / (golds + 1) escapes.

    No gold may fail, since whoever corrupts one round is to be caught by one.
    """
    return _plan(1, golds, 0, ONE, rates)


def plan_single(soundness: Fraction, max_cost: Fraction, max_rounds: int = MAX_ROUNDS, rates: Rates = RATES) -> Plan:
    """Return the plan of one circuit with fewest golds that has *soundness*.

    Raises:
        SoundnessUnavailable: It costs more than *max_cost*; says what that buys.
    """
    wanted = -(-soundness.denominator // soundness.numerator)
    most = min(int(max_cost), max_rounds)
    if wanted > most:
        raise SoundnessUnavailable(
            f"soundness {number(soundness)} of a single circuit takes {wanted - 1} golds of as many shots: "
            f"{wanted} times the cost, and {number(Fraction(most))} is allowed. A cost of {most} gives "
            f"{number(Fraction(1, most))}: who corrupts one round of {most} hits the target with that probability. "
            "Sweeps of many different circuits get far more from the same golds"
        )
    return single_circuit(wanted - 1, rates)


def number(value: Fraction) -> str:
    """Return *value* for people: three significant digits, rounded up, so that no promise looks better than it is."""
    if value <= 0:
        return "0"
    exponent = 0
    while value * 10**exponent < 1:
        exponent += 1
    places = 2 if exponent > 3 else exponent + 2
    shift = exponent + places if exponent > 3 else places
    whole, rest = divmod(-(-value.numerator * 10**shift // value.denominator), 10**places)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
    return f"{text}e-{exponent}" if exponent > 3 else text


def _plan(targets: int, golds: int, tolerance: int, deviation: Fraction, rates: Rates) -> Plan:
    escape, _ = escape_probability(targets, golds, tolerance, deviation, rates)
    return Plan(targets, golds, tolerance, deviation, escape, rejection_probability(golds, tolerance, rates))


def _strongest(
    targets: int, soundness: Fraction, deviation: Fraction, max_cost: Fraction, max_rounds: int, rates: Rates
) -> Plan | None:
    """Return the cheapest plan that suffices, the strongest one if none does, or None if no gold fits."""
    most = min(max_cost.numerator * targets // max_cost.denominator, max_rounds) - targets
    best: Plan | None = None
    for fewest, greatest, tolerance in _tolerances(most, rates):
        strongest = _plan(targets, greatest, tolerance, deviation, rates)
        if strongest.escape <= soundness:
            return _fewest_golds(targets, fewest, greatest, tolerance, soundness, deviation, rates)
        if best is None or strongest.escape < best.escape:
            best = strongest
    return best


def _tolerances(most: int, rates: Rates) -> Iterator[tuple[int, int, int]]:
    """Yield (fewest, most, tolerance): ranges of golds and the least tolerance that spares honest replicas."""
    fewest = 1
    for tolerance in count():
        low, high = fewest - 1, most
        while low < high:  # the most golds that this tolerance suffices for
            middle = (low + high + 1) // 2
            if rejection_probability(middle, tolerance, rates) <= rates.rejection:
                low = middle
            else:
                high = middle - 1
        if low >= fewest:
            yield fewest, low, tolerance
        fewest = max(fewest, low + 1)
        if fewest > most:
            return


def _fewest_golds(
    targets: int, fewest: int, greatest: int, tolerance: int, soundness: Fraction, deviation: Fraction, rates: Rates
) -> Plan:
    """Return the plan with fewest golds in a range whose end suffices; more golds never help a cheater."""
    while fewest < greatest:
        middle = (fewest + greatest) // 2
        if escape_probability(targets, middle, tolerance, deviation, rates)[0] <= soundness:
            greatest = middle
        else:
            fewest = middle + 1
    return _plan(targets, greatest, tolerance, deviation, rates)


def _missed(golds: int, tolerance: int, rates: Rates) -> list[Fraction]:
    """Return for each number of corrupted golds the probability that no more than *tolerance* golds fail."""
    missed = []
    for hit in range(golds + 1):
        if hit > tolerance and missed[-1] * 2**400 < 1:
            missed.append(missed[-1])  # an upper bound that no sum can show
            continue
        noticed = _distribution(hit, tolerance, rates.detection)
        slipped = _distribution(golds - hit, tolerance, rates.slip)
        missed.append(sum((noticed[i] * sum(slipped[: tolerance - i + 1]) for i in range(tolerance + 1)), Fraction(0)))
    return missed


def _bound(targets: int, golds: int, size: int, missed: list[Fraction]) -> Fraction:
    """Return the probability that a corruption of *size* rounds goes unnoticed, whatever it hits."""
    hits = range(max(0, size - targets), min(golds, size) + 1)
    ways = sum((comb(golds, hit) * comb(targets, size - hit) * missed[hit] for hit in hits), Fraction(0))
    return ways * Fraction(1, comb(targets + golds, size))


def _distribution(trials: int, most: int, probability: Fraction) -> list[Fraction]:
    """Return the probability of 0, 1, ..., *most* successes."""
    return [
        comb(trials, hits) * probability**hits * (ONE - probability) ** max(0, trials - hits)
        for hits in range(most + 1)
    ]


def _at_most(trials: int, most: int, probability: Fraction) -> Fraction:
    return sum(_distribution(trials, most, probability), Fraction(0))


def _refusal(
    targets: int,
    soundness: Fraction,
    deviation: Fraction,
    max_cost: Fraction,
    max_rounds: int,
    rates: Rates,
    best: Plan | None,
) -> str:
    wanted = f"soundness {number(soundness)} at deviation {number(deviation)} and cost {number(max_cost)}"
    if best is None:
        return f"{wanted}: no gold fits beside {targets} targets in {max_rounds} rounds at this cost"
    had = (
        f"{targets} targets get {number(best.escape)} from {best.golds} golds"
        f" ({best.tolerance} may fail), a cost of {number(best.cost)}"
    )
    enough = least_targets(soundness, deviation, max_cost, max_rounds, rates)
    instead = (
        f"no number of targets gets it in {max_rounds} rounds"
        if enough is None
        else f"it takes {enough.targets} targets and {enough.golds} golds"
    )
    return f"{wanted} cannot be had: {had}; {instead}. Allow more cost or a greater deviation, or submit more circuits"
