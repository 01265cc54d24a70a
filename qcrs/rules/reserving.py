"""Which permissionless step is due for a reservation: the conditions that the contract checks, over its events."""

from enum import Enum

from qcrs.model.booking import Booking
from qcrs.model.reservation import ReservationStatus


class ReservationStep(Enum):
    """A call that anyone may make; the value is the contract and the function."""

    Prepare = ("Reservations", "prepare")
    Begin = ("Reservations", "begin")
    Finish = ("Reservations", "finish")
    Lapse = ("Reservations", "lapse")


def reservation_step(booking: Booking, now: float, round_seconds: int) -> ReservationStep | None:
    """Return the step that is due at time *now*, if any.

    Args:
        now: The chain's clock, unix seconds.
        round_seconds: The longest that a computation's round lasts, by the policy: by then its qubits are free.
    """
    status, late = booking.status, now > booking.starts_at + round_seconds
    if status is ReservationStatus.Active:
        return ReservationStep.Finish if now >= booking.ends_at else None
    if status not in (ReservationStatus.Granted, ReservationStatus.Prepared):
        return None
    if late:
        return ReservationStep.Lapse
    if status is ReservationStatus.Granted:
        return ReservationStep.Prepare if now >= booking.starts_at - round_seconds else None
    return ReservationStep.Begin if booking.starts_at <= now < booking.ends_at else None
