"""What the log has said of channels and sessions that a later entry may bind."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from qcrs.model.channel import ChannelStatus
from qcrs.model.decision import Decision
from qcrs.rules.replay.transcript import LoggedEvent

# What the facts are called, in order; the first is the subject, which is told before them.
NAMES: Mapping[Decision, Sequence[str]] = {
    Decision.ChannelSettled: ("", "test", "end of the test", "tested pairs", "errors in Z", "errors in X"),
    Decision.ChannelEnded: ("", "test", "end of the channel", "silent, as bits"),
    Decision.SessionAborted: ("", "phase", "absent, as bits", "pay by member", "refund wei", "forfeit wei"),
    Decision.SessionsConcluded: ("", "verdict", "agreeing runs, as bits", "answer"),
}
SUBJECTS: Mapping[Decision, str] = {
    Decision.ChannelSettled: "channel",
    Decision.ChannelEnded: "channel",
    Decision.SessionAborted: "session",
    Decision.SessionsConcluded: "group of sessions",
}
ENUMS: Mapping[str, type[IntEnum]] = {"end of the test": ChannelStatus, "end of the channel": ChannelStatus}


class PastEntanglement:
    """The running test of each channel, the phase of each session, and how the last of each kind ended."""

    def __init__(self) -> None:
        self._attempts: dict[int, int] = {}
        self._phases: dict[int, int] = {}
        self._latest: dict[str, Mapping[str, Any]] = {}

    def learn(self, event: LoggedEvent) -> None:
        """Take in the next event."""
        self._latest[event.name] = event.arguments
        if event.name == "ChannelRequested":
            self._attempts[event["channel"]] = 1
        elif event.name == "ChannelRetested":
            self._attempts[event["channel"]] = event["attempt"]
        elif event.name == "SessionFormed":
            self._phases[event["session"]] = 0
        elif event.name == "BarrierPassed" and event["phaseEndsAt"]:  # past the last barrier the phase stays
            self._phases[event["session"]] = event["phase"]

    def facts(self, decision: Decision, subject: int) -> Sequence[Any]:
        """Return the facts of the entry that comes next.

        Raises:
            KeyError: The log has not said them.
        """
        if decision is Decision.ChannelSettled:
            told = self._latest["ChannelSettled"]
            names = ("attempt", "verdict", "tested", "errorsZ", "errorsX")
            return (subject, *(told[name] for name in names))
        if decision is Decision.ChannelEnded:
            told = self._latest["ChannelEnded"]
            return subject, self._attempts[subject], told["status"], told["silent"]
        if decision is Decision.SessionAborted:
            told = self._latest["SessionEnded"]
            money = told["pay"], told["refund"], told["forfeit"]
            return (subject, self._phases[subject], told["absent"], *money)
        told = self._latest["SessionsConcluded"]
        return subject, told["verdict"], told["agreeing"], told["answerDigest"]
