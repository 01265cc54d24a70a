"""The daemon's loop: observe, decide, act; reconnect, catch up, stop cleanly.

Events come over one WebSocket; whatever was missed is read from logs, so nothing depends on a message arriving.
"""

import asyncio
import json
import logging
import os
import random
import time
from contextlib import suppress
from pathlib import Path

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.contracts import Allocator, Registry
from qcrs.chain.gateway import ChainUnreachable, Gateway, TransactionRefused
from qcrs.daemon.agenda import Agenda
from qcrs.daemon.auditor import Auditor
from qcrs.daemon.docket import Docket
from qcrs.daemon.duties import Action, Answer, Beat, Defend, HandIn, Keep, Reveal, View, decide, subject_of
from qcrs.daemon.execution import RACES, TRANSIENT, Executor, WithheldForTest
from qcrs.daemon.journal import Journal
from qcrs.errors import QcrsError
from qcrs.model.records import Policy
from qcrs.model.story import Stories, Story

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
RECONNECT_SECONDS = (0.2, 10.0)
SKIPS = {"CommitSkipped", "RevealSkipped"}  # anyone can cause them, and must not hold up keepers so
_COUNTED = {Answer: "answered", Reveal: "revealed", HandIn: "handedIn", Defend: "defended"}


class ProcessorUnknown(QcrsError):
    """The daemon's account serves no registered processor."""


class Node:
    """One running daemon.

    Args:
        gateway: Not yet connected. executor: The means to act; its processor is found on connecting.
        state_path: Where to say how things stand, for ``qcrs node status``.
        auditor: Watches the whole chain beside the processor's own work, when wanted.
    """

    def __init__(
        self, gateway: Gateway, executor: Executor, journal: Journal, state_path: Path, keeper: bool,
        auditor: Auditor | None = None,
    ) -> None:  # fmt: skip
        self._gateway, self._executor, self._journal, self._outbox = gateway, executor, journal, executor.outbox
        self._state_path, self._keeper, self._auditor = state_path, keeper, auditor
        self._status = "starting"
        self._stories, self._docket = Stories(), Docket()
        self._since: dict[int, float] = {}
        self._seen: tuple[int, int] = (-1, -1)
        self._last_beat_at = 0.0
        self._heartbeat_seconds = self._disclose_seconds = 0
        self._rank = 0
        self._tasks: dict[Action, asyncio.Task] = {}
        self._agenda = Agenda()
        self._ended: set[int] = set()
        self._wake = asyncio.Event()
        self._fatal: BaseException | None = None
        self._pause = RECONNECT_SECONDS[0]
        self._counts = dict.fromkeys((*_COUNTED.values(), "kept", "failed"), 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until *stop* is set.

        Raises:
            WrongChain, ProcessorUnknown: What the configuration says is not what the chain has.
        """
        ticking = asyncio.create_task(self._tick(stop))
        ticking.add_done_callback(self._check)
        auditing = asyncio.create_task(self._audit(stop))
        try:
            while not stop.is_set():
                try:
                    await self._serve(stop)
                except (ChainUnreachable, TransactionRefused) as error:  # the latter: a node that would not answer
                    log.warning("chain=unreachable retry_seconds=%.1f %s", self._pause, error)
                    self._write_state("unreachable")
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), self._pause * random.uniform(0.8, 1.2))
                    self._pause = min(2 * self._pause, RECONNECT_SECONDS[1])
        finally:
            ticking.cancel()
            auditing.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(ticking, auditing, *self._tasks.values(), return_exceptions=True)
            self._tidy()
            self._write_state("stopped")
            await self._gateway.close()

    async def _audit(self, stop: asyncio.Event) -> None:
        if self._auditor is not None:
            await self._auditor.run(stop, lambda: self._write_state(self._status))

    async def _serve(self, stop: asyncio.Event) -> None:
        """Connect, catch up, then follow events until the connection breaks."""
        await self._gateway.connect()
        await self._identify()
        # Subscribed before the logs are read, so there is no gap; what comes twice is ignored.
        async with self._gateway.subscribe() as messages:
            for event in await self._gateway.logs(self._start()):
                self._take(event)
            self._pause = RECONNECT_SECONDS[0]
            self._write_state("running")
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
            self._wake.set()
        self._wake.set()

    def _tidy(self) -> None:
        """Forget what has ended, in one write: losing it costs a longer catch-up and nothing else."""
        if self._ended:
            open_ = [*self._stories.by_id.values(), *self._docket.stories.values()]
            open_blocks = [story.submitted_in for story in open_]
            self._journal.forget(self._ended, min([*open_blocks, self._seen[0]]))
            self._ended.clear()

    async def _identify(self) -> None:
        registry = Registry(self._gateway)
        account = self._executor.account.address
        processor = await registry.processor_of(account)
        if processor == 0:
            raise ProcessorUnknown(
                f"{account} serves no processor on chain {self._gateway.network.chain_id}; its operator registers it "
                "with 'qcrs processor register'"
            )
        self._executor.processor = processor
        self._heartbeat_seconds = await registry.heartbeat_seconds()
        self._follow(await Allocator(self._gateway).policy())
        self._last_beat_at = (await registry.standing(processor)).last_beat_at
        self._rank = (processor - 1) % 16

    def _follow(self, policy: Policy) -> None:
        self._disclose_seconds = policy.disclose_seconds
        if self._outbox is not None:
            self._outbox.follow(self._gateway, policy)

    def _start(self) -> int:
        if self._seen[0] >= 0:
            return self._seen[0]
        return max(self._journal.cursor or 0, self._gateway.network.deployed_at)

    def _take(self, message: Event | int) -> bool:
        """Take in an event once, in chain order; say whether it may have made something due."""
        if not isinstance(message, Event):
            return False
        position = (message.block, message.log_index)
        if position <= self._seen or message.name in SKIPS:
            return False
        self._seen = position
        if message.name == "HeartbeatReceived" and message["processor"] == self._executor.processor:
            self._last_beat_at = self._gateway.now
        if message.name == "PolicyChanged":
            self._follow(Policy.from_chain(message["policy"]))
        demanded = self._docket.apply(message.name, message.arguments, self._executor.processor)
        story = self._stories.apply(message.name, message.arguments, message.block)
        if story is None:
            return demanded or message.name == "PolicyChanged"
        self._since[story.computation] = self._gateway.now
        if story.ended:
            self._finish(story)
        return True

    def _finish(self, story: Story) -> None:
        """Forget a computation that has ended, here and, once nobody can challenge it, in the journal."""
        self._stories.by_id.pop(story.computation, None)
        self._since.pop(story.computation, None)
        if not self._docket.keep(story, self._executor.processor):
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
        for computation in self._docket.release(now):
            self._agenda.drop(computation)
            self._ended.add(computation)
        view = View(
            self._executor.processor, self._rank, now, self._last_beat_at, self._heartbeat_seconds,
            self._stories.by_id, self._since, self._keeper, self._docket.demands.values(), self._disclose_seconds,
            *(() if self._outbox is None else (self._outbox.rules, self._outbox.handed)),
        )  # fmt: skip
        for action in decide(view):
            if subject_of(action) in self._tasks or not self._agenda.open(action):
                continue
            task = asyncio.create_task(self._perform(action))
            task.add_done_callback(self._check)
            self._tasks[subject_of(action)] = task

    def _check(self, task: asyncio.Task) -> None:
        """What is not a listed fault is a defect: the daemon stops rather than guess."""
        if not task.cancelled() and task.exception() is not None:
            self._fatal = task.exception()
            self._wake.set()

    async def _perform(self, action: Action) -> None:
        computation = getattr(action, "computation", 0)
        story = self._story(computation)
        name = action.step.name if isinstance(action, Keep) else type(action).__name__
        try:
            timings = await self._executor.carry_out(action, story)
        except WithheldForTest:
            log.warning("action=%s computation=%s withheld: test equipment", name, computation)
            self._agenda.finish(action)
        except QcrsError as error:
            race = isinstance(error, ContractRefused) and error.name in RACES
            log.log(logging.DEBUG if race else logging.ERROR, "action=%s computation=%s %s", name, computation, error)
            self._counts["failed"] += not race
            if race or isinstance(error, TRANSIENT):
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
            self._last_beat_at = self._gateway.now
            self._write_state("running")
            return
        if isinstance(action, Keep):
            self._counts["kept"] += 1
            self._postpone(action)  # the event that follows makes it undue
        else:
            self._counts[_COUNTED[type(action)]] += 1
            self._agenda.finish(action)
        pairs = " ".join(f"{key}={value}" for key, value in timings.items())
        log.info("action=%s computation=%s %s", name, action.computation, pairs)

    def _postpone(self, action: Action) -> None:
        if not isinstance(action, Beat) and self._story(action.computation) is None:
            return  # it has ended meanwhile
        self._agenda.postpone(action)

    def _story(self, computation: int) -> Story | None:
        return self._stories.by_id.get(computation) or self._docket.stories.get(computation)

    def _write_state(self, status: str) -> None:
        self._status = status
        state = {
            "status": status,
            "pid": os.getpid(),
            "processor": self._executor.processor,
            "address": self._executor.account.address,
            "chainId": self._gateway.network.chain_id,
            "block": self._seen[0],
            "open": len(self._stories.by_id),
            "updatedAt": int(time.time()),
            **self._counts,
            **({} if self._auditor is None else {"auditor": self._auditor.state()}),
        }
        scratch = self._state_path.with_suffix(".part")
        scratch.write_text(json.dumps(state) + "\n")
        scratch.replace(self._state_path)
