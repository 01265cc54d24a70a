"""Entangled pairs as numbers: fidelity, decay in memory, purification, and what test equipment does to them.

Every pair is diagonal in the Bell basis: Phi+ with an X, Y or Z on one half now and then. Nothing here needs Stim.
"""

from math import exp, inf, log
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from qcrs.model.records import Record

MILLION = 1_000_000
Ppm = Annotated[int, Field(ge=0, le=MILLION)]
Milliseconds = Annotated[int, Field(ge=0, le=10**12)]


class BellDiagonal(NamedTuple):
    """Chances that a pair is Phi+ with nothing, X, Y or Z on one half."""

    none: float
    x: float
    y: float
    z: float


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


def dejmps(pair: BellDiagonal) -> tuple[BellDiagonal, float]:
    """Return what one round of purification makes of two pairs like *pair*, and how often it succeeds.

    Deutsch et al., Phys. Rev. Lett. 77, 2818 (1996), with perfect local operations.
    """
    a, c, b, d = pair
    success = (a + b) ** 2 + (c + d) ** 2
    kept = BellDiagonal(
        none=(a * a + b * b) / success,
        x=(c * c + d * d) / success,
        y=2 * c * d / success,
        z=2 * a * b / success,
    )
    return kept, success


def purify(pair: BellDiagonal, rounds: int) -> tuple[BellDiagonal, float]:
    """Return what *rounds* of purification make of 2**rounds pairs, and how often the whole tree of them succeeds."""
    success = 1.0
    for _ in range(rounds):
        pair, chance = dejmps(pair)
        success = success**2 * chance
    return pair, success


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


class LocalNoise(Record):
    """Pauli noise of one member's own device, in ppm: after a gate on one qubit, on two, and of a readout.

    A conditional gate has its noise whether or not it is carried out.
    """

    one_qubit_ppm: Ppm = 0
    two_qubit_ppm: Ppm = 0
    readout_ppm: Ppm = 0


class Fibre(Record):
    """Where pairs come from, and what is in between."""

    source: PairSource
    equipment: Equipment = Equipment()

    def fresh(self) -> BellDiagonal:
        """Return pairs as they leave the source."""
        return werner(self.source.fidelity_ppm / MILLION)

    def pair(self, rounds: int = 0) -> BellDiagonal:
        """Return the pairs that programs get after *rounds* of purification."""
        return purify(self._raw(), rounds)[0]

    def raw_pairs(self, rounds: int) -> float:
        """Return how many raw pairs one pair takes on average: a tree of 2**rounds that failed is begun anew."""
        return 2**rounds / purify(self._raw(), rounds)[1]

    def _raw(self) -> BellDiagonal:
        source, equipment = self.source, self.equipment
        age = source.storage_milliseconds + equipment.delay_milliseconds
        fresh = werner(decay(source.fidelity_ppm / MILLION, age, source.memory_milliseconds))
        share = equipment.intercept_ppm / MILLION / (2 if equipment.spares_guesses else 1)
        return intercepted(fresh, share)
