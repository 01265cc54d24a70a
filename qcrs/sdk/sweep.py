"""From circuits to a sweep that can be submitted, with golds when soundness is asked for.

Everything here happens before money moves: what is promised, what it costs and what it does not cover is computed,
measured and rehearsed first, and what cannot be had is refused.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qcrs.errors import QcrsError
from qcrs.quantum.angles import Chance
from qcrs.quantum.gold import Golds, GoldUnavailable, make_golds, make_traps, mix
from qcrs.quantum.program import Program
from qcrs.quantum.rehearsal import Rehearsal, rehearse
from qcrs.quantum.sweep import SWEEP_LIMITS, join, require_equal_widths, scan_rounds
from qcrs.rules.agreement import Verdict, judge
from qcrs.rules.count_sketch import sketch_of, unpack
from qcrs.rules.gold import RoundKind
from qcrs.rules.soundness import RATES, Plan, Rates, number, plan, plan_single, rejection_probability
from qcrs.sdk.gold import MAX_LEAVES, Document, Round
from qcrs.sdk.terms import MAX_SHOTS, MIN_SHOTS, Circuit, ShotsOutOfRange

DEFAULT_ROUND_SHOTS = 230
DEFAULT_SINGLE_SHOTS = 4096
# Below, honest rounds fail and noise passes more often than the planner assumes (make bench-verification).
LEAST_ROUND_SHOTS, LEAST_NOISY_SHOTS, NOISY_CLASS = 82, 164, 3
# With a thousand shots an honest round is many standard deviations from failing.
_MANY_SHOTS, _MANY_SHOTS_RATES = 1_000, Rates(failure=Fraction(1, 10**6))
_MAX_WIDTH = 32
_REPLICAS, _QUORUM = 3, 2


class SweepIncomparable(QcrsError):
    """Replicas' answers would be too thin to be compared: the verdict would be Inconclusive."""


@dataclass(frozen=True)
class Wish:
    """What a requester asks of golds.

    Attributes:
        soundness: Greatest probability that false answers to more than *deviation* of the circuits go unnoticed.
        max_cost: Most rounds to run for each circuit. traps: Rounds that measure faults, within the same cost.
        shots: Of each round; chosen if None.
    """

    soundness: Fraction
    deviation: Fraction = Fraction(1, 10)
    max_cost: Fraction = Fraction(2)
    traps: int = 0
    shots: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A sweep ready to submit.

    Attributes:
        shots: Per replica, all rounds together. document, plan, golds, rehearsal: None without golds.
    """

    circuit: Circuit
    shots: int
    rounds: int
    document: Document | None = None
    plan: Plan | None = None
    golds: Golds | None = None
    traps: int = 0
    rehearsal: Rehearsal | None = None

    def promises(self) -> list[str]:
        """Return what it costs, what it guarantees and what it does not, in words."""
        lines = [f"{self.rounds} rounds of {self.shots // self.rounds} shots, {self.shots:,} shots a replica"]
        if self.plan is None or self.golds is None:
            return lines
        plan, cost = self.plan, Fraction(self.rounds, self.plan.targets)
        lines[0] += (
            f": {_some(plan.targets, 'circuit')}, {_some(plan.golds, 'gold')}, {_some(self.traps, 'trap')}; "
            f"{number(cost)} times the cost of the circuits alone"
        )
        if plan.targets == 1:
            lines.append(
                f"guaranteed: a false answer to the circuit escapes with probability 1/{plan.golds + 1}, whoever "
                "colludes and whatever the number of shots; beyond that only what processors have at stake deters "
                "them. Golds look like the circuit as long as nobody can guess its angles"
            )
        else:
            lines.append(
                f"guaranteed: false answers to more than {number(100 * plan.deviation)} % of the circuits escape with "
                f"probability {number(plan.escape)}, whoever colludes ({plan.tolerance} golds may fail)"
            )
            lines.append(
                f"measured: golds are told from circuits with AUC {self.golds.auc:.2f} (0.5 is guessing), "
                f"drawn by {', '.join(sorted(set(self.golds.generators)))}"
            )
        lines.append(f"an honest replica is rejected with probability {number(plan.rejection)}")
        if self.rehearsal is not None:
            lines.append(
                f"rehearsed on {self.rehearsal.device or 'assumed noise'}: fidelity {self.rehearsal.fidelity:.2f}, "
                f"an honest gold fails with probability {self.rehearsal.failure:.1g}"
            )
        lines.append(
            "not covered: fewer false answers than that, added noise that leaves a fidelity above 0.3, and rounds "
            "exchanged for others that answer alike: "
            f"{100 * self.golds.alike:.0f} % of golds would pass for one another"
        )
        if self.traps:
            lines.append("traps are recognisable: they show faults, and count for nothing in the guarantee")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return the promises as figures."""
        value: dict[str, Any] = {"rounds": self.rounds, "shotsPerRound": self.shots // self.rounds}
        if self.plan is None or self.golds is None:
            return value
        return value | {
            "targets": self.plan.targets,
            "golds": self.plan.golds,
            "traps": self.traps,
            "goldTolerance": self.plan.tolerance,
            "deviation": float(self.plan.deviation) if self.plan.targets > 1 else None,
            "escape": float(self.plan.escape),
            "honestRejection": float(self.plan.rejection),
            "cost": float(Fraction(self.rounds, self.plan.targets)),
            "goldAuc": self.golds.auc,
            "alike": self.golds.alike,
            "rehearsedFidelity": self.rehearsal.fidelity if self.rehearsal else None,
        }


def plain(programs: Sequence[Program], shots: int) -> Prepared:
    """Return the sweep of *programs* without golds, *shots* a replica rounded up to a multiple of the rounds.

    Raises:
        CircuitRefused: They are no sweep. ShotsOutOfRange: Too many shots.
    """
    rounds = len(programs)
    each = -(-max(shots, MIN_SHOTS) // rounds)
    _require_shots(each, rounds)
    return Prepared(_circuit(programs), each * rounds, rounds)


def prepare(
    targets: Sequence[Program], names: Sequence[str], wish: Wish, noise_class: int, chance: Chance | None = None
) -> Prepared:
    """Return the sweep of *targets* among golds that grants *wish*.

    Args:
        names: Of the targets, for the results.

    Raises:
        SoundnessUnavailable, GoldUnavailable, SweepIncomparable: It cannot be had; says what can.
        CircuitRefused: The circuits are no sweep. ShotsOutOfRange: The shots of a round are too few or too many.
    """
    chance = chance or Chance()
    require_equal_widths(targets)
    if targets[0].bits > _MAX_WIDTH:
        raise GoldUnavailable(f"{targets[0].bits} outcome bits: golds are scored on at most {_MAX_WIDTH}")
    planned = _planned(len(targets), wish, noise_class)
    rounds = planned.rounds + wish.traps
    shots = _round_shots(len(targets), rounds, targets[0].bits, wish.shots, noise_class)
    golds = make_golds(targets, planned.golds, shots, chance)
    traps = make_traps(targets, wish.traps, chance)
    order = mix(targets, planned.golds, wish.traps, chance)
    programs, entries = [], []
    for kind, which in order:
        program, answer = (targets[which], None) if kind is RoundKind.Target else (golds.rounds, traps)[kind - 1][which]
        programs.append(program)
        entries.append(Round(kind, answer, which if kind is RoundKind.Target else -1))
    circuit = _circuit(programs)
    rehearsal = _rehearsed(golds, circuit, rounds, shots, noise_class, chance)
    document = Document(
        rounds=tuple(entries),
        width=targets[0].bits,
        shots=shots,
        gold_tolerance=planned.tolerance,
        trap_tolerance=_trap_tolerance(wish.traps),
        blind=os.urandom(32),
        names=tuple(names),
    )
    return Prepared(circuit, shots * rounds, rounds, document, planned, golds, wish.traps, rehearsal)


def _planned(targets: int, wish: Wish, noise_class: int) -> Plan:
    cost = wish.max_cost - Fraction(wish.traps, targets)
    if targets == 1:
        rates = _MANY_SHOTS_RATES if (wish.shots or DEFAULT_SINGLE_SHOTS) >= _MANY_SHOTS else RATES
        return plan_single(wish.soundness, cost, MAX_SHOTS // (wish.shots or _MANY_SHOTS) - wish.traps, rates)
    most = min(SWEEP_LIMITS.rounds, MAX_SHOTS // max(wish.shots or 0, _least_shots(noise_class)))
    return plan(targets, wish.soundness, wish.deviation, cost, most - wish.traps)


def _round_shots(targets: int, rounds: int, width: int, wanted: int | None, noise_class: int) -> int:
    """Return the shots of a round: as wished, or as many as are useful and fit."""
    least = max(_least_shots(noise_class), -(-MIN_SHOTS // rounds))
    # A round of more outcomes than a proof may show could not be held against anyone.
    most = MAX_SHOTS // rounds if 1 << width <= MAX_LEAVES - 2 else min(MAX_LEAVES - 2, MAX_SHOTS // rounds)
    if least > most:
        raise ShotsOutOfRange(
            f"{rounds} rounds have at least {least} shots each, and at most {most} so that a false one of {width} bits "
            "can be proven: ask for a better soundness, which takes more rounds"
        )
    default = DEFAULT_SINGLE_SHOTS if targets == 1 else max(DEFAULT_ROUND_SHOTS, least)
    shots = min(default, most) if wanted is None else wanted
    if not least <= shots <= most:
        raise ShotsOutOfRange(
            f"{shots} shots a round; expected {least} to {most}: {rounds} rounds of {width} bits in class {noise_class}"
        )
    return shots


def _least_shots(noise_class: int) -> int:
    return LEAST_NOISY_SHOTS if noise_class >= NOISY_CLASS else LEAST_ROUND_SHOTS


def _require_shots(each: int, rounds: int) -> None:
    if each * rounds > MAX_SHOTS:
        raise ShotsOutOfRange(
            f"{each} shots in each of {rounds} rounds; expected at most {MAX_SHOTS // rounds}: {MAX_SHOTS} a replica"
        )


def _trap_tolerance(traps: int) -> int:
    return next(w for w in range(traps + 1) if rejection_probability(traps, w) <= RATES.rejection)


def _circuit(programs: Sequence[Program]) -> Circuit:
    text = join([program.text() for program in programs])
    scan_rounds(text)  # as every processor will
    return Circuit.of(text, programs)


def _rehearsed(golds: Golds, circuit: Circuit, rounds: int, shots: int, noise_class: int, chance: Chance) -> Rehearsal:
    """Let weak, honest replicas answer; have golds and comparison judged by the contract's rules."""
    rehearsal = rehearse(golds, shots, noise_class, chance)
    if rehearsal.failure > RATES.failure:
        raise GoldUnavailable(
            f"an honest processor of class {noise_class} would fail {100 * rehearsal.failure:.2g} % of the golds "
            f"(fidelity {rehearsal.fidelity:.2f}), more than the {100 * float(RATES.failure)} % that are planned for, "
            "and be punished for it. Use shallower circuits, more shots a round, or a better class"
        )
    seed, bits = os.urandom(32), circuit.outcome_bits
    sketches = [unpack(sketch_of(rehearsal.counts(rounds, shots, chance), bits, seed), bits) for _ in range(_REPLICAS)]
    verdict = judge(sketches, bits, shots * rounds, _QUORUM).verdict
    if verdict is not Verdict.Accepted:
        raise SweepIncomparable(
            f"{shots} shots in each of {rounds} rounds are too thin: honest replicas' answers would be {verdict.name}. "
            "Use fewer rounds, more shots a round, or circuits with fewer likely outcomes"
        )
    return rehearsal


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
