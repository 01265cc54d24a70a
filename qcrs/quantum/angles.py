"""Circuits of one template as rows of angles, and new rows that look like the old.

A family is a set of circuits that differ in their angles alone. Each *generator* draws rows from what it takes the
family's distribution to be. None of them knows: ``telltale`` measures which one is least often told from the family.
What holds between the angles of every member (equal, opposite, a multiple, a constant) holds in every new row.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qcrs.quantum.program import Operation, Program

_EXACT = 1e-9  # angles that differ by less are equal
_DENOMINATOR = 24  # of a ratio between angles that a template fixes
_MOST_DECIMALS = 10  # beyond, angles were computed rather than written
_TRIES = 20
_SINGLE_SPREAD = 0.25  # radians by which the golds of one circuit differ from it, and from each other


class Chance:
    """Random numbers from the operating system: a reproducible stream could be guessed from the golds themselves."""

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom):
        self._entropy = entropy

    def uniform(self, *shape: int) -> np.ndarray:
        """Return numbers from 0 to 1, without 1."""
        size = int(np.prod(shape))
        words = np.frombuffer(self._entropy(8 * size), dtype="<u8") >> 11
        return (words * 2.0**-53).reshape(shape)

    def normal(self, *shape: int) -> np.ndarray:
        """Return standard normal numbers."""
        radius = np.sqrt(-2 * np.log1p(-self.uniform(*shape)))
        return radius * np.cos(2 * np.pi * self.uniform(*shape))

    def below(self, limit: int, *shape: int) -> np.ndarray:
        """Return whole numbers below *limit*."""
        return (self.uniform(*shape) * limit).astype(int)

    def order(self, size: int) -> np.ndarray:
        """Return the numbers below *size* in random order."""
        return np.argsort(self.uniform(size))


class Template(NamedTuple):
    """A circuit without its angles."""

    qubits: int
    bits: int
    steps: tuple[tuple[str, int, tuple[int, ...], tuple[int, ...]], ...]

    def program(self, angles: np.ndarray) -> Program:
        """Return the circuit with *angles*."""
        left = iter(angles.tolist())
        operations = [
            Operation(name, tuple(next(left) for _ in range(size)), qubits, bits)
            for name, size, qubits, bits in self.steps
        ]
        return Program(self.qubits, self.bits, tuple(operations))


def template_of(program: Program) -> Template:
    """Return what is left of *program* without its angles."""
    steps = tuple((name, len(angles), qubits, bits) for name, angles, qubits, bits in program.operations)
    return Template(program.qubits, program.bits, steps)


def angles_of(program: Program) -> np.ndarray:
    """Return the angles of *program* in order."""
    return np.array([angle for operation in program.operations for angle in operation.parameters], dtype=float)


@dataclass(frozen=True)
class Family:
    """Circuits of one template.

    Attributes:
        angles: A row for each member. free: Columns that vary independently of each other as far as pairs tell.
        tied: For each column (free column, factor, offset) that reproduce it, or None for a constant.
    """

    template: Template
    angles: np.ndarray
    free: tuple[int, ...]
    tied: tuple[tuple[int, float, float] | None, ...]

    @classmethod
    def of(cls, template: Template, angles: np.ndarray) -> "Family":
        """Return the family whose members have *angles*."""
        if len(angles) == 1:
            return cls(template, angles, *_single_ties(angles[0]))
        return cls(template, angles, *_ties(angles))

    @property
    def columns(self) -> np.ndarray:
        """The free columns."""
        return self.angles[:, list(self.free)]

    def rows(self, columns: np.ndarray) -> np.ndarray:
        """Return whole rows whose free columns are *columns*, with as many decimals as the members have."""
        at = {column: index for index, column in enumerate(self.free)}
        rows = np.repeat(self.angles[:1], len(columns), axis=0)
        for column, tie in enumerate(self.tied):
            if tie is not None:
                source, factor, offset = tie
                rows[:, column] = columns[:, at[source]] * factor + offset
        for column in range(rows.shape[1]):
            places = max(map(_decimals, self.angles[:, column].tolist()))
            if self.tied[column] is not None and places <= _MOST_DECIMALS:
                rows[:, column] = np.round(rows[:, column], places)
        return rows

    def draw(self, generator: "Generator", count: int, chance: Chance) -> np.ndarray | None:
        """Return *count* new rows, none of them a member or drawn twice; None when *generator* has not so many."""
        seen = {row.tobytes() for row in self.angles}
        found: list[np.ndarray] = []
        for _ in range(_TRIES):
            for row in self.rows(generator(self.columns, count, chance)):
                if row.tobytes() not in seen:
                    seen.add(row.tobytes())
                    found.append(row)
            if len(found) >= count:
                return np.array(found[:count])
        return None


Generator = Callable[[np.ndarray, int, Chance], np.ndarray]


def resampled(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Take each angle from some member: what fits perturbations by a fixed step, as in SPSA."""
    return np.take_along_axis(columns, chance.below(len(columns), count, columns.shape[1]), axis=0)


def gaussian(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Draw from the normal distribution with the members' mean and covariance."""
    centre = columns.mean(axis=0)
    return centre + chance.normal(count, len(columns)) @ (columns - centre) / np.sqrt(max(1, len(columns) - 1))


def ranked(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Draw each angle from its own distribution among the members, with their rank correlations."""
    size = len(columns)
    ranks = np.argsort(np.argsort(columns + 1e-12 * chance.uniform(*columns.shape), axis=0), axis=0)
    scores = _normal_quantile((ranks + 0.5) / size)
    drawn = gaussian(scores, count, chance)
    places = _normal_share(drawn) * size - 0.5
    ordered = np.sort(columns, axis=0)
    # Half a step beyond the outermost members, as far as between two of them on average.
    return np.stack(
        [_interpolated(ordered[:, column], places[:, column]) for column in range(columns.shape[1])], axis=1
    )


def moved(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Move a member by the steps between it and its nearest neighbour, in other directions and of other angles."""
    apart = np.linalg.norm(columns[:, None] - columns[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.argmin(apart, axis=1)
    members = chance.below(len(columns), count)
    steps = np.abs(columns[near[members]] - columns[members])
    order = np.argsort(chance.uniform(*steps.shape), axis=1)
    signs = np.where(chance.uniform(*steps.shape) < 0.5, -1, 1)
    return columns[members] + signs * np.take_along_axis(steps, order, axis=1)


def crossed(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Take each angle from one of two members."""
    first, second = chance.below(len(columns), count), chance.below(len(columns), count)
    return np.where(chance.uniform(count, columns.shape[1]) < 0.5, columns[first], columns[second])


def scattered(columns: np.ndarray, count: int, chance: Chance) -> np.ndarray:
    """Scatter golds around a point from which the only member is as far as they: it is not in their middle."""
    centre = columns[0] + _SINGLE_SPREAD * chance.normal(columns.shape[1])
    return centre + _SINGLE_SPREAD * chance.normal(count, columns.shape[1])


GENERATORS: tuple[Generator, ...] = (resampled, gaussian, ranked, moved, crossed)


def _ties(angles: np.ndarray) -> tuple[tuple[int, ...], tuple[tuple[int, float, float] | None, ...]]:
    free: list[int] = []
    tied: list[tuple[int, float, float] | None] = []
    centred = angles - angles.mean(axis=0)
    for column in range(angles.shape[1]):
        if np.ptp(angles[:, column]) < _EXACT:
            tied.append(None)
            continue
        for source in free:
            factor = float(centred[:, source] @ centred[:, column] / (centred[:, source] @ centred[:, source]))
            factor = _snapped(factor)
            offsets = angles[:, column] - factor * angles[:, source]
            if np.ptp(offsets) < _EXACT:
                # Without an offset the tie is exact, and so it must stay: equal angles are equal to the last digit.
                tied.append((source, factor, 0.0 if abs(offsets[0]) < _EXACT else float(offsets[0])))
                break
        else:
            free.append(column)
            tied.append((column, 1.0, 0.0))
    return tuple(free), tuple(tied)


def _single_ties(row: np.ndarray) -> tuple[tuple[int, ...], tuple[tuple[int, float, float] | None, ...]]:
    """Return the ties of a family of one: multiples of pi/16 are the template's, equal and opposite angles are tied."""
    free: list[int] = []
    tied: list[tuple[int, float, float] | None] = []
    for column, angle in enumerate(row.tolist()):
        if abs(angle / (np.pi / 16) - round(angle / (np.pi / 16))) < _EXACT:
            tied.append(None)
            continue
        source = next((other for other in free if abs(abs(row[other]) - abs(angle)) < _EXACT), column)
        if source == column:
            free.append(column)
        tied.append((source, 1.0 if row[source] * angle > 0 else -1.0, 0.0))
    return tuple(free), tuple(tied)


def _snapped(factor: float) -> float:
    near = round(factor * _DENOMINATOR) / _DENOMINATOR
    return near if abs(near - factor) < _EXACT else factor


def _decimals(angle: float) -> int:
    text = repr(angle)
    return _MOST_DECIMALS + 1 if "e" in text else len(text.partition(".")[2])


def _interpolated(ordered: np.ndarray, places: np.ndarray) -> np.ndarray:
    margin = (ordered[-1] - ordered[0]) / len(ordered) / 2
    knots = np.concatenate(([ordered[0] - margin], ordered, [ordered[-1] + margin]))
    return np.interp(places, np.concatenate(([-0.5], np.arange(len(ordered)), [len(ordered) - 0.5])), knots)


def _normal_share(value: np.ndarray) -> np.ndarray:
    """Return the normal distribution function, by the logistic approximation that ``_normal_quantile`` inverts."""
    return 1 / (1 + np.exp(-1.702 * value))


def _normal_quantile(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share)) / 1.702
