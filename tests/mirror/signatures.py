"""Hash-based signatures, true ones and ones with a fault, as ``HashSignature`` takes them."""

import random
from collections.abc import Iterator
from functools import cache

from qcrs.rules import hash_signature
from qcrs.rules.hash_signature import COMMITMENT_BYTES, LEAVES, SIGNATURE_BYTES, Tree

Case = tuple[bytes, bytes, bytes]

SECRETS = (bytes(range(32)), bytes(range(32, 64)))
FAULTS = 9  # of each true signature
# Where the parts of a signature begin: leaf, randomizer, seed, chains, path.
PARTS = (0, 4, 28, 52, 1204, SIGNATURE_BYTES)


@cache
def tree_of(secret: bytes) -> Tree:
    """Return the tree of *secret*, grown once."""
    return hash_signature.grow(secret)


@cache
def signed(secret: bytes, leaf: int, digest: bytes) -> bytes:
    """Return a true signature."""
    return hash_signature.sign(secret, tree_of(secret), leaf, digest)


def cases(rng: random.Random) -> Iterator[Case]:
    """Yield true signatures, the first and last leaf among them, and after each some with one fault."""
    edges = iter([0, 1, LEAVES // 2 - 1, LEAVES // 2, LEAVES - 2, LEAVES - 1])
    while True:
        secret, leaf, digest = rng.choice(SECRETS), next(edges, rng.randrange(LEAVES)), rng.randbytes(32)
        true = signed(secret, leaf, digest), tree_of(secret).commitment, digest
        yield true
        for _ in range(FAULTS):
            yield faulty(rng, true)


def faulty(rng: random.Random, true: Case) -> Case:
    """Return *true* with one fault."""
    signature, commitment, digest = true
    match rng.randrange(8):
        case 0 | 1 | 2 | 3:  # a bit of any part, the chains and the path as often as the short ones
            part = rng.randrange(5)
            signature = flipped(signature, rng.randrange(8 * PARTS[part], 8 * PARTS[part + 1]))
        case 4:
            digest = flipped(digest, rng.randrange(256))
        case 5:
            commitment = rng.choice(
                [bytes(COMMITMENT_BYTES), rng.randbytes(COMMITMENT_BYTES), flipped(commitment, rng.randrange(192))]
            )
        case 6:
            length = rng.choice([0, 3, 4, SIGNATURE_BYTES - 1, SIGNATURE_BYTES + 1, rng.randrange(SIGNATURE_BYTES)])
            signature = (signature + rng.randbytes(1))[:length]
            digest = flipped(digest, rng.randrange(256))  # so that no two empty ones are alike
        case 7:  # two values of one kind trade places
            part, count = rng.choice([(52, 48), (1204, 10)])
            first, second = (part + 24 * at for at in sorted(rng.sample(range(count), 2)))
            a, b = signature[first : first + 24], signature[second : second + 24]
            signature = signature[:first] + b + signature[first + 24 : second] + a + signature[second + 24 :]
    return signature, commitment, digest


def flipped(value: bytes, bit: int) -> bytes:
    """Return *value* with one bit changed."""
    return (int.from_bytes(value, "big") ^ 1 << (8 * len(value) - 1 - bit)).to_bytes(len(value), "big")
