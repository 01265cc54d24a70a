"""How large a code, and how much purification, a wanted logical error rate takes over a given link.

Nothing is extrapolated: a plan is offered when sampling it has shown, with the interval's upper end and in the worse
basis, that it keeps what was asked for. The link counts with the upper end of its tested infidelity.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from qcrs.quantum.correction.code import Code
from qcrs.quantum.correction.decoding import Budget, worst_basis
from qcrs.quantum.correction.errors import LogicalErrorUnreachable, SeamTooNoisy
from qcrs.quantum.correction.noise import Noise, Rates, SeamModel
from qcrs.quantum.correction.pair import Pair, purify
from qcrs.quantum.correction.rate import Rate, per_round
from qcrs.quantum.entanglement.pairs import Purified

MOST_INFIDELITY = 0.10  # of a seam: Ramette et al., npj Quantum Information 10, 58 (2024), find about 10 % bearable
_SEEN = 40  # errors expected in a sample of a plan that just does: upper ends are then within a third of the rate


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        logical_error: At most this, per experiment of *rounds* rounds; per round where *rounds* is None, and then
            experiments of as many rounds as the distance are sampled.
    """

    logical_error: float
    rounds: int | None = None


@dataclass(frozen=True)
class Limits:
    """What a plan may use; *shots* bounds the samples of each candidate and basis."""

    distance: int = 7
    purification_rounds: int = 3
    shots: int = 400_000


@dataclass(frozen=True)
class Plan:
    """A memory that keeps the wish, and what it takes.

    Attributes:
        purified: The pair that the seam's CNOTs are made of, and what one costs.
        rounds: Of an experiment. sampled: Logical error per experiment in the worse basis.
        pairs_per_round: Purified pairs. raw_pairs_per_round: What they take of the link, in the mean.
        seconds_per_round: How long the link takes to make these; whatever is slower than the processors' own round.
    """

    distance: int
    purified: Purified
    rounds: int
    sampled: Rate
    pairs_per_round: int
    raw_pairs_per_round: float
    seconds_per_round: float

    @property
    def raw_pairs(self) -> int:
        """Raw pairs of one experiment, in the mean, rounded up."""
        return ceil(self.rounds * self.raw_pairs_per_round)

    def noise(self, bulk: float | Rates, model: SeamModel = SeamModel.Teleported) -> Noise:
        """Return the noise that the plan was sampled with."""
        return Noise(bulk, Pair.of(self.purified.pair), model)


def plan(
    wish: Wish, bulk: float | Rates, infidelity: Rate, pairs_per_second: float, limits: Limits = Limits(),
    model: SeamModel = SeamModel.Teleported, seed: int | None = None,
) -> Plan:  # fmt: skip
    """Return the plan that keeps *wish* with fewest raw pairs a round.

    Args:
        bulk: Circuit noise within the processors. infidelity: Of the link's pairs, as tested
            (``rate.infidelity_of_test``). pairs_per_second: Raw pairs that the link makes.

    Raises:
        SeamTooNoisy: The infidelity exceeds ``MOST_INFIDELITY`` after all purification allowed.
        LogicalErrorUnreachable: No candidate was shown to keep the wish; says what the best one has.
    """
    best: Plan | None = None
    for candidate in sorted(_candidates(wish, infidelity, pairs_per_second, limits), key=_cost):
        shots = min(limits.shots, ceil(_SEEN / _wanted(wish, candidate.rounds)))
        noise = candidate.noise(bulk, model)
        _, rate = worst_basis(candidate.distance, candidate.rounds, noise, Budget(shots, 4 * _SEEN), seed)
        found = replace(candidate, sampled=rate)
        if _figure(wish, found) <= wish.logical_error:
            return found
        best = found if best is None or _figure(wish, found) < _figure(wish, best) else best
    assert best is not None
    unit = "a round" if wish.rounds is None else "an experiment"
    raise LogicalErrorUnreachable(
        f"logical error of at most {wish.logical_error:.2e} {unit}: the best within distance {limits.distance} and "
        f"{limits.purification_rounds} rounds of purification was shown to have at most {_figure(wish, best):.2e} "
        f"(distance {best.distance}, {best.purified.rounds} rounds, {best.sampled.errors} errors in "
        f"{best.sampled.shots} shots); allow more of these, or find a link with fewer errors"
    )


def quoted(
    distance: int, rounds: int, bulk: float | Rates, infidelity: Rate, pairs_per_second: float,
    limits: Limits = Limits(), model: SeamModel = SeamModel.Teleported, seed: int | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a memory of *distance* with as few raw pairs as a seam bears, sampled within *limits*.

    Raises:
        SeamTooNoisy: The infidelity exceeds ``MOST_INFIDELITY`` after all purification allowed.
    """
    borne = _candidates(Wish(1.0, rounds), infidelity, pairs_per_second, replace(limits, distance=distance))
    found = min((candidate for candidate in borne if candidate.distance == distance), key=_cost)
    _, rate = worst_basis(distance, rounds, found.noise(bulk, model), Budget(limits.shots, 4 * _SEEN), seed)
    return replace(found, sampled=rate)


def _candidates(wish: Wish, infidelity: Rate, pairs_per_second: float, limits: Limits) -> Iterator[Plan]:
    raw = Pair.werner(infidelity.high)
    grades = [purify(raw, rounds) for rounds in range(limits.purification_rounds + 1)]
    borne = [grade for grade in grades if grade.pair.infidelity <= MOST_INFIDELITY]
    if not borne:
        least = min(grades, key=lambda grade: grade.pair.infidelity)
        raise SeamTooNoisy(
            f"the link's infidelity is up to {infidelity.high:.4f} as tested, {least.pair.infidelity:.4f} after "
            f"{least.rounds} rounds of purification; a seam bears at most {MOST_INFIDELITY}"
        )
    for distance in range(3, limits.distance + 1, 2):
        pairs = Code(distance).pairs_per_round
        for grade in borne:
            raw_pairs = pairs * grade.raw_pairs
            rounds = wish.rounds or distance
            yield Plan(distance, grade, rounds, infidelity, pairs, raw_pairs, raw_pairs / pairs_per_second)


def _cost(candidate: Plan) -> tuple[float, int]:
    return (candidate.raw_pairs_per_round, candidate.distance)


def _wanted(wish: Wish, rounds: int) -> float:
    return wish.logical_error if wish.rounds else rounds * wish.logical_error


def _figure(wish: Wish, found: Plan) -> float:
    """Return what was shown, as the wish counts it."""
    return found.sampled.high if wish.rounds else per_round(found.sampled.high, found.rounds)
