"""All that a daemon knows of the chain, told by events in chain order and looked up once on connecting."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qcrs.chain.contracts import Allocator, Members, Registry, Reserved
from qcrs.chain.gateway import Gateway
from qcrs.daemon.docket import Docket
from qcrs.daemon.duties import View
from qcrs.daemon.lookout import Lookout
from qcrs.errors import QcrsError
from qcrs.model.booking import Booking, Bookings
from qcrs.model.records import Policy
from qcrs.model.reservation import ReservationStatus
from qcrs.model.story import Stories, Story
from qcrs.rules.digest import keccak

RANKS = 16


class ProcessorUnknown(QcrsError):
    """The daemon's account serves no registered processor."""


class Outlook:
    """What one daemon knows.

    Args:
        account: The daemon's address.

    Attributes:
        processor: Its processor, and *organisation* whose that is; found by ``identify``.
        stories: Computations that have not ended. docket: What may still be asked of it. bookings: Reservations of
            its processor that have not ended. lookout: What it knows of the queues.
        since: When each computation was last seen to change, by the chain's clock.
        draining: Whether its processor takes nothing new.
    """

    def __init__(self, account: str, processor: int = 0) -> None:
        self.account, self.processor, self.organisation = account, processor, 0
        self._seed = keccak(account.encode())
        self.stories, self.docket, self.bookings = Stories(), Docket(), Bookings()
        self.lookout = Lookout(account)
        self.since: dict[int, float] = {}
        self.last_beat_at = 0.0
        self.heartbeat_seconds = 0
        self.policy: Policy | None = None
        self.shortest_first = self.draining = False

    async def identify(self, gateway: Gateway) -> None:
        """Look up what events before the first one that is read have said.

        Raises:
            ProcessorUnknown: The account serves no processor.
        """
        registry, members, reserved = Registry(gateway), Members(gateway), Reserved(gateway)
        self.processor = await registry.processor_of(self.account)
        if self.processor == 0:
            raise ProcessorUnknown(
                f"{self.account} serves no processor on chain {gateway.network.chain_id}; its operator registers it "
                "with 'qcrs processor register'"
            )
        self.heartbeat_seconds = await registry.heartbeat_seconds()
        self.policy = await Allocator(gateway).policy()
        standing = await registry.standing(self.processor)
        self.last_beat_at, self.organisation = standing.last_beat_at, standing.organisation
        self.draining = standing.draining
        self.shortest_first = await members.is_shortest_first(self.organisation)
        for reservation in await reserved.calendar(self.processor):
            self.bookings.by_id[reservation] = Booking.of(reservation, *await reserved.reservation(reservation))

    def take(self, name: str, arguments: Mapping[str, Any], block: int, now: float) -> Story | bool:
        """Take in the next event, at *now* by the chain's clock.

        Returns:
            The story that it belongs to; otherwise whether it may have made something due.
        """
        mine = arguments.get("processor") == self.processor
        if name == "HeartbeatReceived" and mine:
            self.last_beat_at = now
        if name == "ProcessorDrained" and mine:
            self.draining = arguments["draining"]
        if name == "OrderChosen" and arguments["organisation"] == self.organisation:
            self.shortest_first = arguments["shortestFirst"]
        if name == "PolicyChanged":
            self.policy = Policy.from_chain(arguments["policy"])
        demanded = self.docket.apply(name, arguments, self.processor)
        booked = self._book(name, arguments)
        story = self.stories.apply(name, arguments, block)
        self.lookout.note(name, arguments, story, now)
        if story is None:
            return demanded or booked or name in ("PolicyChanged", "ProcessorDrained")
        self.since[story.computation] = now
        return story

    def view(self, now: float, rank: int | None = None, **more: Any) -> View:
        """Return what there is to decide from at *now*.

        Args:
            more: Fields of ``View`` that only the runtime knows.
        """
        policy = self.policy
        if policy is None:
            raise AssertionError("nothing was identified")
        return View(
            processor=self.processor,
            rank=(self.processor - 1) % RANKS if rank is None else rank,
            now=now,
            last_beat_at=self.last_beat_at,
            heartbeat_seconds=self.heartbeat_seconds,
            stories=self.stories.by_id,
            since=self.since,
            demands=self.docket.demands.values(),
            disclose_seconds=policy.disclose_seconds,
            organisation=self.organisation,
            shortest_first=self.shortest_first,
            unplaced=self.lookout.unplaced(),
            moved=self.lookout.moved,
            freed_at=self.lookout.freed_at,
            leading=self.lookout.leading,
            seed=self._seed,
            bookings=self.bookings.by_id.values(),
            round_seconds=policy.commit_seconds + policy.disclose_seconds + policy.reveal_seconds,
            draining=self.draining,
            **more,
        )

    def forget(self, story: Story) -> bool:
        """Let go of a computation that has ended; say whether nothing more can be asked about it."""
        self.stories.by_id.pop(story.computation, None)
        self.since.pop(story.computation, None)
        return not self.docket.keep(story, self.processor)

    def story(self, computation: int) -> Story | None:
        """Return the story of *computation*, ended or not, as long as it matters."""
        return self.stories.by_id.get(computation) or self.docket.stories.get(computation)

    def engaged(self) -> int:
        """Return how many computations, and reservations that have its qubits, the processor still has to serve."""
        seats = [d for story in self.stories.by_id.values() for d in story.on_duty() if d.processor == self.processor]
        promised = [b for b in self.bookings.by_id.values() if b.status is not ReservationStatus.Granted]
        return len(seats) + len(promised)

    def _book(self, name: str, arguments: Mapping[str, Any]) -> bool:
        if name == "ReservationGranted" and self.processor not in arguments["processors"]:
            return False
        booking = self.bookings.apply(name, arguments)
        if booking is not None and not booking.open:
            del self.bookings.by_id[booking.reservation]
        return booking is not None


def read_wish(path: Path) -> bool | None:
    """Return whether the processor's keeper wants it drained, by the file that ``qcrs node drain`` writes.

    None when nobody said anything: whatever the operator told the chain stays so.
    """
    try:
        return {"drain": True, "resume": False}.get(path.read_text().strip())
    except OSError:
        return None
