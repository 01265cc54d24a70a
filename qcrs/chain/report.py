"""Reports that daemons sign instead of sending, for a relayer to post: see ``contracts/interfaces/IReportRelay.sol``.

A commit is signed under EIP-712; a reveal is not, for whoever knows the salt may reveal. Both lie as JSON files in a
spool, a folder that daemons write to and a relayer empties.
"""

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from pydantic import AfterValidator, Field

from qcrs.errors import QcrsError
from qcrs.model.records import Policy, Record
from qcrs.rules.digest import abi_digest

__all__ = [
    "CommitReport",
    "ReportInvalid",
    "RevealReport",
    "SignedCommit",
    "Spool",
    "config_digest",
    "sign_commit",
]

SIGNATURE_BYTES = 65
MOST_SKETCH_WORDS = 16
MOST_FILE_BYTES = 8192  # of a report; one is a quarter of it
# As EIP-712 has it; a test holds it to the contract.
COMMIT_REPORT = [
    {"name": "computation", "type": "uint64"},
    {"name": "index", "type": "uint256"},
    {"name": "attempt", "type": "uint256"},
    {"name": "commitment", "type": "bytes24"},
    {"name": "payee", "type": "address"},
    {"name": "configDigest", "type": "bytes32"},
]
POLICY_TYPE = "(uint96,uint32,uint32,uint32,uint32,uint32,uint128,uint128)"

Id = Annotated[int, Field(ge=1, lt=2**64)]
Word = Annotated[int, Field(ge=0, lt=2**256)]
Bytes24 = Annotated[bytes, Field(min_length=24, max_length=24)]
Bytes32 = Annotated[bytes, Field(min_length=32, max_length=32)]
Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$"), AfterValidator(str.lower)]


class ReportInvalid(QcrsError):
    """What is to be a report is none."""


class _Report(Record):
    """A struct of the relay that can be written as JSON, bytes as 0x-prefixed digits."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields by Solidity name."""
        fields = self.model_dump(by_alias=True).items()
        return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in fields}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Return the report that ``to_json`` wrote.

        Raises:
            ReportInvalid: It is not of this form.
        """
        binary = {field.alias for field in cls.model_fields.values() if field.annotation is bytes}
        try:
            fields = {name: _bytes(item) if name in binary else item for name, item in value.items()}
            return cls.model_validate(fields, strict=True)
        except (AttributeError, TypeError, ValueError) as error:
            raise ReportInvalid(f"not a {cls.__name__}: {error}") from error


class CommitReport(_Report):
    """A commit to be signed.

    Attributes:
        index: Of the assignment. attempt: The round. payee: The processor's operator.
        config_digest: The rules under which it is made: see ``config_digest``.
    """

    computation: Id
    index: Word
    attempt: Word
    commitment: Bytes24
    payee: Address
    config_digest: Bytes32


class RevealReport(_Report):
    """A reveal, as ``ResultVerifier.reveal`` takes it."""

    computation: Id
    index: Word
    counts_root: Bytes32
    salt: Bytes32
    sketch: Annotated[list[Word], Field(max_length=MOST_SKETCH_WORDS)]


@dataclass(frozen=True)
class SignedCommit:
    """A commit and its daemon's signature."""

    report: CommitReport
    signature: bytes


def config_digest(chain_id: int, verifier: str, allocator: str, registry: str, policy: Policy) -> bytes:
    """Return the digest of the rules under which reports are made: twin of ``ReportRelay.configDigest``."""
    return abi_digest(
        ["uint256", "address", "address", "address", POLICY_TYPE],
        [chain_id, verifier, allocator, registry, policy.to_chain()],
    )


def sign_commit(daemon: LocalAccount, chain_id: int, relay: str, report: CommitReport) -> SignedCommit:
    """Return *report* with the daemon's EIP-712 signature for the contract at *relay*."""
    message = encode_typed_data(
        domain_data={
            "name": "QCRS ReportRelay",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": relay,
        },
        message_types={"CommitReport": COMMIT_REPORT},
        message_data=report.model_dump(by_alias=True),
    )
    return SignedCommit(report, bytes(daemon.sign_message(message).signature))


class Spool:
    """A folder of reports that wait to be posted, one file each.

    Files appear whole or not at all. Whoever may write here can make a relayer read files, and no more: what is not a
    report is thrown away, and what the chain would refuse is not sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, item: SignedCommit | RevealReport) -> Path:
        """Leave *item* for the relayer; the same report again takes the place of the first."""
        if isinstance(item, SignedCommit):
            report, value = item.report, {"signature": "0x" + item.signature.hex()}
            name = f"commit-{report.computation}-{report.index}-{report.attempt}.json"
        else:
            report, value = item, {}
            name = f"reveal-{report.computation}-{report.index}-{report.counts_root.hex()[:16]}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        partial = path.with_name(f"{name}.{uuid.uuid4().hex}.part")
        partial.write_text(json.dumps({**value, "report": report.to_json()}) + "\n")
        partial.replace(path)
        return path

    def read(self, keep_seconds: float) -> Iterator[tuple[Path, SignedCommit | RevealReport]]:
        """Yield what waits, oldest first; remove what is older than *keep_seconds* or no report."""
        files = []
        for path in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # another relayer may empty the folder too
                files.append((path.stat().st_mtime, path))
        for written_at, path in sorted(files):
            if time.time() - written_at > keep_seconds:
                path.unlink(missing_ok=True)
                continue
            try:
                item = _load(path)
            except FileNotFoundError:
                continue
            except ReportInvalid:
                path.unlink(missing_ok=True)
                continue
            yield path, item


def _load(path: Path) -> SignedCommit | RevealReport:
    # Not through links, and no further than a report can be long: the folder may be others' to write to.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ReportInvalid(f"{path.name}: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        try:
            content = file.read(MOST_FILE_BYTES + 1)
            value = json.loads(content) if len(content) <= MOST_FILE_BYTES else None
        except (OSError, ValueError, RecursionError) as error:
            raise ReportInvalid(f"{path.name}: {error}") from error
    if not isinstance(value, dict):
        raise ReportInvalid(f"{path.name}: not a report")
    if "signature" not in value:
        return RevealReport.from_json(value.get("report"))
    try:
        signature = _bytes(value["signature"])
    except (AttributeError, ValueError) as error:
        raise ReportInvalid(f"{path.name}: {error}") from error
    if len(signature) != SIGNATURE_BYTES:
        raise ReportInvalid(f"{path.name}: a signature of {len(signature)} bytes, expected {SIGNATURE_BYTES}")
    return SignedCommit(CommitReport.from_json(value.get("report")), signature)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
