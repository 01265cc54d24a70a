"""Challenges follow from seed and claim alone, and are computations like any other."""

import json
from dataclasses import replace

import pytest

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.benchmark import FULL, QUICK, Claim, Kind, challenge
from qcrs.quantum.benchmark.claim import MAX_VOLUME_LOG2
from qcrs.quantum.benchmark.suite import deep_halves
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.profile import LIMITS
from qcrs.quantum.program import depth_class
from qcrs.quantum.request import MAX_SHOTS
from qcrs.quantum.simulate import simulate
from qcrs.quantum.sweep import scan_rounds
from tests.mirror.suites import FROZEN, frozen


def claim_of(name, **changes):
    claim = Claim.of(Calibration.bundled(name))
    return replace(claim, facts=replace(claim.facts, **changes))


def test_same_seed_and_claim_give_the_same_challenge_and_others_another():
    claim = claim_of("oslo")
    suite = challenge(bytes(32), claim, QUICK)
    assert challenge(bytes(32), claim, QUICK).digest == suite.digest
    others = [
        challenge(b"\1" + bytes(31), claim, QUICK),
        challenge(bytes(32), claim, FULL),
        challenge(bytes(32), claim_of("oslo", quantum_volume_log2=4), QUICK),
        challenge(bytes(32), claim_of("jakarta"), QUICK),
    ]
    assert len({suite.digest, *(other.digest for other in others)}) == 5


def test_challenges_never_change():
    assert json.loads(FROZEN.read_text()) == frozen()


@pytest.mark.parametrize("name", ["oslo", "kolkata", "fez"])
def test_runs_are_within_what_any_computation_may_be(name):
    for run in challenge(bytes(32), claim_of(name), QUICK).runs:
        request = run.request(1)
        programs = scan_rounds(request.text)
        assert tuple(programs) == run.programs
        assert request.shots <= MAX_SHOTS
        assert request.shots % len(programs) == 0
        assert request.outcome_bits <= 240
        assert depth_class(programs) == request.depth_class <= 255


def test_widest_volume_and_widest_device_still_fit():
    suite = challenge(bytes(32), claim_of("fez", quantum_volume_log2=MAX_VOLUME_LOG2), FULL)
    volume = suite.runs[0]
    assert volume.kind is Kind.Volume
    assert len(volume.rounds) >= 100
    scan_rounds(volume.text)
    line = b"".join(low.to_bytes(2, "big") + (low + 1).to_bytes(2, "big") for low in range(LIMITS.qubits - 1))
    facts = replace(claim_of("fez").facts, qubits=LIMITS.qubits, coupling_map=line, two_qubit_error_ppm=0)
    for run in challenge(bytes(32), Claim(facts, (0, 1, 2, 3, 4)), QUICK).runs:
        scan_rounds(run.text)


def test_a_device_without_couplings_has_no_layers_of_pairs():
    facts = replace(claim_of("oslo").facts, qubits=1, quantum_volume_log2=0, coupling_map=b"")
    kinds = [run.kind for run in challenge(bytes(32), Claim(facts, (0,)), QUICK).runs]
    assert kinds == [Kind.Mirror, Kind.Layers, Kind.Lifetimes]


def test_deep_layers_are_deeper_the_better_the_claim():
    assert deep_halves(claim_of("marrakesh", qubits=156)) >= 3
    assert deep_halves(claim_of("oslo")) > deep_halves(claim_of("oslo", two_qubit_error_ppm=40_000)) == 3


def test_circuits_on_more_qubits_than_a_device_has_are_refused_by_it():
    run = challenge(bytes(32), claim_of("brisbane"), QUICK).runs[-1]
    with pytest.raises(CircuitRefused) as caught:
        simulate(Device(Calibration.bundled("kolkata")), run.request(1))
    assert caught.value.code is RefusalCode.TooManyQubits


def test_a_seed_has_32_bytes():
    with pytest.raises(ValueError, match="31 bytes"):
        challenge(bytes(31), claim_of("oslo"))
