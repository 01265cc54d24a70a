"""A stop of new work, replayed: twin of ``contracts/libraries/Pause.sol`` and of what asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.decision import Decision
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

DAY = 86_400
MAX_DAYS = 3


@dataclass
class Pause:
    """The pause that runs, or the last one.

    Attributes:
        ends_at: Unix seconds; no new work before. pausable_at: When the next can begin.
    """

    ends_at: int = 0
    pausable_at: int = 0

    def require_over(self, log: Transcript, what: str) -> None:
        """Hold new work, *what*, to be taken outside a pause."""
        if self.ends_at:
            log.hold(Rule.Pause, log.now >= self.ends_at, f"time of {what}", f"from {self.ends_at}", log.now)


def pause(suite: Suite, log: Transcript) -> None:
    """Replay ``pause``."""
    event = log.take("WorkPaused")
    ends_at, now = event["endsAt"], log.now
    due = now >= suite.pause.pausable_at
    log.hold(Rule.Pause, due, "begin of a pause", f"from {suite.pause.pausable_at}", now)
    ends = [(now // DAY + days) * DAY for days in range(1, MAX_DAYS + 1)]
    log.hold(Rule.Pause, ends_at in ends, "end of a pause", " or ".join(map(str, ends)), ends_at)
    suite.pause = Pause(ends_at, ends_at + MAX_DAYS * DAY)
    suite.record(log, "ComputationAllocator", Decision.WorkPaused, 0, (ends_at, event["reason"]))


def resume(suite: Suite, log: Transcript) -> None:
    """Replay ``resume``."""
    event = log.take("WorkResumed")
    suite.pause.ends_at = 0
    suite.record(log, "ComputationAllocator", Decision.WorkResumed, 0, (event["reason"],))
