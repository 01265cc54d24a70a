"""What a daemon owes to channels and sessions: pure decisions, as in ``qcrs.daemon.duties``.

A daemon is an end of channels, a member of sessions, and a keeper: verdicts, beacons and deadlines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import ENDS, Channel, Entanglement, Group, Session
from qcrs.model.session import SessionStatus

# Keepers act in turn, so that few transactions collide.
TURN_SECONDS = 2.0
_C, _S = ChannelStatus, SessionStatus


class Step(Enum):
    """What can be due."""

    Accept = "accept"
    AskPairs = "ask for pairs"
    Commit = "commit"
    Reveal = "reveal"
    Settle = "settle"
    EndChannel = "end channel"
    Join = "join"
    Arm = "arm"
    Run = "run"
    Bind = "bind"
    Report = "report"
    EndSession = "end session"
    Substitute = "substitute"
    Conclude = "conclude"


@dataclass(frozen=True)
class Due:
    """A step that is due.

    Attributes:
        subject: Channel, session or group. number: Test of the channel, phase of the session.
        place: The daemon's end or member; the other one's where that is meant.
    """

    step: Step
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
    if view.keeper:
        steps += [due for channel in channels for due in _kept_channel(channel, view)]
        steps += [due for session in sessions for due in _kept_session(session, view)]
        open_ = [group for group in view.known.groups.values() if group.verdict is None]
        steps += [due for group in open_ for due in _kept_group(group, view)]
    return steps


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


def _kept_channel(channel: Channel, view: View) -> Iterator[Due]:
    turn = TURN_SECONDS * view.rank
    if channel.status is _C.Revealing and len(channel.openings) == len(ENDS):
        if view.processor in channel.ends or view.now > channel.phase_ends_at + turn:
            yield Due(Step.Settle, channel.channel, channel.attempt)
    elif view.now > channel.phase_ends_at + turn:
        yield Due(Step.EndChannel, channel.channel, channel.attempt)


def _kept_session(session: Session, view: View) -> Iterator[Due]:
    group, turn = view.known.groups[session.group], TURN_SECONDS * view.rank
    if session.status is _S.Reporting:
        # The secret may be due, and not a report: then the beacon stands in for it, and nobody is late.
        late = group.seed is not None and view.now > group.due_at + turn
    else:
        late = session.status is not _S.Final and view.now > session.phase_ends_at + turn
    if late:
        yield Due(Step.EndSession, session.session, session.phase)


def _kept_group(group: Group, view: View) -> Iterator[Due]:
    if group.due_at and group.seed is None:
        if view.now > group.due_at + TURN_SECONDS * view.rank:
            yield Due(Step.Substitute, group.group)
    elif view.known.concludable(group):
        yield Due(Step.Conclude, group.group)
