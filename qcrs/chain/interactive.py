"""What is run within a reservation: requests signed by whoever reserved, answers signed by the processor's daemon.

They go through the consortium's store and not over the chain, which knows of the reservation alone. A signature says
who vouches for counts; that they are right, nobody has verified.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from faster_eth_abi.exceptions import EncodingError
from pydantic import Field, ValidationError

from qcrs.errors import QcrsError
from qcrs.model.records import Record
from qcrs.model.refusal import RefusalCode
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root

MAX_TEXT = 4 << 20
SIGNATURE_BYTES = 65
# As EIP-712 has them.
_RUN = [
    {"name": "reservation", "type": "uint64"},
    {"name": "processor", "type": "uint32"},
    {"name": "nonce", "type": "uint64"},
    {"name": "circuitDigest", "type": "bytes32"},
    {"name": "shots", "type": "uint32"},
    {"name": "qubits", "type": "uint8"},
    {"name": "outcomeBits", "type": "uint8"},
]
_ANSWER = [
    {"name": "run", "type": "bytes32"},
    {"name": "countsRoot", "type": "bytes32"},
    {"name": "refusal", "type": "uint16"},
]

Byte = Annotated[int, Field(ge=1, lt=2**8)]


class MessageInvalid(QcrsError):
    """What is to be a request or an answer is none, or somebody else has signed it."""


class Run(Record):
    """A circuit to be run on one processor of a reservation.

    Attributes:
        nonce: Tells runs of the same circuit apart. text: OpenQASM, whose digest is signed.
    """

    reservation: Annotated[int, Field(ge=1, lt=2**64)]
    processor: Annotated[int, Field(ge=1, lt=2**32)]
    nonce: Annotated[int, Field(ge=0, lt=2**64)]
    shots: Annotated[int, Field(ge=1, lt=2**32)]
    qubits: Byte
    outcome_bits: Byte
    text: Annotated[str, Field(max_length=MAX_TEXT)]

    @property
    def box(self) -> str:
        """Where in the store it is left, and its answer too."""
        return f"reservation-{self.reservation}-{self.processor}"


@dataclass(frozen=True)
class Seal:
    """Which deployment messages are for.

    Attributes:
        contract: Address of ``Reservations``.
    """

    chain_id: int
    contract: str

    def sign_run(self, account: LocalAccount, run: Run) -> bytes:
        """Return *run* as a file, signed by *account*."""
        return _file(run.model_dump(by_alias=True), account, self._run(run))

    def open_run(self, content: bytes, requester: str) -> Run:
        """Return the run in a file.

        Raises:
            MessageInvalid: It is none, or *requester* has not signed it.
        """
        body, signature = _parts(content)
        try:
            run = Run.model_validate(body, strict=True)
        except ValidationError as error:
            raise MessageInvalid(f"not a run: {error}") from error
        _require_signer(self._run(run), signature, requester)
        return run

    def name_of(self, run: Run) -> str:
        """Return under which name *run* is left in its box: what is signed decides it."""
        return self.digest_of(run).hex()

    def digest_of(self, run: Run) -> bytes:
        """Return what tells *run* from every other."""
        message = self._run(run)
        return keccak(b"\x19" + message.version + message.header + message.body)

    def sign_answer(self, daemon: LocalAccount, run: Run, counts: Mapping[int, int] | None, refusal: int) -> bytes:
        """Return the answer to *run* as a file, signed by *daemon*: counts, or a refusal's code."""
        listed = None if counts is None else {f"{outcome:x}": counts[outcome] for outcome in sorted(counts)}
        body = {"counts": listed, "refusal": refusal}
        return _file(body, daemon, self._answer(run, _root(counts), refusal))

    def open_answer(self, content: bytes, run: Run, daemon: str) -> tuple[dict[int, int] | None, int]:
        """Return the counts in the answer to *run*, None when it was refused, and the refusal's code.

        Raises:
            MessageInvalid: It is no answer to *run*, or *daemon* has not signed it.
        """
        body, signature = _parts(content)
        try:
            listed, refusal = body["counts"], body["refusal"]
            counts = None if listed is None else {int(outcome, 16): int(count) for outcome, count in listed.items()}
            message = self._answer(run, _root(counts), refusal)
        except (KeyError, AttributeError, TypeError, ValueError, OverflowError, EncodingError) as error:
            raise MessageInvalid(f"not an answer: {error}") from error
        _require_signer(message, signature, daemon)
        if (counts is None) != (refusal in set(RefusalCode) - {RefusalCode.Unset}):
            raise MessageInvalid(f"{'no counts' if counts is None else 'counts'} with refusal {refusal}")
        if counts is not None:
            fits = all(outcome >> run.outcome_bits == 0 and count > 0 for outcome, count in counts.items())
            if not fits or sum(counts.values()) != run.shots:
                raise MessageInvalid(f"{sum(counts.values())} counts; expected {run.shots} of {run.outcome_bits} bits")
        return counts, refusal

    def _run(self, run: Run):
        data = {**run.model_dump(by_alias=True), "circuitDigest": keccak(run.text.encode())}
        del data["text"]
        return self._message("ReservationRun", _RUN, data)

    def _answer(self, run: Run, root: bytes, refusal: int):
        return self._message(
            "ReservationAnswer", _ANSWER, {"run": self.digest_of(run), "countsRoot": root, "refusal": refusal}
        )

    def _message(self, name: str, fields: list[dict[str, str]], data: dict[str, Any]):
        domain = {
            "name": "QCRS Reservations",
            "version": "1",
            "chainId": self.chain_id,
            "verifyingContract": self.contract,
        }
        return encode_typed_data(domain_data=domain, message_types={name: fields}, message_data=data)

    @classmethod
    def of(cls, chain_id: int, addresses: Mapping[str, str]) -> Self:
        """Return the seal of the suite at *addresses*."""
        return cls(chain_id, addresses["Reservations"])


def answer_name(name: str) -> str:
    """Return under which name the answer to the run called *name* is left."""
    return f"{name}.answer"


def _root(counts: Mapping[int, int] | None) -> bytes:
    return bytes(32) if counts is None else counts_root(counts)


def _file(body: dict[str, Any], account: LocalAccount, message: Any) -> bytes:
    signature = bytes(account.sign_message(message).signature)
    return json.dumps({"signature": "0x" + signature.hex(), "body": body}).encode() + b"\n"


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        value = json.loads(content)
        body, signature = value["body"], bytes.fromhex(value["signature"].removeprefix("0x"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MessageInvalid(f"not a signed message: {error}") from error
    if not isinstance(body, dict) or len(signature) != SIGNATURE_BYTES:
        raise MessageInvalid(f"a signature of {len(signature)} bytes over {type(body).__name__}")
    return body, signature


def _require_signer(message: Any, signature: bytes, expected: str) -> None:
    try:
        signer = Account.recover_message(message, signature=signature)
    except Exception as error:  # the curve's library has faults of its own for what is no signature
        raise MessageInvalid(f"not a signature: {error}") from error
    if signer.lower() != expected.lower():
        raise MessageInvalid(f"signed by {signer}, expected {expected}")
