"""The examination: a replay of the whole log, then of what the chain must say at the end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from qcrs.rules.replay.calls import call_of
from qcrs.rules.replay.claims import Claim, claims_of, difference
from qcrs.rules.replay.findings import Fault, Report
from qcrs.rules.replay.suite import Constants, Suite
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS
from qcrs.rules.replay.transcript import Contradiction, LoggedEvent, Rule, Transcript, show

# Contracts whose coin must cover what their events make them owe, and what it is called.
COIN_HOLDERS: Mapping[str, str] = {
    "ComputationAllocator": "coin that the escrow holds",
    "Reservations": "coin that is held for reservations",
    "Certifications": "coin that is held for benchmarks",
    "Channels": "coin that is held for links and channels",
    "EntanglementCoordinator": "coin that is held for sessions",
}


class Examination:
    """A replay of the suite from its events alone.

    ``run``, then hold every one of ``claims()`` to what the chain says, and the contracts' coin;
    then ``report``. Later ``extend`` it by the blocks that followed, and do so again.
    """

    def __init__(self, events: Iterable[LoggedEvent], constants: Constants) -> None:
        self.suite = Suite(constants)
        self._log = Transcript(events)
        self._fault: Fault | None = None
        self._surplus = 0

    @property
    def fault(self) -> Fault | None:
        """The first fault so far."""
        return self._fault

    def extend(self, events: Iterable[LoggedEvent]) -> None:
        """Take in the events of the blocks that followed, whole blocks at a time; ``run`` replays them.

        Of their times, those that ``timed_blocks`` names for these events alone are read.
        """
        self._log.extend(events)

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Replay every event not replayed yet, or up to the first that does not follow; after a fault, nothing.

        Args:
            progress: Told before each call how many events are done, of how many.
        """
        log, total = self._log, len(self._log.events)
        if self._fault is not None:
            return
        try:
            while (head := log.begin()) is not None:
                progress(log.start, total)
                call_of(head)(self.suite, log)
            _ = self.suite.book.policy  # a log without even this cannot be of the suite
        except Contradiction as contradiction:
            self._fault = self._located(contradiction)

    def claims(self) -> Iterator[Claim]:
        """Yield what the chain must answer now, the most telling first."""
        return claims_of(self.suite)

    def hold(self, claim: Claim, actual: Any) -> None:
        """Hold the chain's answer to a claim; only the first that fails is kept."""
        self._log.checks[claim.rule] += 1
        departs = difference(claim.expected, actual)
        if self._fault is None and departs is not None:
            where, expected, found = departs
            what = f"{claim.function}({', '.join(map(show, claim.arguments))}){where}"
            entry = self._entry_of(claim, actual)
            self._fault = Fault(claim.rule, what, show(expected), show(found), entry, claim.computation)

    def hold_coin(self, coin: Mapping[str, int]) -> None:
        """Hold the *coin* of each of ``COIN_HOLDERS``, in wei, to cover what it owes."""
        owed = {
            "ComputationAllocator": self.suite.book.owed(),
            "Reservations": self.suite.reservations.held(),
            "Certifications": self.suite.certifications.held(),
            "Channels": self.suite.channels.held(),
            "EntanglementCoordinator": self.suite.sessions.held(),
        }
        self._surplus = 0
        for contract, what in COIN_HOLDERS.items():
            self._log.checks[Rule.Books] += 1
            if self._fault is None and coin[contract] < owed[contract]:
                self._fault = Fault(Rule.Books, what, f"{owed[contract]} or more", str(coin[contract]))
            self._surplus += max(0, coin[contract] - owed[contract])

    def report(self) -> Report:
        """Return what was found."""
        return Report(
            entries=self.suite.trail.size,
            computations=len(self.suite.computations),
            events=len(self._log.events),
            checks={rule.value: self._log.checks[rule] for rule in Rule if self._log.checks[rule]},
            fault=self._fault,
            surplus=self._surplus,
        )

    def _entry_of(self, claim: Claim, actual: Any) -> int | None:
        """Return the entry that a failed claim points to, as far as it can be told."""
        if claim.function == "head" and actual[1] != self.suite.trail.size:
            return min(actual[1], self.suite.trail.size)
        if claim.computation is None:
            return None
        return next(reversed([e["index"] for e in self._entries(claim.computation)]), None)

    def _located(self, contradiction: Contradiction) -> Fault:
        """Return the fault with the entry that rests on it.

        That is the next about the computation, or the next at all when it is about none.
        """
        log = self._log
        head = log.peek() if log.start >= len(log.events) else log.events[log.start]
        computation = log.subject
        if head is not None and head.name == "EntryAppended" and head["decision"] in COMPUTATION_DECISIONS:
            computation = head["subject"]
        entry = contradiction.entry
        if entry is None:
            entry = next((e["index"] for e in self._entries(computation, log.start)), None)
        return Fault(
            contradiction.rule,
            contradiction.what,
            contradiction.expected,
            contradiction.actual,
            entry,
            computation,
            None if head is None else head.block,
        )

    def _entries(self, computation: int | None, start: int = 0) -> Iterator[LoggedEvent]:
        for event in self._log.events[start:]:
            if event.name == "EntryAppended" and (
                computation is None or (event["decision"] in COMPUTATION_DECISIONS and event["subject"] == computation)
            ):
                yield event
