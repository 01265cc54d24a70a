"""What several members do together: programs run for many shots, barriers, and letters from one to another."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple

from qcrs.errors import QcrsError
from qcrs.link.allowance import Allowances
from qcrs.link.channels import ChannelChain
from qcrs.link.errors import AccountMismatch, CallerNotMember, ForeignQubit, SessionUnbound, WaitTimedOut
from qcrs.link.file import LinkFile
from qcrs.link.meeting import Meeting, Shelf
from qcrs.link.wire import Fetch, Meet, Post, RunProgram, Witness
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.entanglement.program import raw_between
from qcrs.quantum.entanglement.request import ProgramAnswer, ProgramRequest
from qcrs.quantum.fragment import Fragment

Runner = Callable[[ProgramRequest], Awaitable[ProgramAnswer]]
Key = tuple[int, tuple[int, ...]]  # a session and its members
FRAGMENTS_BYTES = 256 << 20  # of one processor that wait for those of others: the largest takes three quarters
_INSTRUCTION_BYTES, _BIT_BYTES = 700, 8  # in memory
LETTERS_BYTES = 16 << 20  # of one processor that are kept: a conversation over a channel has some hundred kilobytes


class _Part(NamedTuple):
    """What is kept of a member's fragment when its run is over: by what it is known again, and how it is told."""

    known_by: int
    width: int
    outputs: tuple[tuple[int, int], ...]


class Runs:
    """Programs of which each member gives its own fragment, and gets its own bits.

    Args:
        allowances: What pairs sessions may use. workers: How many run at once; others wait.
        chain: Says when members may be told of others; None tells nobody.
    """

    def __init__(
        self, link: LinkFile, allowances: Allowances, runner: Runner, workers: int, chain: ChannelChain | None = None
    ) -> None:
        self._link, self._allowances, self._runner, self._chain = link, allowances, runner, chain
        self._workers = asyncio.Semaphore(workers)
        self._meetings: Shelf[Meeting] = Shelf(
            "runs", min(link.service.held, 32), link.service.keep_seconds, lambda run: run.over
        )
        # Each is its own member's to answer for, whoever came first, and is large: it goes when its run begins.
        self._fragments: Shelf[tuple[Fragment, LocalNoise]] = Shelf(
            "fragments", link.service.held, link.service.keep_seconds, most=FRAGMENTS_BYTES
        )

    async def submit(self, processor: int, request: RunProgram, wait: float) -> dict[str, Any]:
        """Return *processor*'s bits, once all members have submitted and the program was run."""
        key, subject = (request.session, request.members), f"run of session {request.session}"
        if processor in request.members and request.members[request.fragment.member : request.fragment.member + 1] != (
            processor,
        ):
            raise ForeignQubit(
                f"{subject}: fragment of member {request.fragment.member} from processor {processor}, expected member "
                f"{request.members.index(processor)}"
            )
        meeting = self._meetings.get(key) or Meeting(subject, request.members, request.shots)
        last = self._arrive(key, meeting, processor, request)
        # All members answer for it: whoever never fetches its bits keeps none of them from runs with third ones.
        self._meetings.made(key, tuple(sorted(request.members)), lambda: meeting)
        if last:
            meeting.begin(self._run(key, meeting))
        answer: ProgramAnswer = await meeting.wait(processor, wait)
        own = answer.bits[request.fragment.member]
        return {
            "engine": answer.engine,
            "shots": request.shots,
            "pairs": answer.pairs,
            "rawPairs": answer.raw_pairs,
            "bits": own,
        }

    async def witness(self, processor: int, request: Witness, _wait: float) -> dict[str, Any]:
        """Return what every member measured, with which of its bits are outcomes.

        So nobody can stop the others by showing nothing once it is bound. What stands in for fibre can witness; a real
        one could not.

        Raises:
            SessionUnbound: Not all are bound yet, or the run is not kept any more.
        """
        meeting = self._meetings.get((request.session, request.members))
        if meeting is None or not meeting.result.done() or self._chain is None:
            raise SessionUnbound(f"run {request.session} of members {request.members}: nothing of it is kept here")
        if processor not in request.members:
            raise CallerNotMember(f"run {request.session}: processor {processor}, expected one of {request.members}")
        await self._chain.require_bound(request.session)
        answer: ProgramAnswer = meeting.result.result()
        brought = [meeting.brought[member] for member in meeting.members]
        told = [
            {"bits": bits, "width": part.width, "outputs": part.outputs}
            for bits, part in zip(answer.bits, brought, strict=True)
        ]
        return {"shots": meeting.terms, "members": told}

    def _arrive(self, key: Key, meeting: Meeting, processor: int, request: RunProgram) -> bool:
        """Let *processor* come with its fragment; return whether it is the last."""
        fragment, place = request.fragment, (key, processor)
        if processor in meeting.members and processor not in meeting.brought:
            self._fragments.drop(place)  # of an earlier meeting that did not come about
            self._fragments.made(place, processor, lambda: (fragment, request.noise), _size(fragment))
        part = _Part(hash((fragment, request.noise)), fragment.bits, fragment.outputs)
        return meeting.arrive(processor, request.shots, part)

    async def _run(self, key: Key, meeting: Meeting) -> ProgramAnswer:
        parts = [self._fragments.drop((key, member)) for member in meeting.members]
        brought = [part for part in parts if part is not None]
        raw = raw_between([fragment for fragment, _ in brought], self._link.fibre)
        with self._meetings.kept_on_success(key):  # the chain may say otherwise when they ask again
            if len(brought) < len(parts):
                raise WaitTimedOut(f"{meeting.subject}: {', '.join(map(str, meeting.members))} came too far apart")
            allowance = await self._allowances.of(*key)
            most = None if allowance is None else allowance.reserve(raw, meeting.terms)
        request = ProgramRequest(
            fragments=tuple(fragment for fragment, _ in brought),
            noises=tuple(noise for _, noise in brought),
            fibre=self._link.fibre,
            shots=meeting.terms,
            seed=secrets.randbits(63),
            most_begun=most,
            limits=self._link.engine,
        )
        begun = most  # what a program that failed has used, nobody knows
        try:
            async with self._workers:
                answer = await self._runner(request)
            begun = answer.begun
        except QcrsError:
            raise  # the program's own fault, and its members hear of it whenever they ask
        except Exception:
            begun = 0
            self._meetings.drop(key)  # no process could be had for it: they may ask again
            raise
        finally:
            if allowance is not None and most is not None and begun is not None:
                allowance.release(raw, most - begun)
        return answer


def _size(fragment: Fragment) -> int:
    """Return about how many bytes *fragment* takes."""
    bits = sum(len(step.bits) + len(step.condition) for step in fragment.instructions)
    return _INSTRUCTION_BYTES * len(fragment.instructions) + _BIT_BYTES * bits


class Barriers:
    """Points of a session that all members pass, or nobody."""

    def __init__(self, link: LinkFile) -> None:
        self._meetings: Shelf[Meeting] = Shelf(
            "barriers", link.service.held, link.service.keep_seconds, lambda barrier: barrier.over
        )

    async def meet(self, processor: int, request: Meet, wait: float) -> dict[str, Any]:
        """Return when all are there."""
        key = (request.session, request.number, request.members)
        subject = f"barrier {request.number} of session {request.session}"
        meeting = self._meetings.get(key) or Meeting(subject, request.members, request.number)
        last = meeting.arrive(processor, request.number)
        self._meetings.made(key, processor, lambda: meeting)
        if last:
            meeting.result.set_result({})
        return await meeting.wait(processor, wait)


class Letters:
    """Opaque bytes from one processor to another; what they mean, and whether they are genuine, is for these to see."""

    def __init__(self, link: LinkFile) -> None:
        held, seconds = link.service.held, link.service.keep_seconds
        self._left: Shelf[bytes] = Shelf("letters", held, seconds, lambda _: True, LETTERS_BYTES)
        # Those who wait cost the sender nothing: they are as many as requests may wait.
        self._awaited: dict[Hashable, set[asyncio.Future[bytes]]] = defaultdict(set)

    def post(self, processor: int, request: Post, _wait: float) -> dict[str, Any]:
        """Leave a letter; the same again changes nothing."""
        key, data = (processor, request.peer, request.topic), request.data
        if self._left.made(key, processor, lambda: data, len(data)) != data:
            raise AccountMismatch(f"letter {request.topic!r} to processor {request.peer}: there is another already")
        for waiting in self._awaited.pop(key, ()):
            if not waiting.done():  # whoever waited may have gone just now
                waiting.set_result(data)
        return {}

    async def fetch(self, processor: int, request: Fetch, wait: float) -> dict[str, Any]:
        """Return a letter, once it is there."""
        key = (request.peer, processor, request.topic)
        data = self._left.get(key)
        if data is None:
            waiting = asyncio.get_running_loop().create_future()
            self._awaited[key].add(waiting)
            try:
                async with asyncio.timeout(wait):
                    data = await waiting
            except TimeoutError:
                raise WaitTimedOut(
                    f"letter {request.topic!r}: waits for processor {request.peer} to send it after {wait:g} s"
                ) from None
            finally:
                self._give_up(key, waiting)
        return {"data": data}

    def _give_up(self, key: Hashable, waiting: asyncio.Future[bytes]) -> None:
        self._awaited[key].discard(waiting)
        if not self._awaited[key]:
            del self._awaited[key]
