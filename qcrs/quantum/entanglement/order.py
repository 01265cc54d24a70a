"""In which order the members of a distributed program act, and who would wait for ever.

Members wait: for a peer to ask for a pair too, or to compare; for bits; at barriers. ``Order`` takes their instructions
as they come and gives those that can be carried out; a whole program woven this way shows its deadlocks before it is
run.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from qcrs.quantum.entanglement.errors import Deadlock, PairMismatch
from qcrs.quantum.fragment import Fragment, Instruction, Op, require_program

_MOST_NAMED = 8


class Step(NamedTuple):
    """*member* carries out *instruction*; *partner* is what the other end of a pair, or of a herald, says of it."""

    member: int
    instruction: Instruction
    partner: Instruction | None = None


class Wait(NamedTuple):
    """*member* cannot go on at its instruction *position*."""

    member: int
    position: int
    op: Op
    reason: str

    def __str__(self) -> str:
        return f"member {self.member}, instruction {self.position} ({self.op.name}) waits for {self.reason}"


class Order:
    """The instructions of *members* members that are still to be carried out."""

    def __init__(self, members: int) -> None:
        self._queues: list[deque[Instruction]] = [deque() for _ in range(members)]
        self._done = [0] * members
        self._unread: dict[tuple[int, int], int] = defaultdict(int)
        self._ready: deque[int] = deque()

    def add(self, member: int, instructions: Iterable[Instruction]) -> None:
        """Let *member* go on with *instructions*."""
        self._queues[member].extend(instructions)
        self._ready.append(member)

    def idle(self, member: int) -> bool:
        """Return whether *member* has carried out all that it was given."""
        return not self._queues[member]

    def steps(self) -> Iterator[Step]:
        """Yield what can be carried out now, each after everything that it depends on.

        Raises:
            PairMismatch: The ends of a pair differ.
        """
        while self._ready:
            member = self._ready.popleft()
            while self._queues[member]:
                step = self._take(member)
                if step is None:
                    break
                yield step

    def waits(self) -> list[Wait]:
        """Return who waits, after ``steps`` gave all there was."""
        return [
            Wait(member, self._done[member], queue[0].op, self._reason(member, queue[0]))
            for member, queue in enumerate(self._queues)
            if queue
        ]

    def _take(self, member: int) -> Step | None:
        instruction = self._queues[member][0]
        peer = instruction.peer
        partner = None
        if instruction.op in (Op.Pair, Op.Herald):
            partner = self._partner(member, instruction)
            if partner is None:
                return None
            self._pass(peer)
        elif instruction.op is Op.Receive:
            if self._unread[peer, member] < len(instruction.bits):
                return None
            self._unread[peer, member] -= len(instruction.bits)
        elif instruction.op is Op.Send:
            self._unread[member, peer] += len(instruction.bits)
            self._ready.append(peer)
        elif instruction.op is Op.Barrier:
            if not all(queue and queue[0].op is Op.Barrier for queue in self._queues):
                return None
            for other in range(len(self._queues)):
                if other != member:
                    self._pass(other)
        self._queues[member].popleft()
        self._done[member] += 1
        return Step(member, instruction, partner)

    def _pass(self, member: int) -> None:
        self._queues[member].popleft()
        self._done[member] += 1
        self._ready.append(member)

    def _partner(self, member: int, instruction: Instruction) -> Instruction | None:
        queue = self._queues[instruction.peer]
        if not queue or queue[0].op is not instruction.op or queue[0].peer != member:
            return None
        if queue[0].rounds != instruction.rounds:
            raise PairMismatch(
                f"pair of members {member} and {instruction.peer}: {instruction.rounds} rounds of purification, "
                f"expected the {queue[0].rounds} that its other end asks for"
            )
        return queue[0]

    def _reason(self, member: int, instruction: Instruction) -> str:
        if instruction.op is Op.Barrier:
            missing = [other for other, queue in enumerate(self._queues) if not queue or queue[0].op is not Op.Barrier]
            return f"members {', '.join(map(str, missing))} at the barrier"
        peer = instruction.peer
        ended = "" if self._queues[peer] else ", which asks for nothing more"
        if instruction.op is Op.Pair:
            return f"member {peer} to ask for a pair with it{ended}"
        if instruction.op is Op.Herald:
            return f"member {peer} to compare with it{ended}"
        came = self._unread[peer, member]
        return f"{len(instruction.bits)} bits from member {peer}, of which {came} came{ended}"


def weave(fragments: Sequence[Fragment]) -> list[Step]:
    """Return the steps of a whole program in an order in which they can be carried out.

    Raises:
        FragmentInvalid: The fragments do not belong together.
        Deadlock: Some member would wait for ever; the message names each, its instruction and what it waits for.
        PairMismatch: The ends of a pair differ.
    """
    require_program(fragments)
    order = Order(len(fragments))
    for fragment in fragments:
        order.add(fragment.member, fragment.instructions)
    steps = list(order.steps())
    waits = order.waits()
    if waits:
        more = f"; and {len(waits) - _MOST_NAMED} more" if len(waits) > _MOST_NAMED else ""
        raise Deadlock("; ".join(map(str, waits[:_MOST_NAMED])) + more)
    return steps


class Ledger:
    """Which value each member's bits hold: the number of a measurement, or None for the 0 of the beginning.

    Attributes:
        heralds: For each herald so far, the measurements whose parity must be even for the shot to count.
    """

    def __init__(self, bits: Sequence[int]) -> None:
        self.bits: list[list[int | None]] = [[None] * count for count in bits]
        self.count = 0
        self.heralds: list[list[int]] = []
        self._sent: dict[tuple[int, int], deque[int | None]] = defaultdict(deque)

    def note(self, step: Step) -> None:
        """Follow what a step does to bits; a measurement gets the next number."""
        own, (member, instruction, _) = self.bits[step.member], step
        if instruction.op is Op.Measure:
            own[instruction.bits[0]] = self.count
            self.count += 1
        elif instruction.op is Op.Send:
            self._sent[member, instruction.peer].extend(own[bit] for bit in instruction.bits)
        elif instruction.op is Op.Receive:
            for bit in instruction.bits:
                own[bit] = self._sent[instruction.peer, member].popleft()
        elif instruction.op is Op.Herald and step.partner is not None:
            other = self.bits[instruction.peer][step.partner.bits[0]]
            self.heralds.append(_odd([own[instruction.bits[0]], other]))

    def condition(self, step: Step) -> list[int]:
        """Return the measurements whose parity decides on a conditional step."""
        return _odd(self.bits[step.member][bit] for bit in step.instruction.condition)


def _odd(values: Iterable[int | None]) -> list[int]:
    """Return which measurements are among *values* an odd number of times."""
    odd: set[int] = set()
    for value in values:
        if value is not None:
            odd ^= {value}
    return sorted(odd)
