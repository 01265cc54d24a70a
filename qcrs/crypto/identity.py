"""Identity documents: who operates which processor, under which keys.

A document travels with the signatures that prove its keys, as one file; the registry keeps the digest of that file and
the content store the file. Proof that each key is possessed:

* ML-DSA-65: signs the document. A further version is signed by the key of the version before it too.
* X-Wing: cannot sign, so whoever admits the processor seals a challenge to it for this very file (see
  ``qcrs.crypto.admission``).
* ECDSA of the daemon: signs the digest for the registry, which checks it itself.

A document names its operator, its daemon and its deployment: copied, it is nobody else's.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError

from qcrs.crypto.keys import (
    SEALING_BYTES,
    SIGNATURE_BYTES,
    VERIFYING_BYTES,
    PublicKeyInvalid,
    SigningKey,
    is_signed,
)
from qcrs.errors import QcrsError
from qcrs.model.records import Record
from qcrs.rules.digest import keccak

MAX_BYTES = 32_768  # of a file; an honest one has about 20,000
SCHEMA_VERSION = 2  # 1 had no keys but the daemon's, and no signature
PURPOSE = b"QCRS identity document"
NO_DIGEST = bytes(32)


class Check(Enum):
    """What an identity document failed."""

    Length = "its length"
    Digest = "its digest"
    Format = "its format"
    Operator = "its operator"
    Daemon = "its daemon"
    Deployment = "its deployment"
    Key = "its keys"
    Signature = "the signature by its own key"
    Predecessor = "the version before it"
    PredecessorSignature = "the signature by the key before it"
    Possession = "the proof that its X-Wing key is possessed"
    Revoked = "the list of revoked documents"
    Unique = "its being nobody else's"


class IdentityInvalid(QcrsError):
    """An identity document does not stand for a processor.

    Attributes:
        check: What it failed.
    """

    def __init__(self, check: Check, detail: str) -> None:
        super().__init__(f"the identity document failed the check of {check.value}: {detail}")
        self.check = check


def _sized(size: int) -> Any:
    """Return the type of *size* bytes, 0x-prefixed hexadecimal in JSON."""

    def read(value: Any) -> bytes:
        content = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value
        if not isinstance(content, bytes) or len(content) != size:
            raise ValueError(f"expected {size} bytes")
        return content

    return Annotated[bytes, BeforeValidator(read), PlainSerializer(lambda value: "0x" + value.hex(), when_used="json")]


Digest, Address = _sized(32), Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]


class Document(Record):
    """Who operates which processor, under which keys.

    Attributes:
        registry: Address of the registry that keeps its digest, on chain *chain_id*.
        signing_key, sealing_key: ML-DSA-65 and X-Wing. hash_key: Commitment to hash-based keys, if there are any.
        hardware_digest: Of the descriptor of the device; no two devices have one descriptor.
        benchmark_digest: Of the benchmark that it was certified by; zero without one.
        version: From 1. previous: Digest of the file of the version before; zero for the first.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    chain_id: Annotated[int, Field(ge=1)]
    registry: Address
    operator: Address
    daemon: Address
    signing_key: _sized(VERIFYING_BYTES)
    sealing_key: _sized(SEALING_BYTES)
    hash_key: _sized(24) | None = None
    hardware_digest: Digest
    benchmark_digest: Digest = NO_DIGEST
    version: Annotated[int, Field(ge=1, lt=2**32)] = 1
    previous: Digest = NO_DIGEST

    @property
    def canonical(self) -> bytes:
        """What is signed: sorted, without spaces."""
        return canonical_json(self.model_dump(by_alias=True, mode="json"))


@dataclass(frozen=True)
class Identity:
    """A document and its proofs, as they are kept.

    Attributes:
        signature: By its own ML-DSA-65 key. before: By that of the version before; empty for the first.
    """

    document: Document
    signature: bytes
    before: bytes = b""

    @property
    def content(self) -> bytes:
        """The file."""
        return canonical_json({
            "document": self.document.model_dump(by_alias=True, mode="json"),
            "signature": "0x" + self.signature.hex(),
            "signatureBefore": "0x" + self.before.hex(),
        })  # fmt: skip

    @property
    def digest(self) -> bytes:
        """What the registry keeps: ``identityDigest``."""
        return keccak(self.content)

    @classmethod
    def read(cls, content: bytes, digest: bytes) -> Self:
        """Return the identity in a file, of which nothing but form and digest has been checked.

        Raises:
            IdentityInvalid: It is none, or another one.
        """
        if len(content) > MAX_BYTES:
            raise IdentityInvalid(Check.Length, f"{len(content)} bytes; expected at most {MAX_BYTES}")
        if keccak(content) != digest:
            raise IdentityInvalid(Check.Digest, f"0x{keccak(content).hex()}; the registry has 0x{digest.hex()}")
        try:
            value = json.loads(content)
            document = Document.model_validate(value["document"])
            signature, before = (
                bytes.fromhex(value[name].removeprefix("0x")) for name in ("signature", "signatureBefore")
            )
        except (ValueError, ValidationError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise IdentityInvalid(Check.Format, f"{error}") from error
        identity = cls(document, signature, before)
        if identity.content != content:
            raise IdentityInvalid(Check.Format, "it is not in its canonical form")
        return identity


def is_unkeyed(content: bytes) -> bool:
    """Return whether *content* is a document of the first schema, which named accounts and no other keys."""
    try:
        return len(content) <= MAX_BYTES and json.loads(content)["schemaVersion"] == 1
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def issue(document: Document, key: SigningKey, before: SigningKey | None = None) -> Identity:
    """Return *document* signed by its own *key*, and by the key *before* when it is a further version."""
    content = document.canonical
    return Identity(document, key.sign(content, PURPOSE), b"" if before is None else before.sign(content, PURPOSE))


def rotate(
    present: Identity, before: SigningKey, key: SigningKey, sealing_key: bytes, hash_key: bytes | None = None
) -> Identity:
    """Return the next version of *present* with new keys: the old signing key vouches for the new one."""
    changes = {
        "version": present.document.version + 1,
        "previous": present.digest,
        "signing_key": key.public,
        "sealing_key": sealing_key,
        "hash_key": hash_key,
    }
    return issue(present.document.model_copy(update=changes), key, before)


def require_identity(
    content: bytes, digest: bytes, operator: str, daemon: str, chain_id: int, registry: str,
    previous: Identity | None = None,
) -> Identity:  # fmt: skip
    """Return the identity in *content* when it stands for the processor of *operator* and *daemon*.

    Args:
        digest: As the registry has it. previous: The version before it; None for the first.

    Raises:
        IdentityInvalid: It does not; says what failed.
    """
    identity = Identity.read(content, digest)
    document = identity.document
    found = {Check.Operator: document.operator, Check.Daemon: document.daemon, Check.Deployment: document.registry}
    expected = {Check.Operator: operator, Check.Daemon: daemon, Check.Deployment: registry}
    for check, value in found.items():
        if value.lower() != expected[check].lower():
            raise IdentityInvalid(check, f"{value}; the registry has {expected[check]}")
    if document.chain_id != chain_id:
        raise IdentityInvalid(Check.Deployment, f"chain {document.chain_id}; this is chain {chain_id}")
    if not _is_signed(document, document.signing_key, identity.signature):
        raise IdentityInvalid(
            Check.Signature, f"its ML-DSA-65 key 0x{keccak(document.signing_key).hex()} has not signed"
        )
    _require_succession(identity, previous)
    return identity


def _require_succession(identity: Identity, previous: Identity | None) -> None:
    document = identity.document
    expected = (1, NO_DIGEST) if previous is None else (previous.document.version + 1, previous.digest)
    if (document.version, document.previous) != expected:
        raise IdentityInvalid(
            Check.Predecessor,
            f"version {document.version} after 0x{document.previous.hex()}; expected version {expected[0]} after "
            f"0x{expected[1].hex()}",
        )
    if previous is None:
        return
    if document.hardware_digest != previous.document.hardware_digest:
        raise IdentityInvalid(Check.Predecessor, "another device: a new device is a new processor")
    if not _is_signed(document, previous.document.signing_key, identity.before):
        raise IdentityInvalid(Check.PredecessorSignature, f"the key of version {document.version - 1} has not signed")


def _is_signed(document: Document, key: bytes, signature: bytes) -> bool:
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        return is_signed(key, signature, document.canonical, PURPOSE)
    except PublicKeyInvalid as error:
        raise IdentityInvalid(Check.Key, str(error)) from error


class Revocations:
    """Digests of documents that stand for nobody any more."""

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        self._digests = set(digests)

    def revoke(self, digest: bytes) -> None:
        """Put *digest* on the list; there is no way back."""
        self._digests.add(digest)

    def require(self, digest: bytes) -> None:
        """Check that *digest* is not on the list.

        Raises:
            IdentityInvalid: It is.
        """
        if digest in self._digests:
            raise IdentityInvalid(Check.Revoked, f"0x{digest.hex()} was replaced or withdrawn; ask for the present one")


def canonical_json(value: Any) -> bytes:
    """Return *value* in the one form of which digests are taken: keys in order, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
