"""What is promised before money moves is what is built, and what cannot be had is refused."""

import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from qcrs.quantum.angles import Chance
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.gold import GoldUnavailable
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.request import RunRequest
from qcrs.quantum.simulate import simulate
from qcrs.quantum.sweep import scan_rounds, split, texts_of
from qcrs.rules.gold import RoundKind
from qcrs.rules.soundness import SoundnessUnavailable
from qcrs.sdk.gold import failures, fidelity
from qcrs.sdk.sweep import SweepIncomparable, Wish, plain, prepare
from qcrs.sdk.terms import ShotsOutOfRange

F = Fraction
WISH = Wish(F("1e-2"), F("0.25"), F(2))


def chance(seed: int = 1) -> Chance:
    return Chance(random.Random(seed).randbytes)


def circuits(count: int, qubits: int = 3, spread: float = 0.5, depth: int = 1) -> list[Program]:
    rng = np.random.default_rng(5)
    centre = rng.uniform(0.3, 1.2, 3 * qubits)
    found = []
    for _ in range(count):
        angles = (centre + spread * rng.normal(size=3 * qubits)).tolist()
        operations = [Operation("ry", (angles[qubit],), (qubit,)) for qubit in range(qubits)]
        operations += [Operation("cx", (), (qubit, qubit + 1)) for qubit in range(qubits - 1)]
        for _ in range(depth - 1):
            operations += [Operation("barrier", (), tuple(range(qubits)))]
            operations += [Operation("cx", (), (qubit, qubit + 1)) for qubit in range(qubits - 1)]
        operations += [Operation("rz", (angles[qubits + qubit],), (qubit,)) for qubit in range(qubits)]
        operations += [Operation("rx", (angles[2 * qubits + qubit],), (qubit,)) for qubit in range(qubits)]
        operations += [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(qubits)]
        found.append(Program(qubits, qubits, tuple(operations)))
    return found


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_a_sweep_is_its_targets_among_golds_in_the_order_of_the_document() -> None:
    targets = circuits(40)
    prepared = prepare(targets, names(40), Wish(F("1e-2"), F("0.25"), F(2), traps=4), 2, chance())
    assert prepared.document is not None
    assert prepared.plan is not None
    kinds = Counter(entry.kind for entry in prepared.document.rounds)
    assert kinds == {RoundKind.Target: 40, RoundKind.Gold: prepared.plan.golds, RoundKind.Trap: 4}
    assert sum(kinds.values()) == prepared.rounds <= 80
    texts = texts_of(prepared.circuit.text)
    for target, number in prepared.document.targets.items():
        assert texts[number] == targets[target].text()
    assert prepared.circuit.outcome_bits == 3 + (prepared.rounds - 1).bit_length()
    assert prepared.shots == prepared.rounds * prepared.document.shots
    assert prepared.document.gold_tolerance == prepared.plan.tolerance
    assert len(scan_rounds(prepared.circuit.text)) == prepared.rounds


def test_order_and_blind_are_drawn_anew() -> None:
    targets = circuits(40, spread=0.2)
    first, second = (prepare(targets, names(40), WISH, 2, chance(seed)) for seed in (1, 2))
    assert first.document is not None
    assert second.document is not None
    assert first.document.blind != second.document.blind
    assert list(first.document.targets.values()) != list(second.document.targets.values())


def test_a_device_passes_and_noise_does_not() -> None:
    prepared = prepare(circuits(40), names(40), WISH, 2, chance())
    document = prepared.document
    assert document is not None
    circuit = prepared.circuit
    request = RunRequest(circuit.text, prepared.shots, 1, circuit.qubits, circuit.outcome_bits)
    counts, _ = simulate(Device(Calibration.bundled("oslo")), request)
    assert failures(document, counts) == []
    measured = fidelity(document, counts)
    assert measured is not None
    assert 6_000 < measured < 10_500
    noise = {number << 3 | outcome: document.shots // 8 for number in range(prepared.rounds) for outcome in range(8)}
    for number in range(prepared.rounds):
        noise[number << 3] += document.shots - 8 * (document.shots // 8)
    assert len(failures(document, noise)) == document.gold_tolerance + 1


def test_promises_say_what_is_and_what_is_not_covered() -> None:
    prepared = prepare(circuits(40), names(40), WISH, 2, chance())
    assert prepared.plan is not None
    said = "\n".join(prepared.promises())
    figures = prepared.to_json()
    assert f"{prepared.plan.golds} golds" in said
    assert "more than 25 % of the circuits" in said
    assert "not covered" in said
    assert figures["escape"] <= 1e-2
    assert figures["cost"] <= 2
    assert figures["goldAuc"] <= 0.6
    assert figures["targets"] + figures["golds"] + figures["traps"] == figures["rounds"]


def test_one_circuit_is_promised_a_guess() -> None:
    prepared = prepare(circuits(1), ["one"], Wish(F("0.25"), max_cost=F(4)), 2, chance())
    assert prepared.plan is not None
    assert (prepared.plan.golds, prepared.rounds) == (3, 4)
    assert prepared.shots == 4 * 4096
    assert "probability 1/4" in "\n".join(prepared.promises())
    assert prepared.to_json()["deviation"] is None


def test_rounds_that_could_not_be_proven_have_fewer_shots() -> None:
    """A round of more than 1,022 outcomes and its neighbours do not fit a proof."""
    prepared = prepare(circuits(1, qubits=11, spread=0.1), ["one"], Wish(F("0.125"), max_cost=F(8)), 2, chance())
    assert prepared.shots // prepared.rounds == 1022
    with pytest.raises(ShotsOutOfRange, match="expected 512 to 1022"):
        prepare(circuits(1, qubits=11), ["one"], Wish(F("0.125"), max_cost=F(8), shots=2000), 2, chance())


@pytest.mark.parametrize(
    ("targets", "wish", "noise_class", "fault", "words"),
    [
        (circuits(10), WISH, 2, SoundnessUnavailable, "10 targets get"),
        (circuits(1), Wish(F("1e-3")), 2, SoundnessUnavailable, "A cost of 2 gives 0.5"),
        ([circuits(1)[0]] * 40, WISH, 2, GoldUnavailable, "no angle"),
        (circuits(40), Wish(F("1e-2"), F("0.25"), F(2), shots=50), 2, ShotsOutOfRange, "expected 82 to"),
        (circuits(40), Wish(F("1e-2"), F("0.25"), F(2), shots=100), 3, ShotsOutOfRange, "expected 164 to"),
        (circuits(40), Wish(F("1e-2"), F("0.25"), F(2), traps=40), 2, SoundnessUnavailable, "no gold fits"),
        (circuits(1, qubits=11), Wish(F("0.25"), max_cost=F(4)), 2, ShotsOutOfRange, "a better soundness"),
        (circuits(40, qubits=12, spread=2.0), WISH, 2, SweepIncomparable, "Inconclusive"),
        ([*circuits(30), *circuits(10, qubits=2)], WISH, 2, CircuitRefused, "RoundsDiffer: round 30"),
        (circuits(40, depth=121), WISH, 4, GoldUnavailable, "an honest processor of class 4 would fail"),
        ([Program(2, 40, circuits(1, 2)[0].operations)], WISH, 2, GoldUnavailable, "at most 32"),
    ],
)
def test_what_cannot_be_had_is_refused_before_money_moves(targets, wish, noise_class, fault, words) -> None:
    with pytest.raises(fault, match=words):
        prepare(targets, names(len(targets)), wish, noise_class, chance())


def test_sweeps_without_golds_have_as_many_shots_in_every_round() -> None:
    programs = circuits(7)
    prepared = plain(programs, 10_000)
    assert prepared.shots == 7 * 1429
    assert prepared.document is None
    assert prepared.circuit.outcome_bits == 6
    assert len(split({6 << 3: 1}, 7, 3)) == 7
    assert plain(programs[:1], 5_000).shots == 5_000
    assert plain(programs, 1).shots >= 4096
    with pytest.raises(ShotsOutOfRange, match="at most 9362"):
        plain(programs, 65_535)
