"""One live session: a joint state and its members, whose acts are carried out in an order in which they can be.

Members send as much as they like, and may leave at any time: what waits is bounded, and so is what a shot may have.
What takes long is done in slices, so that other sessions have theirs.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from qcrs.errors import QcrsError
from qcrs.link.allowance import Allowance
from qcrs.link.errors import ForeignQubit, FrameInvalid, LinkRefused, TooMany
from qcrs.link.wire import MAX_STEPS, Act, OpenLive
from qcrs.quantum.entanglement.errors import Deadlock, HeraldFailed
from qcrs.quantum.entanglement.order import Order, Step
from qcrs.quantum.entanglement.pairs import Fibre
from qcrs.quantum.fragment import MAX_INSTRUCTIONS, Fragment, FragmentInvalid, Instruction, Op

if TYPE_CHECKING:
    from qcrs.quantum.entanglement.live import Joint

_log = logging.getLogger(__name__)
# Of one member, in acts, instructions and bits that these name: what may wait, and what a shot may have, which does for
# the longest fragment.
MOST_AHEAD, MOST_OF_A_SHOT = 16 * MAX_STEPS, 2 * MAX_INSTRUCTIONS
_SLICE_SECONDS = 0.02  # that one session may keep the others waiting


@dataclass
class _Act:
    """What a member asked for, and who waits for its end."""

    request: Act
    size: int
    done: asyncio.Future[str]


class LiveSession:
    """One joint state and its members."""

    def __init__(
        self, number: int, members: tuple[int, ...], opened: list[OpenLive], joint: "Joint", fibre: Fibre,
        allowance: Allowance | None,
    ) -> None:  # fmt: skip
        self._name, self._members, self._opened, self._joint = f"session {number}", members, opened, joint
        self._fibre, self._allowance = fibre, allowance
        self._order = Order(len(members))
        self._last: list[_Act | None] = [None] * len(members)
        self._queues: list[deque[_Act]] = [deque() for _ in members]
        self._waiting = [0] * len(members)  # how much of each
        self._asked = [0] * len(members)  # how much each has since its last shot began
        self._work: Iterator[None] | None = None
        self._broken: QcrsError | None = None
        self._failed: HeraldFailed | None = None  # of this shot, which is to be begun anew

    def act(self, request: Act) -> asyncio.Future[str]:
        """Take in *request*, do what can be done now, and return what will be its member's bits after it."""
        if self._broken is not None:
            raise self._broken
        last = self._last[request.member]
        if last is not None and request.serial == last.request.serial:
            return last.done
        if last is not None and request.serial < last.request.serial:
            raise FrameInvalid(
                f"{self._name}: act {request.serial} of member {request.member} after its act {last.request.serial}"
            )
        self._require_own(request)
        if self._failed is not None and not request.restart:
            raise self._failed
        act = _Act(request, self._taken(request), asyncio.get_running_loop().create_future())
        act.done.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._last[request.member] = act
        self._queues[request.member].append(act)
        # A member that waits for another shot has nothing else to do: its act goes in when all have asked.
        if len(self._queues[request.member]) == 1 and not request.restart:
            self._order.add(request.member, request.instructions)
        if self._work is None:
            self._work = self._carry_out()
            self._go_on()
        return act.done

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything in it."""
        return self._broken is not None or not any(self._queues)

    def why(self) -> str:
        """Return who waits for what, in words."""
        waits = [str(wait) for wait in self._order.waits()]
        asking = [member for member, queue in enumerate(self._queues) if queue and self._restarts(member)]
        absent = [member for member in range(len(self._members)) if member not in asking]
        if asking and not waits:
            waits = [f"member {asking[0]} waits for members {', '.join(map(str, absent))} to begin another shot"]
        named = ", ".join(f"member {member} is processor {processor}" for member, processor in enumerate(self._members))
        silent = [self._members[member] for member, queue in enumerate(self._queues) if not queue]
        nothing = f"; nothing comes from processors {', '.join(map(str, silent))}" if silent else ""
        return f"{self._name}: {'; '.join(waits)}{nothing} ({named})"

    def end(self, error: QcrsError) -> None:
        """Let nothing more be done, and tell all who wait why."""
        self._broken = error
        self._refuse(error)

    def _refuse(self, error: QcrsError) -> None:
        """Tell all who wait that what they asked for is not done."""
        for queue in self._queues:
            for act in queue:
                if not act.done.done():
                    act.done.set_exception(error)
            queue.clear()
        self._waiting = [0] * len(self._members)

    def _require_own(self, request: Act) -> None:
        own = self._opened[request.member]
        for position, step in enumerate(request.instructions):
            foreign = [qubit for qubit in step.qubits if qubit >= own.qubits]
            if foreign:
                raise ForeignQubit(
                    f"{self._name}, instruction {position}: qubit {foreign[0]} is not member {request.member}'s, "
                    f"expected below {own.qubits}"
                )
            if step.peer >= len(self._members):
                raise FragmentInvalid(f"{self._name}, instruction {position}: peer {step.peer} of {len(self._members)}")
        _require_valid(request.member, own.qubits, own.bits, request.instructions)

    def _taken(self, request: Act) -> int:
        """Count what *request* is for, of which some is kept until the shot is over, and return how much that is."""
        member = request.member
        size = 1 + sum(1 + len(step.bits) + len(step.condition) for step in request.instructions)
        counts = (self._waiting[member] + size, size + (0 if request.restart else self._asked[member]))
        for count, most, where in zip(counts, (MOST_AHEAD, MOST_OF_A_SHOT), ("that wait", "in a shot"), strict=True):
            if count > most:
                raise TooMany(
                    f"{self._name}: {count} acts, instructions and bits of member {member} {where}, expected at most "
                    f"{most}"
                )
        self._waiting[member], self._asked[member] = counts
        return size

    def _go_on(self) -> None:
        """Carry on with what is begun; when that takes long, again once others have been served."""
        assert self._work is not None
        until = time.monotonic() + _SLICE_SECONDS
        for _ in self._work:
            if time.monotonic() >= until:
                asyncio.get_running_loop().call_soon(self._go_on)
                return
        self._work = None

    def _carry_out(self) -> Iterator[None]:
        """Do all that can be done, and stop after each step."""
        try:
            while True:
                for step in self._order.steps():
                    self._spend(step)
                    self._joint.apply(step)
                    yield
                    if self._broken is not None:
                        return
                if not self._finish() and not self._begin():
                    break
        except HeraldFailed as error:
            # All are told, and nothing is done before all begin anew; a shot that ends with a barrier is over for
            # nobody before it counts.
            self._failed = HeraldFailed(f"{self._name}: {error}")
            self._refuse(self._failed)
            self._order = Order(len(self._members))
            return
        except QcrsError as error:
            self.end(error)
            return
        except Exception as error:
            # A fault of this program: nobody is to wait in vain for what is only half done.
            _log.error("%s failed", self._name, exc_info=error)
            self.end(LinkRefused(f"{self._name}: the link failed at it"))
            return
        if all(self._queues):
            self.end(Deadlock(self.why()))

    def _spend(self, step: Step) -> None:
        """Count what a pair takes of what the session may use."""
        asked = step.instruction
        if self._allowance is not None and asked.op is Op.Pair and step.partner is not None:
            ends = (min(step.member, asked.peer), max(step.member, asked.peer))
            self._allowance.spend(ends, self._fibre.raw_pairs(asked.rounds))

    def _finish(self) -> bool:
        """End the acts that are carried out; return whether others have begun."""
        begun = False
        for member, queue in enumerate(self._queues):
            while queue and not self._restarts(member) and self._order.idle(member):
                act = queue.popleft()
                self._waiting[member] -= act.size
                if not act.done.done():
                    act.done.set_result(self._bits(member))
                if queue and not queue[0].request.restart:
                    self._order.add(member, queue[0].request.instructions)
                    begun = True
        return begun

    def _begin(self) -> bool:
        """Begin another shot when all members have asked for it."""
        if not all(queue and self._restarts(member) for member, queue in enumerate(self._queues)):
            return False
        self._joint.restart()
        self._failed = None
        self._order = Order(len(self._members))
        for member, queue in enumerate(self._queues):
            queue[0].request = queue[0].request.model_copy(update={"restart": False})
            self._order.add(member, queue[0].request.instructions)
        return True

    def _restarts(self, member: int) -> bool:
        return self._queues[member][0].request.restart

    def _bits(self, member: int) -> str:
        return "".join(str(self._joint.bit(member, own)) for own in range(self._opened[member].bits))


@lru_cache(maxsize=128)  # each may have some hundred kilobytes
def _require_valid(member: int, qubits: int, bits: int, instructions: tuple[Instruction, ...]) -> None:
    """Check what a member with so many qubits and bits is to do; members do the same in every shot."""
    try:
        Fragment(member=member, qubits=qubits, bits=bits, instructions=instructions)
    except ValueError as error:
        raise FragmentInvalid(f"live session: {error}") from error
