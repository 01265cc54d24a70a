"""Live sessions: members act on one joint state, one instruction after the other, and wait for one another."""

import asyncio
import secrets
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from qcrs.link.allowance import Allowances
from qcrs.link.errors import CallerNotMember, ForeignQubit, PairsUnknown, SessionBroken
from qcrs.link.file import LinkFile
from qcrs.link.live_session import LiveSession
from qcrs.link.meeting import Meeting, Shelf
from qcrs.link.wire import Act, OpenLive

if TYPE_CHECKING:
    from qcrs.quantum.entanglement.live import Joint


class LiveSessions:
    """The live sessions of a link."""

    def __init__(self, link: LinkFile, allowances: Allowances) -> None:
        self._link, self._allowances = link, allowances
        held, seconds = min(link.service.held, 32), link.service.keep_seconds
        self._meetings: Shelf[Meeting] = Shelf(
            "live sessions", held, seconds, lambda meeting: meeting.over and meeting.result.result().idle
        )

    async def open(self, processor: int, request: OpenLive, wait: float) -> dict[str, Any]:
        """Return when all members have opened the session."""
        key = (request.session, request.members)
        meeting = self._meetings.get(key) or Meeting(f"live session {request.session}", request.members, "live")
        last = meeting.arrive(processor, "live", request.model_copy(update={"wait": None}))
        self._meetings.made(key, processor, lambda: meeting)
        if last:
            meeting.begin(self._begin(key, meeting))
        await meeting.wait(processor, wait)
        return {"member": request.members.index(processor)}

    async def _begin(self, key: tuple[int, tuple[int, ...]], meeting: Meeting) -> LiveSession:
        opened = [meeting.brought[member] for member in meeting.members]
        with self._meetings.kept_on_success(key):
            allowance = await self._allowances.of(*key)
            return LiveSession(*key, opened, self._joint(opened), self._link.fibre, allowance)

    def act(self, processor: int, request: Act, wait: float) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Return the caller's bits when its instructions are carried out: at once, if nothing is to be waited for."""
        session = self._session(processor, request)
        done = session.act(request)
        return {"bits": done.result()} if done.done() else self._finish(session, done, wait)

    async def _finish(self, session: LiveSession, done: asyncio.Future[str], wait: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(wait):
                return {"bits": await asyncio.shield(done)}
        except TimeoutError:
            session.end(SessionBroken(f"{session.why()}, after {wait:g} s"))
            return {"bits": await done}

    def _session(self, processor: int, request: Act) -> LiveSession:
        if processor not in request.members:
            raise CallerNotMember(f"live session {request.session}: processor {processor} is no member")
        if request.members.index(processor) != request.member:
            raise ForeignQubit(
                f"live session {request.session}: processor {processor} acts on the qubits of member {request.member}, "
                f"expected member {request.members.index(processor)}"
            )
        meeting = self._meetings.get((request.session, request.members))
        if meeting is None or not meeting.result.done():
            raise PairsUnknown(f"live session {request.session} is not open: all members are to open it first")
        return meeting.result.result()

    def _joint(self, opened: list[OpenLive]) -> "Joint":
        # Stim and Qiskit are imported for the first live session: a link that has none stays small.
        from qcrs.quantum.entanglement.live import Joint

        qubits, bits = [one.qubits for one in opened], [one.bits for one in opened]
        return Joint(qubits, bits, self._link.fibre, [one.noise for one in opened], secrets.randbits(63))
