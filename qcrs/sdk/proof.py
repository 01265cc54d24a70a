"""A decision with the proof that the audit trail has it: a JSON file that anyone can check, with or without a chain.

What the trail's root binds, and so what nobody can change who cannot change the root: the entry, its place, and its
facts, which are kept as the contract encoded them and told in words from there. What it does not bind, and what only a
reader with the chain can hold to it: which chain, contract and block the root was read from. The checksum over all of
it finds damage, not forgery: whoever forges makes a new one.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from eth_hash.auto import keccak
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from qcrs.chain.gateway import Gateway
from qcrs.errors import QcrsError
from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import EMPTY_HEAD, Inclusion, includes, leaf_of, next_head, prove, root_of
from qcrs.rules.replay import LoggedEvent
from qcrs.rules.replay.fact_words import words_of
from qcrs.rules.replay.facts import encoded_facts
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS
from qcrs.sdk.reader import Progress, Reader, Slow, untimed

SCHEMA = "qcrs.audit-proof/2"
MOST_BYTES = 2**20


class ProofInvalid(QcrsError):
    """The file is no proof of a kind that this version knows."""


class EntryUnknown(QcrsError):
    """The trail has no such entry."""


class TrailIncomplete(QcrsError):
    """The events that the node serves do not make up the trail that its contract has."""


def _bytes_of(size: int | None) -> Any:
    """Return the type of *size* bytes (any number by default) that JSON holds in 0x-prefixed hexadecimal."""

    def read(value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str) or not re.fullmatch("0x([0-9a-f]{2})*", value):
            raise ValueError("expected 0x and lower-case hexadecimal digits, two a byte")
        content = bytes.fromhex(value[2:])
        if size is not None and len(content) != size:
            raise ValueError(f"expected {size} bytes, got {len(content)}")
        return content

    return Annotated[bytes, BeforeValidator(read), PlainSerializer(lambda value: "0x" + value.hex())]


Word = _bytes_of(32)
Head = _bytes_of(24)
Number = Annotated[int, Field(strict=True, ge=0, lt=2**64)]
Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]


def _decision(value: Any) -> Decision:
    if isinstance(value, Decision):
        return value
    if not isinstance(value, str) or value not in Decision.__members__:
        raise ValueError("expected the name of a decision")
    return Decision[value]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Block(_Part):
    """The block as of which a proof was made; its time in unix seconds."""

    number: Number
    hash: Word
    timestamp: Number


class ProvenEntry(_Part):
    """What the leaf is made of."""

    index: Number
    decision: Annotated[Decision, BeforeValidator(_decision), PlainSerializer(lambda value: value.name)]
    subject: Number
    recorder: Address
    digest: Word

    @property
    def leaf(self) -> bytes:
        """Its leaf."""
        return leaf_of(self.index, self.decision, self.subject, self.recorder, self.digest)


class Proof(_Part):
    """One entry, and what it takes to prove that the trail had it.

    Attributes:
        genesis: Hash of the chain's first block. audit_trail: Address of the contract.
        facts: What the digest binds, as ``abi.encode`` gives it; None when this version cannot tell.
        words: What the facts say. size: Entries in the trail then.
        head, before, later, siblings, peaks: As ``contracts/libraries/AuditProof.sol`` takes them.
    """

    schema_: Literal["qcrs.audit-proof/2"] = Field(alias="schema")
    chain_id: Number
    genesis: Word
    audit_trail: Address
    block: Block
    entry: ProvenEntry
    facts: _bytes_of(None) | None
    words: str
    leaf: Word
    size: Number
    head: Head
    before: Head
    later: list[Word]
    siblings: list[Word]
    peaks: list[Word]
    root: Word
    checksum: Word

    @classmethod
    def read(cls, text: str | bytes) -> "Proof":
        """Return the proof that *text* holds.

        Raises:
            ProofInvalid: It is not JSON, or not of this schema.
        """
        if len(text) > MOST_BYTES:
            raise ProofInvalid(f"expected a proof of up to {MOST_BYTES} bytes, got {len(text)}")
        try:
            return cls.model_validate(json.loads(text))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise ProofInvalid(f"not a proof of schema {SCHEMA}: {where}: {first['msg']}") from error
        except (ValueError, RecursionError) as error:
            raise ProofInvalid(f"not a proof: {error}") from error

    @property
    def inclusion(self) -> Inclusion:
        """What leads from the leaf to the root."""
        return Inclusion(self.size, self.head, self.before, self.later, self.siblings, self.peaks)

    def to_json(self) -> dict[str, Any]:
        """Return the proof as the file holds it."""
        return self.model_dump(by_alias=True, mode="json")

    def write(self, path: Path) -> None:
        """Write the proof to *path*."""
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def sum(self) -> bytes:
        """Return the checksum that the rest calls for."""
        rest = {key: value for key, value in self.to_json().items() if key != "checksum"}
        return keccak(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())

    def fault(self, trusted_root: bytes | None = None) -> str | None:
        """Return the first thing in the proof that does not follow from the rest, or None.

        Args:
            trusted_root: The root that the reader knows from elsewhere; without one the proof's own is believed.
        """
        entry = self.entry
        if trusted_root is not None and self.root != trusted_root:
            return f"root is 0x{self.root.hex()}, and the trusted one is 0x{trusted_root.hex()}"
        if self.leaf != entry.leaf:
            return f"leaf is 0x{self.leaf.hex()}, and the entry's is 0x{entry.leaf.hex()}"
        if not includes(self.root, entry.index, self.leaf, self.inclusion):
            return f"links, siblings and peaks do not lead from the leaf to the root of a trail of {self.size} entries"
        if self.facts is not None and keccak(self.facts) != entry.digest:
            return f"the facts have digest 0x{keccak(self.facts).hex()}, and the entry binds 0x{entry.digest.hex()}"
        told = words_of(entry.decision, entry.subject, self.facts)
        if self.words != told:
            return f"the words are {self.words!r}, and the facts say {told!r}"
        if self.checksum != self.sum():
            return "the checksum is another: something was changed that the root does not bind"
        return None


async def make_proof(
    gateway: Gateway,
    computation: int | None = None,
    index: int | None = None,
    progress: Progress = lambda line: None,
) -> Proof:
    """Return the proof of entry *index*, or of the newest about *computation*, as of the latest block.

    Raises:
        EntryUnknown: There is no such entry, or it is about something else.
        TrailIncomplete: The node's events are not those of the contract; nothing can be proven from them.
    """
    reader = Reader(gateway, await gateway.block_number(), Slow(progress))
    block = await reader.header(reader.block)
    events = untimed(await reader.logs())
    entries = [event for event in events if event.name == "EntryAppended"]
    entry = _chosen(entries, computation, index)
    leaves = [_entry_of(event).leaf for event in entries]
    root = await _whole(reader, leaves)
    inclusion = prove(leaves, entry.index)
    verifier = gateway.addresses["ResultVerifier"]
    facts = encoded_facts(events, entry.index, gateway.network.chain_id, verifier)
    proof = Proof(
        schema_=SCHEMA,
        chain_id=gateway.network.chain_id,
        genesis=gateway.network.genesis,
        audit_trail=gateway.addresses["AuditTrail"],
        block=Block(number=reader.block, hash=block["hash"], timestamp=int(block["timestamp"], 16)),
        entry=entry,
        facts=facts,
        words=words_of(entry.decision, entry.subject, facts),
        leaf=entry.leaf,
        size=inclusion.size,
        head=inclusion.head,
        before=inclusion.before,
        later=list(inclusion.later),
        siblings=list(inclusion.siblings),
        peaks=list(inclusion.peaks),
        root=root,
        checksum=bytes(32),
    )
    return proof.model_copy(update={"checksum": proof.sum()})


async def departure(gateway: Gateway, proof: Proof) -> str | None:
    """Return where the chain departs from a proof that is sound in itself, or None: the trail still has the entry.

    Raises:
        TrailIncomplete: The node's events are not those of the contract, so nothing can be said.
    """
    network, reader = gateway.network, Reader(gateway, await gateway.block_number())
    for what, expected, actual in (
        ("chain id", proof.chain_id, network.chain_id),
        ("chain's first block", "0x" + proof.genesis.hex(), network.genesis.lower()),
        ("audit trail's address", proof.audit_trail.lower(), gateway.addresses["AuditTrail"].lower()),
    ):
        if expected != actual:
            return f"the {what} is {actual}, and the proof is of {expected}"
    if proof.block.number > reader.block:
        return f"the chain ends in block {reader.block}, and the proof was made in block {proof.block.number}"
    header = await reader.header(proof.block.number)
    if header["hash"].lower() != "0x" + proof.block.hash.hex():
        return f"block {proof.block.number} is {header['hash']}, and the proof was made in 0x{proof.block.hash.hex()}"
    if int(header["timestamp"], 16) != proof.block.timestamp:
        return f"block {proof.block.number} is of {int(header['timestamp'], 16)}, not of {proof.block.timestamp}"
    entries = [_entry_of(event) for event in untimed(await reader.logs()) if event.name == "EntryAppended"]
    leaves = [entry.leaf for entry in entries]
    await _whole(reader, leaves)
    if root_of(leaves[: proof.size]) != proof.root or len(leaves) < proof.size:
        return f"the trail's first {proof.size} entries have another root"
    entry = proof.entry
    fields = (entry.index, entry.decision, entry.subject, entry.recorder, entry.digest)
    if not await reader.view("AuditTrail", "contains", fields, prove(leaves, entry.index)):
        return f"the contract says that entry {entry.index} is another"
    return None


async def _whole(reader: Reader, leaves: list[bytes]) -> bytes:
    """Return the root of the contract's trail, whose leaves must be *leaves*."""
    head = EMPTY_HEAD
    for leaf in leaves:
        head = next_head(head, leaf)
    actual, size = await reader.view("AuditTrail", "head")
    root = await reader.view("AuditTrail", "root")
    if (head, len(leaves), root_of(leaves)) != (actual, size, root):
        raise TrailIncomplete(
            f"the node's {len(leaves)} entries have head 0x{head.hex()}, and the contract has {size} with head "
            f"0x{actual.hex()} in block {reader.block}; ask another node, or see 'qcrs audit verify'"
        )
    return root


def _chosen(entries: list[LoggedEvent], computation: int | None, index: int | None) -> ProvenEntry:
    """Return the entry to prove."""
    if index is not None:
        if not 0 <= index < len(entries):
            raise EntryUnknown(f"the trail has {len(entries)} entries; there is no entry {index}")
        entry = _entry_of(entries[index])
        if computation is not None and (entry.decision not in COMPUTATION_DECISIONS or entry.subject != computation):
            raise EntryUnknown(
                f"entry {index} is {entry.decision.name} of {entry.subject}, not about computation {computation}; see "
                f"'qcrs audit log --computation {computation}'"
            )
        return entry
    for event in reversed(entries):
        if event["decision"] in COMPUTATION_DECISIONS and event["subject"] == computation:
            return _entry_of(event)
    raise EntryUnknown(f"the trail has no entry about computation {computation}; submitting one is not a decision")


def _entry_of(event: LoggedEvent) -> ProvenEntry:
    fields = ("index", "decision", "subject", "recorder", "digest")
    return ProvenEntry(**{**{name: event[name] for name in fields}, "decision": Decision(event["decision"])})
