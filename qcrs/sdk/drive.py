"""Seeing one's own computation to its end: every step but the processors' own is open to anyone.

While it waits in a queue, its turn may depend on others' computations. So a requester whom no keeper helps allocates
those before it too, which is paid, and has the head deferred when that cannot be placed.
"""

import logging
import time
from collections.abc import Callable, Iterable

from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import Allocator, Members
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.rules.fair_queue import WINDOW
from qcrs.rules.keeping import Move, Step, arguments_of, exchange_due, queue_moves, step_due
from qcrs.sdk.backlog import Backlog, place_of
from qcrs.sdk.gold_rounds import Accuser
from qcrs.sdk.sealing import Sealer
from qcrs.sdk.secrets import Secrets

log = logging.getLogger(__name__)

STEP_PAUSE_SECONDS = 1.5
# How long a queue must stand still before a requester takes steps for others' computations.
PATIENCE_SECONDS = 6.0
MOST_LOOKS = 8  # steps of a queue that are simulated at one go

Call = tuple  # contract, function, arguments


class Driver:
    """Takes the steps that are due for one requester's computations, at one pace however many they are.

    Args:
        notice: Told in words what a computation waits for.
        sealer: Lets processors read encrypted circuits; None when there are none.
    """

    def __init__(
        self,
        gateway: Gateway,
        account: LocalAccount,
        secrets: Secrets,
        accuser: Accuser,
        notice: Callable[[str], None] = lambda _: None,
        sealer: Sealer | None = None,
    ) -> None:
        self._gateway, self._account, self._secrets, self._accuser = gateway, account, secrets, accuser
        self._notice, self._sealer = notice, sealer
        self._disclose_seconds: int | None = None  # asked for by gold rounds alone
        self._backlog: Backlog | None = None
        self._shortest_first: bool | None = None
        self._tried: dict[tuple, float] = {}  # when each step was last tried; its event may still be on its way
        self._stood: tuple[tuple, float] = ((), 0.0)
        # By queue; by computation, negative, for those that wait for replacements.
        self._looked_at: dict[int, float] = {}

    async def take(self, stories: Iterable[Story]) -> None:
        """Take the steps that are due for *stories*: refusals are races, and the stories go on either way.

        Of those that wait for their turn only the first is looked after: the others' comes after it.
        """
        foremost: dict[int, Story] = {}
        for story in stories:
            if not story.waiting:
                await self.step(story)
                continue
            other = foremost.setdefault(story.request.noise_class, story)
            if (story.bucket, story.computation) < (other.bucket, other.computation):
                foremost[story.request.noise_class] = story
        for story in foremost.values():
            await self.step(story)

    async def step(self, story: Story) -> None:
        """Take the step that is due for *story*, if any."""
        if self._sealer is not None:
            await self._sealer.serve(story, self._notice)  # first: processors are waiting for it
        if story.request.gold and self._disclose_seconds is None:
            self._disclose_seconds = (await Allocator(self._gateway).policy()).disclose_seconds
        step = step_due(story, self._gateway.now, self._disclose_seconds or 0)
        if step is Step.Allocate:
            await self._place(story)
            return
        call = None if step is None else (*step.value, *arguments_of(step, story))
        value = 0
        if story.status is ComputationStatus.Committed:
            secret = self._secrets.behind(story.pending_secret)
            if secret is not None:
                call = ("ResultVerifier", "disclose", story.computation, secret)
        elif story.status is ComputationStatus.Revealing and story.request.gold and not story.gold_closed:
            due = await self._accuser.next_call(story)
            if due is not None:
                call, value = ("GoldRounds", due.function, *due.arguments), due.value
        if call is None:
            return
        # Not simulated: that would run at the latest block's time, which may lag behind a deadline.
        key = (call[1], story.computation, story.attempt, len(story.duties), len(story.gold_scored))
        if time.monotonic() - self._tried.get(key, float("-inf")) >= STEP_PAUSE_SECONDS:
            await self._post(*call, value=value)
            self._tried[key] = time.monotonic()

    async def _place(self, story: Story) -> None:
        """Have processors drawn for *story*, or bring its turn nearer."""
        queue = story.request.noise_class if story.waiting else -story.computation
        if time.monotonic() - self._looked_at.get(queue, float("-inf")) < STEP_PAUSE_SECONDS:
            return
        try:
            await self._simulate(*Step.Allocate.value, story.computation)
        except ContractRefused as error:
            log.info("step=allocate computation=%s %s", story.computation, error)
            if error.name == "TooFewEligibleProcessors":
                need, found = error.arguments["required"], error.arguments["found"]
                self._notice(f"in turn, and waiting for processors: {found} of {need} can be had now")
            elif error.name == "WorkStopped":
                self._notice(f"new work is paused until {error.arguments['endsAt']} (unix seconds); it waits till then")
            elif error.name == "ComputationNotDue":
                await self._advance(story)
        else:
            await self._post(*Step.Allocate.value, story.computation)
        self._looked_at[queue] = time.monotonic()

    async def _advance(self, story: Story) -> None:
        """Pass those ahead, or serve them."""
        if self._backlog is None:
            self._backlog = Backlog(self._gateway)
        await self._backlog.refresh()
        line = self._backlog.line(story.request.noise_class)
        place = place_of(story.computation, line)
        if place is None:
            return  # its event is on its way
        self._notice(f"waiting for its turn: {len(place.ahead)} computations in buckets before it")
        own = [other for other in line if other.organisation == story.organisation]
        if await self._wants_shortest(story.organisation) and await self._took(exchange_due(own), line):
            return
        if len(place.ahead) < WINDOW:
            passed = tuple(sorted(other.computation for other in place.ahead))
            if await self._took(Move(story.computation, Step.Backfill, passed), line):
                return
        if self._stands_still(line):
            await self._serve(line)

    async def _serve(self, line: list[Story]) -> None:
        """Take the first step of the queue that is possible."""
        unplaced: set[int] = set()
        for _ in range(MOST_LOOKS):
            move = next(queue_moves(line, self._gateway.now, unplaced), None)
            if move is None or await self._took(move, line) or move.step is Step.Defer:
                return
            unplaced.add(move.computation)

    async def _took(self, move: Move | None, line: list[Story]) -> bool:
        """Take *move* if it is possible, and say whether it was."""
        if move is None:
            return False
        story = next(story for story in line if story.computation == move.computation)
        call = (*move.step.value, *arguments_of(move.step, story, move.others))
        try:
            await self._simulate(*call)
        except ContractRefused as error:
            log.info("step=%s computation=%s %s", move.step.name, move.computation, error)
            return False
        await self._post(*call)
        return True

    def _stands_still(self, line: list[Story]) -> bool:
        """Return whether nobody has moved the queue for a while: then its keepers are idle."""
        head = tuple((story.computation, story.bucket) for story in line[: 2 * WINDOW])
        if head != self._stood[0]:
            self._stood = (head, time.monotonic())
        return time.monotonic() - self._stood[1] >= PATIENCE_SECONDS

    async def _wants_shortest(self, organisation: int) -> bool:
        if self._shortest_first is None:
            self._shortest_first = await Members(self._gateway).is_shortest_first(organisation)
        return self._shortest_first

    async def _simulate(self, contract: str, function: str, *arguments) -> None:
        await self._gateway.simulate(self._account, contract, function, *arguments)

    async def _post(self, contract: str, function: str, *arguments, value: int = 0) -> None:
        """Send a step that another may have taken first; its event says that it was taken."""
        try:
            await self._gateway.post(self._account, contract, function, *arguments, value=value)
        except ContractRefused as error:
            log.info("step=%s computation=%s %s", function, arguments[0], error)
