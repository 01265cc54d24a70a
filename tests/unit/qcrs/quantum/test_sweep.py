import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.circuit import load
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.request import RunRequest
from qcrs.quantum.simulate import simulate
from qcrs.quantum.sweep import SweepLimits, join, pool, scan_rounds, split, texts_of
from qcrs.rules.gold import round_bits

BELL_2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; measure q -> c;'


def rotated(*angles: float, bits: int = 2) -> str:
    """Return a circuit on as many qubits as *angles*, each turned by its own."""
    gates = [Operation("ry", (angle,), (qubit,)) for qubit, angle in enumerate(angles)]
    measurements = [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(bits)]
    return Program(len(angles), bits, (*gates, Operation("cx", (), (0, 1)), *measurements)).text()


def request_of(texts: list[str], shots_each: int, seed: int = 3, **changes: object) -> RunRequest:
    fields = {
        "text": join(texts),
        "shots": shots_each * len(texts),
        "seed": seed,
        "qubits": 2,
        "outcome_bits": 2 + round_bits(len(texts)),
    }
    return RunRequest(**(fields | changes))


@pytest.fixture(scope="module")
def device() -> Device:
    return Device(Calibration.bundled("oslo"))


def test_rounds_are_numbered_in_as_few_bits_as_possible() -> None:
    assert [round_bits(rounds) for rounds in (1, 2, 3, 4, 5, 256, 257, 1024)] == [0, 1, 2, 2, 3, 8, 9, 10]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40))
def test_a_payload_is_the_rounds_it_was_made_of(angles: list[float]) -> None:
    texts = [rotated(angle, 0.5) for angle in angles]
    payload = join(texts)
    assert payload == "".join(texts)
    assert texts_of(payload) == texts
    assert [program.text() for program in scan_rounds(payload)] == texts


@pytest.mark.parametrize("text", [BELL_2, "// first\n" + rotated(1.0, 2.0), "", "OPENQASM 3.0;"])
def test_what_does_not_begin_with_a_header_line_is_no_sweep(text: str) -> None:
    assert texts_of(text) == [text]


def test_only_canonical_texts_can_be_joined() -> None:
    for texts in ([rotated(1, 2), BELL_2], [rotated(1, 2)[:-1], rotated(1, 2)], [rotated(1, 2) * 2]):
        with pytest.raises(CircuitRefused) as caught:
            join(texts)
        assert caught.value.code is RefusalCode.NotOpenQasm


@given(st.data(), st.integers(1, 9), st.integers(1, 5))
def test_pooling_is_undone_by_splitting(data: st.DataObject, rounds: int, bits: int) -> None:
    counts = st.dictionaries(st.integers(0, (1 << bits) - 1), st.integers(1, 99), min_size=1)
    parts = [data.draw(counts) for _ in range(rounds)]
    pooled = pool(parts, bits)
    assert max(pooled) < 1 << (bits + round_bits(rounds))
    assert split(pooled, rounds, bits) == parts


def test_an_outcome_of_a_round_beyond_the_last_cannot_be_split() -> None:
    with pytest.raises(IndexError):
        split({3 << 2: 1}, 3, 2)


@pytest.mark.parametrize(
    ("texts", "limits", "code", "named"),
    [
        ([rotated(1, 2)] * 3, SweepLimits(rounds=2), RefusalCode.TooManyRounds, "at most 2 rounds"),
        ([rotated(1, 2)] * 2, SweepLimits(text_bytes=200), RefusalCode.TooLarge, "at most 200"),
        ([rotated(1, 2)] * 3, SweepLimits(operations=14), RefusalCode.TooManyOperations, "at most 14"),
        ([rotated(1, 2), rotated(1, 2, 3)], SweepLimits(), RefusalCode.RoundsDiffer, "round 1"),
        ([rotated(1, 2), rotated(1, 2, bits=1)], SweepLimits(), RefusalCode.RoundsDiffer, "round 1"),
        ([rotated(1, 2), rotated(1, 2) + "fly q[0];\n"], SweepLimits(), RefusalCode.UnknownGate, "round 1, gate"),
        ([rotated(1, 2), "OPENQASM 3.0;\nqubit q;\n"], SweepLimits(), RefusalCode.NoMeasurement, "round 1"),
    ],
)
def test_a_sweep_outside_the_limits_is_refused(
    texts: list[str], limits: SweepLimits, code: RefusalCode, named: str
) -> None:
    with pytest.raises(CircuitRefused, match=named) as caught:
        scan_rounds("".join(texts), limits)
    assert caught.value.code is code


def test_each_round_is_run_as_itself(device: Device) -> None:
    texts = [rotated(angle, 0.0) for angle in (0.0, math.pi, math.pi / 2, 0.7, 2.1)]
    counts, timings = simulate(device, request_of(texts, 2_000))
    assert set(timings) == {"scan", "transpile", "simulate"}
    for text, part in zip(texts, split(counts, 5, 2), strict=True):
        assert sum(part.values()) == 2_000
        assert total_variation_distance(part, ideal_distribution(load(text))) < 0.12


@pytest.mark.parametrize("shots_each", [500, 4_096])
def test_rounds_of_one_circuit_are_independent_and_repeat_with_the_seed(device: Device, shots_each: int) -> None:
    """4,096 shots a round are beyond what one call of Aer keeps apart."""
    texts = [rotated(1.0, 1.3)] * 6
    counts, _ = simulate(device, request_of(texts, shots_each))
    parts = split(counts, 6, 2)
    assert all(a != b for a, b in itertools.combinations(parts, 2))
    assert simulate(device, request_of(texts, shots_each))[0] == counts
    assert simulate(device, request_of(texts, shots_each, seed=4))[0] != counts


def test_rounds_that_run_shot_by_shot_share_no_randomness(device: Device) -> None:
    """A measurement in mid-circuit makes Aer seed every shot, and the next circuit of a call 2,113 seeds on."""
    text = rotated(1.1, 1.3).replace("cx q[0], q[1];", "c[0] = measure q[0];\ncx q[0], q[1];")
    distances = []
    for seed in range(6):
        parts = split(simulate(device, request_of([text] * 2, 8_192, seed))[0], 2, 2)
        distances.append(sum((parts[0][x] - parts[1][x]) ** 2 / (parts[0][x] + parts[1][x]) for x in range(4)))
    # Chi-square with three degrees of freedom; with 74 % of the shots in common its mean would be 0.8.
    assert 1.5 < sum(distances) / 6 < 6


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome_bits": 3}, RefusalCode.WidthMismatch),
        ({"qubits": 3}, RefusalCode.WidthMismatch),
        ({"shots": 31}, RefusalCode.ShotsInvalid),
        ({"shots": 65_537}, RefusalCode.ShotsInvalid),
    ],
)
def test_a_sweep_is_run_only_as_declared(device: Device, changes: dict[str, int], code: RefusalCode) -> None:
    texts = [rotated(angle, 0.2) for angle in (0.1, 0.2, 0.3)]
    with pytest.raises(CircuitRefused) as caught:
        simulate(device, request_of(texts, 10, **changes))
    assert caught.value.code is code


def test_memory_is_bounded_for_the_whole_sweep(device: Device) -> None:
    texts = [rotated(angle, 0.2) for angle in (0.1, 0.2, 0.3)]
    with pytest.raises(CircuitRefused) as caught:
        simulate(device, request_of(texts, 10, memory_limit_bytes=128))
    assert caught.value.code is RefusalCode.SimulationOutOfMemory
