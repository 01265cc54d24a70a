"""What a member's run yields, by the kind of its program: a circuit, or a memory under error correction.

The link runs the whole program once. In each phase but the last a member binds itself to a file by its digest; only
when all have is a file shown to others, through the store, so that nobody can fit its own outcomes to theirs. In the
end all files make the histogram. Outcomes cannot be measured twice: they are in the journal before a digest is posted.

Of a circuit the shots are shared out over the phases; of a memory the rounds, all shots in each. Who is no half of a
memory has nothing to show and only decodes.

Whoever shows nothing, or no such file, must not be able to make others look absent: after a while, in which others come
to the same step, what the link saw counts. Nor must whoever spoils the run itself: see ``spoilt``.
"""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from qcrs.daemon.seat import Seat
from qcrs.errors import QcrsError
from qcrs.link.answers import OwnBits, rows_of
from qcrs.quantum.correction import syndromes
from qcrs.quantum.correction.code import LEFT, RIGHT
from qcrs.quantum.correction.decoder import DecoderLimits, decode_apart
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.fragment import Fragment
from qcrs.quantum.session_part import MemoryPart, Part
from qcrs.rules import outcomes
from qcrs.rules.digest import keccak
from qcrs.rules.session_plan import shots_of
from qcrs.store import ContentMismatch, ContentUnavailable

log = logging.getLogger(__name__)

ROWS, RECORD = "session-rows", "session-record"
OUTCOME_BITS = 1  # of a memory: right, or a logical error
PATIENCE_SECONDS = 10.0


class RunRefused(QcrsError):
    """A daemon does not join a session, for a reason that its log tells; the session will not form."""


class Run(Protocol):
    """A member's run."""

    async def begin(self) -> None:
        """Give the own fragment to the link."""

    async def measured(self, phase: int, until: float) -> bytes | None:
        """Return the file of *phase*, the same whenever it is asked for; None when this member has nothing to show.

        Args:
            until: How long others' parts are waited for, by ``time.monotonic``.
        """

    async def counts(self, until: float) -> dict[int, int]:
        """Return the histogram of all shots, once the phases' barriers are passed.

        Args:
            until: As in ``measured``, for the link to say what it saw.
        """


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
    """A fragment of a circuit, whose shots are shared out over the phases."""

    seat: Seat
    fragment: Fragment

    async def begin(self) -> None:
        """Give the fragment to the link."""
        await self.seat.begin(self.fragment)

    async def measured(self, phase: int, until: float) -> bytes | None:
        """Return what was measured in this phase's shots."""

        def rows(own: OwnBits) -> bytes:
            return outcomes.encode(rows_of(own.bits, own.shots, own.width, self.fragment.outputs), own.shots)

        content = await self.seat.outcomes(ROWS, self.fragment, until, rows)
        return None if content is None else self._part(content, phase)

    async def counts(self, until: float) -> dict[int, int]:
        """Add up what all members measured."""
        return await self.seat.reported(self._counts, until)

    async def _counts(self) -> dict[int, int]:
        seat, until = self.seat, time.monotonic() + PATIENCE_SECONDS
        if (own := seat.kept(ROWS, 0)) is not None:
            for phase in seat.phases:
                await seat.show(self._part(own, phase))
        total: Counter[int] = Counter()
        for phase in seat.phases:
            total.update(await self._joint(phase, until))
        return dict(total)

    async def _joint(self, phase: int, until: float) -> dict[int, int]:
        members, count = range(len(self.seat.session.members)), len(self._shots(phase))
        bits = self.seat.group.request.outcome_bits
        rows = [await self._rows(phase, member, until) for member in members]
        try:
            return await asyncio.to_thread(outcomes.joint_counts, rows, count, bits)
        except outcomes.OutcomesInvalid as error:
            # Each is a file, and one has other bits than are its member's.
            rows = [await self._seen(phase, member, error) for member in members]
        return await asyncio.to_thread(outcomes.joint_counts, rows, count, bits)

    async def _rows(self, phase: int, member: int, until: float) -> dict[int, bytes]:
        """Return what *member* measured: the file that it is bound to, or else what the link saw."""
        try:
            return outcomes.decode(await self.seat.shown(phase, member, until), len(self._shots(phase)))
        except (ContentUnavailable, ContentMismatch, outcomes.OutcomesInvalid) as error:
            return await self._seen(phase, member, error)

    async def _seen(self, phase: int, member: int, error: Exception) -> dict[int, bytes]:
        """Return what the link saw *member* measure, since *error* keeps it from being known otherwise."""
        seat, shots = self.seat, self._shots(phase)
        seen = outcomes.part((await seat.witness(member, error)).rows(), shots)
        if keccak(outcomes.encode(seen, len(shots))) != seat.session.digests[phase, member]:
            log.error(
                "session=%s processor=%s is bound to other outcomes than the link saw",
                seat.session.session, seat.session.members[member],
            )  # fmt: skip
        return seen

    def _part(self, content: bytes, phase: int) -> bytes:
        """Return the file of *phase* out of that of all shots."""
        shots = self._shots(phase)
        rows = outcomes.decode(content, self.seat.group.request.shots)
        return outcomes.encode(outcomes.part(rows, shots), len(shots))

    def _shots(self, phase: int) -> range:
        return shots_of(self.seat.group.request.shots, self.seat.group.request.phases, phase)


@dataclass(frozen=True)
class MemoryRun:
    """A half of a memory, or nothing of it; every member decodes both halves."""

    seat: Seat
    part: MemoryPart

    async def begin(self) -> None:
        """Give the fragment to the link."""
        await self.seat.begin(self.part.fragment())

    async def measured(self, phase: int, until: float) -> bytes | None:
        """Return the file of this phase's rounds."""
        part = self.part
        record = await self.seat.outcomes(RECORD, part.fragment(), until, lambda own: own.bits)
        if part.half is None or record is None:
            return None
        return await asyncio.to_thread(self._file, part.half, phase, record)

    async def counts(self, until: float) -> dict[int, int]:
        """Decode what both halves measured."""
        return await self.seat.reported(self._counts, until)

    async def _counts(self) -> dict[int, int]:
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
            return (await seat.witness(member, error)).bits

    def _file(self, half: int, phase: int, record: bytes) -> bytes:
        number, phases = self.seat.session.session, self.seat.group.request.phases
        salt = keccak(self.seat.root() + b"syndromes" + number.to_bytes(8, "big") + bytes([phase]))
        return syndromes.encode(self.part.job, number, half, phases, phase, record, salt)
