"""A processor's calibration: the numbers that its target, its noise and its claims come from.

The file is JSON with the field names below in camelCase. Rates are integers in parts per million
or billion and times are nanoseconds, as on chain, so that a file has one digest and no rounding.
Bundled files are snapshots of real devices, exported once by ``scripts/export_calibrations.py``.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from qcrs.quantum.errors import CalibrationInvalid

MAX_FILE_BYTES = 4 << 20
_BUNDLED = Path(__file__).parent / "calibrations"

Nanoseconds = Annotated[int, Field(ge=0, le=10**12)]
Ppm = Annotated[int, Field(ge=0, le=10**6)]
Ppb = Annotated[int, Field(ge=0, le=10**9)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, strict=True)


class QubitCalibration(_Record):
    """One qubit.

    Attributes:
        t1_nanoseconds: Relaxation time; None when the device published none, and then no gate or
            measurement of this qubit is offered.
        t2_nanoseconds: Dephasing time; read as at most twice T1, the physical bound.
        read_one_as_zero_ppm: Probability to read 0 from a qubit prepared in 1.
        read_zero_as_one_ppm: Probability to read 1 from a qubit prepared in 0.
    """

    t1_nanoseconds: Nanoseconds | None
    t2_nanoseconds: Nanoseconds | None
    read_one_as_zero_ppm: Ppm
    read_zero_as_one_ppm: Ppm
    readout_nanoseconds: Nanoseconds

    @property
    def operational(self) -> bool:
        """Whether the qubit can be described, and so used."""
        return bool(self.t1_nanoseconds and self.t2_nanoseconds)

    @property
    def readout_error_ppm(self) -> int:
        """Assignment error, averaged over both prepared states."""
        return (self.read_one_as_zero_ppm + self.read_zero_as_one_ppm) // 2


class GateCalibration(_Record):
    """One physical gate on one qubit or one directed pair."""

    name: str = Field(pattern=r"^[a-z]{1,16}$")
    qubits: tuple[int, ...] = Field(min_length=1, max_length=2, strict=False)
    error_ppb: Ppb
    duration_nanoseconds: Nanoseconds


class Calibration(_Record):
    """A device at one moment.

    Attributes:
        source: Where the numbers come from.
        quantum_volume_log2: As published for the device; 0 when it was not.
        virtual_gates: Gates done by bookkeeping: no error, no time, on every qubit.
        gates: Every physical gate the device offers; a pair that is absent is not connected.
    """

    schema_version: Literal[1]
    name: str = Field(min_length=1, max_length=64)
    source: str = Field(max_length=256)
    measured_at: datetime = Field(strict=False)
    quantum_volume_log2: int = Field(ge=0, le=255)
    virtual_gates: tuple[str, ...] = Field(strict=False)
    qubits: tuple[QubitCalibration, ...] = Field(min_length=1, max_length=4096, strict=False)
    gates: tuple[GateCalibration, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if not any(qubit.operational for qubit in self.qubits):
            raise ValueError("no qubit has both T1 and T2")
        seen = set()
        for gate in self.gates:
            key = (gate.name, gate.qubits)
            if key in seen or len(set(gate.qubits)) != len(gate.qubits):
                raise ValueError(f"gate {key} is repeated, or acts twice on a qubit")
            if not all(0 <= qubit < len(self.qubits) for qubit in gate.qubits):
                raise ValueError(f"gate {key} acts outside {len(self.qubits)} qubits")
            if not all(self.qubits[qubit].operational for qubit in gate.qubits):
                raise ValueError(f"gate {key} acts on a qubit without T1 and T2")
            seen.add(key)
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a calibration file.

        Raises:
            CalibrationInvalid: the file is missing, too large, or not a calibration.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            return cls.parse(content)
        except (OSError, ValueError, CalibrationInvalid) as error:
            raise CalibrationInvalid(f"calibration {path}: {error}") from error

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read the *content* of a calibration file.

        Raises:
            CalibrationInvalid: it is too large, or not a calibration.
        """
        if len(content) > MAX_FILE_BYTES:
            raise CalibrationInvalid(f"expected at most {MAX_FILE_BYTES} bytes")
        try:
            return cls.model_validate_json(content)
        except ValueError as error:
            raise CalibrationInvalid(str(error)) from error

    def edges(self) -> dict[tuple[int, int], GateCalibration]:
        """Return the best two-qubit gate of each connected pair, lower qubit first."""
        best: dict[tuple[int, int], GateCalibration] = {}
        for gate in self.gates:
            if len(gate.qubits) == 2:
                pair = (min(gate.qubits), max(gate.qubits))
                if pair not in best or gate.error_ppb < best[pair].error_ppb:
                    best[pair] = gate
        return best

    @classmethod
    def bundled(cls, name: str) -> Self:
        """Read the snapshot called *name* that ships with QCRS."""
        return cls.read(bundled_path(name))


def bundled_names() -> list[str]:
    """Return the names of the snapshots that ship with QCRS, sorted."""
    return sorted(path.stem for path in _BUNDLED.glob("*.json"))


def bundled_path(name: str) -> Path:
    """Return the file of the snapshot called *name*."""
    if name not in bundled_names():
        raise CalibrationInvalid(f"calibration {name}: expected one of {bundled_names()}")
    return _BUNDLED / f"{name}.json"
