import json
from pathlib import Path

import pytest

from qcrs.quantum.calibration import Calibration, bundled_names, bundled_path
from qcrs.quantum.capability import capability_of, noise_class_of
from qcrs.quantum.errors import CalibrationInvalid

LINE = {
    "schemaVersion": 1,
    "name": "line",
    "source": "made for this test",
    "measuredAt": "2024-01-01T00:00:00Z",
    "quantumVolumeLog2": 0,
    "virtualGates": ["rz"],
    "qubits": [
        {
            "t1Nanoseconds": 100_000,
            "t2Nanoseconds": 90_000,
            "readOneAsZeroPpm": 20_000,
            "readZeroAsOnePpm": 0,
            "readoutNanoseconds": 500,
        }
    ]
    * 3,
    "gates": [
        {"name": "cx", "qubits": [0, 1], "errorPpb": 10_000_000, "durationNanoseconds": 300},
        {"name": "cx", "qubits": [1, 0], "errorPpb": 20_000_000, "durationNanoseconds": 300},
        {"name": "cx", "qubits": [2, 1], "errorPpb": 30_000_000, "durationNanoseconds": 300},
    ],
}


def written(path: Path, **changes: object) -> Path:
    file = path / "calibration.json"
    file.write_text(json.dumps(LINE | changes))
    return file


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_snapshot_is_a_usable_device(name: str) -> None:
    calibration = Calibration.bundled(name)
    facts = capability_of(calibration)
    assert calibration.name == name
    assert "qiskit-ibm-runtime" in calibration.source
    assert facts.qubits >= 5
    assert 0 < facts.two_qubit_error_ppm < 50_000
    assert 0 < facts.readout_error_ppm < 50_000
    assert 800_000 < facts.layer_fidelity_ppm < 1_000_000
    # A gate lasts nanoseconds and a qubit microseconds: one wrong unit shows here.
    assert all(10 <= gate.duration_nanoseconds < 3_000 for gate in calibration.gates)
    assert facts.t1_nanoseconds > 30_000
    assert facts.coupling_map


def test_one_class_is_large_enough_for_committees() -> None:
    classes = [capability_of(Calibration.bundled(name)).noise_class for name in bundled_names()]
    assert len(classes) >= 12
    assert max(classes.count(noise_class) for noise_class in classes) >= 8


def test_capability_takes_the_best_direction_and_the_whole_chain(tmp_path: Path) -> None:
    facts = capability_of(Calibration.read(written(tmp_path)))
    assert facts.coupling_map == bytes((0, 0, 0, 1, 0, 1, 0, 2))
    assert facts.two_qubit_error_ppm == 10_000
    assert facts.readout_error_ppm == 10_000
    assert facts.layer_fidelity_ppm == round(1e6 * 0.99 * 0.97 * 0.99**3)
    assert facts.measured_at == 1_704_067_200


def test_noise_classes_are_bands_from_the_best() -> None:
    assert [noise_class_of(ppm) for ppm in (990_000, 965_000, 964_999, 880_000, 0)] == [
        1,
        1,
        2,
        3,
        4,
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"schemaVersion": 2},
        {"qubits": []},
        {"qubits": [LINE["qubits"][0] | {"t1Nanoseconds": None}] * 3},
        {"gates": [LINE["gates"][0]] * 2},
        {"gates": [LINE["gates"][0] | {"qubits": [0, 7]}]},
        {"gates": [LINE["gates"][0] | {"qubits": [1, 1]}]},
        {"gates": [LINE["gates"][0] | {"errorPpb": -1}]},
        {"gates": [LINE["gates"][0] | {"errorPpb": 0.5}]},
    ],
)
def test_calibration_refuses_what_is_no_device(tmp_path: Path, changes: dict) -> None:
    with pytest.raises(CalibrationInvalid):
        Calibration.read(written(tmp_path, **changes))


def test_calibration_refuses_missing_and_malformed_files(tmp_path: Path) -> None:
    with pytest.raises(CalibrationInvalid):
        Calibration.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    with pytest.raises(CalibrationInvalid):
        Calibration.read(tmp_path / "bad.json")
    with pytest.raises(CalibrationInvalid):
        bundled_path("../secrets")


def test_a_qubit_without_t1_is_left_out(tmp_path: Path) -> None:
    broken = LINE["qubits"][0] | {"t1Nanoseconds": None}
    path = written(tmp_path, qubits=[LINE["qubits"][0]] * 2 + [broken], gates=LINE["gates"][:2])
    calibration = Calibration.read(path)
    assert [qubit.operational for qubit in calibration.qubits] == [True, True, False]
    assert capability_of(calibration).qubits == 3
