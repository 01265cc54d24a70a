"""What the chain cannot check: that the histogram behind each revealed root is there, and is what the sketch says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from qcrs.errors import QcrsError
from qcrs.model.finding import Finding, Level
from qcrs.model.story import Duty, Stories, Story
from qcrs.rules.histogram import HistogramInvalid
from qcrs.rules.replay import LoggedEvent
from qcrs.sdk.result import HistogramUnavailable, replica_counts
from qcrs.store import ContentMismatch, ContentUnavailable, Store

RETRY_SECONDS = 30.0
MOST_TRIES = 20  # then it counts as missing for good


class Reason(StrEnum):
    """What is wrong with a revealed histogram."""

    Missing = "missing"  # the store has not got it; it may come
    Content = "content"  # what the store keeps under the root is another histogram
    Shots = "shots"  # the histogram behind the root has another width or number of shots
    Sketch = "sketch"  # the histogram behind the root has another sketch than the one revealed


# Prepares what can be done about it, given computation, seat and reason; never called for what is only missing.
Evidence = Callable[[int, int, Reason], Awaitable[None]]


@dataclass
class _Due:
    """A reveal still to be held to its histogram.

    Attributes:
        story: As of the reveal: a later round has another seed.
    """

    story: Story
    duty: Duty
    tries: int = 0
    again_at: float = 0.0

    @property
    def key(self) -> tuple[int, int, bytes, bytes]:
        # An escalated computation's replicas reveal the same root again, with the sketch of another seed.
        return self.story.computation, self.duty.index, self.duty.counts_root, self.story.seed or b""


class Inspection:
    """Holds every reveal of a settled computation to its histogram, once.

    Args:
        tell: Told what is found. evidence: See there.

    Attributes:
        done: Histograms that were held to root, shots and sketch. alarms: What contradicts them, in words.
    """

    def __init__(self, store: Store, tell: Callable[[Finding], None], evidence: Evidence | None = None) -> None:
        self._store, self._tell, self._evidence = store, tell, evidence
        self._seen: set[tuple[int, int, bytes, bytes]] = set()
        self.done = 0
        self.alarms: list[str] = []
        self.restart()

    def restart(self) -> None:
        """Forget the chain's history, which will be told again; what was inspected need not be once more."""
        self._stories = Stories()
        self._revealed: dict[int, list[_Due]] = {}
        self._due: list[_Due] = []

    @property
    def missing(self) -> int:
        """How many histograms the store has not got."""
        return sum(due.tries > 0 for due in self._due)

    def learn(self, event: LoggedEvent) -> None:
        """Take in the next event of the chain."""
        story = self._stories.apply(event.name, event.arguments, event.block)
        if story is None:
            return
        if event.name == "ResultRevealed":
            duty = story.duties[event["index"]]
            self._revealed.setdefault(story.computation, []).append(_Due(replace(story), replace(duty)))
        elif event.name == "ComputationSettled":
            revealed = self._revealed.pop(story.computation, [])
            self._due += [due for due in revealed if due.key not in self._seen]
        if story.ended:
            self._stories.by_id.pop(story.computation)
            self._revealed.pop(story.computation, None)

    async def inspect(self, block: int) -> None:
        """Inspect what is due.

        Args:
            block: As of which it is due; findings say so.
        """
        now, waiting = time.monotonic(), []
        due, self._due = self._due, []
        for one in due:
            if now < one.again_at or one.tries >= MOST_TRIES:
                waiting.append(one)
                continue
            found = await asyncio.to_thread(_contradiction, one, self._store)
            if found is None:
                self._pass(one, block)
            elif found[0] is Reason.Missing:
                self._wait(one, found[1], block, now)
                waiting.append(one)
            else:
                await self._raise(one, *found, block)
        self._due = waiting + self._due

    def _pass(self, one: _Due, block: int) -> None:
        self._seen.add(one.key)
        self.done += 1
        if one.tries:
            self._say(Level.Note, one, f"{_where(one)}: the histogram has come", block)

    def _wait(self, one: _Due, text: str, block: int, now: float) -> None:
        if one.tries == 0:
            self._say(Level.Warning, one, text, block)
        one.tries += 1
        one.again_at = now + RETRY_SECONDS

    async def _raise(self, one: _Due, reason: Reason, text: str, block: int) -> None:
        self._seen.add(one.key)
        self.alarms.append(text)
        self._say(Level.Alarm, one, text, block)
        if self._evidence is None:
            return
        try:
            await self._evidence(one.story.computation, one.duty.index, reason)
        except (QcrsError, OSError) as error:
            self._say(Level.Warning, one, f"{_where(one)}: no evidence was prepared: {error}", block)

    def _say(self, level: Level, one: _Due, text: str, block: int) -> None:
        self._tell(Finding(level, "histogram", text, block, one.story.computation, one.duty.index))


def _contradiction(due: _Due, store: Store) -> tuple[Reason, str] | None:
    """Return what is wrong with a revealed histogram, and in words, or None."""
    try:
        replica_counts(due.story, due.duty, store)
    except HistogramUnavailable as error:
        causes = {ContentUnavailable: Reason.Missing, ContentMismatch: Reason.Content, HistogramInvalid: Reason.Shots}
        return causes.get(type(error.__cause__), Reason.Sketch), str(error)
    return None


def _where(due: _Due) -> str:
    return f"computation {due.story.computation}, processor {due.duty.processor}"
