"""What several members do together: programs run for many shots, barriers, and letters from one to another."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from qcrs.errors import QcrsError
from qcrs.link.allowance import Allowances
from qcrs.link.channels import ChannelChain
from qcrs.link.errors import AccountMismatch, CallerNotMember, ForeignQubit, SessionUnbound, WaitTimedOut
from qcrs.link.file import LinkFile
from qcrs.link.meeting import Meeting, Shelf
from qcrs.link.wire import Fetch, Meet, Post, RunProgram, Witness
from qcrs.quantum.entanglement.program import raw_between
from qcrs.quantum.entanglement.request import ProgramAnswer, ProgramRequest

Runner = Callable[[ProgramRequest], Awaitable[ProgramAnswer]]


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
        bringing = (request.fragment, request.noise)
        meeting = self._meetings.get(key) or Meeting(subject, request.members, request.shots)
        last = meeting.arrive(processor, request.shots, bringing)
        self._meetings.made(key, processor, lambda: meeting)
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
        fragments = [meeting.brought[member][0] for member in meeting.members]
        told = [
            {"bits": bits, "width": fragment.bits, "outputs": fragment.outputs}
            for bits, fragment in zip(answer.bits, fragments, strict=True)
        ]
        return {"shots": meeting.terms, "members": told}

    async def _run(self, key: tuple[int, tuple[int, ...]], meeting: Meeting) -> ProgramAnswer:
        brought = [meeting.brought[member] for member in meeting.members]
        raw = raw_between([fragment for fragment, _ in brought], self._link.fibre)
        try:
            allowance = await self._allowances.of(*key)
            most = None if allowance is None else allowance.reserve(raw, meeting.terms)
        except QcrsError:
            self._meetings.drop(key)  # all hear of it, and may ask again: the chain may say otherwise by then
            raise
        request = ProgramRequest(
            fragments=tuple(fragment for fragment, _ in brought),
            noises=tuple(noise for _, noise in brought),
            fibre=self._link.fibre,
            shots=meeting.terms,
            seed=secrets.randbits(63),
            most_begun=most,
            limits=self._link.engine,
        )
        async with self._workers:
            answer = await self._runner(request)
        if allowance is not None and most is not None:
            allowance.release(raw, most - answer.begun)
        return answer


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
        self._letters: Shelf[asyncio.Future[bytes]] = Shelf("letters", held, seconds, lambda letter: letter.done())

    def post(self, processor: int, request: Post, _wait: float) -> dict[str, Any]:
        """Leave a letter; the same again changes nothing."""
        letter = self._letter(processor, (processor, request.peer, request.topic))
        if not letter.done():
            letter.set_result(request.data)
        elif letter.result() != request.data:
            raise AccountMismatch(f"letter {request.topic!r} to processor {request.peer}: there is another already")
        return {}

    async def fetch(self, processor: int, request: Fetch, wait: float) -> dict[str, Any]:
        """Return a letter, once it is there."""
        letter = self._letter(processor, (request.peer, processor, request.topic))
        try:
            async with asyncio.timeout(wait):
                data = await asyncio.shield(letter)
        except TimeoutError:
            raise WaitTimedOut(
                f"letter {request.topic!r}: waits for processor {request.peer} to send it after {wait:g} s"
            ) from None
        return {"data": data}

    def _letter(self, owner: int, key: tuple[int, int, str]) -> asyncio.Future[bytes]:
        return self._letters.made(key, owner, asyncio.get_running_loop().create_future)
