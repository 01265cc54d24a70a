"""A member of a live session, from its own side: instruction by instruction, or shot by shot."""

import itertools

from qcrs.link.line import Line
from qcrs.link.wire import MAX_STEPS, Act, understood
from qcrs.quantum.entanglement.errors import HeraldFailed
from qcrs.quantum.fragment import Fragment, Instruction, Op

MOST_TRIES = 10_000  # of a shot: links are anybody's, and one could say for ever that it does not count


class LiveMember:
    """A member of a live session: acts on its own qubits of the joint state.

    Attributes:
        member: Its number in the session.
    """

    def __init__(self, line: Line, session: int, members: tuple[int, ...], member: int) -> None:
        self._line, self._session, self._members, self.member = line, session, members, member
        self._serials = itertools.count(1)

    async def act(self, *instructions: Instruction, restart: bool = False, wait: float | None = None) -> list[int]:
        """Carry out *instructions* one after the other, and return all own bits then.

        Args:
            restart: Begin another shot first, once all members ask for it: all qubits and bits are 0.

        Raises:
            ForeignQubit: A qubit is not the own.
            SessionBroken: Others kept it waiting too long; the message names who. Deadlock: All wait for one another.
            HeraldFailed: The shot does not count; begin another.
        """
        request = Act(
            session=self._session, members=self._members, member=self.member, serial=next(self._serials),
            instructions=instructions, restart=restart, wait=wait,
        )  # fmt: skip
        answer = await self._line.ask(request)
        with understood("bits"):
            return [int(bit) for bit in answer["bits"]]

    async def shot(self, fragment: Fragment, wait: float | None = None) -> list[int]:
        """Carry out *fragment*, as all members do theirs, until the shot counts, and return all own bits then.

        Raises:
            HeraldFailed: None of ``MOST_TRIES`` does.
        """
        # The barrier keeps members whose part is short from leaving before the others' heralds have come.
        steps, bits = (*fragment.instructions, Instruction(op=Op.Barrier)), []
        failed: HeraldFailed | None = None
        for _ in range(MOST_TRIES):
            try:
                for start in range(0, len(steps), MAX_STEPS):
                    bits = await self.act(*steps[start : start + MAX_STEPS], restart=start == 0, wait=wait)
            except HeraldFailed as error:
                failed = error
            else:
                return bits
        raise HeraldFailed(f"{MOST_TRIES} shots were begun, and none counts: {failed}")
