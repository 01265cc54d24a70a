"""What honest, worse and dishonest processors are found to be."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from qcrs.quantum.benchmark import QUICK, Claim, Evidence, Measured, Suite, challenge, digest, score, verdict
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.simulate import simulate
from qcrs.quantum.sweep import pool

SEED = bytes(range(32))
OSLO = Calibration.bundled("oslo")


def degraded(calibration: Calibration, factor: float) -> Calibration:
    """Return *calibration* with errors *factor* times as large and lifetimes as much shorter."""
    qubits = tuple(
        qubit.model_copy(
            update={
                "t1_nanoseconds": int(qubit.t1_nanoseconds / factor),
                "t2_nanoseconds": int(qubit.t2_nanoseconds / factor),
                "read_one_as_zero_ppm": int(qubit.read_one_as_zero_ppm * factor),
                "read_zero_as_one_ppm": int(qubit.read_zero_as_one_ppm * factor),
            }
        )
        for qubit in calibration.qubits
    )
    gates = tuple(
        gate.model_copy(update={"error_ppb": min(10**9, int(gate.error_ppb * factor))}) for gate in calibration.gates
    )
    return calibration.model_copy(update={"qubits": qubits, "gates": gates})


def answers(suite: Suite, calibration: Calibration, seed: int = 11) -> list[dict[int, int]]:
    device = Device(calibration)
    return [simulate(device, run.request(seed + number))[0] for number, run in enumerate(suite.runs)]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return challenge(SEED, Claim.of(OSLO), QUICK)


@pytest.fixture(scope="module")
def honest(suite: Suite) -> list[dict[int, int]]:
    return answers(suite, OSLO)


@pytest.fixture(scope="module")
def measured(suite: Suite, honest: list[dict[int, int]]) -> Measured:
    return score(suite, honest)


def test_honest_processor_passes(suite: Suite, measured: Measured) -> None:
    found = verdict(measured, suite.claim)
    assert found.passed, found.reasons
    assert measured.unanswered == ()


def test_figures_are_those_of_the_calibration(suite: Suite, measured: Measured) -> None:
    facts = suite.claim.facts
    for found, true, tolerance in (
        (measured.two_qubit_error_ppm, facts.two_qubit_error_ppm, 0.25),
        (measured.readout_error_ppm, facts.readout_error_ppm, 0.3),
        (measured.t1_nanoseconds, facts.t1_nanoseconds, 0.1),
        (measured.t2_nanoseconds, facts.t2_nanoseconds, 0.15),
    ):
        assert found is not None
        assert found.low < found.value < found.high
        assert abs(found.value - true) < tolerance * true
    assert measured.layer_fidelity_ppm is not None
    assert abs(measured.layer_fidelity_ppm.value - facts.layer_fidelity_ppm) < 15_000
    assert measured.noise_class in (2, 3)  # at 902,451 ppm it is 2, a hair above 900,000


def test_scores_and_evidence_are_the_same_again(suite: Suite, honest: list, measured: Measured) -> None:
    again = score(challenge(SEED, Claim.of(OSLO), QUICK), [dict(reversed(counts.items())) for counts in honest])
    assert again == measured
    first = digest(Evidence.of(suite, honest, measured))
    assert digest(Evidence.of(suite, honest, again)) == first
    other = [dict(counts) for counts in honest]
    outcome = next(iter(other[-1]))
    other[-1][outcome] += 1
    assert digest(Evidence.of(suite, other, measured)) != first


def test_twice_the_noise_is_found(suite: Suite) -> None:
    found = verdict(score(suite, answers(suite, degraded(OSLO, 2.0))), suite.claim)
    assert not found.passed
    told = " ".join(found.reasons)
    for name in ("two-qubit error", "readout error", "chain", "T1", "T2"):
        assert name in told
    assert found.noise_class == 4


def test_class_is_measured_and_not_claimed() -> None:
    """A claim of class 1 by a device of class 2 gets a certificate of no class but its own."""
    claim = Claim.of(OSLO)
    boast = replace(claim, facts=replace(claim.facts, noise_class=1, quantum_volume_log2=0, layer_fidelity_ppm=990_000))
    suite = challenge(SEED, boast, QUICK)
    found = verdict(score(suite, answers(suite, OSLO)), boast)
    assert found.noise_class > 1
    assert any("chain" in reason for reason in found.reasons)


def test_small_device_that_claims_127_qubits_and_a_volume_of_512_fails_everything() -> None:
    claim = Claim.of(Calibration.bundled("brisbane"), volume_log2=9)
    suite = challenge(SEED, claim, QUICK)
    refused: list[dict[int, int] | None] = [None] * len(suite.runs)  # it has no such qubits: see test_suite
    found = verdict(score(suite, refused), claim)
    assert not found.passed
    assert len(found.reasons) == len(suite.runs) + 1
    assert found.noise_class == 0


def uniform(suite: Suite) -> list[dict[int, int]]:
    generator = np.random.default_rng(1)
    return [
        pool(
            (Counter(generator.integers(0, 1 << run.bits, run.shots).tolist()) for _ in run.rounds),
            run.bits,
        )
        for run in suite.runs
    ]


def zeros(suite: Suite) -> list[dict[int, int]]:
    return [pool(({0: run.shots} for _ in run.rounds), run.bits) for run in suite.runs]


@pytest.mark.parametrize("cheat", [uniform, zeros])
def test_answers_without_a_processor_fail(suite: Suite, cheat) -> None:
    found = verdict(score(suite, cheat(suite)), suite.claim)
    told = " ".join(found.reasons)
    for name in ("quantum volume", "mirror circuits", "two-qubit error", "readout error", "chain"):
        assert name in told
    assert found.noise_class == 4


def test_answers_to_another_seed_fail(suite: Suite, honest: list[dict[int, int]]) -> None:
    other = challenge(bytes(32), suite.claim, QUICK)
    told = " ".join(verdict(score(other, honest), suite.claim).reasons)
    for name in ("quantum volume", "mirror circuits", "two-qubit error", "chain"):
        assert name in told


@pytest.mark.parametrize("part", range(5))
def test_every_run_must_be_answered(suite: Suite, honest: list, part: int) -> None:
    missing = [None if number == part else counts for number, counts in enumerate(honest)]
    found = verdict(score(suite, missing), suite.claim)
    assert f"run {part} has no valid answer" in found.reasons


@pytest.mark.parametrize(
    "spoil",
    [
        lambda counts, run: {**counts, len(run.rounds) << run.bits: 1},
        lambda counts, run: {**counts, -1: 1},
        lambda counts, run: {outcome: count for outcome, count in counts.items() if outcome != max(counts)},
        lambda counts, run: {**counts, min(counts): 0},
    ],
)
def test_counts_that_cannot_be_are_no_answer(suite: Suite, honest: list, spoil) -> None:
    spoiled = [spoil(counts, run) for counts, run in zip(honest, suite.runs, strict=True)]
    assert score(suite, spoiled).unanswered == tuple(range(len(suite.runs)))
