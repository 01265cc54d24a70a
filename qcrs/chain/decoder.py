"""ABI decoding, compiled once for each list of types: reading events is most of what daemons compute.

As strict as eth_abi, whose errors it raises: padding is empty, numbers are in range, pointers lead past the head they
stand in, and nothing is read beyond the end. eth_abi walks a stream, and takes many times as long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.exceptions import InsufficientDataBytes, InvalidPointer, NonEmptyPaddingBytes, ParseError
from eth_abi.grammar import ABIType, BasicType, TupleType, parse

__all__ = ["decode"]

WORD = 32
_ADDRESS_PADDING = 12

Reader = Callable[[bytes, int], Any]  # what stands at a position in the data


@dataclass(frozen=True)
class _Kind:
    """How values of one type are read.

    Attributes:
        size: Bytes that one takes in a head, if it is not *dynamic*; a pointer takes its place if it is.
    """

    read: Reader
    size: int = WORD
    dynamic: bool = False


def decode(types: Sequence[str], data: bytes) -> tuple:
    """Return the values that *data* holds, one for each of *types*.

    Raises:
        DecodingError: It does not hold such values.
    """
    return _reader(tuple(types))(data, 0)


@cache
def _reader(types: tuple[str, ...]) -> Reader:
    return _row([_kind(parse(type_)) for type_ in types]).read


def _kind(of: ABIType) -> _Kind:
    if of.is_array:
        item, lengths = _kind(of.item_type), of.arrlist[-1]
        return _row([item] * lengths[0]) if lengths else _Kind(_list(item), dynamic=True)
    if isinstance(of, TupleType):
        return _row([_kind(component) for component in of.components])
    if not isinstance(of, BasicType):
        raise ParseError(f"{of} is no type of the ABI")
    if of.base in ("bytes", "string") and of.sub is None:
        return _Kind(_bytes if of.base == "bytes" else _string, dynamic=True)
    plain = {"address": _address, "bool": _bool}.get(of.base)
    return _Kind(plain or {"uint": _uint, "int": _int, "bytes": _fixed}[of.base](of.sub))


def _row(kinds: Sequence[_Kind]) -> _Kind:
    """Return how values that stand side by side are read: a tuple, or an array of a known length."""
    plan, size = [], 0
    for kind in kinds:
        plan.append((size, kind.dynamic, kind.read))
        size += WORD if kind.dynamic else kind.size

    def read(data: bytes, at: int) -> tuple:
        return tuple(
            item(data, _target(data, at, at + offset, size) if dynamic else at + offset)
            for offset, dynamic, item in plan
        )

    return _Kind(read, size, any(kind.dynamic for kind in kinds))


def _list(item: _Kind) -> Reader:
    stride, read_item = WORD if item.dynamic else item.size, item.read

    def read(data: bytes, at: int) -> tuple:
        count, first = _word(data, at), at + WORD
        size = count * stride
        if size > len(data) - first:
            raise InsufficientDataBytes(f"{count} items of {stride} bytes each; {len(data) - first} are left")
        places = range(first, first + size, stride)
        if item.dynamic:
            return tuple(read_item(data, _target(data, first, place, size)) for place in places)
        return tuple(read_item(data, place) for place in places)

    return read


def _target(data: bytes, head: int, at: int, size: int) -> int:
    """Return where the pointer at *at* leads: past the *size* bytes of its head, which begins at *head*."""
    target = head + _word(data, at)
    if not head + size <= target < len(data):
        raise InvalidPointer(f"a pointer to byte {target}; expected {head + size} to {len(data) - 1}")
    return target


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(_raw(data, at), "big")


def _raw(data: bytes, at: int) -> bytes:
    word = data[at : at + WORD]
    if len(word) != WORD:
        raise InsufficientDataBytes(f"{len(word)} bytes at byte {at}; expected {WORD}")
    return word


def _uint(bits: int) -> Reader:
    def read(data: bytes, at: int) -> int:
        value = int.from_bytes(_raw(data, at), "big")
        if value >> bits:
            raise NonEmptyPaddingBytes(f"{value}; expected less than 2**{bits}")
        return value

    return read


def _int(bits: int) -> Reader:
    def read(data: bytes, at: int) -> int:
        value = int.from_bytes(_raw(data, at), "big", signed=True)
        if not -1 <= value >> bits - 1 <= 0:
            raise NonEmptyPaddingBytes(f"{value}; expected a signed number of {bits} bits")
        return value

    return read


def _fixed(size: int) -> Reader:
    def read(data: bytes, at: int) -> bytes:
        word = _raw(data, at)
        if any(word[size:]):
            raise NonEmptyPaddingBytes(f"0x{word.hex()}; expected {size} bytes")
        return word[:size]

    return read


def _address(data: bytes, at: int) -> str:
    word = _raw(data, at)
    if any(word[:_ADDRESS_PADDING]):
        raise NonEmptyPaddingBytes(f"0x{word.hex()}; expected an address")
    return "0x" + word[_ADDRESS_PADDING:].hex()


def _bool(data: bytes, at: int) -> bool:
    value = _word(data, at)
    if value > 1:
        raise NonEmptyPaddingBytes(f"{value}; expected 0 or 1")
    return value == 1


def _bytes(data: bytes, at: int) -> bytes:
    length, first = _word(data, at), at + WORD
    padded = -(-length // WORD) * WORD
    if padded > len(data) - first:
        raise InsufficientDataBytes(f"{length} bytes, padded {padded}; {len(data) - first} are left")
    if any(data[first + length : first + padded]):
        raise NonEmptyPaddingBytes(f"something behind {length} bytes")
    return data[first : first + length]


def _string(data: bytes, at: int) -> str:
    # Solidity does not check that a string is UTF-8, and whoever submits chooses it: what is not is shown by escapes,
    # or one submission could stop every reader of the chain.
    return _bytes(data, at).decode(errors="backslashreplace")
