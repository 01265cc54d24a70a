"""What each member of a distributed run measured, as bytes, and the histogram that all of it makes together.

A member's file has one row for each outcome bit that it measures: the bits of all shots, shot 0 in the least
significant bit of the first byte. Its digest is what the member arrives with at the barrier before anybody shows a row.
"""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence

from qcrs.errors import QcrsError

MAGIC = b"QCRSrow1"
MAX_SHOTS = 65_535
MAX_OUTCOME_BITS = 64
_HEADER = struct.Struct(">8sIH")
_INDEX = struct.Struct(">H")


class OutcomesInvalid(QcrsError):
    """A member's outcomes are not what the run asks for."""


def encode(rows: Mapping[int, bytes], shots: int) -> bytes:
    """Return the file of a member that measured the outcome bits *rows*, each ceil(shots / 8) bytes.

    Raises:
        OutcomesInvalid: A row has another length, or bits beyond the last shot.
    """
    content = _HEADER.pack(MAGIC, shots, len(rows))
    for index in sorted(rows):
        _require_row(index, rows[index], shots)
        content += _INDEX.pack(index) + rows[index]
    return content


def decode(content: bytes, shots: int) -> dict[int, bytes]:
    """Return the rows of a member's file by outcome bit; the only file that ``encode`` makes of them.

    Raises:
        OutcomesInvalid: It is no such file, or of another number of shots.
    """
    if len(content) < _HEADER.size:
        raise OutcomesInvalid(f"{len(content)} bytes, expected at least {_HEADER.size}")
    magic, found, count = _HEADER.unpack_from(content)
    length = _INDEX.size + _row_bytes(shots)
    expected = _HEADER.size + count * length
    if magic != MAGIC or found != shots or count > MAX_OUTCOME_BITS or len(content) != expected:
        raise OutcomesInvalid(
            f"{len(content)} bytes with {count} rows of {found} shots, expected {expected} bytes of {shots} shots"
        )
    rows: dict[int, bytes] = {}
    for at in range(_HEADER.size, expected, length):
        (index,) = _INDEX.unpack_from(content, at)
        rows[index] = content[at + _INDEX.size : at + length]
        _require_row(index, rows[index], shots)
    if encode(rows, shots) != content:
        raise OutcomesInvalid(f"rows {', '.join(map(str, rows))}: expected each once, in ascending order")
    return rows


def part(rows: Mapping[int, bytes], shots: range) -> dict[int, bytes]:
    """Return the rows of *shots* alone, which are consecutive."""
    mask, size = (1 << len(shots)) - 1, _row_bytes(len(shots))
    return {
        index: (int.from_bytes(row, "little") >> shots.start & mask).to_bytes(size, "little")
        for index, row in rows.items()
    }


def joint_counts(members: Sequence[Mapping[int, bytes]], shots: int, outcome_bits: int) -> dict[int, int]:
    """Return how often each outcome of *outcome_bits* bits came in *shots* shots, by what the *members* measured.

    Raises:
        OutcomesInvalid: The members' rows are not each outcome bit once.
    """
    measured = sorted(index for rows in members for index in rows)
    if measured != list(range(outcome_bits)):
        raise OutcomesInvalid(f"outcome bits {measured} were measured, expected 0 to {outcome_bits - 1}, each once")
    outcomes = [0] * shots
    for rows in members:
        for index, row in rows.items():
            digits = f"{int.from_bytes(row, 'little'):0{shots}b}"
            weight = 1 << index
            for shot, digit in enumerate(reversed(digits)):
                if digit == "1":
                    outcomes[shot] += weight
    return dict(Counter(outcomes))


def _row_bytes(shots: int) -> int:
    if not 1 <= shots <= MAX_SHOTS:
        raise OutcomesInvalid(f"{shots} shots, expected 1 to {MAX_SHOTS}")
    return -(-shots // 8)


def _require_row(index: int, row: bytes, shots: int) -> None:
    if not 0 <= index < MAX_OUTCOME_BITS:
        raise OutcomesInvalid(f"outcome bit {index}, expected below {MAX_OUTCOME_BITS}")
    if len(row) != _row_bytes(shots) or int.from_bytes(row, "little") >> shots:
        raise OutcomesInvalid(f"outcome bit {index}: {len(row)} bytes, expected {_row_bytes(shots)} for {shots} shots")
