"""A distributed program from its requester's side: who runs it, for what, and seeing its runs to their verdict.

Several runs of the same program, by processors of which none serves twice, are replicas of one another: the contract
compares their results. One run alone is paid and stays Unverified.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qcrs.chain.action import act
from qcrs.chain.codec import ContractRefused
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.crypto.parcel import seal_parcel
from qcrs.errors import QcrsError
from qcrs.identities import Identities
from qcrs.model.entanglement import ENTANGLEMENT_EVENTS, Entanglement, Group, Session, SessionRequest
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.entanglement_keeping import arguments_of, group_due, session_due
from qcrs.rules.histogram import counts_root
from qcrs.rules.session_plan import context_of
from qcrs.sdk.crew import Crew
from qcrs.sdk.secrets import Secrets
from qcrs.store import Store

log = logging.getLogger(__name__)

COORDINATOR = "EntanglementCoordinator"
POLL_SECONDS = 0.3
STEP_PAUSE_SECONDS = 2.0


class SessionUnknown(QcrsError):
    """There is no session with this id."""


class Program(Protocol):
    """What is run: a circuit, or a memory.

    Attributes:
        digest: What names it on the chain. outcome_bits: Width of an outcome.
    """

    @property
    def digest(self) -> bytes: ...  # noqa: D102

    @property
    def outcome_bits(self) -> int: ...  # noqa: D102

    def parts(self, crew: Crew) -> Sequence[str]:
        """Return what each member of *crew* is sealed: see ``qcrs.quantum.session_part``."""
        ...


@dataclass(frozen=True)
class Order:
    """What a requester asks of all runs, beside the program.

    Attributes:
        fee, deposit: Of each member, wei. phases: Barriers after the arming one: shots are split over all but the last.
    """

    shots: int
    fee: int
    deposit: int
    phases: int = 2
    join_seconds: int = 120
    phase_seconds: int = 120
    report_seconds: int = 120


@dataclass(frozen=True)
class Outcome:
    """How a group ended.

    Attributes:
        verdict: None when no run had a result. counts: Of the runs that count, together; None without any.
        absent: Processors that were named as absent.
    """

    group: int
    verdict: Verdict | None
    sessions: Sequence[Session]
    counts: Mapping[int, int] | None
    absent: Sequence[int]


class Requester:
    """Who has distributed programs run."""

    def __init__(self, gateway: Gateway, account: LocalAccount, secrets: Secrets, store: Store) -> None:
        self._gateway, self._account, self._secrets, self._store = gateway, account, secrets, store
        self._identities = Identities(gateway, store)
        self._tried: dict[tuple, float] = {}

    async def create(self, program: Program, crews: Sequence[Crew], order: Order) -> int:
        """Seal each part to its processor, put all fees down, and return the group.

        Raises:
            ProcessorUnkeyed, IdentityInvalid: A processor has no key to seal to.
            ContractRefused: The contract says no; nothing is taken.
        """
        context = context_of(self._gateway.network.deployment, program.digest)
        await self._identities.refresh()
        runs = []
        for crew in crews:
            digests = [
                await self._sealed(part, processor, context)
                for part, processor in zip(program.parts(crew), crew.members, strict=True)
            ]
            uses = [(channel, pairs * order.shots) for channel, pairs in sorted(crew.pairs.items())]
            runs.append((list(crew.members), digests, uses))
        request = SessionRequest(
            program_digest=program.digest, secret_commitment=self._secrets.create(), phases=order.phases,
            shots=order.shots, outcome_bits=program.outcome_bits, fee=order.fee, deposit=order.deposit,
            join_seconds=order.join_seconds, phase_seconds=order.phase_seconds, report_seconds=order.report_seconds,
        )  # fmt: skip
        value = order.fee * sum(len(crew.members) for crew in crews)
        arguments = (COORDINATOR, "create", request.to_chain(), runs)
        receipt = await act(self._gateway, self._account, *arguments, value=value)
        return receipt.event("SessionsCreated")["group"]

    async def drive(self, group: int, progress: Callable[[str], None] = lambda _: None) -> Outcome:
        """Take the requester's steps, and those that nobody else takes, until *group* has ended.

        Raises:
            SessionUnknown: There is no such group.
        """
        known = Entanglement()
        first = self._gateway.network.deployed_at
        while True:
            last = await self._gateway.block_number()
            if last >= first:
                for event in await self._gateway.logs(first, last, ENTANGLEMENT_EVENTS):
                    known.apply(event.name, event.arguments, event.block)
                first = last + 1
            record = known.groups.get(group)
            if record is None:
                raise SessionUnknown(f"there is no group of sessions {group}; see 'qcrs session list'")
            sessions = known.runs(record)
            progress(_told(sessions))
            if record.verdict is not None or all(session.ended for session in sessions):
                return await self._outcome(record, sessions)
            await self._gateway.look()
            await self._step(record, known)
            await asyncio.sleep(POLL_SECONDS)

    async def _sealed(self, part: str, processor: int, context: bytes) -> bytes:
        key = (await self._identities.known(processor)).document.sealing_key
        parcel = await asyncio.to_thread(seal_parcel, part.encode(), context, [key])
        return await asyncio.to_thread(self._store.put, parcel)

    async def _step(self, group: Group, known: Entanglement) -> None:
        """Disclose the secret when it is due, and enforce what is overdue."""
        now = self._gateway.now
        if group.due_at and group.seed is None and now <= group.due_at:
            secret = self._secrets.behind(group.request.secret_commitment)
            if secret is not None:
                await self._post(COORDINATOR, "disclose", group.group, secret)
        steps = [(group_due(group, known, now), group.group)]
        then = now - STEP_PAUSE_SECONDS  # keepers come first
        steps += [(session_due(session, group, then), session.session) for session in known.runs(group)]
        for step, subject in steps:
            if step is not None:
                await self._post(*step.value, *arguments_of(step, subject, known))

    async def _post(self, contract: str, function: str, *arguments) -> None:
        """Send a step that another may have taken first; its event says that it was taken."""
        key = (function, arguments[0])
        if time.monotonic() - self._tried.get(key, float("-inf")) < STEP_PAUSE_SECONDS:
            return
        self._tried[key] = time.monotonic()
        try:
            await act(self._gateway, self._account, contract, function, *arguments)
        except ContractRefused as error:
            log.info("step=%s subject=%s %s", function, arguments[0], error)

    async def _outcome(self, group: Group, sessions: Sequence[Session]) -> Outcome:
        absent = sorted(
            processor
            for session in sessions
            for index, processor in enumerate(session.members)
            if session.absent >> index & 1
        )
        if group.verdict is None:
            return Outcome(group.group, None, sessions, None, absent)
        total: Counter[int] = Counter()
        for place, session in enumerate(sessions):
            if group.agreeing >> place & 1:
                root, _ = next(iter(session.reports.values()))
                counts = await asyncio.to_thread(self._store.get_histogram, root)
                if counts_root(counts) != root:
                    raise AssertionError("the store has checked it")
                total.update(counts)
        return Outcome(group.group, Verdict(group.verdict), sessions, dict(total) or None, absent)


def _told(sessions: Sequence[Session]) -> str:
    parts = []
    for session in sessions:
        phase = f" {session.phase}" if session.status is SessionStatus.Running else ""
        here = f", {len(session.present)} of {len(session.members)} there" if not session.ended else ""
        parts.append(f"session {session.session} {session.status.name}{phase}{here}")
    return "; ".join(parts)
