"""The daemon's loop: observe, decide, act; reconnect, catch up, stop cleanly.

Events come over one WebSocket; whatever was missed is read from logs, so nothing depends on a message arriving.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.gateway import ChainUnreachable, Gateway, TransactionRefused
from qcrs.daemon.agenda import Agenda
from qcrs.daemon.auditor import Auditor
from qcrs.daemon.bulletin import Bulletin
from qcrs.daemon.bundles import LANES
from qcrs.daemon.committing import Committer
from qcrs.daemon.duties import Action, Answer, Beat, Defend, Drain, HandIn, Keep, Reveal, Tend, decide, subject_of
from qcrs.daemon.entangler import Entangler
from qcrs.daemon.execution import RACES, TRANSIENT, Executor, WithheldForTest
from qcrs.daemon.journal import Journal
from qcrs.daemon.outlook import Outlook, read_wish
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.model.story import Story

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
RECONNECT_SECONDS = (0.2, 10.0)
SKIPS = {"CommitSkipped", "RevealSkipped", "CommitPassedOver"}  # anyone can cause them, and must not hold up keepers so
WISH = "drain"  # the file beside the journal in which 'qcrs node drain' and 'resume' leave their word
_COUNTED = {Answer: "answered", Reveal: "revealed", HandIn: "handedIn", Defend: "defended"}


class Service(Protocol):
    """Something that a daemon does beside leased work."""

    async def run(self, stop: asyncio.Event, outlook: Outlook) -> None:
        """Serve, as *outlook* knows the chain, until *stop* is set; what is raised is a defect."""


class Node:
    """One running daemon.

    Args:
        gateway: Not yet connected. executor: The means to act; its processor is found on connecting.
        state_path: Where to say how things stand, for ``qcrs node status``.
        auditor: Watches the whole chain beside the processor's own work, when wanted.
        services: What it does beside leased work: reservations, benchmarks. entangler: Channels and sessions.
    """

    def __init__(
        self, gateway: Gateway, executor: Executor, journal: Journal, state_path: Path, keeper: bool,
        auditor: Auditor | None = None, services: Sequence[Service] = (), entangler: Entangler | None = None,
    ) -> None:  # fmt: skip
        self._gateway, self._executor, self._journal, self._outbox = gateway, executor, journal, executor.outbox
        self._state_path, self._keeper, self._auditor = state_path, keeper, auditor
        self._bulletin = Bulletin(state_path, self._facts, (*_COUNTED.values(), "kept", "failed"))
        self._services, self._entangler = [*services, *([] if entangler is None else [entangler])], entangler
        self._outlook = Outlook(executor.account.address, executor.processor)
        self._seen: tuple[int, int] = (-1, -1)
        self._tasks: dict[Action, asyncio.Task] = {}
        self._agenda = Agenda()
        self._ended: set[int] = set()
        self._wake, self._wish = asyncio.Event(), read_wish(state_path.with_name(WISH))
        self._fatal: BaseException | None = None
        self._pause = RECONNECT_SECONDS[0]

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until *stop* is set.

        Raises:
            WrongChain, ProcessorUnknown: What the configuration says is not what the chain has.
        """
        auditing = asyncio.create_task(self._audit(stop))
        serving = [asyncio.create_task(self._tick(stop))]
        serving += [asyncio.create_task(service.run(stop, self._outlook)) for service in self._services]
        for task in serving:
            task.add_done_callback(self._check)
        try:
            while not stop.is_set():
                try:
                    await self._serve(stop)
                except (ChainUnreachable, TransactionRefused) as error:  # the latter: a node that would not answer
                    log.warning("chain=unreachable retry_seconds=%.1f %s", self._pause, error)
                    self._bulletin.write("unreachable")
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), self._pause * random.uniform(0.8, 1.2))
                    self._pause = min(2 * self._pause, RECONNECT_SECONDS[1])
        finally:
            for task in (aside := [auditing, *serving, *self._tasks.values()]):
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)
            self._tidy()
            self._bulletin.write("stopped")
            await self._gateway.close()

    async def _audit(self, stop: asyncio.Event) -> None:
        if self._auditor is not None:
            await self._auditor.run(stop, self._bulletin.write)

    async def _serve(self, stop: asyncio.Event) -> None:
        """Connect, catch up, then follow events until the connection breaks."""
        await self._gateway.connect()
        await self._identify()
        # Subscribed before the logs are read, so there is no gap; what comes twice is ignored.
        async with self._gateway.subscribe() as messages:
            for event in await self._gateway.logs(self._start()):
                self._take(event)
            self._pause = RECONNECT_SECONDS[0]
            self._bulletin.write("running")
            log.info("processor=%s block=%s caught_up", self._executor.processor, self._seen[0])
            self._act()
            while not stop.is_set():
                message = asyncio.ensure_future(anext(messages))
                try:
                    await self._wait_for(message, stop)
                    if message.done() and self._take(message.result()):
                        self._act()
                finally:
                    message.cancel()
                    with suppress(asyncio.CancelledError, ChainUnreachable):
                        await message

    async def _wait_for(self, message: asyncio.Future, stop: asyncio.Event) -> None:
        """Act on every tick until *message* has come or *stop* is set."""
        while not message.done() and not stop.is_set():
            self._wake.clear()
            waking = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait({message, waking}, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
            if self._fatal is not None:
                raise self._fatal
            if not message.done():
                self._act()

    async def _tick(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(TICK_SECONDS)
            self._tidy()
            self._wish = read_wish(self._state_path.with_name(WISH))
            self._wake.set()
        self._wake.set()

    def _tidy(self) -> None:
        """Forget what has ended, in one write: losing it costs a longer catch-up and nothing else."""
        if self._ended:
            open_ = [*self._outlook.stories.by_id.values(), *self._outlook.docket.stories.values()]
            open_blocks = [story.submitted_in for story in open_]
            self._journal.forget(self._ended, min([*open_blocks, self._seen[0]]))
            self._ended.clear()

    async def _identify(self) -> None:
        await self._outlook.identify(self._gateway)
        self._executor.processor = self._outlook.processor
        if self._executor.door is not None:
            await self._executor.door.open(self._executor.processor)
            await self._open_lanes(self._executor.door)
        if self._entangler is not None:
            await self._entangler.catch_up()
        self._follow()

    async def _open_lanes(self, door: Door) -> None:
        """Learn, before the first event is read, what the processor's lanes hold; events tell the rest."""
        executor = self._executor
        if executor.committer is None:
            lanes = [self._gateway.call("ResultVerifier", "bundleOf", executor.processor, n) for n in range(LANES)]
            executor.bundles.begin(executor.processor, await asyncio.gather(*lanes))
            executor.committer = Committer(door, executor.bundles, self._outlook.stories.by_id)

    def _follow(self) -> None:
        if self._outbox is not None:
            self._outbox.follow(self._gateway, self._outlook.policy)

    def _start(self) -> int:
        if self._seen[0] >= 0:
            return self._seen[0]
        return max(self._journal.cursor or 0, self._gateway.network.deployed_at)

    def _take(self, message: Event) -> bool:
        """Take in an event once, in chain order; say whether it may have made something due."""
        position = (message.block, message.log_index)
        if position <= self._seen or message.name in SKIPS:
            return False
        self._seen = position
        if self._entangler is not None:
            self._entangler.take(message)
        taken = self._outlook.take(message.name, message.arguments, message.block, self._gateway.now)
        self._executor.bundles.take(message.name, message.arguments, taken if isinstance(taken, Story) else None)
        if message.name == "PolicyChanged":
            self._follow()
        if isinstance(taken, Story) and taken.ended:
            self._finish(taken)
        return taken is not False

    def _finish(self, story: Story) -> None:
        """Forget a computation that has ended, here and, once nobody can challenge it, in the journal."""
        if self._outlook.forget(story):
            self._ended.add(story.computation)
        for action, task in self._tasks.items():
            if isinstance(action, Answer) and action.computation == story.computation:
                task.cancel()  # its run would hold a worker for nothing
        self._agenda.drop(story.computation)
        if self._outbox is not None:
            self._outbox.drop(story.computation)

    def _act(self) -> None:
        """Start what is due and not already under way."""
        now = self._gateway.now
        # Here, where all events have been seen: a daemon that was cut off may have missed a demand.
        for computation in self._outlook.docket.release(now):
            self._agenda.drop(computation)
            self._ended.add(computation)
        relayed = {} if self._outbox is None else {"rules": self._outbox.rules, "handed": self._outbox.handed}
        for action in decide(self._outlook.view(now, keeper=self._keeper, to_drain=self._wish, **relayed)):
            if subject_of(action) in self._tasks or not self._agenda.open(action):
                continue
            task = asyncio.create_task(self._perform(action))
            task.add_done_callback(self._check)
            self._tasks[subject_of(action)] = task
        engaged, running = self._outlook.engaged(), self._executor.engine.running
        self._bulletin.tell_load(self._executor.processor, engaged, running, self._outlook.draining)

    def _check(self, task: asyncio.Task) -> None:
        """What is not a listed fault is a defect: the daemon stops rather than guess."""
        if not task.cancelled() and task.exception() is not None:
            self._fatal = task.exception()
            self._wake.set()

    async def _perform(self, action: Action) -> None:
        computation = getattr(action, "computation", 0)
        story = self._outlook.story(computation)
        name = action.step.name if isinstance(action, Keep | Tend) else type(action).__name__
        try:
            timings = await self._executor.carry_out(action, story)
        except WithheldForTest:
            log.warning("action=%s %s withheld: test equipment", name, _subject(action))
            self._agenda.finish(action)
        except QcrsError as error:
            race = isinstance(error, ContractRefused) and error.name in RACES
            log.log(logging.DEBUG if race else logging.ERROR, "action=%s %s %s", name, _subject(action), error)
            if not race:
                self._bulletin.count("failed")
            if isinstance(action, Keep) and race and error.name == "TooFewEligibleProcessors":
                self._outlook.lookout.refuse(action.computation)
            elif race or isinstance(error, TRANSIENT):
                self._postpone(action)
            else:
                self._agenda.finish(action)  # would fail again: not repeated while the computation lasts
        else:
            self._succeed(action, name, timings)
        finally:
            self._tasks.pop(subject_of(action), None)
            self._wake.set()

    def _succeed(self, action: Action, name: str, timings: dict[str, float]) -> None:
        self._agenda.succeed(action)
        if isinstance(action, Beat):
            self._outlook.last_beat_at = self._gateway.now
            self._bulletin.write("running")
            return
        if isinstance(action, Keep | Tend | Drain):
            if not isinstance(action, Drain):
                self._bulletin.count("kept")
            self._postpone(action)  # the event that follows makes it undue
        else:
            self._bulletin.count(_COUNTED[type(action)])
            self._agenda.finish(action)
        pairs = " ".join(f"{key}={value}" for key, value in timings.items())
        log.info("action=%s %s %s", name, _subject(action), pairs)

    def _postpone(self, action: Action) -> None:
        computation = getattr(action, "computation", 0)
        if computation and self._outlook.story(computation) is None:
            return  # it has ended meanwhile
        self._agenda.postpone(action)

    def _facts(self) -> dict[str, Any]:
        """Return what the bulletin is to say beside how busy the processor is."""
        return {
            "processor": self._executor.processor,
            "address": self._executor.account.address,
            "chainId": self._gateway.network.chain_id,
            "block": self._seen[0],
            "open": len(self._outlook.stories.by_id),
            **({} if self._auditor is None else {"auditor": self._auditor.state()}),
        }


def _subject(action: Action) -> str:
    """Return what *action* is about, as logs say it."""
    if isinstance(action, Tend):
        return f"reservation={action.reservation}"
    return f"computation={getattr(action, 'computation', 0)}"
