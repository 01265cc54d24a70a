"""What a member's run yields, by the kind of its program: a circuit, or a memory under error correction.

In each phase but the last a member binds itself to a file by its digest; only when all have is a file shown to others,
through the store, so that nobody can fit its own outcomes to theirs. In the end all files make the histogram. Outcomes
cannot be measured twice: they are in the journal before their digest is posted.

A circuit's shots are shared out over the phases. A memory is run whole, all shots at once, in the first phase; its
rounds are shared out, and who is no half of it has nothing to show and only decodes.

Whoever shows nothing, or no such file, must not be able to make others look absent: after a while, in which others come
to the same step, what the link saw counts.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from qcrs.daemon.journal import Journal
from qcrs.errors import QcrsError
from qcrs.link.client import LinkClient, OwnBits, Witnessed, rows_of
from qcrs.model.entanglement import Group, Session
from qcrs.quantum.correction import syndromes
from qcrs.quantum.correction.code import LEFT, RIGHT
from qcrs.quantum.correction.decoder import DecoderLimits, decode_apart
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import Fragment
from qcrs.quantum.session_part import MemoryPart, Part
from qcrs.rules import outcomes
from qcrs.rules.digest import keccak
from qcrs.rules.session_plan import run_number, shots_of
from qcrs.store import ContentMismatch, ContentUnavailable, Store

log = logging.getLogger(__name__)

ROWS, RECORD = "session-rows", "session-record"
OUTCOME_BITS = 1  # of a memory: right, or a logical error
PATIENCE_SECONDS, POLL_SECONDS = 10.0, 0.1


class RunRefused(QcrsError):
    """A daemon does not join a session, for a reason that its log tells; the session will not form."""


@dataclass(frozen=True)
class Seat:
    """A member's place in a session, and what it runs with.

    Attributes:
        noise: Of the processor's own device. root: Secret that salts follow from. link: Reaches the session's link.
    """

    session: Session
    group: Group
    index: int
    journal: Journal
    store: Store
    noise: LocalNoise
    root: Callable[[], bytes]
    link: Callable[[], Awaitable[LinkClient]]

    @property
    def phases(self) -> range:
        """The phases that something is measured in."""
        return range(1, self.group.request.phases)

    def kept(self, kind: str, number: int) -> bytes | None:
        """Return what the journal has."""
        return self.journal.kept(kind, self.session.session, number)

    def keep(self, kind: str, number: int, content: bytes) -> bytes:
        """Have the journal keep *content*, and return what counts."""
        return self.journal.keep(kind, self.session.session, number, content)

    async def run(self, fragment: Fragment, phase: int, shots: int) -> OwnBits:
        """Run *fragment* over the link, which tells nobody of the others' bits before the barrier of *phase*."""
        number, members = run_number(self.session.session, phase), self.session.members
        return await (await self.link()).run(number, members, fragment, shots, self.noise)

    async def witness(self, phase: int, member: int, error: Exception) -> Witnessed:
        """Return what the link saw *member* measure, since *error* keeps it from being known otherwise."""
        number, members = run_number(self.session.session, phase), self.session.members
        log.warning("session=%s processor=%s: the link is asked: %s", self.session.session, members[member], error)
        return (await (await self.link()).witness(number, members))[member]

    async def show(self, content: bytes) -> None:
        """Show others what this member has bound itself to; all have arrived, so it may be seen."""
        await asyncio.to_thread(self.store.put, content)

    async def shown(self, phase: int, member: int, until: float) -> bytes:
        """Return what *member* showed for *phase*, waiting for it to be there.

        Args:
            until: For so long, by ``time.monotonic``.

        Raises:
            ContentUnavailable: It has not come. ContentMismatch: What the store has is not that.
        """
        while True:
            try:
                return await asyncio.to_thread(self.store.get, self.session.digests[phase, member])
            except ContentUnavailable:
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(POLL_SECONDS)


class Run(Protocol):
    """A member's run."""

    async def measured(self, phase: int) -> bytes | None:
        """Return the file of *phase*, the same whenever it is asked for; None when this member has nothing to show."""

    async def counts(self) -> dict[int, int]:
        """Return the histogram of all shots, once the phases' barriers are passed."""


def run_of(seat: Seat, part: Part) -> Run:
    """Return the run that *part* asks for.

    Raises:
        RunRefused: It does not belong to this place in this session.
    """
    request, members = seat.group.request, len(seat.session.members)
    wrong = ""
    if part.member != seat.index or request.phases < 2:
        wrong = f"member {part.member}, {request.phases} phases; expected member {seat.index}, at least 2 phases"
    elif isinstance(part, MemoryPart):
        if max(part.halves) >= members:
            wrong = f"halves {part.halves}; expected two of {members} members"
        elif (part.job.shots, OUTCOME_BITS) != (request.shots, request.outcome_bits):
            wrong = f"{part.job.shots} shots and {OUTCOME_BITS} bit; expected {request.shots}, {request.outcome_bits}"
    if wrong:
        raise RunRefused(f"session {seat.session.session}: a part for {wrong}")
    return MemoryRun(seat, part) if isinstance(part, MemoryPart) else CircuitRun(seat, part)


@dataclass(frozen=True)
class CircuitRun:
    """A fragment of a circuit, of which each phase runs a share of the shots."""

    seat: Seat
    fragment: Fragment

    async def measured(self, phase: int) -> bytes:
        """Run this phase's shots, unless the journal has what came of them."""
        content = self.seat.kept(ROWS, phase)
        if content is None:
            shots = self._shots(phase)
            own = await self.seat.run(self.fragment, phase, shots)
            rows = rows_of(own.bits, own.shots, own.width, self.fragment.outputs)
            content = self.seat.keep(ROWS, phase, outcomes.encode(rows, shots))
        return content

    async def counts(self) -> dict[int, int]:
        """Add up what all members measured."""
        seat, until = self.seat, time.monotonic() + PATIENCE_SECONDS
        for own in (seat.kept(ROWS, phase) for phase in seat.phases):
            if own is not None:
                await seat.show(own)
        total: Counter[int] = Counter()
        for phase in seat.phases:
            total.update(await self._joint(phase, until))
        return dict(total)

    async def _joint(self, phase: int, until: float) -> dict[int, int]:
        seat, shots = self.seat, self._shots(phase)
        rows = [await self._rows(phase, member, until) for member in range(len(seat.session.members))]
        return await asyncio.to_thread(outcomes.joint_counts, rows, shots, seat.group.request.outcome_bits)

    async def _rows(self, phase: int, member: int, until: float) -> dict[int, bytes]:
        """Return what *member* measured: the file that it is bound to, or else what the link saw."""
        seat, shots = self.seat, self._shots(phase)
        try:
            return outcomes.decode(await seat.shown(phase, member, until), shots)
        except (ContentUnavailable, ContentMismatch, outcomes.OutcomesInvalid) as error:
            seen = (await seat.witness(phase, member, error)).rows()
            if keccak(outcomes.encode(seen, shots)) != seat.session.digests[phase, member]:
                log.error(
                    "session=%s processor=%s is bound to other outcomes than the link saw",
                    seat.session.session, seat.session.members[member],
                )  # fmt: skip
            return seen

    def _shots(self, phase: int) -> int:
        return shots_of(self.seat.group.request.shots, self.seat.group.request.phases, phase)


@dataclass(frozen=True)
class MemoryRun:
    """A half of a memory, or nothing of it; every member decodes both halves."""

    seat: Seat
    part: MemoryPart

    async def measured(self, phase: int) -> bytes | None:
        """Take part in the run of the whole memory, unless it was run, and return the file of this phase's rounds."""
        record = self.seat.kept(RECORD, 0)
        if record is None:
            # Under the number of the last phase, before whose barrier the link tells nobody of the others' bits.
            own = await self.seat.run(self.part.fragment(), self.seat.phases[-1], self.part.job.shots)
            record = self.seat.keep(RECORD, 0, own.bits)
        return None if self.part.half is None else await asyncio.to_thread(self._file, self.part.half, phase, record)

    async def counts(self) -> dict[int, int]:
        """Decode what both halves measured."""
        seat, half, record = self.seat, self.part.half, self.seat.kept(RECORD, 0)
        if half is not None and record is not None:
            for phase in seat.phases:
                await seat.show(await asyncio.to_thread(self._file, half, phase, record))
        until = time.monotonic() + PATIENCE_SECONDS
        left, right = await self._record(LEFT, until), await self._record(RIGHT, until)
        limits = DecoderLimits(seconds=max(1, min(3600, seat.group.request.phase_seconds // 2)))
        found = await decode_apart(self.part.job, (left, right), limits)
        log.info(
            "session=%s verdict=%s errors=%s shots=%s detections=%.5f expected=%.5f",
            seat.session.session, found.digest, found.errors, found.shots, found.detection_rate, found.expected_rate,
        )  # fmt: skip
        return found.counts

    async def _record(self, half: int, until: float) -> bytes:
        """Return what *half* measured: the files that it is bound to, or else what the link saw."""
        seat, member = self.seat, self.part.halves[half]
        try:
            files = [await seat.shown(phase, member, until) for phase in seat.phases]
            return await asyncio.to_thread(syndromes.record_of, self.part.job, seat.session.session, half, files)
        except (ContentUnavailable, ContentMismatch, RecordInvalid) as error:
            return (await seat.witness(seat.phases[-1], member, error)).bits

    def _file(self, half: int, phase: int, record: bytes) -> bytes:
        number, phases = self.seat.session.session, self.seat.group.request.phases
        salt = keccak(self.seat.root() + b"syndromes" + number.to_bytes(8, "big") + bytes([phase]))
        return syndromes.encode(self.part.job, number, half, phases, phase, record, salt)
