"""Pairs held for two ends: made when both have asked, measured by each on its own."""

import asyncio
import json
import secrets
import time
from typing import Any, Protocol

import numpy

from qcrs.errors import QcrsError
from qcrs.link.allowance import Ends, Taken
from qcrs.link.errors import FrameInvalid, PairsUnknown, TooMany
from qcrs.link.file import LinkFile
from qcrs.link.meeting import Meeting, Shelf
from qcrs.link.talked import OpenChannel, Talked
from qcrs.link.wire import Measure, Prepare, Purpose, Usage
from qcrs.quantum.entanglement.held import CHSH_ANGLES, X_ANGLE, Z_ANGLE, Arrivals, Held, arrivals, to_bits, to_words
from qcrs.rules.digest import keccak

HELD_BYTES = 256 << 20  # of two ends: four times the most pairs that can be asked for at once
MEASURED_BYTES = 64 << 20  # of one end
_PAIR_BYTES, _WORD_BYTES = 64, 256  # in memory: of a pair, and of a word that is asked for and answered
Key = tuple[Purpose, int, int, tuple[int, ...]]


class ChannelChain(Protocol):
    """What a link needs of the chain: see qcrs.link.chain."""

    async def require_heralding(self, channel: int, attempt: int, ends: tuple[int, ...], pairs: int) -> None:
        """Raise ``ChannelMismatch`` unless the chain waits for these pairs between these ends."""

    async def herald(self, channel: int, attempt: int, root: bytes) -> None:
        """Say that all pairs are there."""

    async def require_open(self, channel: int, ends: tuple[int, ...]) -> OpenChannel:
        """Raise ``ChannelMismatch`` unless *channel* is open between these ends now."""
        ...

    async def taken(self, session: int, members: tuple[int, ...]) -> dict[Ends, list[Taken]]:
        """Return what *session* has taken of channels; raise ``SessionUnready`` or ``ChannelMismatch`` otherwise."""
        ...

    async def require_bound(self, session: int) -> None:
        """Raise ``SessionUnbound`` unless all members of *session* are bound to what they measured."""


class Channels:
    """The pairs that a link holds.

    Args:
        talked: What keys and reports have used.
        chain: What the chain says of channels, and is told; None when there is none, and then nothing is checked.
        random: Where chance comes from; fresh by default.
    """

    def __init__(
        self, link: LinkFile, talked: Talked, chain: "ChannelChain | None" = None,
        random: numpy.random.Generator | None = None,
    ):  # fmt: skip
        self._link, self._chain, self._talked = link, chain, talked
        self._random = random or numpy.random.default_rng(secrets.randbits(128))
        limits = link.service
        bounds = (limits.held, limits.keep_seconds)
        # Not only when both have heard of it: an end that never does would keep the other from third ones.
        self._meetings: Shelf[Meeting] = Shelf("channels", *bounds, lambda meeting: meeting.result.done())
        self._held: Shelf[tuple[Held, dict[str, Any]]] = Shelf(
            "held pairs", *bounds, lambda made: made[0].spent, HELD_BYTES
        )
        self._measured: Shelf[tuple[Measure, dict[str, Any]]] = Shelf(
            "measurements", *bounds, lambda _: True, MEASURED_BYTES
        )
        self.pairs = self.discarded = self.tries = 0

    async def prepare(self, processor: int, request: Prepare, wait: float) -> dict[str, Any]:
        """Return when the pairs came, once both ends have asked and they are there."""
        key = _key(processor, request)
        channel = f"channel {request.channel}, attempt {request.attempt} ({request.purpose})"
        if request.peer == processor:
            raise FrameInvalid(f"{channel}: the peer is processor {processor} itself")
        meeting = self._meetings.made(key, processor, lambda: Meeting(channel, key[3], request.pairs))
        if meeting.arrive(processor, request.pairs):
            meeting.begin(self._make(key, request, meeting.subject))
        return {**await meeting.wait(processor, wait), "end": key[3].index(processor)}

    def measure(self, processor: int, request: Measure, _wait: float) -> dict[str, Any]:
        """Return what *processor* measures; the same again when it asks the same again."""
        key = _key(processor, request)
        found = self._held.get(key)
        if found is None:
            raise PairsUnknown(
                f"no pairs held for {request.purpose}, channel {request.channel}, attempt {request.attempt} with "
                f"processor {request.peer}: never made, spent, or lost when the link was started again"
            )
        held, _ = found
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
        place = (processor, key, request.positions)
        return self._measured.made(place, processor, lambda: (request, answer), count * _WORD_BYTES)[1]

    def usage(self, _processor: int, request: Usage, _wait: float) -> dict[str, Any]:
        """Return how many pairs keys and reports have used of a channel since one of its tests."""
        return {"pairs": self._talked.of(request.channel, request.attempt)}

    async def _make(self, key: Key, request: Prepare, subject: str) -> dict[str, Any]:
        made = self._tested if request.purpose is Purpose.Test else self._talk
        with self._meetings.kept_on_success(key):
            return await made(key, request, subject)

    async def _tested(self, key: Key, request: Prepare, subject: str) -> dict[str, Any]:
        if self._chain is not None:
            await self._chain.require_heralding(request.channel, request.attempt, key[3], request.pairs)
        # When the chain could not be told, what is there is kept, and it is told again.
        _, facts = self._held.get(key) or await self._generate(key, request.pairs, subject)
        if self._chain is not None:
            await self._chain.herald(request.channel, request.attempt, bytes.fromhex(facts["root"][2:]))
        return facts

    async def _talk(self, key: Key, request: Prepare, subject: str) -> dict[str, Any]:
        if self._chain is None or self._held.get(key) is not None:
            return (self._held.get(key) or await self._generate(key, request.pairs, subject))[1]
        # The attempt of a talk is a number of its own: which test its pairs are of, the chain says.
        channel = await self._chain.require_open(request.channel, key[3])
        self._talked.use(channel, request.pairs)
        try:
            return (await self._generate(key, request.pairs, subject))[1]
        except QcrsError:
            self._talked.use(channel, -request.pairs)
            raise

    async def _generate(self, key: Key, pairs: int, subject: str) -> tuple[Held, dict[str, Any]]:
        came = arrivals(self._link.fibre, pairs, self._random)
        last, most = float(came.times[-1]), self._link.service.wait_seconds
        if last > most:
            raise TooMany(f"{subject}: {pairs} pairs take {last:.3g} s, expected at most {most:g} s")
        created = time.monotonic() + came.times
        await asyncio.sleep(last)
        made = (Held(self._link.fibre, created, self._random), _facts(came, _root(key, came)))
        self.pairs, self.discarded, self.tries = (
            self.pairs + pairs, self.discarded + came.discarded, self.tries + came.tries,
        )  # fmt: skip
        # Both answer for them: neither could fill up what the other has of pairs with third ones.
        return self._held.made(key, key[3], lambda: made, pairs * _PAIR_BYTES)


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
