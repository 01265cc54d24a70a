"""Golds: rounds whose answer the requester knows, made to look like its targets. And traps, which do not.

A gold has the template of a target and angles that a classifier cannot tell from the targets'. Its answer is computed
exactly, so golds are as wide as a statevector can be. Golds that can be told, or whose outcomes are so even that noise
passes for them, would promise what they do not keep: they are refused.

A trap has Clifford angles, on which some parity of the outcome is certain. Anyone sees that, and anyone can compute
it: traps measure *faults*, and never count for soundness.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import numpy as np

from qcrs.errors import QcrsError
from qcrs.quantum.angles import GENERATORS, Chance, Family, Generator, Template, angles_of, scattered, template_of
from qcrs.quantum.circuit import build
from qcrs.quantum.ideal import CircuitTooWide, exact_outcomes
from qcrs.quantum.program import Program
from qcrs.quantum.telltale import TELLTALE_AUC, telltale_auc
from qcrs.rules.gold import EXPECTATION_UNIT, MAX_ENTRIES, Answer, RoundKind

QUBITS_LIMIT = 20
LEAST_TARGETS = 8  # of a template: fewer say nothing about how golds should look
MAX_WEIGHT = 1 << 24

# Uniform noise scores 0 +- 1 / sqrt(contrast shots) in units of fidelity, and 0.3 passes: 2.6 deviations are 0.5 %.
LEAST_CONTRAST_SHOTS = 75
_USELESS_SHARE = Fraction(1, 10)
_DRAWS = 3
_COMPARED = 24
_TRAP_TRIES = 64
_QUARTER_TURNS = {"rx", "ry", "rz", "p", "u1", "u2", "u3", "U"}
_HALF_TURNS = {"cp", "crx", "cry", "crz"}
_CLIFFORD = {"id", "x", "y", "z", "h", "s", "sdg", "sx", "cx", "cy", "cz", "swap", "measure", "reset", "barrier"}


class GoldUnavailable(QcrsError):
    """No golds can be made that would mean anything; says why, and what would help."""


@dataclass(frozen=True)
class Golds:
    """Golds of one sweep.

    Attributes:
        rounds: Circuit and answer of each.
        auc: Measured area under the ROC curve of telling them from the targets; None for a single target, which is
            exchangeable with its golds by construction, if no angle of it can be guessed.
        generators: What drew them, by template.
        alike: Share of pairs of golds of which one's exact counts would pass for the other's. Such rounds can be
            exchanged without notice.
    """

    rounds: tuple[tuple[Program, Answer], ...]
    auc: float | None
    generators: tuple[str, ...]
    alike: float


def make_golds(targets: Sequence[Program], count: int, shots: int, chance: Chance | None = None) -> Golds:
    """Return *count* golds for *targets*, to run at *shots* shots each.

    Raises:
        GoldUnavailable: They could be told from the targets, noise would pass for them, or they are too wide.
    """
    chance = chance or Chance()
    families = _families(targets)
    shares = _shares([len(family.angles) for family in families], count)
    rated = [
        _least_telling(family, max(share, LEAST_TARGETS), chance)
        for family, share in zip(families, shares, strict=True)
    ]
    auc = None
    if len(targets) > 1:
        auc = sum(area * share for (_, area), share in zip(rated, shares, strict=True)) / count
        if auc > TELLTALE_AUC:
            raise GoldUnavailable(_told(targets, auc))
    rounds = [
        answered
        for family, (generator, _), share in zip(families, rated, shares, strict=True)
        for answered in _answered(family, generator, share, shots, chance)
    ]
    return Golds(tuple(rounds), auc, tuple(generator.__name__ for generator, _ in rated), _alike(rounds))


def answer_of(program: Program) -> tuple[Answer, float]:
    """Return the answer to *program* as a gold, and its contrast.

    The contrast is the squared distance of an exact shot's expected weight from noise's, in units of the variance that
    noise has: 2^bits times the sum of squared probabilities, less 1, when all outcomes are entries.

    Raises:
        GoldUnavailable: It is too wide, or as even as noise.
    """
    outcomes, shares, measured = distribution_of(program)
    heaviest = np.argsort(-shares, kind="stable")[:MAX_ENTRIES]
    heaviest = heaviest[np.argsort(outcomes[heaviest])]
    weights = np.round(shares[heaviest] * (MAX_WEIGHT / shares.max())).astype(int)
    heaviest, weights = heaviest[weights > 0], weights[weights > 0]
    ideal = float(shares[heaviest] @ weights)
    uniform = Fraction(int(weights.sum()), 1 << measured)
    variance = float((weights.astype(float) ** 2).sum()) / 2.0**measured - float(uniform) ** 2
    contrast = (ideal - float(uniform)) ** 2 / variance if variance > 0 else 0.0
    if contrast * MAX_WEIGHT < 1 or ideal <= uniform:
        raise GoldUnavailable("the circuit's outcomes are as even as noise: nothing tells its answer from none")
    entries = tuple(zip(outcomes[heaviest].tolist(), weights.tolist(), strict=True))
    return Answer(entries, round(ideal * EXPECTATION_UNIT), round(uniform * EXPECTATION_UNIT)), contrast


def make_traps(
    targets: Sequence[Program], count: int, chance: Chance | None = None
) -> tuple[tuple[Program, Answer], ...]:
    """Return *count* traps in the templates of *targets*.

    Raises:
        GoldUnavailable: A template has gates that no angle makes Clifford, or has no angles.
    """
    chance = chance or Chance()
    return tuple(_trap(template_of(targets[int(target)]), chance) for target in chance.below(len(targets), count))


def mix(
    targets: Sequence[Program], golds: int, traps: int, chance: Chance | None = None
) -> list[tuple[RoundKind, int]]:
    """Return for each round, in random order, its kind and which of its kind it is."""
    chance = chance or Chance()
    sizes = ((RoundKind.Target, len(targets)), (RoundKind.Gold, golds), (RoundKind.Trap, traps))
    rounds = [(kind, number) for kind, size in sizes for number in range(size)]
    return [rounds[place] for place in chance.order(len(rounds)).tolist()]


def _families(targets: Sequence[Program]) -> list[Family]:
    templates = sorted(((template_of(target), number) for number, target in enumerate(targets)))
    if any(name == "delay" for target in targets for name, *_ in target.operations):
        raise GoldUnavailable("the circuits have delays, which golds would have to share with them")
    families = []
    for template, members in groupby(templates, key=lambda item: item[0]):
        angles = np.array([angles_of(targets[number]) for _, number in members])
        if len(targets) > 1 and len(angles) < LEAST_TARGETS:
            raise GoldUnavailable(
                f"{len(angles)} of {len(targets)} circuits share a template: expected at least {LEAST_TARGETS} with "
                "the same gates on the same qubits. Submit the odd ones on their own, or more of their kind"
            )
        family = Family.of(template, angles)
        if not family.free:
            raise GoldUnavailable(
                "the circuits have no angle that golds could vary: they are all the same, or made of fixed gates and "
                "multiples of pi/16 only. A known answer cannot hide among them"
            )
        families.append(family)
    return families


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """Split *count* in proportion to *sizes*: a template that is rarer among golds would tell."""
    total = sum(sizes)
    shares = [count * size // total for size in sizes]
    for place in sorted(range(len(sizes)), key=lambda i: -(count * sizes[i] % total))[: count - sum(shares)]:
        shares[place] += 1
    return shares


def _least_telling(family: Family, count: int, chance: Chance) -> tuple[Generator, float]:
    """Return the generator whose golds are least often told from the members, and how often, measured afresh."""
    if len(family.angles) == 1:
        return scattered, 0.5
    rated = [(_rated(family, generator, count, chance), number) for number, generator in enumerate(GENERATORS)]
    best = GENERATORS[min(rated)[1]]
    return best, max(0.5, _rated(family, best, count, chance))


def _rated(family: Family, generator: Generator, count: int, chance: Chance) -> float:
    columns = list(family.free)
    areas = []
    for _ in range(_DRAWS):
        rows = family.draw(generator, count, chance)
        if rows is None:
            return 1.0
        areas.append(telltale_auc(family.columns, rows[:, columns], chance))
    return float(np.mean(areas))


def _answered(
    family: Family, generator: Generator, count: int, shots: int, chance: Chance
) -> list[tuple[Program, Answer]]:
    """Return *count* golds with their answers; few may be too even to be useful."""
    if not count:
        return []
    spare = -(-count * _USELESS_SHARE.numerator // _USELESS_SHARE.denominator)
    if (rows := family.draw(generator, count + spare, chance)) is None:
        raise GoldUnavailable(f"the circuits vary too little: there are no {count + spare} others of their kind")
    found = []
    for row in rows:
        program = family.template.program(row)
        answer, contrast = answer_of(program)
        if contrast * shots >= LEAST_CONTRAST_SHOTS:
            found.append((program, answer))
        if len(found) == count:
            return found
    raise GoldUnavailable(
        f"more than one gold in ten is so even that noise would pass for it at {shots} shots a round: "
        "use more shots a round, or circuits whose outcomes are less even"
    )


def distribution_of(program: Program) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the outcomes of *program*, ascending, with their probabilities, and how many bits are measured."""
    try:
        outcomes, shares, measured = exact_outcomes(build(program), QUBITS_LIMIT)
    except CircuitTooWide as error:
        raise GoldUnavailable(f"{error}: wider circuits have no golds") from error
    outcomes, places = np.unique(outcomes, return_inverse=True)
    if program.bits > 32:
        raise GoldUnavailable(f"{program.bits} outcome bits: answers number outcomes with 32")
    return outcomes, np.bincount(places, shares), measured


def _alike(rounds: Sequence[tuple[Program, Answer]]) -> float:
    """Return the share of pairs of golds of which one's exact distribution passes as the other's."""
    compared = [(distribution_of(program), answer) for program, answer in rounds[:_COMPARED]]
    passed = []
    for place, ((outcomes, shares, _), _) in enumerate(compared):
        for other, (_, answer) in enumerate(compared):
            if other != place:
                weights = dict(answer.entries)
                expected = sum(share * weights.get(x, 0) for x, share in zip(outcomes.tolist(), shares, strict=True))
                gain = expected * EXPECTATION_UNIT - answer.uniform
                passed.append(gain >= 0.3 * (answer.ideal - answer.uniform))
    return float(np.mean(passed)) if passed else 0.0


def _trap(template: Template, chance: Chance) -> tuple[Program, Answer]:
    sizes = [size for _, size, _, _ in template.steps]
    unfit = {name for name, *_ in template.steps} - _CLIFFORD - _QUARTER_TURNS - _HALF_TURNS
    if unfit or not sum(sizes):
        raise GoldUnavailable(f"no angles make a Clifford circuit of this template: {sorted(unfit) or 'it has none'}")
    units = np.repeat([np.pi if name in _HALF_TURNS else np.pi / 2 for name, *_ in template.steps], sizes)
    for _ in range(_TRAP_TRIES):
        # Half of the angles are Pauli pads, the others turn bases; drawn again until some parity is certain.
        turns = np.where(chance.uniform(len(units)) < 0.5, 2 * chance.below(2, len(units)), chance.below(4, len(units)))
        program = template.program(units * turns)
        outcomes, _, measured = distribution_of(program)
        if len(outcomes) <= min(MAX_ENTRIES, 1 << (measured - 1)):
            entries = tuple((int(outcome), 1) for outcome in outcomes)
            return program, Answer(entries, EXPECTATION_UNIT, (EXPECTATION_UNIT * len(entries)) >> measured)
    raise GoldUnavailable(f"{_TRAP_TRIES} Clifford circuits of this template leave no outcome out: a trap needs some")


def _told(targets: Sequence[Program], auc: float) -> str:
    return (
        f"golds can be told from these {len(targets)} circuits (AUC {auc:.2f}, at most {TELLTALE_AUC} is allowed), so "
        "they would not count. Circuits that give their kind away come in mirrored pairs, on a grid, along a path, or "
        "shift one angle each. Draw every circuit's perturbation independently, as in one-sided SPSA"
    )
