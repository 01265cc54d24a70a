"""What one processor does in a distributed computation: its own qubits, pairs that it shares, bits that it is told.

A distributed program is one fragment a member. Members are numbered from 0. A fragment touches its own qubits and bits
only; what crosses is entangled pairs, over the link, and classical bits. Nothing here needs Qiskit or Stim.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from qcrs.errors import QcrsError
from qcrs.model.records import Record

MAX_MEMBERS = 64
MAX_QUBITS = 64
MAX_BITS = 4096
MAX_INSTRUCTIONS = 100_000
MAX_PURIFICATION_ROUNDS = 4
# In a text of JSON, at most: a fragment of the most instructions has half as many. An empty list takes three
# characters and twenty times as many bytes in memory, so that the size of a text alone says little.
MAX_VALUES = 1 << 21
_MOST_FAULTS = 100  # that are looked at: whoever sends millions is told how many
# Gates by how many qubits they act on, and how many angles they take; names and meaning as in stdgates.inc.
GATES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"), (1, 0)),
    **dict.fromkeys(("rx", "ry", "rz", "p"), (1, 1)),
    "u": (1, 3),
    **dict.fromkeys(("cx", "cy", "cz", "swap"), (2, 0)),
    **dict.fromkeys(("cp", "crz", "rzz"), (2, 1)),
}

Small = Annotated[int, Field(ge=0, lt=2**16)]
Angle = Annotated[float, Field(allow_inf_nan=False)]
# The first fault in a sequence is enough: of what strangers send, each could otherwise take more memory than it does.
Smalls = Annotated[tuple[Small, ...], Field(max_length=MAX_BITS, fail_fast=True)]


class FragmentInvalid(QcrsError):
    """A fragment, or several as a program, cannot be carried out."""


class Op(StrEnum):
    """What an instruction does.

    Gate: *name* on *qubits* with *parameters*; with a *condition*, only if those bits have odd parity.
    Measure: ``qubits[0]`` in the Z basis into ``bits[0]``. Reset: ``qubits[0]`` to 0.
    Pair: ``qubits[0]``, whatever it was, becomes half of a pair shared with *peer*: the k-th that this member asks
    of *peer* and the k-th that *peer* asks of it are the two halves. *rounds* of purification are asked for.
    Send, Receive: *bits* to or from *peer*, in the order sent.
    Herald: the k-th that this member has with *peer* and the k-th that *peer* has with it go together. Their
    ``bits[0]`` are compared, and when they differ the whole shot does not count, and is begun anew.
    Barrier: wait until every member has come to its barrier of the same number.
    """

    Gate = "g"
    Measure = "m"
    Reset = "r"
    Pair = "e"
    Send = "s"
    Receive = "v"
    Herald = "h"
    Barrier = "b"


class Instruction(Record):
    """One step; see ``Op`` for which fields it uses. The others keep their defaults."""

    op: Op
    name: str = ""
    parameters: Annotated[tuple[Angle, ...], Field(fail_fast=True)] = ()
    qubits: Smalls = ()
    bits: Smalls = ()
    condition: Smalls = ()
    peer: Small = 0
    rounds: Annotated[int, Field(ge=0, le=MAX_PURIFICATION_ROUNDS)] = 0


class Fragment(Record):
    """What member *member* of a program does.

    Attributes:
        qubits, bits: How many of each it has, all 0 in the beginning; half-pairs are among the qubits.
        instructions: In order.
        outputs: Which of its bits are outcome bits of the whole program: (own bit, outcome bit).
    """

    member: Annotated[int, Field(ge=0, lt=MAX_MEMBERS)]
    qubits: Annotated[int, Field(ge=1, le=MAX_QUBITS)]
    bits: Annotated[int, Field(ge=0, le=MAX_BITS)]
    instructions: Annotated[tuple[Instruction, ...], Field(max_length=MAX_INSTRUCTIONS, fail_fast=True)]
    outputs: Annotated[tuple[tuple[Small, Small], ...], Field(max_length=2**16, fail_fast=True)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for position, step in enumerate(self.instructions):
            fault = self._fault(step)
            if fault:
                raise ValueError(f"member {self.member}, instruction {position} ({step.op.name}): {fault}")
        for own, _ in self.outputs:
            if own >= self.bits:
                raise ValueError(f"member {self.member}: output bit {own}, expected below {self.bits}")
        return self

    def _fault(self, step: Instruction) -> str:
        """Return what is wrong with *step*; empty when nothing is."""
        for kind, used, limit in (
            ("qubit", step.qubits, self.qubits), ("bit", step.bits, self.bits), ("bit", step.condition, self.bits),
        ):  # fmt: skip
            for index in used:
                if index >= limit:
                    return f"{kind} {index}, expected below {limit}"
        if step.op is Op.Gate:
            if step.name not in GATES:
                return f"gate {step.name!r}, expected one of {', '.join(GATES)}"
            shape = (len(set(step.qubits)), len(step.parameters))
            if shape != GATES[step.name] or len(step.qubits) != shape[0]:
                return f"{shape[0]} qubits and {shape[1]} angles, expected {GATES[step.name]}"
            return ""
        counts = {Op.Measure: (1, 1), Op.Reset: (1, 0), Op.Pair: (1, 0), Op.Barrier: (0, 0), Op.Herald: (0, 1)}
        if step.op in counts and (len(step.qubits), len(step.bits)) != counts[step.op]:
            return f"{len(step.qubits)} qubits and {len(step.bits)} bits, expected {counts[step.op]}"
        if step.op in (Op.Send, Op.Receive) and (step.qubits or not step.bits):
            return "expected bits and no qubits"
        if step.op in (Op.Send, Op.Receive, Op.Pair, Op.Herald) and step.peer == self.member:
            return "the peer is the member itself"
        return "" if not step.condition else "only gates can be conditional"

    def to_json(self) -> str:
        """Return the canonical text, whose digest the chain keeps."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a fragment.

        Raises:
            FragmentInvalid: It is none, or breaks a limit.
        """
        require_few_values(text)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise FragmentInvalid(f"not a fragment: {fault_of(error)}") from None


def require_few_values(text: str | bytes) -> None:
    """Check that *text*, of JSON, has no more values than any that is of use.

    Raises:
        FragmentInvalid: It has.
    """
    count = sum(text.count(mark) for mark in ("[{," if isinstance(text, str) else (b"[", b"{", b",")))
    if count > MAX_VALUES:
        raise FragmentInvalid(f"a text of {count} values, expected at most {MAX_VALUES}")


def fault_of(error: ValidationError) -> str:
    """Return what is wrong first, and how much in all."""
    count = error.error_count()
    if count > _MOST_FAULTS:
        return f"{count} faults"
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'fields'}: {first['msg']} ({count} faults)"[:500]


def require_program(fragments: Sequence[Fragment]) -> int:
    """Check that *fragments* belong together, one a member and in order, and return how many outcome bits they have.

    Whether they would wait for one another for ever is for the link to find out.

    Raises:
        FragmentInvalid: They do not.
    """
    members = [fragment.member for fragment in fragments]
    if members != list(range(len(fragments))) or not fragments:
        raise FragmentInvalid(f"members {members}, expected 0 to {len(fragments) - 1} in order")
    for fragment in fragments:
        for step in fragment.instructions:
            if step.peer >= len(fragments):
                raise FragmentInvalid(f"member {fragment.member}: peer {step.peer} of {len(fragments)} members")
    outcomes = sorted(outcome for fragment in fragments for _, outcome in fragment.outputs)
    if outcomes != list(range(len(outcomes))):
        raise FragmentInvalid(f"outcome bits {outcomes}, expected each from 0 to {len(outcomes) - 1} once")
    return len(outcomes)
