"""What a daemon owes to channels and sessions: pure decisions, as in ``qcrs.daemon.duties``.

A daemon is an end of channels, a member of sessions, and a keeper: verdicts, beacons and deadlines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, Entanglement, Session
from qcrs.model.session import SessionStatus
from qcrs.rules.entanglement_keeping import KeepingStep, channel_due, group_due, session_due

# Keepers act in turn, so that few transactions collide.
TURN_SECONDS = 2.0
_C, _S = ChannelStatus, SessionStatus


class Step(Enum):
    """What can be due of the daemon's own; what anyone may do is a ``KeepingStep``."""

    Accept = "accept"
    AskPairs = "ask for pairs"
    Commit = "commit"
    Reveal = "reveal"
    Join = "join"
    Arm = "arm"
    Run = "run"
    Bind = "bind"
    Report = "report"


@dataclass(frozen=True)
class Due:
    """A step that is due.

    Attributes:
        subject: Channel, session or group. number: Test of the channel, phase of the session.
        place: The daemon's end or member; the other one's where that is meant.
    """

    step: Step | KeepingStep
    subject: int
    number: int = 0
    place: int = 0


@dataclass(frozen=True)
class View:
    """What a daemon knows.

    Attributes:
        rank: Its place among keepers, from 0. now: The chain's clock, unix seconds.
        willing: Whether it accepts channels and joins sessions. keeper: Whether it acts for others.
    """

    processor: int
    rank: int
    now: float
    known: Entanglement
    willing: bool = True
    keeper: bool = True


def decide(view: View) -> list[Due]:
    """Return what is due now, the daemon's own duties first."""
    channels = [channel for channel in view.known.channels.values() if not channel.ended]
    sessions = [session for session in view.known.sessions.values() if not session.ended]
    steps = [due for channel in channels for due in _of_end(channel, view)]
    steps += [due for session in sessions for due in _of_member(session, view)]
    return [*steps, *(_kept(view) if view.keeper else ())]


def _of_end(channel: Channel, view: View) -> Iterator[Due]:
    end = channel.end_of(view.processor)
    if end is None or view.now > channel.phase_ends_at:
        return
    if channel.status is _C.Requested and end != channel.asker and view.willing:
        yield Due(Step.Accept, channel.channel, channel.attempt, end)
    elif channel.status is _C.Heralding:
        yield Due(Step.AskPairs, channel.channel, channel.attempt, end)
    elif channel.status is _C.Committing and end not in channel.commitments:
        yield Due(Step.Commit, channel.channel, channel.attempt, end)
    elif channel.status is _C.Revealing and end not in channel.openings:
        yield Due(Step.Reveal, channel.channel, channel.attempt, end)


def _of_member(session: Session, view: View) -> Iterator[Due]:
    index = session.index_of(view.processor)
    if index is None:
        return
    group = view.known.groups[session.group]
    if session.status is _S.Reporting:
        if group.seed is not None and index not in session.reports and view.now <= group.due_at:
            yield Due(Step.Report, session.session, session.phase, index)
        return
    if index in session.present or view.now > session.phase_ends_at:
        return
    if session.status is _S.Forming and view.willing:
        yield Due(Step.Join, session.session, 0, index)
    elif session.status is _S.Armed:
        yield Due(Step.Arm, session.session, 0, index)
    elif session.status is _S.Running:
        last = session.phase == group.request.phases
        yield Due(Step.Bind if last else Step.Run, session.session, session.phase, index)


def _kept(view: View) -> Iterator[Due]:
    """Yield what anyone may do, when others whose turn it is have not done it."""
    known, then = view.known, view.now - TURN_SECONDS * view.rank
    for channel in known.channels.values():
        step = channel_due(channel, then)
        awaited = step is KeepingStep.SettleChannel and then <= channel.phase_ends_at  # it is its ends' to settle it
        if step is not None and not (awaited and view.processor not in channel.ends):
            yield Due(step, channel.channel, channel.attempt)
    for session in known.sessions.values():
        step = session_due(session, known.groups[session.group], then)
        if step is not None:
            yield Due(step, session.session, session.phase)
    for group in known.groups.values():
        step = group_due(group, known, then)
        if step is not None:
            yield Due(step, group.group)
