"""What is left in a store for those who hold keys: key slots, signatures, challenges and answers, invitations.

The store is trusted for nothing but to keep things. Whatever is read here carries its digest in its name, and is
checked against a key that the chain vouches for. Nothing is ever replaced: a second writing has another name.
"""

import logging
from collections.abc import Iterator

from qcrs.crypto.envelope import EnvelopeRefused, Header, is_content_key, open_sheet
from qcrs.crypto.keys import SIGNATURE_BYTES, OpeningKey, PublicKeyInvalid, SigningKey, is_signed
from qcrs.rules import invitation
from qcrs.rules.digest import keccak
from qcrs.store import MAX_BYTES, ContentUnavailable, Store

log = logging.getLogger(__name__)

MOST_CANDIDATES = 64  # of one kind in one box: beyond, somebody fills it to be a nuisance
INVITATION_BYTES = invitation.MAX_BYTES + SIGNATURE_BYTES  # looked for all the time, by every end of a channel
ANSWER_PURPOSE, CAPABILITY_PURPOSE = b"QCRS histogram", b"QCRS capability record"


class Vault:
    """The part of a store that belongs to one deployment.

    Args:
        deployment: ``Network.deployment``; another one has other computations of the same numbers.
    """

    def __init__(self, store: Store, deployment: str) -> None:
        self.store, self._deployment = store, deployment
        self._scope = keccak(deployment.encode())[:8].hex()

    def context(self, computation: int) -> bytes:
        """Return what the slots of *computation* are bound to."""
        return keccak(b"QCRS computation" + keccak(self._deployment.encode()) + computation.to_bytes(8, "big"))

    def post_sheet(self, computation: int, attempt: int, first: int, sheet: bytes) -> None:
        """Leave *sheet* for the processors that were drawn as assignments *first* and following of round *attempt*."""
        self._leave(self._box("sealed", computation), f"sheet-{attempt}-{first}", sheet)

    def content_key(self, computation: int, body: bytes, header: Header, key: OpeningKey) -> bytes | None:
        """Return the content key that some sheet holds for *key*; None when none does, yet.

        Args:
            body: Digest of the body. header: The body's.
        """
        for sheet in self._left(self._box("sealed", computation), "sheet-"):
            try:
                return open_sheet(sheet, body, self.context(computation), header.sender, key)
            except (EnvelopeRefused, PublicKeyInvalid) as error:
                log.debug("computation=%s sheet passed over: %s", computation, error)
        return None

    def disclose(self, computation: int, content_key: bytes) -> None:
        """Let everybody read the payload of *computation*: whoever accuses somebody has to show what was asked."""
        self._leave(self._box("sealed", computation), "disclosed", content_key)

    def disclosed(self, computation: int, header: Header) -> bytes | None:
        """Return the content key of *computation* if its requester has made it public."""
        keys = self._left(self._box("sealed", computation), "disclosed-")
        return next((key for key in keys if is_content_key(key, header)), None)

    def sign_answer(self, key: SigningKey, computation: int, index: int, root: bytes) -> None:
        """Vouch, as the processor of assignment *index*, for the histogram with *root*; once is enough."""
        if self.is_answer_signed(key.public, computation, index, root):
            return
        signature = key.sign(self._answer(computation, index, root), ANSWER_PURPOSE)
        self._leave(self._box("signed", computation), f"answer-{index}", signature)

    def is_answer_signed(self, public: bytes, computation: int, index: int, root: bytes) -> bool | None:
        """Return whether *public* vouches for the histogram with *root*; None when no signature is there at all."""
        found = None
        for signature in self._left(self._box("signed", computation), f"answer-{index}-"):
            found = is_signed(public, signature, self._answer(computation, index, root), ANSWER_PURPOSE)
            if found:
                break
        return found

    def sign_capability(self, key: SigningKey, daemon: str, record: bytes) -> None:
        """Vouch for the capability *record*, encoded, of the processor that *daemon* serves."""
        signature = key.sign(self._capability(daemon, record), CAPABILITY_PURPOSE)
        self._leave(self._box("capability", int(daemon, 16)), "signature", signature)

    def is_capability_signed(self, public: bytes, daemon: str, record: bytes) -> bool:
        """Return whether *public* vouches for the capability *record*."""
        message = self._capability(daemon, record)
        signatures = self._left(self._box("capability", int(daemon, 16)), "signature-")
        return any(is_signed(public, signature, message, CAPABILITY_PURPOSE) for signature in signatures)

    def post_challenge(self, digest: bytes, sealed: bytes) -> None:
        """Leave a challenge for the key in the identity file with *digest*."""
        self._leave(self._admission(digest), "challenge", sealed)

    def challenges(self, digest: bytes) -> Iterator[bytes]:
        """Yield what claims to be challenges for it."""
        return self._left(self._admission(digest), "challenge-")

    def post_answer(self, digest: bytes, answer: bytes) -> None:
        """Leave the answer to a challenge."""
        self._leave(self._admission(digest), "answer", answer)

    def answers(self, digest: bytes) -> Iterator[bytes]:
        """Yield what claims to be answers."""
        return self._left(self._admission(digest), "answer-")

    def post_invitation(self, channel: int, until: int, content: bytes) -> None:
        """Leave an invitation to the other end of *channel*, good *until* then, unix seconds."""
        self._leave(self._box("channel", channel), _invited(until), content)

    def invitations(self, channel: int, now: int, latest: int) -> Iterator[bytes]:
        """Yield what claims to be invitations over *channel* that are good until after *now* and not after *latest*."""
        return self._left(self._box("channel", channel), _invited(now), _invited(latest) + "~", INVITATION_BYTES)

    def _box(self, kind: str, number: int) -> str:
        return f"{kind}-{self._scope}-{number}"

    def _admission(self, digest: bytes) -> str:
        return f"admission-{self._scope}-{digest.hex()}"

    def _answer(self, computation: int, index: int, root: bytes) -> bytes:
        return self.context(computation) + index.to_bytes(2, "big") + root

    def _capability(self, daemon: str, record: bytes) -> bytes:
        return keccak(self._deployment.encode()) + bytes.fromhex(daemon.removeprefix("0x")) + keccak(record)

    def _leave(self, box: str, label: str, content: bytes) -> None:
        self.store.post(box, f"{label}-{keccak(content)[:16].hex()}", content)

    def _left(self, box: str, label: str, last: str = "", most: int = MAX_BYTES) -> Iterator[bytes]:
        """Yield what is in *box* under names that begin with *label*; from it to *last*, if that is given.

        What has more than *most* bytes is left where it is.
        """
        names = [name for name in self.store.names(box) if (label <= name < last if last else name.startswith(label))]
        for name in names[:MOST_CANDIDATES]:
            try:
                content = self.store.fetch(box, name, most)
            except ContentUnavailable as error:
                log.warning("%s", error)
                continue
            if name.endswith(keccak(content)[:16].hex()):
                yield content
            else:
                log.warning("%s in %s is not what its name says", name, box)


def _invited(until: int) -> str:
    # Of one length, so that names are in the order of time and what is over need not be read.
    return f"invitation-{until:012d}"
