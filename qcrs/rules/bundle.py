"""Many commitments in one word: twin of ``contracts/libraries/Bundle.sol``."""

from collections.abc import Iterable, Sequence

from qcrs.rules.digest import abi_digest, keccak

DOMAIN = keccak(b"QCRS bundled commitment")
MAX_BUNDLE = 16  # commits of one bundle


def leaf_of(computation: int, index: int, attempt: int, commitment: bytes) -> bytes:
    """Return the 32 bytes that bind assignment *index*, in round *attempt*, to *commitment*."""
    return abi_digest(
        ["bytes32", "uint64", "uint256", "uint256", "bytes24"], [DOMAIN, computation, index, attempt, commitment]
    )


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over *leaves*; 32 zero bytes over none."""
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else bytes(32)


def proof_of(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """Return the siblings from the leaf at *position* up to the root."""
    level, proof = list(leaves), []
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level, position = _parents(level), position // 2
    return proof


def root_from(leaf: bytes, proof: Iterable[bytes]) -> bytes:
    """Return the root that *proof* leads to from *leaf*."""
    node = leaf
    for sibling in proof:
        node = _parent(node, sibling)
    return node


def _parents(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_parent(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _parent(a: bytes, b: bytes) -> bytes:
    """Return the node above two, whichever is left."""
    return keccak(min(a, b) + max(a, b))
