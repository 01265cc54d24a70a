"""Processors of one noise class by free qubits, and the draw of independent ones among them.

Twin of ``contracts/libraries/ProcessorIndex.sol``, ``Draw.sol`` and ``Reputation.sol``. Eight lists: list l has those
with 2^l to 2^(l+1) - 1 qubits free. A draw takes candidates at random, with replacement, from the lists that can have
enough free, and whoever fits with a chance of its weight; should that find too few, it goes through the lists from a
random place on. The index changes only after the last candidate.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from qcrs.errors import QcrsError
from qcrs.rules.digest import keccak

LEVELS = 8
PLACE_BITS = 20
FULL_WEIGHT = 100
LEAST_WEIGHT = 50
CREDIT = 4  # answers taken for granted, so that a first fault is not the end
FAULT = 4  # what one fault weighs, in accepted answers; one that was proven weighs as many faults
MAX_DRAWS = 64  # candidates that come at random
MAX_STEPS = 128  # entries that are gone through when those were too few
MAX_LAPSED = 16  # entries that one draw takes out because they cannot work
_WORD = (1 << 256) - 1

HashOf = Callable[[bytes, int], int]


class TooFewEligibleProcessors(QcrsError):
    """Fewer independent, available processors fit than are needed, or than the draws allowed have come upon.

    Attributes:
        qubits, required: What was asked for. found: How many there were. drawn: How many were looked at.
    """

    def __init__(self, qubits: int, required: int, found: int, drawn: int) -> None:
        super().__init__(f"{found} of {drawn} processors drawn have {qubits} qubits free and fit, expected {required}")
        self.qubits, self.required, self.found, self.drawn = qubits, required, found, drawn


def hash_of(seed: bytes, draw: int) -> int:
    """Return the number that decides draw number *draw*: ``uint256(keccak256(abi.encode(seed, draw)))``."""
    return int.from_bytes(keccak(seed + draw.to_bytes(32, "big")), "big")


def weight_of(accepted: int = 0, outliers: int = 0, silent: int = 0, refused: int = 0, failed: int = 0) -> int:
    """Return the weight in a draw, 50 to 100 and rounded down, of such conduct; *failed* are faults proven."""
    good = accepted + CREDIT
    faults = outliers + silent + refused + FAULT * failed
    return LEAST_WEIGHT + (FULL_WEIGHT - LEAST_WEIGHT) * good // (good + FAULT * faults)


def level_of(free: int) -> int:
    """Return the list for *free* qubits, which are at least 1."""
    return free.bit_length() - 1


@dataclass(slots=True, eq=False)
class Processor:
    """What the index knows of a processor.

    Attributes:
        qubits: All that it has. leased: To computations and reservations. held: Promised to reservations.
        weight: In draws, percent: see ``weight_of``. listed: Its list's level plus one; 0 when in none.
        place: In that list.
    """

    id: int
    organisation: int
    qubits: int
    weight: int = FULL_WEIGHT
    leased: int = 0
    held: int = 0
    listed: int = 0
    place: int = 0

    @property
    def free(self) -> int:
        """Qubits that nobody has and nobody is promised."""
        return max(0, self.qubits - self.leased - self.held)

    @property
    def entry(self) -> int:
        """Where it is indexed, as its standing on chain says; 0 in no list."""
        return self.listed << PLACE_BITS | self.place if self.listed else 0


def _nobody(processor: Processor) -> bool:
    return False


def _everybody(processor: Processor) -> bool:
    return True


@dataclass(slots=True)
class Demand:
    """What is drawn for.

    Attributes:
        qubits: That each must have free. count: How many, of different organisations.
        engaged: Organisations that do not qualify: the requester's own, and those already on the computation.
        tried: Ids of processors that have been tried.
        most, least: Out of turn, the qubits that those ahead ask for together, and the fewest that one of them asks
            for; 0 in turn.
        is_lapsed: Says who cannot work at all: not heard of for two heartbeats, or certified until a past moment.
        is_wanted: Says who suits the requester in all other respects: not screened out, asks no more than the bid, has
            the profile, the quantum volume and the two-qubit error asked for.
    """

    qubits: int
    count: int
    engaged: AbstractSet[int] = frozenset()
    tried: AbstractSet[int] = frozenset()
    most: int = 0
    least: int = 0
    is_lapsed: Callable[[Processor], bool] = field(default=_nobody)
    is_wanted: Callable[[Processor], bool] = field(default=_everybody)


def spares(processor: Processor, qubits: int, most: int, least: int) -> bool:
    """Return whether a lease of *qubits* leaves room for all of those ahead, or *processor* is too small for any."""
    return (
        most == 0 or processor.qubits - processor.leased - processor.held >= qubits + most or processor.qubits < least
    )


def candidates(seed: bytes, size: int, hashes: HashOf = hash_of) -> Iterator[tuple[int, int]]:
    """Yield positions of [0, *size*) in the order in which the contract looks at them, each with a chance in percent.

    Whoever is there is taken if its weight is above the chance. Those that come at random come first, again and again
    perhaps; then, from where the last of them pointed on, one after the other, each of whom is taken.

    Args:
        hashes: Stands in for ``hash_of`` where many draws are simulated and nobody is to repeat them.
    """
    number = 0
    for draw in range(MAX_DRAWS):
        number = hashes(seed, draw)
        yield number % size, (number >> 128) % FULL_WEIGHT
    for step in range(min(MAX_STEPS, size)):
        yield (number + step & _WORD) % size, 0


class ProcessorIndex:
    """The eight lists."""

    __slots__ = ("lists",)

    def __init__(self, processors: Iterable[Processor] = ()) -> None:
        self.lists: tuple[list[Processor], ...] = tuple([] for _ in range(LEVELS))
        for processor in processors:
            self.enlist(processor)

    def enlist(self, processor: Processor) -> None:
        """Put a processor that can work at the end of its list, if it is in none and has qubits free."""
        free = processor.qubits - processor.leased - processor.held
        if processor.listed or free < 1:
            return
        level = free.bit_length() - 1
        entries = self.lists[level]
        processor.listed = level + 1
        processor.place = len(entries)
        entries.append(processor)

    def remove(self, processor: Processor) -> None:
        """Take a processor out of its list, if it is in one; the last of the list fills its place."""
        if not processor.listed:
            return
        entries, place = self.lists[processor.listed - 1], processor.place
        processor.listed = processor.place = 0
        last = entries.pop()
        if last is not processor:
            entries[place] = last
            last.place = place

    def relist(self, processor: Processor) -> None:
        """Put a processor that can work into the list where it belongs, at its end, if it is not there already."""
        if not processor.listed or processor.free.bit_length() != processor.listed:
            self.remove(processor)
            self.enlist(processor)

    def release(self, processor: Processor, qubits: int) -> None:
        """End a lease of *qubits* of a processor that can work."""
        processor.leased -= qubits
        self.relist(processor)

    def lease(self, chosen: Iterable[Processor], qubits: int, lapsed: Iterable[Processor] = ()) -> None:
        """Take *lapsed* out, then lease *qubits* of each of *chosen* and list it by what it has left, in this order."""
        for processor in lapsed:
            self.remove(processor)
        for processor in chosen:
            processor.leased += qubits
            self.relist(processor)

    def draw(self, seed: bytes, demand: Demand, hashes: HashOf = hash_of) -> list[Processor]:
        """Draw the processors that *demand* asks for, lease them, and return them in order.

        Args:
            hashes: See ``candidates``.

        Raises:
            TooFewEligibleProcessors: There are not enough; nothing has changed.
        """
        chosen, lapsed, looked = self.find(seed, demand, hashes)
        if len(chosen) < demand.count:
            raise TooFewEligibleProcessors(demand.qubits, demand.count, len(chosen), looked)
        self.lease(chosen, demand.qubits, lapsed)
        return chosen

    def find(
        self, seed: bytes, demand: Demand, hashes: HashOf = hash_of
    ) -> tuple[list[Processor], list[Processor], int]:
        """Return whom a draw would take, whom it would meet that cannot work, and how many it would look at."""
        chosen: list[Processor] = []
        lapsed: list[Processor] = []
        looked = self._look(seed, demand, hashes, chosen, lapsed)
        return chosen, lapsed, looked

    def _look(
        self, seed: bytes, demand: Demand, hashes: HashOf, chosen: list[Processor], lapsed: list[Processor]
    ) -> int:
        """Sort candidates into two lists; return how many were looked at."""
        qubits, count, most, least = demand.qubits, demand.count, demand.most, demand.least
        is_lapsed, is_wanted, tried = demand.is_lapsed, demand.is_wanted, demand.tried
        engaged = set(demand.engaged)
        lists = self.lists[level_of(qubits) :]
        size, looked = sum(map(len, lists)), 0
        if not size or not count:
            return 0
        for position, chance in candidates(seed, size, hashes):
            looked += 1
            for entries in lists:
                if position < len(entries):
                    break
                position -= len(entries)
            processor = entries[position]
            if is_lapsed(processor):
                if len(lapsed) < MAX_LAPSED and processor not in lapsed:
                    lapsed.append(processor)
                continue
            if processor.qubits - processor.leased - processor.held < qubits or processor.organisation in engaged:
                continue
            if most and not spares(processor, qubits, most, least):
                continue
            if processor.weight <= chance or processor.id in tried or not is_wanted(processor):
                continue
            chosen.append(processor)
            engaged.add(processor.organisation)
            if len(chosen) == count:
                break
        return looked
