"""A program to be run in a process of its own, and what comes back. Imports neither Stim nor Qiskit."""

import json
from typing import Annotated, Any

from pydantic import Field

from qcrs.model.records import Record
from qcrs.quantum.entanglement import errors
from qcrs.quantum.entanglement.pairs import Fibre, LocalNoise
from qcrs.quantum.fragment import Fragment, FragmentInvalid
from qcrs.quantum.process import run_module

_RAISED = {name: value for name, value in vars(errors).items() if isinstance(value, type)}


class EngineLimits(Record):
    """Bounds of one run of a program.

    Attributes:
        qubits: Of programs that are not Clifford. answer_mebibytes: Of all members' bits together; a link's client
            takes twice as much in a frame.
    """

    qubits: Annotated[int, Field(ge=1, le=28)] = 20
    shots: Annotated[int, Field(ge=1, le=10**7)] = 1_000_000
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    memory_mebibytes: Annotated[int, Field(ge=128)] = 2048
    answer_mebibytes: Annotated[int, Field(ge=1, le=128)] = 32


class ProgramRequest(Record):
    """All fragments of a session, with each member's noise.

    Attributes:
        most_begun: Shots that may be begun until as many as are wanted count; no limit of its own when None.
    """

    fragments: tuple[Fragment, ...]
    noises: tuple[LocalNoise, ...]
    fibre: Fibre
    shots: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    most_begun: Annotated[int, Field(ge=1)] | None = None
    limits: EngineLimits = EngineLimits()


class ProgramAnswer(Record):
    """What a run gave.

    Attributes:
        engine: "stim" or "aer". begun: Shots that it took; more than were wanted where heralds failed.
        pairs: Used in all of these. raw_pairs: What they took, with purification, on average.
        bits: For each member the bits of its shots, one after the other, each shot in whole bytes, bit 0 the lowest.
    """

    engine: str
    begun: int = 0
    pairs: int
    raw_pairs: int
    bits: tuple[bytes, ...] = ()


async def run_program(request: ProgramRequest) -> ProgramAnswer:
    """Run *request* in a process that may use only so much time and memory.

    Raises:
        FragmentInvalid, Deadlock, PairMismatch, TooManyQubits: The program cannot be run.
        ProgramFailed: It ended at its limits, or broke.
    """
    text = request.model_dump_json(by_alias=True, exclude_defaults=True).encode()
    try:
        ended = await run_module("qcrs.quantum.entanglement.child", (), text, request.limits.seconds)
    except TimeoutError:
        raise errors.ProgramFailed(f"the run took longer than {request.limits.seconds:g} s") from None
    if ended.status:
        raise errors.ProgramFailed(
            f"the run ended with status {ended.status}, within {request.limits.seconds:g} s and "
            f"{request.limits.memory_mebibytes} MiB: {ended.complaint[:200]}"
        )
    return _read(ended.out)


def _read(out: bytes) -> ProgramAnswer:
    head, _, body = out.partition(b"\n")
    facts: dict[str, Any] = json.loads(head)
    if "error" in facts:
        raise _RAISED.get(facts["error"], FragmentInvalid)(facts["message"])
    bits, start = [], 0
    for length in facts.pop("lengths"):
        bits.append(body[start : start + length])
        start += length
    return ProgramAnswer(**facts, bits=tuple(bits))
