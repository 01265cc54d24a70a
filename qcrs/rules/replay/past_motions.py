"""What the log has said of motions, as far as entries bind it: digests, and who voted how."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.rules.replay.transcript import LoggedEvent

MOTION_DECISIONS = frozenset({Decision.MotionCarried, Decision.MotionExecuted, Decision.MotionEnded})
ENDS: Mapping[str, MotionStatus] = {
    "MotionRejected": MotionStatus.Rejected,
    "MotionLapsed": MotionStatus.Lapsed,
    "MotionWithdrawn": MotionStatus.Withdrawn,
}


class PastMotions:
    """Motions by body and id, and what happened to one last."""

    def __init__(self) -> None:
        self._members: dict[str, list[str]] = {}
        self._digests: dict[tuple[str, int], bytes] = {}
        self._ballots: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        self._last: LoggedEvent | None = None

    def learn(self, event: LoggedEvent) -> None:
        """Remember what *event* says."""
        if event.name == "BodyComposed":
            self._members[event.contract] = event["members"]
        elif event.name == "MotionProposed":
            self._digests[event.contract, event["motion"]] = event["digest"]
        elif event.name == "MotionVoted":
            seat = self._members[event.contract].index(event["member"])
            self._ballots[event.contract, event["motion"]][not event["inFavour"]] |= 1 << seat
        elif event.name in ENDS or event.name in ("MotionCarried", "MotionExecuted"):
            self._last = event

    def facts(self, decision: Decision) -> Sequence[Any] | None:
        """Return the facts of an entry about what happened last, or None when nothing says them."""
        event = self._last
        if event is None:
            return None
        key = event.contract, event["motion"]
        known = (event["motion"], self._digests[key])
        if decision is Decision.MotionExecuted:
            return known
        if decision is Decision.MotionEnded:
            return (*known, ENDS[event.name])
        return (*known, *self._ballots[key], event["executableAt"], event["lapsesAt"])
