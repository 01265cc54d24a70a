"""Which permissionless step is due for a channel, for a session, and for the runs of one program together.

As in ``qcrs.rules.keeping``, the conditions are those that the contracts check, over what events tell. Keepers and
requesters both go by them; who waits a little for others to be first asks for an earlier time.
"""

from enum import Enum
from typing import Any

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import ENDS, Channel, Entanglement, Group, Session
from qcrs.model.session import SessionStatus


class KeepingStep(Enum):
    """A call that anyone may make; the value is the contract and the function."""

    SettleChannel = ("Channels", "settle")
    EndChannel = ("Channels", "enforce")
    EndSession = ("EntanglementCoordinator", "enforce")
    Substitute = ("EntanglementCoordinator", "substituteSecret")
    Conclude = ("EntanglementCoordinator", "conclude")


def channel_due(channel: Channel, now: float) -> KeepingStep | None:
    """Return the step that the chain would take with *channel* at time *now*, unix seconds, if any."""
    if channel.ended:
        return None
    if channel.status is ChannelStatus.Revealing and len(channel.openings) == len(ENDS):
        return KeepingStep.SettleChannel
    return KeepingStep.EndChannel if now > channel.phase_ends_at else None


def session_due(session: Session, group: Group, now: float) -> KeepingStep | None:
    """Return the step that the chain would take with *session*, a run of *group*, at time *now*, if any."""
    if session.ended or session.status is SessionStatus.Final:
        return None
    if session.status is SessionStatus.Reporting:
        # The secret may be due, and not a report: then the beacon stands in for it, and nobody is late.
        late = group.seed is not None and now > group.due_at
    else:
        late = now > session.phase_ends_at
    return KeepingStep.EndSession if late else None


def group_due(group: Group, known: Entanglement, now: float) -> KeepingStep | None:
    """Return the step that the chain would take with *group* as a whole at time *now*, if any."""
    if group.due_at and group.seed is None:
        # With no run left nobody needs a seed.
        wanted = not all(session.ended for session in known.runs(group))
        return KeepingStep.Substitute if wanted and now > group.due_at else None
    return KeepingStep.Conclude if known.concludable(group) else None


def arguments_of(step: KeepingStep, subject: int, known: Entanglement) -> tuple[Any, ...]:
    """Return the arguments of *step* for channel, session or group *subject*: settling brings what was revealed."""
    if step is KeepingStep.SettleChannel:
        openings = known.channels[subject].openings
        return (subject, *(openings[end].to_chain() for end in ENDS))
    if step is KeepingStep.Conclude:
        return (subject, *known.results(known.groups[subject]))
    return (subject,)
