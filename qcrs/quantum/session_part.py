"""What a member of a session is sealed, by kind of program: a circuit's fragment, or a memory and the member's role.

A fragment's JSON stands for itself, as it always did; other kinds name themselves.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from qcrs.model.records import Record
from qcrs.quantum.correction.job import Job
from qcrs.quantum.fragment import (
    MAX_MEMBERS,
    Fragment,
    FragmentInvalid,
    Instruction,
    Op,
    fault_of,
)

MAX_MEMORY_BYTES = 1 << 16  # of a memory's part, which says little; it has some hundred
_Member = Annotated[int, Field(ge=0, lt=MAX_MEMBERS)]


class MemoryPart(Record):
    """A member's part in a memory over two processors: a half of it, or to decode what both halves measured.

    The program of a half is not in it: it follows from the job, so what is run is what is decoded.

    Attributes:
        member: Of the session. halves: Which members keep the left and the right half; all others only decode.
    """

    kind: Literal["memory"] = "memory"
    member: _Member
    halves: tuple[_Member, _Member]
    job: Job

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.halves[0] == self.halves[1]:
            raise ValueError(f"both halves are member {self.halves[0]}'s, expected two members")
        return self

    @property
    def half(self) -> int | None:
        """Which half the member keeps; None when it only decodes."""
        return self.halves.index(self.member) if self.member in self.halves else None

    def fragment(self) -> Fragment:
        """Return what the member runs over the link; who keeps no half only meets the others at every barrier."""
        if self.half is None:
            barriers = (Instruction(op=Op.Barrier),) * self.job.rounds
            return Fragment(member=self.member, qubits=1, bits=0, instructions=barriers)
        own, peer = self.job.halves.fragment(self.half), self.halves[1 - self.half]
        steps = tuple(
            step.model_copy(update={"peer": peer}) if step.op is Op.Pair else step for step in own.instructions
        )
        return own.model_copy(update={"member": self.member, "instructions": steps})

    def to_json(self) -> str:
        """Return the text that is sealed."""
        return self.model_dump_json(by_alias=True)


Part = Fragment | MemoryPart


def part_of(text: bytes) -> Part:
    """Read what a member was sealed.

    Raises:
        FragmentInvalid: It is no part of any kind, or breaks a limit.
    """
    if b'"kind"' not in text:  # which no fragment has anywhere
        return Fragment.from_json(text)
    if len(text) > MAX_MEMORY_BYTES:
        raise FragmentInvalid(f"a memory's part of {len(text)} bytes, expected at most {MAX_MEMORY_BYTES}")
    try:
        return MemoryPart.model_validate_json(text)
    except ValidationError as error:
        raise FragmentInvalid(f"not a part of a program: {fault_of(error)}") from None
