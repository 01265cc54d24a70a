"""Carrying out what channels and sessions ask of a daemon: pairs, tests, runs over a link, barriers, reports.

How things stand is told by events, all of which are read again after a start, so nothing is lost with the daemon. What
it must say again in the same words is journalled before it is said: outcomes cannot be measured twice. Its seeds and
salts follow from its key.
"""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from copy import copy
from dataclasses import dataclass, field
from functools import partial

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.keys import entanglement_root
from qcrs.config import NodeConfig
from qcrs.daemon.end import End
from qcrs.daemon.entangling import Due, Step, View, decide
from qcrs.daemon.errands import Errands
from qcrs.daemon.execution import TRANSIENT, Executor
from qcrs.daemon.key_folder import FOLDER as KEYS
from qcrs.daemon.key_folder import KeyFolder
from qcrs.daemon.links import Links
from qcrs.daemon.member import Member
from qcrs.daemon.outlook import RANKS, Outlook
from qcrs.daemon.sender import Sender
from qcrs.daemon.talks import Talks
from qcrs.daemon.underway import Underway
from qcrs.errors import QcrsError
from qcrs.identities import Identities
from qcrs.model.entanglement import ENTANGLEMENT_EVENTS, Entanglement
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.capability import local_noise
from qcrs.rules.entanglement_keeping import KeepingStep, arguments_of
from qcrs.vault import Vault
from qcrs.wishes import FOLDER, Wishes

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
RETRY_SECONDS = (0.5, 8.0)


@dataclass
class Entangler:
    """The means with which one daemon serves channels and sessions.

    Attributes:
        end, member: What an end of a channel and a member of a session does. talks: What it says over its channels.
        errands: What its keeper wants.
        willing: Whether it accepts channels and joins sessions. keeper: Whether it acts for others.
        known: All channels and sessions.
    """

    sender: Sender
    links: Links
    end: End
    member: Member
    talks: Talks
    errands: Errands
    willing: bool = True
    keeper: bool = True
    known: Entanglement = field(default_factory=Entanglement)
    _seen: tuple[int, int] = (-1, -1)
    _caught_up: bool = False
    _behind: bool = False
    _underway: Underway[Due] = field(default_factory=lambda: Underway(RETRY_SECONDS))
    _granting: Underway[int] = field(default_factory=Underway)

    async def catch_up(self) -> None:
        """Read what was said before the events that ``take`` is given."""
        gateway = self.sender.gateway
        first = gateway.network.deployed_at if self._seen[0] < 0 else self._seen[0]
        for event in await gateway.logs(first, names=ENTANGLEMENT_EVENTS):
            self.take(event)
        self._caught_up = True

    def take(self, event: Event) -> None:
        """Take in an event once, in chain order."""
        position = (event.block, event.log_index)
        if event.name in ENTANGLEMENT_EVENTS and position > self._seen:
            self._seen = position
            self.known.apply(event.name, event.arguments, event.block)

    async def run(self, stop: asyncio.Event, outlook: Outlook) -> None:
        """Serve until *stop* is set.

        Raises:
            Exception: A defect; faults of the chain, the store and the link are logged and tried again.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.links.close)
            stack.push_async_callback(self.talks.close)
            for tasks in (self._underway, self._granting):
                await stack.enter_async_context(tasks)
            while not stop.is_set():
                self._underway.reap()
                self._granting.reap()
                if (processor := outlook.processor) and self._caught_up:
                    self._look(outlook)
                    self._granting.begin(processor, partial(self._run_errands, processor))
                    self.talks.look(self.known, processor, self.willing and not outlook.draining)
                await asyncio.sleep(POLL_SECONDS)

    async def _run_errands(self, processor: int) -> None:
        try:
            if self._behind:  # or the same would be asked for again before its event has come
                await self.catch_up()
            self._behind = await self.errands.run(self.known, processor)
        except TRANSIENT as error:
            log.warning("errands: %s", error)

    def _look(self, outlook: Outlook) -> None:
        view = View(
            processor=outlook.processor, rank=(outlook.processor - 1) % RANKS, now=self.sender.gateway.now,
            known=self.known, willing=self.willing and not outlook.draining, keeper=self.keeper,
        )  # fmt: skip
        for due in decide(view):
            self._underway.begin(due, partial(self._perform, due, outlook.processor))

    async def _perform(self, due: Due, processor: int) -> bool:
        """Carry out what is *due*; return whether its event will make it undue."""
        began = time.monotonic()
        try:
            await self._carry_out(due, processor)
        except (ContractRefused, *TRANSIENT) as error:
            level = logging.DEBUG if isinstance(error, ContractRefused) else logging.WARNING
            log.log(level, "step=%s subject=%s %s", due.step.name, due.subject, error)
        except QcrsError as error:
            log.warning("step=%s subject=%s %s: %s", due.step.name, due.subject, type(error).__name__, error)
        else:
            seconds = time.monotonic() - began
            log.info("step=%s subject=%s number=%s seconds=%.2f", due.step.name, due.subject, due.number, seconds)
            return due.step is not Step.AskPairs
        return False

    async def _carry_out(self, due: Due, processor: int) -> None:
        if isinstance(due.step, KeepingStep):
            await self.sender.send(*due.step.value, *arguments_of(due.step, due.subject, self.known), keyed=False)
        elif due.step in (Step.Accept, Step.AskPairs, Step.Commit, Step.Reveal):
            await self._for_channel(due, processor)
        else:
            await self._for_session(due, processor)

    async def _for_channel(self, due: Due, processor: int) -> None:
        # As it is now: events go on while this is done, and what is said is about the test that it was begun for.
        channel, end = copy(self.known.channels[due.subject]), self.end
        if due.step is Step.Accept:
            await end.accept(channel, processor)
        elif due.step is Step.AskPairs:
            await end.ask_pairs(channel, processor)
        elif due.step is Step.Commit:
            await end.commit(channel, processor)
        else:
            await end.reveal(channel, processor)

    async def _for_session(self, due: Due, processor: int) -> None:
        session, member = copy(self.known.sessions[due.subject]), self.member  # as it is now, as above
        group = self.known.groups[session.group]
        if due.step is Step.Join:
            await member.join(session, group, self.known.channels, due.place)
        elif due.step is Step.Arm:
            await member.arm(session, group, self.known.channels, due.place)
        elif due.step is Step.Run:
            await member.run(session, group, self.known.channels, due.place)
        elif due.step is Step.Bind:
            await member.bind(session, group, self.known.channels, due.place)
        else:
            await member.report(session, group, self.known.channels, due.place)


def entangler_of(executor: Executor, config: NodeConfig) -> Entangler:
    """Return what serves channels and sessions with the means of *executor*."""
    gateway, account = executor.gateway, executor.account
    noise = local_noise(Calibration.read(config.calibration))

    def root() -> bytes:
        return entanglement_root(account, gateway.network.chain_id, gateway.network.deployment, executor.processor)

    sender = Sender(gateway, account, executor.door)
    links = Links(gateway, account, executor.store, lambda: executor.processor)
    wishes = Wishes(config.journal.with_name(FOLDER))
    end = End(gateway, sender, links, executor.journal, root, wishes.numbers, noise)
    member = Member(gateway, sender, links, executor.journal, executor.store, root, noise, executor.keys)
    keys = KeyFolder(config.journal.with_name(KEYS))
    keys.clear()
    talks = Talks(
        gateway, links, executor.journal, Vault(executor.store, gateway.network.deployment),
        Identities(gateway, executor.store), executor.keys, noise, keys,
    )  # fmt: skip
    return Entangler(sender, links, end, member, talks, Errands(wishes, end, talks), keeper=config.keeper)
