"""What a distributed circuit costs and how good it will be, said before it runs.

Every pair is Phi+ with its fidelity F and otherwise Phi+ with a fault; a fault of a pair is a Pauli somewhere in the
circuit. So with the product of all F nothing is wrong: the output has at least that fidelity, and its distribution is
within 1 minus that of the original. Noise of the processors' own gates comes on top, as for any circuit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, comb, log, prod
from typing import Self

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.pairs import NOISELESS, Purified, purifications
from qcrs.quantum.distribution.plan import Distribution
from qcrs.quantum.distribution.split import Ends
from qcrs.quantum.entanglement.pairs import Fibre, LocalNoise, werner


class FidelityOutOfReach(QcrsError):
    """No number of purification rounds brings a circuit, or a pair, to the fidelity wanted."""


class LinkMissing(QcrsError):
    """Two processors share pairs in a distribution, but nothing is known of a link between them."""


class SourceInvalid(QcrsError):
    """A source's figures describe no pairs."""


def teledata_fidelity(fidelity: float) -> float:
    """Return the mean fidelity of a qubit teleported over a pair of *fidelity*: (2F + 1) / 3."""
    return (2 * fidelity + 1) / 3


def telegate_fidelity(fidelity: float) -> float:
    """Return the mean fidelity of a gate on two qubits over a pair of *fidelity*: (4F + 1) / 5."""
    return (4 * fidelity + 1) / 5


def ghz_fidelity(fidelity: float, nodes: int) -> float:
    """Return the fidelity of a GHZ state grown over *nodes* - 1 Werner pairs of *fidelity*.

    An even number of pairs with a Z fault cancel; X faults do not: the sum over even j of C(m, j) F^(m-j) ((1-F)/3)^j.
    """
    pairs, fault = nodes - 1, (1 - fidelity) / 3
    return sum(comb(pairs, even) * fidelity ** (pairs - even) * fault**even for even in range(0, pairs + 1, 2))


@dataclass(frozen=True, slots=True)
class Source:
    """Where two processors' pairs come from.

    Attributes:
        fidelity: Of a raw pair, as tested. rate: Raw pairs a second that both ends get. price: Wei for one.
        noise: Of the gates that purify.

    Raises:
        SourceInvalid: Fidelity is not in (0, 1], or the rate not above 0.
    """

    fidelity: float
    rate: float = float("inf")
    price: int = 0
    noise: LocalNoise = NOISELESS

    def __post_init__(self) -> None:
        if not 0 < self.fidelity <= 1 or self.rate <= 0:
            raise SourceInvalid(
                f"source of pairs: expected fidelity in (0, 1] and a rate above 0, got {self.fidelity} and {self.rate}"
            )

    @classmethod
    def of(cls, fibre: Fibre, price: int = 0, noise: LocalNoise = NOISELESS) -> Self:
        """Return what a link declares: its pairs as programs get them, and how many of them a second."""
        return cls(fibre.pair().none, fibre.source.heralded_rate, price, noise)

    def purifications(self) -> list[Purified]:
        """Return what its pairs are after no round of purification, one, and so on."""
        return list(purifications(werner(self.fidelity), self.noise))


@dataclass(frozen=True)
class Use:
    """Pairs that two processors share in a run.

    Attributes:
        pairs: In a shot. rounds: Of purification for each. fidelity: Of each then. raw_pairs: To be expected, of all
            shots. seconds: That their source takes. wei: That they cost.
    """

    pairs: int
    rounds: int
    fidelity: float
    raw_pairs: int
    seconds: float
    wei: int


@dataclass(frozen=True)
class Quote:
    """What a run costs and how good it is.

    Attributes:
        shots: Of the run. uses: By the two processors, the lower number first.
    """

    shots: int
    uses: Mapping[Ends, Use] = field(default_factory=dict)

    @property
    def ebits(self) -> int:
        """Pairs that fragments ask for in a shot."""
        return sum(use.pairs for use in self.uses.values())

    @property
    def raw_pairs(self) -> int:
        """Pairs that all sources have to make, to be expected."""
        return sum(use.raw_pairs for use in self.uses.values())

    @property
    def fidelity(self) -> float:
        """The chance that no pair has a fault: the least that the output's fidelity can be."""
        return prod(use.fidelity**use.pairs for use in self.uses.values())

    @property
    def seconds(self) -> float:
        """That the slowest source takes; sources work at the same time."""
        return max((use.seconds for use in self.uses.values()), default=0.0)

    @property
    def wei(self) -> int:
        """Price of all pairs."""
        return sum(use.wei for use in self.uses.values())

    @property
    def rounds(self) -> dict[Ends, int]:
        """Of purification, by two processors, for ``Distribution.with_rounds``."""
        return {ends: use.rounds for ends, use in self.uses.items()}


def quote(
    distribution: Distribution, sources: Source | Mapping[Ends, Source], shots: int, fidelity: float = 0.0
) -> Quote:
    """Return what *shots* of *distribution* cost, with as many rounds of purification as *fidelity* takes.

    Rounds are added one by one where a raw pair gains most.

    Args:
        sources: By two processors, the lower number first; or one that serves for all.
        fidelity: The least that is wanted of the output.

    Raises:
        LinkMissing: Pairs are needed of two processors without a source.
        FidelityOutOfReach: The output would not have *fidelity*.
    """
    options = {ends: _source(sources, ends).purifications() for ends in distribution.pairs}
    rounds = dict.fromkeys(options, 0)

    def reached() -> float:
        return prod(options[ends][rounds[ends]].fidelity ** count for ends, count in distribution.pairs.items())

    while reached() < fidelity:
        gains = {ends: _best_gain(options[ends], done) for ends, done in rounds.items()}
        ends = max(gains, key=lambda one: gains[one][0], default=None)
        if ends is None or gains[ends][0] <= 0:
            raise FidelityOutOfReach(f"fidelity of the output: expected {fidelity}, at most {reached():.4f} can be had")
        rounds[ends] = gains[ends][1]
    return Quote(
        shots,
        {
            ends: _use(_source(sources, ends), options[ends][rounds[ends]], count, shots)
            for ends, count in sorted(distribution.pairs.items())
        },
    )


def _best_gain(options: list[Purified], done: int) -> tuple[float, int]:
    """Return the most that further rounds gain in log-fidelity for each raw pair, and up to how many rounds."""
    now = options[done]
    gains = [
        (log(more.fidelity / now.fidelity) / (more.raw_pairs - now.raw_pairs), more.rounds)
        for more in options[done + 1 :]
    ]
    return max(gains, default=(0.0, done))


def _use(source: Source, purified: Purified, pairs: int, shots: int) -> Use:
    raw = ceil(purified.raw_pairs * pairs * shots)
    return Use(pairs, purified.rounds, purified.fidelity, raw, raw / source.rate, raw * source.price)


def _source(sources: Source | Mapping[Ends, Source], ends: Ends) -> Source:
    if isinstance(sources, Source):
        return sources
    if ends not in sources:
        raise LinkMissing(f"processors {ends[0]} and {ends[1]}: expected a source of pairs, found none")
    return sources[ends]
