"""Refusals for being too early. A simulation runs at the latest block's time, and nobody may have made one since."""

from qcrs.chain.codec import ContractRefused

# By error, its argument that says when the time has come: after that moment, unix seconds; 0 for never.
_OPENS = {
    "CertificationNotDue": "deadlineAt",
    "ChallengesOpen": "endsAt",
    "ChannelNotDue": "dueAt",
    "DeadlineOpen": "endsAt",
    "GoldRoundsOpen": "waitUntil",
    "MotionNotDue": "endsAt",
    "RecoveryOpen": "opensAt",
    "ReservationNotDue": "dueAt",
    "RulingOpen": "endsAt",
    "SessionNotDue": "dueAt",
}


def has_come_since(refusal: ContractRefused, now: float) -> bool:
    """Return whether *refusal* was for being too early, and at *now*, unix seconds on the chain, it is not any more."""
    opens = refusal.arguments.get(_OPENS.get(refusal.name, ""), 0)
    return 0 < opens < now
