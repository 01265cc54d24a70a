"""One entry of the audit trail, as it is told: what was decided about what, by whom, and where it stands."""

from dataclasses import dataclass
from typing import Any

from qcrs.model.decision import Decision
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS


@dataclass(frozen=True)
class Entry:
    """One entry of the audit trail.

    Attributes:
        words: What it decides. head: Of the hash chain after it. timestamp: Unix seconds.
    """

    index: int
    decision: Decision
    subject: int
    recorder: str
    digest: bytes
    head: bytes
    block: int
    timestamp: int
    words: str

    @property
    def computation(self) -> int | None:
        """The computation decided about, if one is."""
        return self.subject if self.decision in COMPUTATION_DECISIONS else None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as ``--json`` prints it."""
        return {
            "index": self.index,
            "decision": self.decision.name,
            "subject": self.subject,
            "words": self.words,
            "block": self.block,
            "timestamp": self.timestamp,
            "recorder": self.recorder,
            "digest": "0x" + self.digest.hex(),
            "head": "0x" + self.head.hex(),
        }
