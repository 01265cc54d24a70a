"""Hash-based signatures: twin of ``contracts/libraries/HashSignature.sol``, and the signer's side of it.

The library tells the scheme. A signer keeps one 32-byte secret; chains, seed and randomizers are derived from it, and
the public tree, which costs 750,000 hashes to grow, may be kept beside it by anyone. Nothing here remembers which
leaves have signed: see ``qcrs.crypto.leaf_signer``. How long one takes depends on its public message hash alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.rules.digest import keccak

__all__ = [
    "COMMITMENT_BYTES",
    "HEIGHT",
    "LEAVES",
    "SECRET_BYTES",
    "SIGNATURE_BYTES",
    "LeafInvalid",
    "Tree",
    "TreeInvalid",
    "commitment_of",
    "grow",
    "leaf_in",
    "sign",
    "verify",
]

HASH_BYTES = 24
COMMITMENT_BYTES = HASH_BYTES
SECRET_BYTES = 32
CHAINS = 48
TOP = 15  # steps of a chain
TARGET_SUM = 456
HEIGHT = 10
LEAVES = 1 << HEIGHT
# Leaf, randomizer, seed, chains, path.
SIGNATURE_BYTES = 4 + HASH_BYTES * (2 + CHAINS + HEIGHT)

_CHAIN, _LEAF, _NODE, _MESSAGE, _KEY = range(5)
# Never hashed on the chain: what a secret is stretched to.
_SECRET, _SEED, _RANDOMIZER = range(128, 131)
_STEPS = [step.to_bytes(2, "big") for step in range(TOP)]
_DIGIT_SUMS = bytes((byte >> 4) + (byte & 15) for byte in range(256))


class LeafInvalid(QcrsError):
    """A tree has no such leaf."""


class TreeInvalid(QcrsError):
    """What is to be a key's public tree does not hash up to its root."""


@dataclass(frozen=True)
class Tree:
    """The public part of a key.

    Attributes:
        seed: 24 bytes. levels: Nodes by level, leaves first; the last has the root alone.
    """

    seed: bytes
    levels: tuple[tuple[bytes, ...], ...]

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return self.levels[-1][0]

    @property
    def commitment(self) -> bytes:
        """The 24 bytes that the chain keeps of the key."""
        return commitment_of(self.seed, self.root)

    def path(self, leaf: int) -> list[bytes]:
        """Return the siblings from *leaf* up to the root."""
        return [self.levels[level][(leaf >> level) ^ 1] for level in range(HEIGHT)]

    def to_bytes(self) -> bytes:
        """Return the seed and the leaves, from which the rest follows."""
        return self.seed + b"".join(self.levels[0])

    @classmethod
    def from_bytes(cls, content: bytes, commitment: bytes) -> "Tree":
        """Return the tree that ``to_bytes`` wrote.

        Raises:
            TreeInvalid: It is not the tree of the key with *commitment*.
        """
        expected = HASH_BYTES * (1 + LEAVES)
        if len(content) != expected:
            raise TreeInvalid(f"a public tree of {len(content)} bytes, expected {expected}")
        values = [content[at : at + HASH_BYTES] for at in range(0, expected, HASH_BYTES)]
        tree = cls(values[0], _levels(values[0], values[1:]))
        if tree.commitment != commitment:
            raise TreeInvalid(f"public tree of key 0x{tree.commitment.hex()}, expected 0x{commitment.hex()}")
        return tree


def grow(secret: bytes) -> Tree:
    """Return the tree of *secret*, 32 bytes: about a second's work."""
    if len(secret) != SECRET_BYTES:
        raise TreeInvalid(f"a secret of {len(secret)} bytes, expected {SECRET_BYTES}")
    seed = _derived(secret, _SEED)
    return Tree(seed, _levels(seed, [_leaf(secret, seed, leaf) for leaf in range(LEAVES)]))


def commitment_of(seed: bytes, root: bytes) -> bytes:
    """Return the 24 bytes that the chain keeps of the key with this public part."""
    return _hash(seed, _address(_KEY), root)


def sign(secret: bytes, tree: Tree, leaf: int, digest: bytes) -> bytes:
    """Return the signature of *digest* by *leaf*: always the same one for the same three.

    A leaf that signs two digests gives its key away; the caller sees to it that none does.

    Raises:
        LeafInvalid: The tree has no such leaf.
    """
    if not 0 <= leaf < LEAVES:
        raise LeafInvalid(f"leaf {leaf}, expected one of 0 to {LEAVES - 1}")
    randomizer, message = _grind(secret, tree, leaf, digest)
    chains = [
        _walk(tree.seed, leaf, chain, _chain_secret(secret, leaf, chain), 0, digit)
        for chain, digit in enumerate(_digits(message))
    ]
    return b"".join([leaf.to_bytes(4, "big"), randomizer, tree.seed, *chains, *tree.path(leaf)])


def verify(signature: bytes, commitment: bytes, digest: bytes) -> bool:
    """Return whether *signature* is one of *digest* by the key with *commitment*."""
    leaf = leaf_in(signature)
    if len(signature) != SIGNATURE_BYTES or not any(commitment) or leaf >= LEAVES:
        return False
    randomizer, seed, *values = (signature[at : at + HASH_BYTES] for at in range(4, SIGNATURE_BYTES, HASH_BYTES))
    message = _message(seed, leaf, randomizer, commitment, digest)
    if sum(message.translate(_DIGIT_SUMS)) != TARGET_SUM:
        return False
    ends = [_walk(seed, leaf, chain, values[chain], digit, TOP) for chain, digit in enumerate(_digits(message))]
    node = _hash(seed, _address(_LEAF, leaf), b"".join(ends))
    for level, sibling in enumerate(values[CHAINS:], start=1):
        pair = sibling + node if leaf & 1 else node + sibling
        leaf >>= 1
        node = _hash(seed, _address(_NODE, leaf, level), pair)
    return commitment_of(seed, node) == commitment


def leaf_in(signature: bytes) -> int:
    """Return the leaf that *signature* names, whether or not it is valid; 0 of what is too short to name one."""
    return int.from_bytes(signature[:4], "big") if len(signature) >= 4 else 0


def _grind(secret: bytes, tree: Tree, leaf: int, digest: bytes) -> tuple[bytes, bytes]:
    """Return the first randomizer that gives digits with the right sum, and the message hash: 7,400 tries on average.

    The first one tried is as good as random to all but the signer; that those after it count up from it tells nobody
    more.
    """
    start = int.from_bytes(_derived(secret, _RANDOMIZER, leaf, tail=digest), "big")
    head, tail = tree.seed + _address(_MESSAGE, leaf), tree.commitment + digest
    attempt = start
    while True:
        randomizer = attempt.to_bytes(HASH_BYTES, "big")
        message = keccak(head + randomizer + tail)[:HASH_BYTES]
        if sum(message.translate(_DIGIT_SUMS)) == TARGET_SUM:
            return randomizer, message
        attempt = (attempt + 1) % (1 << (8 * HASH_BYTES))


def _leaf(secret: bytes, seed: bytes, leaf: int) -> bytes:
    ends = [_walk(seed, leaf, chain, _chain_secret(secret, leaf, chain), 0, TOP) for chain in range(CHAINS)]
    return _hash(seed, _address(_LEAF, leaf), b"".join(ends))


def _levels(seed: bytes, leaves: list[bytes]) -> tuple[tuple[bytes, ...], ...]:
    levels = [tuple(leaves)]
    for level in range(1, HEIGHT + 1):
        below = levels[-1]
        levels.append(
            tuple(
                _hash(seed, _address(_NODE, index, level), below[2 * index] + below[2 * index + 1])
                for index in range(len(below) // 2)
            )
        )
    return tuple(levels)


def _walk(seed: bytes, leaf: int, chain: int, value: bytes, start: int, end: int) -> bytes:
    head = seed + _address(_CHAIN, leaf, chain)[:6]
    for step in _STEPS[start:end]:
        value = keccak(head + step + value)[:HASH_BYTES]
    return value


def _chain_secret(secret: bytes, leaf: int, chain: int) -> bytes:
    return _derived(secret, _SECRET, leaf, chain)


def _derived(secret: bytes, kind: int, leaf: int = 0, chain: int = 0, tail: bytes = b"") -> bytes:
    return keccak(secret + _address(kind, leaf, chain) + tail)[:HASH_BYTES]


def _message(seed: bytes, leaf: int, randomizer: bytes, commitment: bytes, digest: bytes) -> bytes:
    return _hash(seed, _address(_MESSAGE, leaf), randomizer + commitment + digest)


def _digits(message: bytes) -> Iterator[int]:
    for byte in message:
        yield byte >> 4
        yield byte & 15


def _address(kind: int, index: int = 0, position: int = 0) -> bytes:
    return bytes([kind]) + index.to_bytes(4, "big") + bytes([position, 0, 0])


def _hash(seed: bytes, address: bytes, content: bytes) -> bytes:
    return keccak(seed + address + content)[:HASH_BYTES]
