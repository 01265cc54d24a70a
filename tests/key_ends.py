"""Two ends of a key exchange, the pairs they measured, and whoever is between them."""

import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from qcrs.rules.key_account import Measured, Terms
from qcrs.rules.key_exchange import Alice, Bob


def pairs(count: int, error: float, intercepted: float = 0.0, seed: int = 0) -> tuple[Measured, Measured]:
    """What both ends saw of *count* pairs with *error* in either basis, a share of them *intercepted* and resent."""
    chance = random.Random(seed)
    bases, outcomes = [bytearray(), bytearray()], [bytearray(), bytearray()]
    for _ in range(count):
        chosen = [chance.getrandbits(1), chance.getrandbits(1)]
        seen = chance.getrandbits(1)
        other = seen ^ (chance.random() < error) if chosen[0] == chosen[1] else chance.getrandbits(1)
        if chance.random() < intercepted and chance.getrandbits(1) != chosen[1]:
            other = chance.getrandbits(1)  # resent in the other basis
        for end, outcome in enumerate((seen, other)):
            bases[end].append(48 + chosen[end])
            outcomes[end].append(48 + outcome)
    return Measured(int(bases[0], 2), int(outcomes[0], 2)), Measured(int(bases[1], 2), int(outcomes[1], 2))


def signer(key: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(key, message, hashlib.sha256)


def checker(key: bytes) -> Callable[[bytes, bytes], bool]:
    return lambda message, tag: hmac.compare_digest(hmac.digest(key, message, hashlib.sha256), tag)


def ends(terms: Terms, measured: tuple[Measured, Measured], seed: int = 0) -> tuple[Alice, Bob]:
    draw = random.Random(seed).randbytes
    return (
        Alice(terms, measured[0], signer(b"alice"), checker(b"bob"), draw),
        Bob(terms, measured[1], signer(b"bob"), checker(b"alice")),
    )


@dataclass
class Talk:
    """An exchange carried out, with all messages."""

    alice: Alice
    bob: Bob
    messages: list[bytes] = field(default_factory=list)

    def run(self, limit: int = 2_000) -> "Talk":
        message, receivers = self.alice.start(), (self.bob, self.alice)
        while message:
            self.messages.append(message)
            assert len(self.messages) <= limit
            message = receivers[(len(self.messages) - 1) % 2].receive(message)
        return self


def exchange(count: int, error: float, tolerated_ppm: int, intercepted: float = 0.0, seed: int = 0) -> Talk:
    terms = Terms(bytes(32), count, tolerated_ppm)
    return Talk(*ends(terms, pairs(count, error, intercepted, seed), seed)).run()
