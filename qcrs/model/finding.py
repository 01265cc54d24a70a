"""What somebody who watches the chain has to say: to people, to a daemon's state file, to programs."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is."""

    Alarm = "alarm"  # something does not follow: somebody lies, or the software is wrong
    Warning = "warning"  # something could not be seen, and may be all right
    Note = "note"


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: What was looked at: ``replay``, ``histogram``, ``chain``. text: What was found, in one line.
        block: Seen as of this block, when it was one. computation, seat: What it is about, if about that.
        entry: The first audit entry that rests on it, when one does and it can be told.
    """

    level: Level
    kind: str
    text: str
    block: int | None = None
    computation: int | None = None
    seat: int | None = None
    entry: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as ``--json`` prints it, without what it is not about."""
        value = {key: item for key, item in asdict(self).items() if item is not None}
        return {"event": value.pop("level").value, **value}

    def __str__(self) -> str:
        return f"{self.level.upper()}: {self.text}" if self.level is Level.Alarm else f"{self.level}: {self.text}"


@dataclass(frozen=True)
class Standing:
    """How things stand as of one block.

    Attributes:
        block: Followed up to here. entries, computations: Replayed, whether they hold or not.
        histograms: Held to their roots, shots and sketches. missing: Histograms that the store has not got.
        alarms: What is wrong, the first first; nothing else follows from what is wrong in the replay.
    """

    block: int = -1
    entries: int = 0
    computations: int = 0
    histograms: int = 0
    missing: int = 0
    alarms: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``alarm`` or ``holds``."""
        return "alarm" if self.alarms else "holds"

    def to_json(self) -> dict[str, Any]:
        """Return the standing as ``--json`` prints it."""
        return {"status": self.status, **{key: value for key, value in asdict(self).items() if key != "alarms"},
                "alarms": list(self.alarms)}  # fmt: skip
