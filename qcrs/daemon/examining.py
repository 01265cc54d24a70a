"""What a daemon owes to benchmarks: pure decisions, as in ``qcrs.daemon.duties``.

A daemon answers for its own processor, scores others as a certifier, and keeps: draws, deadlines, epochs, surprises and
drift.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

from qcrs.model.certification import CertificationStatus
from qcrs.model.records import Certification, CertificationTerms
from qcrs.rules.certifying import is_surprised
from qcrs.rules.drift import Shown

# Keepers act in turn, so that few transactions collide.
TURN_SECONDS = 3.0
_S = CertificationStatus


class Step(Enum):
    """What can be due."""

    Answer = "answer"
    RevealSalt = "revealSalt"
    CommitScores = "commitScores"
    RevealScores = "revealScores"
    Convene = "convene"
    Enforce = "enforce"
    OpenEpoch = "openEpoch"
    Surprise = "surprise"
    Recheck = "recheck"
    Suspend = "suspendByRule"


@dataclass(frozen=True)
class Trial:
    """A certification that is open, and who sits on it."""

    id: int
    record: Certification
    seats: tuple[int, ...]


@dataclass(frozen=True)
class Due:
    """A step that is due.

    Attributes:
        subject: Certification; the processor of a surprise, a recheck or a suspension; the epoch to open.
        round: Of the certification; the epoch of a surprise or a recheck. seat: Of the certification.
    """

    step: Step
    subject: int
    round: int = 0
    seat: int = 0


@dataclass(frozen=True)
class Drifted:
    """A processor whose gold rounds show that it has become worse.

    Attributes:
        benchmarked_at: When its last benchmark began, 0 before the first; *since* when it is known, by the same clock.
    """

    shown: Shown
    benchmarked_at: float
    since: float


@dataclass(frozen=True)
class View:
    """What a daemon knows of benchmarks.

    Attributes:
        rank: Its place among keepers, from 0.
        epoch_entropy: What the running epoch draws by; None when it is not opened.
        surprisable: Certified processors that have no benchmark open and enough in reserve for one.
        unfit: Certified processors whose conduct suspends them.
        drifted: Of the surprisable ones, those that have become worse.
        keeper: Whether to act for others.
    """

    processor: int
    rank: int
    now: float
    terms: CertificationTerms
    trials: Collection[Trial]
    epoch_entropy: bytes | None
    surprisable: Collection[int] = ()
    unfit: Collection[int] = ()
    drifted: Mapping[int, Drifted] = field(default_factory=dict)
    keeper: bool = True

    @property
    def epoch(self) -> int:
        """The running epoch."""
        return int(self.now) // self.terms.cadence_seconds


def decide(view: View) -> list[Due]:
    """Return what is due now, the daemon's own duties first."""
    steps = [due for trial in view.trials for due in _own(trial, view)]
    if view.keeper:
        steps += [due for trial in view.trials for due in _kept(trial, view)]
        steps += [Due(Step.Suspend, processor) for processor in view.unfit]
        steps += _watched(view)
        steps += _worse(view)
    return steps


def _own(trial: Trial, view: View) -> list[Due]:
    record = trial.record
    if view.now > record.deadline_at:
        return []
    if record.status is _S.Challenged and record.processor == view.processor:
        return [Due(Step.Answer, trial.id, record.round)]
    step = {
        _S.Convened: Step.RevealSalt,
        _S.Answered: Step.CommitScores,
        _S.Scoring: Step.RevealScores,
    }.get(record.status)
    if step is None or view.processor not in trial.seats:
        return []
    seat = trial.seats.index(view.processor)
    return [] if record.done >> seat & 1 else [Due(step, trial.id, record.round, seat)]


def _kept(trial: Trial, view: View) -> list[Due]:
    record, turn = trial.record, TURN_SECONDS * view.rank
    if record.status is not _S.Requested:
        return [Due(Step.Enforce, trial.id, record.round)] if view.now > record.deadline_at + turn else []
    if view.now > record.deadline_at + view.terms.window_seconds + turn:
        return [Due(Step.Enforce, trial.id, record.round)]
    # Whether the beacon has turned, a simulation says.
    begun = view.now - (record.deadline_at - view.terms.window_seconds)
    return [Due(Step.Convene, trial.id, record.round)] if begun > turn else []


def _watched(view: View) -> list[Due]:
    begun = view.now - view.epoch * view.terms.cadence_seconds
    if not view.terms.surprise_ppm or begun < TURN_SECONDS * view.rank:
        return []
    if view.epoch_entropy is None:
        return [Due(Step.OpenEpoch, view.epoch)]
    drawn = [p for p in view.surprisable if is_surprised(view.epoch_entropy, p, view.terms.surprise_ppm)]
    return [Due(Step.Surprise, processor, view.epoch) for processor in drawn]


def _worse(view: View) -> list[Due]:
    """Return the rechecks that are due: each processor is benchmarked unasked once an epoch at most."""
    begun = view.epoch * view.terms.cadence_seconds
    return [
        Due(Step.Recheck, processor, view.epoch)
        for processor, found in view.drifted.items()
        if found.benchmarked_at < begun and view.now - max(begun, found.since) >= TURN_SECONDS * view.rank
    ]
