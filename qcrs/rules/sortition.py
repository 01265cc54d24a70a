"""Sortition: twin of ``contracts/libraries/Sortition.sol``."""

from collections.abc import Iterator

from qcrs.rules.digest import abi_digest

MAX_DRAWS = 64


def draws(seed: bytes, size: int) -> Iterator[int]:
    """Yield positions of [0, *size*) in the order in which the contract draws them, at most ``MAX_DRAWS``."""
    remaining = list(range(size))
    for draw in range(min(size, MAX_DRAWS)):
        slot = int.from_bytes(abi_digest(["bytes32", "uint256"], [seed, draw]), "big") % len(remaining)
        position = remaining[slot]
        remaining[slot] = remaining[-1]
        remaining.pop()
        yield position
