"""Whether settled gold rounds show that a processor has become worse: twin of ``contracts/libraries/Drift.sol``.

The contract is shown computations and adds up what it knows of them; here the events of the suite tell which to show.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.gold import RoundKind

MAX_COMPUTATIONS = 16
LEAST_ROUNDS = 8
PPM_PER_UNIT = 100  # gold fidelity is kept in 1e-4
# What ``GoldMemory`` learns from.
EVENTS = (
    "ComputationSubmitted", "ComputationAllocated", "RoundScored", "ComputationConcluded", "ComputationFailed",
    "AssignmentEnded", "CertificationTermsChanged", "CertificationRequested",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What ``recheck`` is to be shown of a processor.

    Attributes:
        computations: Ascending. indices: The processor's seat in each. rounds: Gold rounds in them.
        fidelity_ppm: Their mean, as the contract rounds it.
    """

    computations: tuple[int, ...]
    indices: tuple[int, ...]
    rounds: int
    fidelity_ppm: int


@dataclass
class _Tally:
    computation: int
    index: int
    rounds: int = 0
    fidelity: int = 0


class GoldMemory:
    """Gold rounds that were proven of each processor since its last benchmark began.

    Attributes:
        benchmarked_at: When that was, by processor, unix seconds.
    """

    def __init__(self) -> None:
        self.benchmarked_at: dict[int, int] = {}
        self._window_seconds = self._submitted = 0
        # The newest computation when each processor's last benchmark began.
        self._marks: dict[int, int] = {}
        self._drawn: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._unsettled: defaultdict[int, dict[int, _Tally]] = defaultdict(dict)
        self._tallies: defaultdict[int, list[_Tally]] = defaultdict(list)

    def learn(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Take in the next event; those that are not of ``EVENTS`` say nothing."""
        learn = _LEARNT.get(name)
        if learn is not None:
            learn(self, arguments)

    def shown(self, processor: int, drift_ppm: int) -> Shown | None:
        """Return what shows that *processor* has become worse than *drift_ppm* allows; None when nothing does.

        The newest computations count, whatever they say: the worst could be picked of any processor.
        """
        newest = sorted(self._tallies.get(processor, ()), key=lambda tally: tally.computation)[-MAX_COMPUTATIONS:]
        rounds = sum(tally.rounds for tally in newest)
        if rounds < LEAST_ROUNDS:
            return None
        total = sum(_quotient(tally.fidelity, tally.rounds) * tally.rounds for tally in newest)
        mean = _quotient(total * PPM_PER_UNIT, rounds)
        if mean >= drift_ppm:
            return None
        return Shown(tuple(t.computation for t in newest), tuple(t.index for t in newest), rounds, mean)

    def _submit(self, told: Mapping[str, Any]) -> None:
        self._submitted = max(self._submitted, told["computation"])

    def _draw(self, told: Mapping[str, Any]) -> None:
        for place, processor in enumerate(told["processors"]):
            self._drawn[told["computation"]][told["firstIndex"] + place] = processor

    def _score(self, told: Mapping[str, Any]) -> None:
        if told["kind"] != RoundKind.Gold:
            return
        id_, index = told["computation"], told["index"]
        tally = self._unsettled[id_].setdefault(index, _Tally(id_, index))
        tally.rounds += 1
        tally.fidelity += told["fidelity"]

    def _settle(self, told: Mapping[str, Any]) -> None:
        drawn = self._drawn.pop(told["computation"], {})
        for index, tally in self._unsettled.pop(told["computation"], {}).items():
            if tally.computation > self._marks.get(drawn[index], 0):
                self._tallies[drawn[index]].append(tally)

    def _fail(self, told: Mapping[str, Any]) -> None:
        self._drawn.pop(told["computation"], None)
        self._unsettled.pop(told["computation"], None)

    def _end(self, told: Mapping[str, Any]) -> None:
        if told["fate"] == AssignmentStatus.Vindicated:  # its golds were false
            seat = told["computation"], told["index"]
            kept = [t for t in self._tallies[told["processor"]] if (t.computation, t.index) != seat]
            self._tallies[told["processor"]] = kept

    def _change_terms(self, told: Mapping[str, Any]) -> None:
        self._window_seconds = told["terms"]["windowSeconds"]

    def _request(self, told: Mapping[str, Any]) -> None:
        processor = told["processor"]
        self.benchmarked_at[processor] = told["deadlineAt"] - self._window_seconds
        self._marks[processor] = self._submitted
        self._tallies.pop(processor, None)


def _quotient(a: int, b: int) -> int:
    """Return a / b rounded as Solidity does, towards zero."""
    return a // b if a >= 0 else -(-a // b)


_LEARNT = {
    "ComputationSubmitted": GoldMemory._submit,
    "ComputationAllocated": GoldMemory._draw,
    "RoundScored": GoldMemory._score,
    "ComputationConcluded": GoldMemory._settle,
    "ComputationFailed": GoldMemory._fail,
    "AssignmentEnded": GoldMemory._end,
    "CertificationTermsChanged": GoldMemory._change_terms,
    "CertificationRequested": GoldMemory._request,
}
