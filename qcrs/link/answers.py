"""What a link answers, as records that are checked at birth: links are anybody's, and may say anything.

Each is made by ``of``, which raises ``LinkRefused`` when the answer is none.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy

from qcrs.link.wire import understood


@dataclass(frozen=True)
class MadePairs:
    """Pairs that a link holds for two ends.

    Attributes:
        end: Which end the caller is to the link: 0 for the lower processor. root: Digest of the link's record of them.
        seconds: How long it took. tries: Of the source. discarded: Too old before the last had come.
        label: ``link=emulated``, and which test equipment is on.
    """

    end: int
    root: bytes
    pairs: int
    seconds: float
    tries: int
    discarded: int
    label: str

    @classmethod
    def of(cls, answer: Mapping[str, Any], label: str) -> Self:
        """Return what the link has made."""
        with understood("pairs"):
            counts = {name: int(answer[name]) for name in ("end", "pairs", "tries", "discarded")}
            root = bytes.fromhex(answer["root"][2:])
            return cls(root=root, seconds=float(answer["seconds"]), label=label, **counts)


@dataclass(frozen=True)
class OwnBits:
    """One member's bits of all shots.

    Attributes:
        bits: One shot after the other, each in whole bytes, bit 0 the lowest of the first.
        pairs: Used by all members. raw_pairs: What they took, purification included.
        engine: "stim" or "aer". label: ``link=emulated``, and which test equipment is on.
    """

    bits: bytes
    shots: int
    width: int
    pairs: int
    raw_pairs: int
    engine: str
    label: str

    @classmethod
    def of(cls, answer: Mapping[str, Any], shots: int, width: int, label: str) -> Self:
        """Return *width* bits of each of *shots* shots."""
        with understood("own bits"):
            counts = (int(answer["pairs"]), int(answer["rawPairs"]))
            return cls(_bits(answer, shots, width), shots, width, *counts, str(answer["engine"]), label)

    def table(self) -> numpy.ndarray:
        """Return a row of booleans a shot, a column a bit."""
        return _table(self.bits, self.shots, self.width).view(bool)


@dataclass(frozen=True)
class Witnessed:
    """What a member measured, as the link saw it.

    Attributes:
        bits: As in ``OwnBits``. outputs: Which of them are outcome bits: (own bit, outcome bit).
    """

    bits: bytes
    shots: int
    width: int
    outputs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any], shots: int, members: int) -> list[Self]:
        """Return what each of so many *members* measured in *shots* shots."""
        with understood("what members measured"):
            told = list(answer["members"])
            if len(told) != members:
                raise ValueError(f"{len(told)} members, expected {members}")
            return [cls._of_member(one, shots) for one in told]

    @classmethod
    def _of_member(cls, told: Mapping[str, Any], shots: int) -> Self:
        width, outputs = int(told["width"]), tuple((int(own), int(outcome)) for own, outcome in told["outputs"])
        if not all(0 <= own < width for own, _ in outputs):
            raise ValueError(f"outcomes of bits {outputs}, expected below {width}")
        return cls(_bits(told, shots, width), shots, width, outputs)

    def rows(self) -> dict[int, bytes]:
        """Return its outcome bits, each with all shots packed: see ``qcrs.rules.outcomes``."""
        return rows_of(self.bits, self.shots, self.width, self.outputs)


def rows_of(bits: bytes, shots: int, width: int, outputs: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """Return the bits that are outcome bits, each with its shots packed as ``qcrs.rules.outcomes`` has them."""
    table = _table(bits, shots, width)
    return {outcome: numpy.packbits(table[:, own], bitorder="little").tobytes() for own, outcome in outputs}


def words_of(answer: Mapping[str, Any], count: int) -> list[int]:
    """Return *count* words of 256 bits of outcomes."""
    with understood("outcomes"):
        words = [int(word, 16) for word in answer["outcomes"]]
        if len(words) != count or not all(0 <= word < 1 << 256 for word in words):
            raise ValueError(f"{len(words)} words, expected {count} of 256 bits")
        return words


def _table(bits: bytes, shots: int, width: int) -> numpy.ndarray:
    """Return a row a shot, a column a bit, 0 or 1."""
    packed = numpy.frombuffer(bits, dtype=numpy.uint8).reshape(shots, (width + 7) // 8)
    return numpy.unpackbits(packed, axis=1, count=width, bitorder="little")


def _bits(answer: Mapping[str, Any], shots: int, width: int) -> bytes:
    bits = base64.b64decode(answer["bits"])
    if width < 0 or len(bits) != shots * ((width + 7) // 8):
        raise ValueError(f"{len(bits)} bytes, expected {shots} shots of {width} bits in whole bytes")
    return bits
