"""Entangled pairs as numbers: fidelity, decay in memory, purification, and what test equipment does to them.

Every pair is diagonal in the Bell basis: Phi+ with an X, Y or Z on one half now and then. Nothing here needs Stim.

Whoever purifies, it is by the one rule here, ``dejmps``. A link's gates are taken to be perfect; ends that purify what
was swapped for them do it with the noise of their own.
"""

from collections.abc import Iterator, Sequence
from math import exp, inf, log
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from qcrs.model.records import Record
from qcrs.quantum.fragment import MAX_PURIFICATION_ROUNDS

MILLION = 1_000_000
Ppm = Annotated[int, Field(ge=0, le=MILLION)]
Milliseconds = Annotated[int, Field(ge=0, le=10**12)]


class BellDiagonal(NamedTuple):
    """Chances that a pair is Phi+ with nothing, X, Y or Z on one half."""

    none: float
    x: float
    y: float
    z: float

    @property
    def infidelity(self) -> float:
        """Chance of any fault."""
        return self.x + self.y + self.z


def werner(fidelity: float) -> BellDiagonal:
    """Return the Werner pair of *fidelity*: the three faults are equally likely."""
    fault = (1 - fidelity) / 3
    return BellDiagonal(fidelity, fault, fault, fault)


def decay(fidelity: float, age: float, memory: float) -> float:
    """Return what a Werner pair's *fidelity* has become after *age* in memories of time *memory*, of one unit.

    F(t) = 1/4 + (F0 - 1/4) exp(-t/T): each half is depolarised with exp(-t/2T). Memories of time 0 keep for ever.
    """
    return fidelity if not memory else 0.25 + (fidelity - 0.25) * exp(-age / memory)


def cut_off_age(fidelity: float, least: float, memory: float) -> float:
    """Return the age at which a pair is discarded: T ln((F0 - 1/4) / (Fmin - 1/4)); infinite when it never is."""
    return inf if not memory or least <= 0.25 else memory * log((fidelity - 0.25) / (least - 0.25))


class LocalNoise(Record):
    """Pauli noise of one member's own device, in ppm: after a gate on one qubit, on two, and of a readout.

    A conditional gate has its noise whether or not it is carried out.
    """

    one_qubit_ppm: Ppm = 0
    two_qubit_ppm: Ppm = 0
    readout_ppm: Ppm = 0


NOISELESS = LocalNoise()


class Purified(NamedTuple):
    """Pairs after rounds of purification.

    Attributes:
        success: How often a whole tree of 2**rounds raw pairs succeeds.
    """

    pair: BellDiagonal
    rounds: int
    success: float

    @property
    def fidelity(self) -> float:
        """With Phi+."""
        return self.pair.none

    @property
    def raw_pairs(self) -> float:
        """How many raw pairs one takes on average, when a tree of which a step failed is begun anew.

        The cautious figure, since winners need not be given up.
        """
        return 2**self.rounds / self.success


def depolarised(chances: Sequence[float], error_ppm: int, faults: int) -> list[float]:
    """Return *chances* by fault after a gate that is followed by one of its *faults*, as many with none, by chance.

    A gate on two qubits has 16. Where fewer are told apart, all stay equally likely.
    """
    share = _scrambled(error_ppm, faults)
    mean = sum(chances) / len(chances)
    return [(1 - share) * chance + share * mean for chance in chances]


def dejmps(pair: BellDiagonal, noise: LocalNoise = NOISELESS) -> tuple[BellDiagonal, float]:
    """Return what one round of purification makes of two pairs like *pair*, and how often it succeeds.

    Deutsch et al., Phys. Rev. Lett. 77, 2818 (1996): each end turns its halves by +-pi/2 about x, which makes faults Y
    into Z and back, then ``cx`` from the pair that is kept to the other, which both measure and hope to find equal.

    Args:
        noise: Of each end. A half's fault counts like the other half's, so both ends' gates are done to one of them.
    """
    turned: Sequence[float] = pair
    for _ in range(2):
        turned = depolarised(turned, noise.one_qubit_ppm, 4)
    a, c, b, d = turned
    # By what the pair that is kept has then, when the other's halves are equal, and when they are not.
    equal = BellDiagonal(none=a * a + b * b, x=c * c + d * d, y=2 * c * d, z=2 * a * b)
    unequal = BellDiagonal(none=a * c + b * d, x=a * c + b * d, y=a * d + b * c, z=a * d + b * c)
    even, odd = (a + b) ** 2 + (c + d) ** 2, 2 * (a + b) * (c + d)
    # Two gates scramble both pairs or leave them alone; two readouts say equal of what is not when one of them errs.
    intact = (1 - _scrambled(noise.two_qubit_ppm, 16)) ** 2
    wrong = noise.readout_ppm / MILLION
    misread = 2 * wrong * (1 - wrong)
    success = intact * ((1 - misread) * even + misread * odd) + (1 - intact) / 2
    chances = (
        intact * ((1 - misread) * right + misread * other) + (1 - intact) / 8
        for right, other in zip(equal, unequal, strict=True)
    )
    return BellDiagonal(*(chance / success for chance in chances)), success


def purify(pair: BellDiagonal, rounds: int, noise: LocalNoise = NOISELESS) -> Purified:
    """Return what *rounds* of purification make of pairs like *pair*."""
    success = 1.0
    for _ in range(rounds):
        pair, chance = dejmps(pair, noise)
        success = success**2 * chance
    return Purified(pair, rounds, success)


def purifications(pair: BellDiagonal, noise: LocalNoise = NOISELESS) -> Iterator[Purified]:
    """Yield no purification, one round, and so on up to as many as a fragment may ask for."""
    for rounds in range(MAX_PURIFICATION_ROUNDS + 1):
        yield purify(pair, rounds, noise)


def intercepted(pair: BellDiagonal, share: float) -> BellDiagonal:
    """Return what is left when one half of a *share* of pairs is measured in Z or X, by chance, and sent on.

    A measurement that nobody tells of is a Z, or an X, in half of all cases.
    """
    none, x, y, z = pair
    through_z = BellDiagonal((none + z) / 2, (x + y) / 2, (x + y) / 2, (none + z) / 2)
    through_x = BellDiagonal((none + x) / 2, (none + x) / 2, (y + z) / 2, (y + z) / 2)
    broken = [(one + other) / 2 for one, other in zip(through_z, through_x, strict=True)]
    return BellDiagonal(*((1 - share) * old + share * new for old, new in zip(pair, broken, strict=True)))


class PairSource(Record):
    """What a link file says of its pairs.

    Attributes:
        fidelity_ppm: Of a fresh pair. minimum_fidelity_ppm: Below it a pair is discarded. rate: Pairs tried a second.
        loss_ppm: Of tries that nothing comes of; heralded, so that it costs time only. memory_milliseconds: The T of
            ``decay``; 0 when memories are perfect. storage_milliseconds: How long pairs of programs wait before use.
    """

    fidelity_ppm: Annotated[int, Field(gt=MILLION // 4, le=MILLION)]
    minimum_fidelity_ppm: Ppm = 0
    rate: Annotated[int, Field(ge=1, le=10**9)]
    loss_ppm: Annotated[int, Field(ge=0, lt=MILLION)] = 0
    memory_milliseconds: Milliseconds = 0
    storage_milliseconds: Milliseconds = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.minimum_fidelity_ppm > self.fidelity_ppm:
            raise ValueError(f"minimum fidelity {self.minimum_fidelity_ppm} ppm above that of fresh pairs")
        if self.storage_milliseconds / 1e3 > self.cut_off_seconds:
            raise ValueError(f"pairs stored for {self.storage_milliseconds} ms reach the cut-off age before use")
        return self

    @property
    def cut_off_seconds(self) -> float:
        """The age at which pairs are discarded."""
        memory = self.memory_milliseconds / 1e3
        return cut_off_age(self.fidelity_ppm / MILLION, self.minimum_fidelity_ppm / MILLION, memory)

    @property
    def heralded_rate(self) -> float:
        """Pairs a second that both ends get."""
        return self.rate * (1 - self.loss_ppm / MILLION)


class Equipment(Record):
    """Test equipment in the fibre, all off: a link that has any of it on says so with everything that it says.

    Attributes:
        intercept_ppm: Of pairs whose one half is measured in Z or X and sent on.
        spares_guesses: The eavesdropper leaves alone half of the pairs: those that it believes will be tested.
        delay_milliseconds: How long pairs are held back, unseen, while they decay.
    """

    intercept_ppm: Ppm = 0
    spares_guesses: bool = False
    delay_milliseconds: Milliseconds = 0

    @property
    def label(self) -> str:
        """What is switched on; empty when nothing is."""
        parts = []
        if self.intercept_ppm:
            spared = ", sparing what it takes for tests" if self.spares_guesses else ""
            parts.append(f"intercept-resend {self.intercept_ppm} ppm{spared}")
        if self.delay_milliseconds:
            parts.append(f"delay {self.delay_milliseconds} ms")
        return ", ".join(parts)


class Fibre(Record):
    """Where pairs come from, and what is in between."""

    source: PairSource
    equipment: Equipment = Equipment()

    def fresh(self) -> BellDiagonal:
        """Return pairs as they leave the source."""
        return werner(self.source.fidelity_ppm / MILLION)

    def pair(self, rounds: int = 0) -> BellDiagonal:
        """Return the pairs that programs get after *rounds* of purification."""
        return purify(self._raw(), rounds).pair

    def raw_pairs(self, rounds: int) -> float:
        """Return how many raw pairs one pair takes on average."""
        return purify(self._raw(), rounds).raw_pairs

    def _raw(self) -> BellDiagonal:
        source, equipment = self.source, self.equipment
        age = source.storage_milliseconds + equipment.delay_milliseconds
        fresh = werner(decay(source.fidelity_ppm / MILLION, age, source.memory_milliseconds))
        share = equipment.intercept_ppm / MILLION / (2 if equipment.spares_guesses else 1)
        return intercepted(fresh, share)


def _scrambled(error_ppm: int, faults: int) -> float:
    """Return how often a gate leaves its qubits in no state at all: an error of which one in *faults* is none."""
    return error_ppm / MILLION * faults / (faults - 1)
