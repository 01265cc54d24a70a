"""Messages between a link and its clients: one JSON object a frame.

A client sends ``{"id": n, "op": name, ...}`` and gets ``{"id": n, "ok": {...}, "label": ...}`` or ``{"id": n, "error":
name, "message": text}``. The first frame is the link's: ``{"hello": ...}`` with the nonce to sign.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationError

from qcrs.link.errors import FrameInvalid, LinkRefused
from qcrs.model.records import Record
from qcrs.quantum.entanglement.pairs import LocalNoise, Ppm
from qcrs.quantum.fragment import (
    MAX_BITS,
    MAX_QUBITS,
    Fragment,
    FragmentInvalid,
    Instruction,
    fault_of,
    require_few_values,
)

MAX_PAIRS = 1 << 20
MAX_MEMBERS = 16
MAX_LETTER_BYTES = 1 << 20
MAX_STEPS = 1024
MOST_WAIT_SECONDS = 3600.0  # as long as a link lets anybody wait
MOST_TOLD = 1000  # characters of what a link says in words


def _binary(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("expected text in base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def _word(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**256:
        return value
    if isinstance(value, str) and value.startswith("0x") and 2 < len(value) <= 66:
        return int(value, 16)
    raise ValueError("expected a word of 256 bits as 0x and hexadecimal digits")


def _distinct(value: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(value)) != len(value):
        raise ValueError("expected each member once")
    return value


Processor = Annotated[int, Field(ge=1, lt=2**32)]
Number = Annotated[int, Field(ge=0, lt=2**64)]
Seconds = Annotated[float, Field(gt=0, le=MOST_WAIT_SECONDS)]
Binary = Annotated[
    bytes, BeforeValidator(_binary), PlainSerializer(lambda value: base64.b64encode(value).decode(), when_used="json")
]
Word = Annotated[int, BeforeValidator(_word), PlainSerializer(hex, when_used="json")]
Words = Annotated[tuple[Word, ...], Field(max_length=MAX_PAIRS // 256, fail_fast=True)]
Members = Annotated[
    tuple[Processor, ...], Field(min_length=2, max_length=MAX_MEMBERS, fail_fast=True), AfterValidator(_distinct)
]


class Purpose(StrEnum):
    """What pairs are measured for: a channel's test, a key, or a report of conformance.

    Bases are bits: for Test and Key 0 is Z and 1 is X; for Chsh they are the end's two settings.
    """

    Test = "test"
    Key = "key"
    Chsh = "chsh"


class Login(Record):
    """Log in with the signature of the nonce: see qcrs.chain.link_login."""

    processor: Processor
    signature: Binary


class Resume(Record):
    """Log in with a token from before."""

    token: Annotated[str, Field(max_length=128)]


class Describe(Record):
    """Tell what the link is."""


class Prepare(Record):
    """Make *pairs* pairs between the caller and *peer*, once both have asked."""

    purpose: Purpose = Purpose.Test
    channel: Number
    attempt: Number
    peer: Processor
    pairs: Annotated[int, Field(ge=1, le=MAX_PAIRS)]
    wait: Seconds | None = None


class Measure(Record):
    """Measure the caller's halves of those pairs at which *positions* has a bit."""

    purpose: Purpose = Purpose.Test
    channel: Number
    attempt: Number
    peer: Processor
    positions: Words
    bases: Words
    readout_ppm: Ppm = 0


class Usage(Record):
    """Tell how many pairs keys and reports have used of a channel since its test number *attempt*."""

    channel: Number
    attempt: Number


class Post(Record):
    """Leave *data* for *peer* under *topic*."""

    peer: Processor
    topic: Annotated[str, Field(min_length=1, max_length=128)]
    data: Annotated[Binary, Field(max_length=MAX_LETTER_BYTES)]


class Fetch(Record):
    """Wait for what *peer* leaves under *topic*."""

    peer: Processor
    topic: Annotated[str, Field(min_length=1, max_length=128)]
    wait: Seconds | None = None


class Meet(Record):
    """Wait until all *members* are at barrier *number* of *session*."""

    session: Number
    number: Number
    members: Members
    wait: Seconds | None = None


class RunProgram(Record):
    """Run the members' fragments *shots* times, once all have sent theirs; member k is ``members[k]``."""

    session: Number
    members: Members
    fragment: Fragment
    noise: LocalNoise = LocalNoise()
    shots: Annotated[int, Field(ge=1)]
    wait: Seconds | None = None


class Witness(Record):
    """Tell what all members of a session measured, once the chain says that each is bound to it."""

    session: Number
    members: Members


class OpenLive(Record):
    """Take part in a live session with so many qubits and bits, once all have opened it."""

    session: Number
    members: Members
    qubits: Annotated[int, Field(ge=1, le=MAX_QUBITS)]
    bits: Annotated[int, Field(ge=0, le=MAX_BITS)]
    noise: LocalNoise = LocalNoise()
    wait: Seconds | None = None


class Act(Record):
    """Carry out *instructions* as member *member*, and tell all own bits then.

    Attributes:
        serial: Counts the caller's acts in this session from 1, so that one that is sent again is not done again.
        restart: Begin with a new shot, when all members do.
    """

    session: Number
    members: Members
    member: Annotated[int, Field(ge=0, lt=MAX_MEMBERS)]
    serial: Annotated[int, Field(ge=1)]
    instructions: Annotated[tuple[Instruction, ...], Field(max_length=MAX_STEPS, fail_fast=True)]
    restart: bool = False
    wait: Seconds | None = None


REQUESTS: dict[str, type[Record]] = {
    "login": Login, "resume": Resume, "describe": Describe, "prepare": Prepare, "measure": Measure, "post": Post,
    "usage": Usage, "fetch": Fetch, "meet": Meet, "run": RunProgram, "witness": Witness,
    "open": OpenLive, "act": Act,
}  # fmt: skip
OPS = {request: op for op, request in REQUESTS.items()}


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Read *what* a link says: links are anybody's, and may say anything.

    Raises:
        LinkRefused: It is not of the form that it is to have.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise LinkRefused(f"{what} that is none: {error!r:.200}") from error


def encode(request: Record, number: int) -> str:
    """Return *request* as a frame."""
    fields = request.model_dump_json(by_alias=True, exclude_defaults=True)[1:]
    return f'{{"id":{number},"op":"{OPS[type(request)]}"{"," if len(fields) > 1 else ""}{fields}'


def reply(number: int, answer: dict[str, Any]) -> str:
    """Return *answer* to the request of that *number* as a frame; bytes in base64."""
    return json.dumps({"id": number, **answer}, separators=(",", ":"), default=_spelt)


def _spelt(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} in an answer")
    return base64.b64encode(value).decode()


def read(frame: str) -> Any:
    """Return what is in a frame of JSON.

    Raises:
        FrameInvalid: There is more in it than in any that is of use. ValueError, RecursionError: It is none.
    """
    try:
        require_few_values(frame)
    except FragmentInvalid as error:
        raise FrameInvalid(str(error)) from None
    return json.loads(frame)


def decode(frame: str | bytes) -> dict[str, Any]:
    """Return the object in a frame, with an id.

    Raises:
        FrameInvalid: It is not one.
    """
    if not isinstance(frame, str):
        raise FrameInvalid("a binary frame, expected JSON text")
    try:
        message = read(frame)
    except (ValueError, RecursionError) as error:
        raise FrameInvalid(f"not JSON: {error}") from error
    number = message.get("id") if isinstance(message, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**53:
        raise FrameInvalid("expected an object with an id from 0 below 2**53")
    return message


def request_of(message: dict[str, Any]) -> Record:
    """Return the request in a decoded *message*.

    Raises:
        FrameInvalid: It asks for nothing that there is, or not in the form that it has.
    """
    fields = {name: value for name, value in message.items() if name not in ("id", "op")}
    op = message.get("op")
    kind = REQUESTS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise FrameInvalid(f"operation {op!r:.64}, expected one of {', '.join(REQUESTS)}")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise FrameInvalid(f"{op}, {fault_of(error)}") from None
