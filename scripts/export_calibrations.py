"""Exports real device snapshots into ``qcrs/quantum/calibrations``. Run by hand, not by QCRS.

The snapshots are those that qiskit-ibm-runtime ships for its fake backends: published properties
of IBM devices on the date each one carries. That package is not a dependency of QCRS; install it
in an environment of its own, next to QCRS, and run

    python scripts/export_calibrations.py            # every device named below
    python scripts/export_calibrations.py kolkata    # only these

Numbers are rounded to integers (ppb, ppm, nanoseconds) and nothing is invented: a gate marked
broken (error 1) is left out, and so is every gate of a qubit that published no T1 or T2.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import qiskit_ibm_runtime.fake_provider as fake_provider

from qcrs.quantum.calibration import Calibration

_DEVICES = """
    algiers auckland brisbane casablanca fez geneva guadalupe hanoi jakarta kawasaki kolkata kyiv
    marrakesh montreal mumbai oslo paris peekskill perth prague quebec sherbrooke sydney torino
"""
VIRTUAL = ("rz",)
PHYSICAL = ("sx", "x", "cx", "ecr", "cz")
BACKENDS = Path(fake_provider.__file__).parent / "backends"
DESTINATION = Path(__file__).parents[1] / "qcrs" / "quantum" / "calibrations"
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "µs": 10**6, "ns": 10**9}


def export(device: str) -> Calibration:
    """Return the snapshot of *device* as a calibration."""
    configuration = _load(device, "conf")
    properties = _load(device, "props")
    qubits = [_qubit(values) for values in properties["qubits"]]
    usable = {index for index, qubit in enumerate(qubits) if qubit["t1Nanoseconds"]}
    usable &= {index for index, qubit in enumerate(qubits) if qubit["t2Nanoseconds"]}
    volume = configuration.get("quantum_volume") or 1
    return Calibration.model_validate(
        {
            "schemaVersion": 1,
            "name": device,
            "source": f"qiskit-ibm-runtime {version('qiskit-ibm-runtime')}, fake_{device} "
            f"({properties['backend_name']})",
            "measuredAt": properties["last_update_date"],
            "quantumVolumeLog2": volume.bit_length() - 1,
            "virtualGates": VIRTUAL,
            "qubits": qubits,
            "gates": sorted(_gates(properties, usable), key=lambda gate: _order(gate)),
        }
    )


def write(calibration: Calibration) -> Path:
    """Write *calibration* with one qubit or gate a line, and return the file."""
    document = calibration.model_dump(mode="json", by_alias=True)
    parts = []
    for key, value in document.items():
        if key in ("qubits", "gates"):
            rows = ",\n".join(f"    {json.dumps(row)}" for row in value)
            parts.append(f'  "{key}": [\n{rows}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    path = DESTINATION / f"{calibration.name}.json"
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


def _load(device: str, kind: str) -> dict:
    path = BACKENDS / device / f"{kind}_{device}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _order(gate: dict) -> tuple:
    return len(gate["qubits"]), gate["qubits"], gate["name"]


def _qubit(values: list[dict]) -> dict:
    by_name = {value["name"]: value for value in values}
    error = by_name["readout_error"]["value"]
    one_as_zero = by_name.get("prob_meas0_prep1", {}).get("value", error)
    zero_as_one = by_name.get("prob_meas1_prep0", {}).get("value", error)
    return {
        "t1Nanoseconds": _nanoseconds(by_name.get("T1")),
        "t2Nanoseconds": _nanoseconds(by_name.get("T2")),
        "readOneAsZeroPpm": round(one_as_zero * 10**6),
        "readZeroAsOnePpm": round(zero_as_one * 10**6),
        "readoutNanoseconds": _nanoseconds(by_name.get("readout_length")) or 0,
    }


def _gates(properties: dict, usable: set[int]) -> list[dict]:
    gates = []
    for gate in properties["gates"]:
        values = {value["name"]: value for value in gate["parameters"]}
        error = values.get("gate_error", {}).get("value")
        if gate["gate"] not in PHYSICAL or not usable.issuperset(gate["qubits"]):
            continue
        if error is None or error >= 1:
            continue
        gates.append(
            {
                "name": gate["gate"],
                "qubits": gate["qubits"],
                "errorPpb": round(error * 10**9),
                "durationNanoseconds": _nanoseconds(values["gate_length"]),
            }
        )
    return gates


def _nanoseconds(value: dict | None) -> int | None:
    if value is None or not value["value"]:
        return None
    return round(value["value"] * 10**9 / _PER_SECOND[value["unit"]])


if __name__ == "__main__":
    for name in sys.argv[1:] or _DEVICES.split():
        print(write(export(name)))
