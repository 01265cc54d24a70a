"""Cascade: two strings that differ in places are made one, by comparing parities.

Brassard and Salvail, EUROCRYPT '93. The *follower* corrects its string to the *leader's*. In every pass positions are
shuffled and cut into blocks. Where a block's parity differs, halving finds an error; correcting it changes the parity
of a block in each other pass, which is odd then and is halved too. Every parity that the leader discloses is counted
once; that of an other half follows by exclusive or and is not asked for.

Searches run side by side as long as their ranges share no position, since two must not chase the same error. A message
carries all ranges of a step, so a key takes tens of messages and not thousands.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from qcrs.errors import QcrsError

PASSES = 4
EXTRA_PASSES = 4  # of two blocks: find what even numbers of errors in every block have hidden
_WORD = 8
_LEAST_PPM = 2_000  # a test that saw no error is not taken to mean that there is none


class ReconciliationFailed(QcrsError):
    """Reconciling took as many parities as there are bits, contradicted itself, or asked for ranges that are none."""


@dataclass(frozen=True, order=True)
class Range:
    """Positions *start* to *stop* in the order of pass *number*."""

    number: int
    start: int
    stop: int


def block_sizes(bits: int, error_ppm: int) -> list[int]:
    """Return the size of the blocks of each pass: 0.73 errors in a first one, then twice as large each time."""
    first = max(2, min(bits, 730_000 // max(error_ppm, _LEAST_PPM)))
    sizes = [min(bits, first << number) for number in range(PASSES)]
    return sizes + [max(1, -(-bits // 2))] * EXTRA_PASSES


def shuffled(bits: int, number: int, seed: bytes) -> list[int]:
    """Return the order of positions in pass *number*, the natural one in the first."""
    if number == 0:
        return list(range(bits))
    stream = hashlib.shake_256(seed + bytes([number])).digest(_WORD * bits)
    return sorted(range(bits), key=lambda position: (stream[_WORD * position : _WORD * (position + 1)], position))


@dataclass
class Parities:
    """A string in the orders of all passes, for parities of ranges."""

    bits: int
    value: int
    seed: bytes
    orders: list[list[int]] = field(init=False)
    views: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.orders = [shuffled(self.bits, number, self.seed) for number in range(PASSES + EXTRA_PASSES)]
        self.places = [{position: place for place, position in enumerate(order)} for order in self.orders]
        self.views = [self._view(order) for order in self.orders]

    def _view(self, order: Sequence[int]) -> int:
        text = f"{self.value:0{self.bits}b}"[::-1]
        return int("".join(text[position] for position in reversed(order)), 2)

    def parity(self, wanted: Range) -> int:
        """Return the parity of a range."""
        mask = (1 << wanted.stop - wanted.start) - 1
        return (self.views[wanted.number] >> wanted.start & mask).bit_count() & 1

    def flip(self, position: int) -> None:
        """Flip one bit."""
        self.value ^= 1 << position
        for number, places in enumerate(self.places):
            self.views[number] ^= 1 << places[position]


class Leader:
    """The end whose string is the key's: answers with parities, and counts them."""

    def __init__(self, bits: int, value: int, seed: bytes) -> None:
        self._parities = Parities(bits, value, seed)
        self._bits = bits
        self._told: set[Range] = set()

    @property
    def leak(self) -> int:
        """Parities disclosed."""
        return len(self._told)

    def answer(self, ranges: Sequence[Range]) -> list[int]:
        """Return the parities of *ranges*.

        Raises:
            ReconciliationFailed: A range is none or was told before, or as many have been told as there are bits.
        """
        for wanted in ranges:
            if not (0 <= wanted.number < PASSES + EXTRA_PASSES and 0 <= wanted.start < wanted.stop <= self._bits):
                raise ReconciliationFailed(f"asked for {wanted}, expected one within {self._bits} bits")
        if len(set(ranges)) != len(ranges) or self._told.intersection(ranges):
            raise ReconciliationFailed("asked for a parity twice")
        if self.leak + len(ranges) > self._bits:
            raise ReconciliationFailed(f"{self.leak + len(ranges)} parities of {self._bits} bits: nothing is left")
        self._told.update(ranges)
        return [self._parities.parity(wanted) for wanted in ranges]


class Follower:
    """The end that corrects its string.

    Attributes:
        leak: Parities that were disclosed.
    """

    def __init__(self, bits: int, value: int, seed: bytes, error_ppm: int) -> None:
        self._own = Parities(bits, value, seed)
        self._sizes = block_sizes(bits, error_ppm)
        self._bits = bits
        self._blocks: list[list[Range]] = []  # of the passes begun
        self._told: dict[Range, int] = {}  # parities of the leader: disclosed, or following from such
        self._corrected: set[int] = set()
        self.leak = 0

    @property
    def value(self) -> int:
        """The string as corrected so far."""
        return self._own.value

    @property
    def corrected(self) -> int:
        """How many bits were flipped."""
        return len(self._corrected)

    def ask(self) -> list[Range]:
        """Return the ranges to ask the leader for next; none when all passes are done.

        Raises:
            ReconciliationFailed: The leader's parities contradict each other.
        """
        while True:
            wanted = self._searches()
            if wanted:
                return wanted
            if len(self._blocks) == len(self._sizes):
                return []
            number, size = len(self._blocks), self._sizes[len(self._blocks)]
            starts = range(0, self._bits, size)
            self._blocks.append([Range(number, start, min(self._bits, start + size)) for start in starts])
            return list(self._blocks[number])

    def tell(self, ranges: Sequence[Range], parities: Sequence[int]) -> None:
        """Take the leader's *parities* of the *ranges* that were asked for."""
        self._told.update(zip(ranges, parities, strict=True))
        self.leak += len(ranges)

    def _searches(self) -> list[Range]:
        """Correct whatever can be, and return a next range for each search that shares no position with another."""
        blocks = sorted(
            (block for blocks in self._blocks for block in blocks), key=lambda block: block.stop - block.start
        )
        searching = True
        while searching:
            searching, wanted, taken = False, [], set[int]()
            for block in blocks:
                if not self._odd(block):
                    continue
                left, whole = self._descend(block)
                if left is None:  # down to one bit
                    self._correct(self._own.orders[whole.number][whole.start])
                    searching = True
                    continue
                covered = self._own.orders[whole.number][whole.start : whole.stop]
                if taken.isdisjoint(covered):
                    taken.update(covered)
                    wanted.append(left)
        return wanted

    def _correct(self, position: int) -> None:
        # An honest leader's parities lead to an error each time. Others could have two passes flip a bit to and fro.
        if position in self._corrected:
            raise ReconciliationFailed(f"bit {position} of {self._bits} is to be corrected twice: parities contradict")
        self._corrected.add(position)
        self._own.flip(position)

    def _odd(self, block: Range) -> bool:
        return self._told[block] != self._own.parity(block)

    def _descend(self, whole: Range) -> tuple[Range | None, Range]:
        """Return the first half to ask for within an odd range, and what it is half of; None for a single bit."""
        while whole.stop - whole.start > 1:
            middle = (whole.start + whole.stop) // 2
            left, right = Range(whole.number, whole.start, middle), Range(whole.number, middle, whole.stop)
            if left not in self._told:
                return left, whole
            self._told[right] = self._told[whole] ^ self._told[left]
            whole = left if self._odd(left) else right
        return None, whole
