"""Pairs held for two ends: made when both have asked, measured by each on its own."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy

from qcrs.errors import QcrsError
from qcrs.link.errors import FrameInvalid, PairsUnknown, TooMany
from qcrs.link.file import LinkFile
from qcrs.link.meeting import Meeting, Shelf
from qcrs.link.wire import Measure, Prepare, Purpose
from qcrs.quantum.entanglement.held import CHSH_ANGLES, X_ANGLE, Z_ANGLE, Arrivals, Held, arrivals, to_bits, to_words
from qcrs.rules.digest import keccak

Herald = Callable[[int, int, bytes], Awaitable[None]]
Key = tuple[Purpose, int, int, tuple[int, ...]]


class Channels:
    """The pairs that a link holds.

    Args:
        herald: Told channel, attempt and root when the pairs of a test are there: tells the chain.
        random: Where chance comes from; fresh by default.
    """

    def __init__(self, link: LinkFile, herald: Herald | None = None, random: numpy.random.Generator | None = None):
        self._link, self._herald = link, herald
        self._random = random or numpy.random.default_rng(secrets.randbits(128))
        limits = link.service
        self._meetings: Shelf[Meeting] = Shelf("channels", limits.held, limits.keep_seconds)
        self._held: Shelf[Held] = Shelf("held pairs", limits.held, limits.keep_seconds)
        self._measured: Shelf[tuple[Measure, dict[str, Any]]] = Shelf("measurements", limits.held, limits.keep_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        self.pairs = self.discarded = self.tries = 0

    async def prepare(self, processor: int, request: Prepare, wait: float) -> dict[str, Any]:
        """Return when the pairs came, once both ends have asked and they are there."""
        key = _key(processor, request)
        channel = f"channel {request.channel}, attempt {request.attempt} ({request.purpose})"
        if request.peer == processor:
            raise FrameInvalid(f"{channel}: the peer is processor {processor} itself")
        meeting = self._meetings.made(key, processor, lambda: Meeting(channel, key[3], request.pairs))
        if meeting.arrive(processor, request.pairs):
            task = asyncio.create_task(self._make(key, request, meeting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return {**await meeting.wait(wait), "end": key[3].index(processor)}

    def measure(self, processor: int, request: Measure) -> dict[str, Any]:
        """Return what *processor* measures; the same again when it asks the same again."""
        key = _key(processor, request)
        held = self._held.get(key)
        if held is None:
            raise PairsUnknown(
                f"no pairs held for {request.purpose}, channel {request.channel}, attempt {request.attempt} with "
                f"processor {request.peer}: never made, spent, or lost when the link was started again"
            )
        count = (len(held) + 255) // 256
        if (len(request.positions), len(request.bases)) != (count, count):
            raise FrameInvalid(
                f"measure: {len(request.positions)} words of positions and {len(request.bases)} of bases, expected "
                f"{count} for {len(held)} pairs"
            )
        # An answer may be lost on its way: the question may come again, and halves are measured once.
        asked, answer = self._measured.get((processor, key, request.positions)) or (None, {})
        if asked == request:
            return answer
        end = key[3].index(processor)
        chosen = numpy.flatnonzero(to_bits(request.positions, len(held)))
        angles = numpy.array(_angles(request.purpose, end))[to_bits(request.bases, len(held))[chosen].astype(int)]
        outcomes = numpy.zeros(len(held), dtype=bool)
        outcomes[chosen] = held.measure(end, chosen, angles, time.monotonic(), request.readout_ppm)
        answer = {"outcomes": [hex(word) for word in to_words(outcomes)], "measured": len(chosen)}
        return self._measured.made((processor, key, request.positions), processor, lambda: (request, answer))[1]

    async def _make(self, key: Key, request: Prepare, meeting: Meeting) -> None:
        try:
            came = arrivals(self._link.fibre, request.pairs, self._random)
            last = float(came.times[-1])
            if last > self._link.service.wait_seconds:
                raise TooMany(
                    f"{meeting.subject}: {request.pairs} pairs take {last:.3g} s, expected at most "
                    f"{self._link.service.wait_seconds:g} s"
                )
            created = time.monotonic() + came.times
            await asyncio.sleep(last)
            held = Held(self._link.fibre, created, self._random)
            self._held.made(key, key[3][0], lambda: held)
            self.pairs, self.discarded = self.pairs + request.pairs, self.discarded + came.discarded
            self.tries += came.tries
            root = _root(key, came)
            if self._herald is not None and request.purpose is Purpose.Test:
                await self._herald(request.channel, request.attempt, root)
            meeting.result.set_result(_facts(came, root))
        except QcrsError as error:
            # Both ends hear of it, and may ask again.
            self._meetings.drop(key)
            meeting.result.set_exception(error)


def _key(processor: int, request: Prepare | Measure) -> Key:
    # The lower processor is end 0 here; the angles of CHSH alone depend on it.
    ends = tuple(sorted((processor, request.peer)))
    return request.purpose, request.channel, request.attempt, ends


def _angles(purpose: Purpose, end: int) -> tuple[float, float]:
    return CHSH_ANGLES[end] if purpose is Purpose.Chsh else (Z_ANGLE, X_ANGLE)


def _facts(came: Arrivals, root: bytes) -> dict[str, Any]:
    return {
        "root": "0x" + root.hex(),
        "pairs": len(came.times),
        "seconds": float(came.times[-1]),
        "firstAge": float(came.times[-1] - came.times[0]),
        "tries": came.tries,
        "discarded": came.discarded,
    }


def _root(key: Key, came: Arrivals) -> bytes:
    """Return the digest of the link's record of the pairs: for whom, and when each came, in microseconds."""
    purpose, channel, attempt, ends = key
    times = [round(1e6 * second) for second in came.times.tolist()]
    record = {"purpose": purpose, "channel": channel, "attempt": attempt, "ends": ends, "microseconds": times}
    return keccak(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
