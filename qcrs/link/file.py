"""The link file: what a link is and allows, as its operator declares it; its digest is the descriptor on chain."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError

from qcrs.link.errors import LinkFileInvalid
from qcrs.model.records import Record
from qcrs.quantum.entanglement.pairs import Equipment, Fibre, PairSource
from qcrs.quantum.entanglement.request import EngineLimits
from qcrs.rules.digest import keccak

LABEL = "link=emulated"


class ServiceLimits(Record):
    """Bounds of what one processor may ask of the service.

    Attributes:
        connections: In all. requests: Of one connection that wait for an answer at once. frame_mebibytes: Of a message.
        token_seconds: How long a login is good. wait_seconds: How long anybody may wait for others. held: Sessions,
            tests and messages of one processor that are kept at once, of each kind. keep_seconds: For how long.
    """

    connections: Annotated[int, Field(ge=1, le=10_000)] = 256
    requests: Annotated[int, Field(ge=1, le=1_000)] = 64
    frame_mebibytes: Annotated[int, Field(ge=1, le=256)] = 32
    token_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    wait_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    held: Annotated[int, Field(ge=1, le=100_000)] = 256
    keep_seconds: Annotated[float, Field(gt=0)] = 3600.0


class LinkFile(Record):
    """A link.

    Attributes:
        operator: Address of the account that opened the link on chain. members: Processors that it serves; all when
            empty. equipment: Test equipment; nothing of it is on unless the file says so.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    operator: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
    source: PairSource
    equipment: Equipment = Equipment()
    members: tuple[Annotated[int, Field(ge=1, lt=2**32)], ...] = ()
    engine: EngineLimits = EngineLimits()
    service: ServiceLimits = ServiceLimits()

    @property
    def fibre(self) -> Fibre:
        """Where pairs come from."""
        return Fibre(source=self.source, equipment=self.equipment)

    @property
    def label(self) -> str:
        """What everything that the link gives is marked with."""
        return f"{LABEL}, test equipment: {self.equipment.label}" if self.equipment.label else LABEL

    def descriptor(self) -> bytes:
        """Return the canonical document, which the content store keeps; it says that the link is emulated.

        How much the service takes at once is not in it: that may change while the link is open.
        """
        fields = {"label": self.label, **self.model_dump(mode="json", by_alias=True, exclude={"engine", "service"})}
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> bytes:
        """Keccak-256 of ``descriptor``."""
        return keccak(self.descriptor())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a link file, TOML or, by its suffix, JSON; names in snake_case or as in the descriptor.

        Raises:
            LinkFileInvalid: It is missing or wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
            return cls.model_validate(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
        except FileNotFoundError as error:
            raise LinkFileInvalid(f"no link file at {path}; make one with 'qcrs link init'") from error
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise LinkFileInvalid(f"{path}: {problems}") from error
        except (OSError, ValueError) as error:
            raise LinkFileInvalid(f"{path} is not a link file: {error}") from error

    def write(self, path: Path) -> None:
        """Write the file as TOML; what is as by default is left out.

        Raises:
            LinkFileInvalid: There is one already.
        """
        lines = ["# A link between processors, emulated: see 'qcrs link start --help'."]
        fields = self.model_dump(mode="json", exclude_defaults=True)
        tables = {name: value for name, value in fields.items() if isinstance(value, dict)}
        lines += [f"{name} = {json.dumps(value)}" for name, value in fields.items() if name not in tables]
        for name, table in tables.items():
            lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        except FileExistsError as error:
            raise LinkFileInvalid(f"{path} is there already; it is not overwritten") from error
