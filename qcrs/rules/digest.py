"""Keccak-256 over the contracts' encodings."""

from collections.abc import Sequence
from typing import Any

from eth_hash.auto import keccak
from faster_eth_abi import encode

__all__ = ["abi_digest", "keccak"]


def abi_digest(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Return ``keccak256(abi.encode(values...))``.

    Args:
        types: Solidity types; a tuple is written ``(uint8,bytes32)``.
        values: One value for each type.
    """
    return keccak(encode(types, values))
