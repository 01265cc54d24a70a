"""Sortition: twin of ``contracts/libraries/Sortition.sol``."""

from collections.abc import Callable, Iterator

from qcrs.rules.digest import abi_digest

MAX_DRAWS = 128

HashOf = Callable[[bytes, int], int]


def hash_of(seed: bytes, draw: int) -> int:
    """Return the number that decides draw number *draw*: ``uint256(keccak256(abi.encode(seed, draw)))``."""
    return int.from_bytes(abi_digest(["bytes32", "uint256"], [seed, draw]), "big")


def lottery(seed: bytes, size: int, hashes: HashOf = hash_of) -> Iterator[tuple[int, int]]:
    """Yield positions of [0, *size*) in the order in which the contract draws them, each with the hash that decided it.

    At most ``MAX_DRAWS``. Only positions whose content has moved are kept, however large *size* is.

    Args:
        hashes: Stands in for ``hash_of`` where many draws are simulated and nobody is to repeat them.
    """
    content: dict[int, int] = {}
    content_of = content.get
    last = size
    for draw in range(min(size, MAX_DRAWS)):
        number = hashes(seed, draw)
        slot = number % last
        last -= 1
        position = content_of(slot, slot)
        content[slot] = content_of(last, last)
        yield position, number


def draws(seed: bytes, size: int) -> Iterator[int]:
    """Yield the positions of ``lottery`` alone."""
    return (position for position, _ in lottery(seed, size))
