"""What a distributed circuit costs and how good it will be, said before it runs.

Every pair is Phi+ with its fidelity F and otherwise Phi+ with a fault; a fault of a pair is a Pauli somewhere in the
circuit. So with the product of all F nothing is wrong: the output has at least that fidelity, and its distribution is
within 1 minus that of the original. Noise of the processors' own gates comes on top, as for any circuit.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from math import ceil, comb, log, prod, sqrt
from typing import Self

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.plan import Distribution
from qcrs.quantum.distribution.split import Ends
from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.pairs import NOISELESS, Fibre, LocalNoise, Purified, purifications, purify, werner

# Of devices for which the pairs that a session takes still do when heralds fail: who will serve is not known yet.
RESERVED = LocalNoise(one_qubit_ppm=1_000, two_qubit_ppm=15_000, readout_ppm=30_000)
# What a link's pairs may be worse than its channel's test speaks for: five standard errors of a test of 768 pairs.
UNCERTAIN = 0.05
_SIGMAS = 5
_NEGLIGIBLE = 1e-9
_LEAST_SUCCESS = 1e-9  # of a shot: what counts less often, nobody waits for


class FidelityOutOfReach(QcrsError):
    """No number of purification rounds brings a circuit, or a pair, to the fidelity wanted, in shots that count."""


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

    def doubtful(self) -> Self:
        """Return a source whose pairs are worse than these by what a test leaves open."""
        return replace(self, fidelity=max(min(self.fidelity, 0.5), self.fidelity - UNCERTAIN))

    def purifications(self) -> list[Purified]:
        """Return what its pairs are after no round of purification, one, and so on."""
        return list(purifications(werner(self.fidelity), self.noise))


@dataclass(frozen=True)
class Use:
    """Pairs that two processors with a link share in a run.

    Attributes:
        pairs: In a shot. rounds: Of purification for each. fidelity: Of each then. raw_pairs: To be expected, of all
            shots. seconds: That their source takes. wei: That they cost.
        taken: Raw pairs for each shot that a session takes beforehand, so that they do with near certainty.
    """

    pairs: int
    rounds: int
    fidelity: float
    raw_pairs: int
    seconds: float
    wei: int
    taken: int


@dataclass(frozen=True)
class Swap:
    """Pairs that two processors without a link get.

    Attributes:
        path: Over whom, ends included. pairs: In a shot. before: Rounds of purification of the pairs of each hop.
        purified: What they are once they are swapped and purified end to end, and how often that succeeds.
    """

    path: tuple[int, ...]
    pairs: int
    before: tuple[int, ...]
    purified: Purified

    @property
    def fidelity(self) -> float:
        """Of each."""
        return self.purified.fidelity


@dataclass(frozen=True)
class Quote:
    """What a run costs and how good it is.

    Attributes:
        shots: Of the run. fidelity: The chance that no pair has a fault: the least that the output's can be.
        uses: By two processors with a link, the lower number first. swaps: By two without.
        begun: Shots that are begun, to be expected: one of which a herald fails does not count.
    """

    shots: int
    fidelity: float = 1.0
    uses: Mapping[Ends, Use] = field(default_factory=dict)
    swaps: Mapping[Ends, Swap] = field(default_factory=dict)
    begun: float = 0.0

    @property
    def ebits(self) -> int:
        """Pairs that fragments ask for in a shot."""
        return sum(use.pairs for use in self.uses.values())

    @property
    def raw_pairs(self) -> int:
        """Pairs that all sources have to make, to be expected."""
        return sum(use.raw_pairs for use in self.uses.values())

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

    Rounds are added one by one where a raw pair gains most. What is purified once it is swapped, the distribution says.

    Args:
        sources: By two processors, the lower number first; or one that serves for all.
        fidelity: The least that is wanted of the output.

    Raises:
        LinkMissing: Pairs are needed of two processors without a source.
        FidelityOutOfReach: The output would not have *fidelity*, or hardly any shot would count.
    """
    options = {ends: _source(sources, ends).purifications() for ends in distribution.pairs}
    rounds = dict.fromkeys(options, 0)
    now = _Yield(distribution, options, rounds)
    while now.fidelity < fidelity:
        more = [
            _Yield(distribution, options, rounds | {ends: count})
            for ends, done in rounds.items()
            for count in range(done + 1, len(options[ends]))
        ]
        best = max(more, key=now.gain_of, default=now)
        if now.gain_of(best) <= 0:
            raise FidelityOutOfReach(
                f"fidelity of the output: expected {fidelity}, at most {now.fidelity:.4f} can be had"
            )
        now, rounds = best, best.rounds
    doubtful = {ends: _source(sources, ends).doubtful().purifications() for ends in distribution.pairs}
    worse = _Yield(distribution, doubtful, rounds, RESERVED)
    uses = {
        ends: _use(now, worse, ends, count, _source(sources, ends), shots)
        for ends, count in sorted(distribution.pairs.items())
    }
    return Quote(shots, now.fidelity, uses, now.swaps, shots / now.success)


class _Yield:
    """What a shot takes and is worth with so many *rounds* on each link.

    Attributes:
        success: The chance that no herald fails, so that the shot counts.
    """

    def __init__(
        self, distribution: Distribution, options: Mapping[Ends, list[Purified]], rounds: Mapping[Ends, int],
        noise: LocalNoise = NOISELESS,
    ) -> None:  # fmt: skip
        self.rounds = rounds
        self.direct = Counter(distribution.pairs)
        self.hops = {ends: options[ends][done] for ends, done in rounds.items()}
        self.swaps = {}
        for ends, count in sorted(distribution.relayed.items()):
            path, after = distribution.paths[ends], distribution.after.get(ends, 0)
            way = [(min(hop), max(hop)) for hop in pairwise(path)]
            self.direct.subtract(dict.fromkeys(way, count << after))
            pair = reduce(lambda one, other: swapped(one, other, noise), (self.hops[hop].pair for hop in way))
            self.swaps[ends] = Swap(path, count, tuple(rounds[hop] for hop in way), purify(pair, after, noise))
        self.success = prod(swap.purified.success**swap.pairs for swap in self.swaps.values())
        if self.success < _LEAST_SUCCESS:
            raise FidelityOutOfReach(
                f"a shot counts with chance {self.success:.1e}, since so many pairs are purified end to end: expected "
                f"at least {_LEAST_SUCCESS:.0e}"
            )
        self.raw = {ends: hop.raw_pairs * distribution.pairs[ends] / self.success for ends, hop in self.hops.items()}

    @property
    def fidelity(self) -> float:
        """The chance that no pair has a fault."""
        direct = prod(self.hops[ends].fidelity ** self.direct[ends] for ends in self.hops)
        return direct * prod(swap.fidelity**swap.pairs for swap in self.swaps.values())

    @property
    def log_fidelity(self) -> float:
        """Its logarithm, which tells chances apart that are too small for a float."""
        direct = sum(self.direct[ends] * log(hop.fidelity) for ends, hop in self.hops.items())
        return direct + sum(swap.pairs * log(swap.fidelity) for swap in self.swaps.values())

    def gain_of(self, other: "_Yield") -> float:
        """Return what *other* gains in log-fidelity for each raw pair that it takes more."""
        more = sum(other.raw.values()) - sum(self.raw.values())
        return (other.log_fidelity - self.log_fidelity) / max(more, _NEGLIGIBLE)


def _use(now: _Yield, worse: _Yield, ends: Ends, pairs: int, source: Source, shots: int) -> Use:
    hop, raw = now.hops[ends], ceil(now.raw[ends] * shots)
    # Heralds fail by chance: what is taken beforehand must do for more shots than are to be expected.
    spread = _SIGMAS * sqrt((1 - worse.success) / shots)
    taken = ceil(worse.raw[ends] * (1 + spread) - _NEGLIGIBLE)
    return Use(pairs, hop.rounds, hop.fidelity, raw, raw / source.rate, raw * source.price, taken)


def _source(sources: Source | Mapping[Ends, Source], ends: Ends) -> Source:
    if isinstance(sources, Source):
        return sources
    if ends not in sources:
        raise LinkMissing(f"processors {ends[0]} and {ends[1]}: expected a source of pairs, found none")
    return sources[ends]
