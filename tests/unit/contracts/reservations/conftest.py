"""A consortium whose processors can be reserved, and what must hold of every reservation."""

from dataclasses import dataclass

import pytest

from qcrs.model.reservation import ReservationStatus
from tests.evm import Receipt
from tests.scenario import QUBITS, World, round_seconds

RATE = 1_000_000  # wei a qubit-second
HOUR = 3_600
AHEAD = 2 * HOUR
MAX_SECONDS = 8 * HOUR
MAX_AHEAD = 30 * 86_400


@dataclass
class Agenda:
    """The contract of reservations in a consortium all of whose processors ask ``RATE``."""

    world: World

    def __post_init__(self) -> None:
        for node in self.world.nodes:
            self.contract.setRate(node.id, RATE, sender=node.operator)

    @property
    def contract(self):
        return self.world.reservations

    @property
    def round(self) -> int:
        """The longest that one round of a computation lasts, seconds."""
        return round_seconds(self.world)

    def price(self, processors, qubits, duration) -> int:
        """Return what must be sent."""
        return len(processors) * RATE * qubits * duration + 2 * self.world.bounty

    def reserve(
        self, processors=(1, 2), qubits=5, starts_at=None, duration=HOUR, by=None, value=None, most=RATE
    ) -> Receipt:
        """Reserve by the requester, beginning in ``AHEAD`` seconds, sending the price."""
        starts_at = self.world.chain.now + AHEAD if starts_at is None else starts_at
        value = self.price(processors, qubits, duration) if value is None else value
        arguments = (list(processors), qubits, starts_at, starts_at + duration, most)
        return self.contract.reserve(*arguments, sender=by or self.world.requester, value=value)

    def book(self, *arguments, **options) -> int:
        """Reserve, and return the id."""
        return self.reserve(*arguments, **options).result

    def record(self, id_) -> dict:
        return self.contract.reservationOf(id_)[0]

    def processors(self, id_) -> list[int]:
        return self.contract.reservationOf(id_)[1]

    def status(self, id_) -> ReservationStatus:
        return ReservationStatus(self.record(id_)["status"])

    def warp(self, timestamp) -> None:
        """Let *timestamp* come, with all processors heard of just before."""
        chain, nodes = self.world.chain, self.world.nodes
        chain.warp(max(chain.now, timestamp - len(nodes)))
        self.world.beat()
        chain.warp(max(chain.now, timestamp))

    def prepare(self, id_, at=None) -> Receipt:
        """Let the time to prepare come, and prepare."""
        self.warp(at if at is not None else self.record(id_)["startsAt"] - self.round)
        return self.contract.prepare(id_, sender=self.world.stranger)

    def begin(self, id_, at=None) -> Receipt:
        """Let the start come, and begin."""
        self.warp(self.record(id_)["startsAt"] if at is None else at)
        return self.contract.begin(id_, sender=self.world.keeper)

    def started(self, *arguments, **options) -> int:
        """Return the id of a reservation that has begun."""
        id_ = self.book(*arguments, **options)
        self.prepare(id_)
        self.begin(id_)
        return id_

    def require_sound(self) -> None:
        """Check coin, calendars, holds and leases against the reservations that go on."""
        world, ids = self.world, range(1, self.contract.reservationCount() + 1)
        records = {id_: self.record(id_) for id_ in ids}
        on = [id_ for id_ in ids if ReservationStatus.Granted <= records[id_]["status"] <= ReservationStatus.Active]
        assert world.chain.balance(self.contract.address) == sum(records[id_]["escrow"] for id_ in on)
        assert not any(records[id_]["escrow"] for id_ in ids if id_ not in on)
        for node in world.nodes:
            booked = [id_ for id_ in on if node.id in self.processors(id_)]
            assert sorted(self.contract.calendarOf(node.id)) == booked
            standing = world.registry.standingOf(node.id)
            held, leased = (
                sum(records[id_]["qubits"] for id_ in booked if records[id_]["status"] == status)
                for status in (ReservationStatus.Prepared, ReservationStatus.Active)
            )
            assert standing["heldQubits"] == held
            assert leased <= standing["leasedQubits"] <= standing["qubits"] >= held

    def free(self, processor=1) -> int:
        """Return the qubits of *processor* that are nobody's."""
        standing = self.world.registry.standingOf(processor)
        return standing["qubits"] - standing["leasedQubits"] - standing["heldQubits"]


@pytest.fixture
def agenda(_built_world):
    """All that is reserved must be accounted for afterwards; then it is undone."""
    with _built_world.undone():
        agenda = Agenda(_built_world)
        yield agenda
        agenda.require_sound()
        _built_world.require_balanced()


assert QUBITS == 20
