"""Reservations as the chain's events tell them: a projection, like ``qcrs.model.story``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcrs.model.records import Reservation
from qcrs.model.reservation import ReservationStatus

OPEN = frozenset({ReservationStatus.Granted, ReservationStatus.Prepared, ReservationStatus.Active})
_REACHED = {
    "ReservationPrepared": ReservationStatus.Prepared,
    "ReservationBegun": ReservationStatus.Active,
}


@dataclass
class Booking:
    """Processors for a time.

    Attributes:
        qubits: Of each processor. starts_at, ends_at: Unix seconds. escrow: Wei held for it when it was granted.
    """

    reservation: int
    requester: str
    organisation: int
    processors: tuple[int, ...]
    qubits: int
    starts_at: int
    ends_at: int
    escrow: int
    status: ReservationStatus = ReservationStatus.Granted

    @classmethod
    def of(cls, reservation: int, record: Reservation, processors: list[int]) -> "Booking":
        """Return the booking that a contract's record tells of."""
        return cls(
            reservation, record.requester, record.organisation, tuple(processors), record.qubits, record.starts_at,
            record.ends_at, record.escrow, record.status,
        )  # fmt: skip

    @property
    def open(self) -> bool:
        """Whether something can still happen."""
        return self.status in OPEN


class Bookings:
    """All reservations seen so far, by id; feed it events in chain order."""

    def __init__(self) -> None:
        self.by_id: dict[int, Booking] = {}

    def apply(self, name: str, arguments: Mapping[str, Any]) -> Booking | None:
        """Take in one event; return the booking that it belongs to, or None when it belongs to none."""
        if name == "ReservationGranted":
            booking = Booking(
                arguments["reservation"], arguments["requester"], arguments["organisation"],
                tuple(arguments["processors"]), arguments["qubits"], arguments["startsAt"], arguments["endsAt"],
                arguments["escrow"],
            )  # fmt: skip
            self.by_id[booking.reservation] = booking
            return booking
        known = self.by_id.get(arguments.get("reservation", 0))
        if known is not None and name in _REACHED:
            known.status = _REACHED[name]
        elif known is not None and name == "ReservationClosed":
            known.status = ReservationStatus(arguments["status"])
        return known
