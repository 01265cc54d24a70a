"""Which hash key each account has, and which leaves are burnt, replayed: twin of ``contracts/HashKeys.sol``.

Signatures are in no event, so that they were given is taken from the contract; that a leaf signs once, a tree is
installed once, and a recovery takes its time, is not. A leaf that comes twice in one block is not noticed: one
signature may cover many calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.rules.hash_keys import RESERVED_LEAVES, KeyWord
from qcrs.rules.hash_signature import LEAVES
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

RECOVERY_SECONDS = 7 * 86_400
ACTION_LEAVES = LEAVES - RESERVED_LEAVES


@dataclass
class Key:
    """An account's key.

    Attributes:
        next_leaf: The lowest that is not burnt; *floor* what it was when *block* began.
        proposed: What it is to be replaced by from *opens_at* on; None when nobody wants to.
    """

    commitment: bytes
    next_leaf: int
    floor: int
    block: int
    proposed: bytes | None = None
    opens_at: int = 0

    @property
    def word(self) -> bytes:
        """What the contract keeps."""
        return self.commitment + bytes(3) + bytes([self.proposed is not None]) + self.next_leaf.to_bytes(4, "big")


class Keys:
    """All accounts' keys, and every tree that was ever installed.

    Attributes:
        founders: How many were there from the start.
    """

    def __init__(self) -> None:
        self.by_account: dict[str, Key] = {}
        self.used: set[bytes] = set()
        self.founders = 0

    def of(self, log: Transcript, account: str) -> Key:
        """Return the key of *account*, which must have one, as it is in the running block."""
        if account not in self.by_account:
            raise Contradiction(Rule.Key, f"key of {account}", "installed", "none")
        key, block = self.by_account[account], log.events[log.start].block
        if key.block != block:
            key.floor, key.block = key.next_leaf, block
        return key

    def is_founding(self, log: Transcript) -> bool:
        """Return whether the running call is the deployment: nothing happened before but that founders got keys."""
        return log.start == self.founders and log.events[log.start].block == log.events[0].block

    def use(self, log: Transcript, account: str, word: bytes, least: int = 1) -> None:
        """Make the key that *word* is of the account's, of which *least* leaves have signed."""
        told = KeyWord.of(word)
        log.hold(Rule.Key, told.commitment not in self.used, f"tree of {account}", "a new one", "one used before")
        sound = not (told.is_empty or told.is_recovering or any(word[24:27])) and least <= told.next_leaf <= LEAVES
        log.hold(Rule.Key, sound, f"word of {account}", f"a key of which {least} or more leaves have signed", word)
        self.founders += told.next_leaf == 0
        self.used.add(told.commitment)
        self.by_account[account] = Key(told.commitment, told.next_leaf, told.next_leaf, log.events[log.start].block)


def install(suite: Suite, log: Transcript) -> None:
    """Replay ``install``, or that a founder has its key from the start, of which nothing has signed."""
    event, known = log.take("KeyInstalled"), suite.keys
    log.hold(Rule.Key, event["account"] not in known.by_account, f"key of {event['account']}", "none", "installed")
    known.use(log, event["account"], event["word"], least=0 if known.is_founding(log) else 1)


def rotate(suite: Suite, log: Transcript) -> None:
    """Replay ``rotate``."""
    event = log.take("KeyRotated")
    key = suite.keys.of(log, event["account"])
    _burn(log, key, event["account"], KeyWord.of(event["before"]).next_leaf - 1, LEAVES)
    log.require(Rule.Key, f"key of {event['account']} before its rotation", key.word, event["before"])
    suite.keys.use(log, event["account"], event["word"])


def act(suite: Suite, log: Transcript) -> None:
    """Replay the end of an action, whether its target took it or not, or an attestation."""
    head = log.peek()
    event = log.take(head.name)
    _burn(log, suite.keys.of(log, event["account"]), event["account"], event["leaf"], ACTION_LEAVES)


def propose(suite: Suite, log: Transcript) -> None:
    """Replay ``proposeRecovery``."""
    event, known = log.take("RecoveryProposed"), suite.keys
    key, account = known.of(log, event["account"]), event["account"]
    log.hold(Rule.Key, event["commitment"] not in known.used, f"tree for {account}", "a new one", "one used before")
    log.require(Rule.Key, f"opening of the recovery of {account}", log.now + RECOVERY_SECONDS, event["opensAt"])
    key.proposed, key.opens_at = event["commitment"], event["opensAt"]


def object_(suite: Suite, log: Transcript) -> None:
    """Replay that a signature by the present key ends its recovery."""
    event = log.take("RecoveryObjected")
    key, account = suite.keys.of(log, event["account"]), event["account"]
    log.hold(Rule.Key, key.proposed is not None, f"recovery of {account}", "under way", "none")
    key.proposed = None
    _burn(log, key, account, event["leaf"], LEAVES)


def recover(suite: Suite, log: Transcript) -> None:
    """Replay ``recover``."""
    event = log.take("KeyRecovered")
    key, account = suite.keys.of(log, event["account"]), event["account"]
    log.require(Rule.Key, f"key of {account} before its recovery", key.word, event["before"])
    log.hold(Rule.Key, key.proposed is not None, f"recovery of {account}", "under way", "none")
    log.hold(Rule.Key, log.now > key.opens_at, f"recovery of {account}", f"after {key.opens_at}", log.now)
    log.require(Rule.Key, f"tree of {account}", key.proposed, KeyWord.of(event["word"]).commitment)
    suite.keys.use(log, account, event["word"])


def _burn(log: Transcript, key: Key, account: str, leaf: int, end: int) -> None:
    """Hold *leaf* not to have signed before this block; all below it are worth nothing any more."""
    log.hold(Rule.Key, key.proposed is None, f"recovery of {account}", "ended by what its key signs", "under way")
    log.hold(Rule.Key, key.floor <= leaf < end, f"leaf of {account}", f"{key.floor} to {end - 1}", leaf)
    key.next_leaf = max(key.next_leaf, leaf + 1)
