"""What goes wrong in the circuit of a memory, and in the CNOTs that cross the seam."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, reduce
from math import exp, log
from typing import Self

from qcrs.quantum.correction.pair import PERFECT, Pair
from qcrs.quantum.entanglement.pairs import MILLION, LocalNoise

# Two-qubit Paulis as four bits: X and Z of the control, then X and Z of the target. Products are exclusive ors.
_XC, _ZC, _XT, _ZT = 8, 4, 2, 1
_NAMES = "IZXY"
_NEGLIGIBLE = 1e-15  # what rounding leaves of a rate that is none


class SeamModel(StrEnum):
    """What an imperfect pair does to a CNOT made of it.

    Teleported: what follows from teleporting the gate: an error on the pair becomes Z on the control, X on the target
    or both, never anything else. Depolarising: any of the fifteen two-qubit Paulis, with the pair's infidelity in
    all: the pessimistic model of the literature (``dep2``).
    """

    Teleported = "teleported"
    Depolarising = "depolarising"


@dataclass(frozen=True)
class Rates:
    """Probabilities of what goes wrong within a node.

    Attributes:
        turn, cnot: Of depolarising after a gate on one qubit and on two. readout, reset: Of a flip before and after it.
        rest: Of depolarising while a data qubit waits at the start of a round.
    """

    turn: float
    cnot: float
    readout: float
    reset: float
    rest: float

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            if not 0 <= rate <= 0.5:
                raise ValueError(f"bulk noise {rate} ({name}): expected a probability of at most 0.5")

    @classmethod
    def uniform(cls, rate: float) -> Self:
        """Return the noise with one *rate* for everything."""
        return cls(rate, rate, rate, rate, rate)

    @classmethod
    def of_devices(cls, devices: Sequence[LocalNoise]) -> Self:
        """Return the mean of what a link does to programs in the name of *devices*; to resets and rest it does nothing.

        Detectors fire as often as under each device's own noise, but for products of rates.
        """
        sums = [
            sum(getattr(device, name) for device in devices) / len(devices) / MILLION
            for name in ("one_qubit_ppm", "two_qubit_ppm", "readout_ppm")
        ]
        return cls(*sums, reset=0.0, rest=0.0)

    def at_least(self, least: float) -> Self:
        """Return the rates, none below *least*."""
        return type(self)(**{name: max(rate, least) for name, rate in vars(self).items()})


@dataclass(frozen=True)
class Noise:
    """Circuit noise within the nodes, and the *pair* that every CNOT across the seam is made of.

    Attributes:
        bulk: One rate for all that ``Rates`` tells apart, the same conventions as Stim's generated circuits; or these.
        teleports: Whether the seam's CNOTs are teleported, so that their local gates and measurements are noisy too.
            Without, they have the noise of any other CNOT and that of the pair.
    """

    bulk: float | Rates
    pair: Pair = PERFECT
    model: SeamModel = SeamModel.Teleported
    teleports: bool = True

    def __post_init__(self) -> None:
        _ = self.rates  # refuses those that are none

    @cached_property
    def rates(self) -> Rates:
        """The circuit noise, rate by rate."""
        return self.bulk if isinstance(self.bulk, Rates) else Rates.uniform(self.bulk)

    def blind(self) -> "Noise":
        """Return the noise as a decoder has it that takes the seam for bulk."""
        return replace(self, pair=PERFECT, teleports=False)

    def seam(self) -> list[tuple[str, float]]:
        """Return the Paulis on (control, target) that a CNOT across the seam suffers, each independently of the others.

        A teleported CNOT of control c with half-pair a, target t with half-pair b: CNOT c a, measure a, X on b if 1,
        CNOT b t, measure b in X, Z on c if 1. So a flipped first outcome or X on b ends as X on t; a flipped second
        outcome or Z on b as Z on c; what the local CNOTs do to c and t themselves stays there.

        Independent, and not a choice of one, so that detector error models are exact.
        """
        channels = [self._pair()]
        if self.teleports:
            first = _depolarised(lambda own, half: own << 2 | (_XT if half & 2 else 0))
            second = _depolarised(lambda half, own: own | (_ZC if half & 1 else 0))
            rates = self.rates
            # The last is the H before b's outcome.
            flips = [{_XT: rates.readout}, {_ZC: rates.readout}, {_ZC: 2 * rates.turn / 3}]
            channels += [_scaled(first, rates.cnot), _scaled(second, rates.cnot), *map(_channel, flips)]
        else:
            channels.append(_scaled(_depolarised(lambda control, target: control << 2 | target), self.rates.cnot))
        paulis = _independent(reduce(_product, channels))
        return [(_NAMES[c] + _NAMES[t], paulis[c << 2 | t]) for c in range(4) for t in range(4) if paulis[c << 2 | t]]

    def half_pair(self) -> list[tuple[str, float]]:
        """Return the Paulis that one half of a pair suffers, each independently of the others."""
        rates = _independent(_channel({_XC: self.pair.x, _XC | _ZC: self.pair.y, _ZC: self.pair.z}))
        return [(_NAMES[pauli], rates[pauli << 2]) for pauli in range(4) if rates[pauli << 2]]

    def _pair(self) -> list[float]:
        if self.model is SeamModel.Depolarising:
            return _channel(dict.fromkeys(range(1, 16), self.pair.infidelity / 15))
        return _channel({_XT: self.pair.x, _ZC | _XT: self.pair.y, _ZC: self.pair.z})


def _depolarised(lands) -> Iterable[int]:
    """Yield where each of the fifteen Paulis on two qubits ends, given by their two bits each."""
    return [lands(first, second) for first in range(4) for second in range(4) if first or second]


def _scaled(ends: Iterable[int], rate: float) -> list[float]:
    """Return the channel of Paulis that end at *ends*, *rate* shared equally."""
    weights = [0.0] * 16
    for end in ends:
        weights[end] += rate / 15
    weights[0] += 1 - rate
    return weights


def _channel(weights: dict[int, float]) -> list[float]:
    """Return the channel of these Paulis; what is left is the identity."""
    return [1 - sum(weights.values()) if pauli == 0 else weights.get(pauli, 0.0) for pauli in range(16)]


def _product(first: list[float], second: list[float]) -> list[float]:
    """Return one channel after another."""
    return [sum(first[a] * second[a ^ pauli] for a in range(16)) for pauli in range(16)]


def _independent(weights: list[float]) -> list[float]:
    """Return the rates of independent Paulis whose product is the channel *weights*.

    With l(s) the expectation of the sign (-1)^<a, s> under the channel, l(s) is the product of 1 - 2 q(a) over the a
    with odd <a, s>; its logarithms are inverted as a Walsh transform.
    """
    signs = [[1 - 2 * ((a & s).bit_count() & 1) for s in range(16)] for a in range(16)]
    logs = [log(sum(sign * weight for sign, weight in zip(row, weights, strict=True))) for row in signs]
    rates = [(1 - exp(-sum(sign * each for sign, each in zip(row, logs, strict=True)) / 8)) / 2 for row in signs]
    return [0.0, *(rate if rate > _NEGLIGIBLE else 0.0 for rate in rates[1:])]
