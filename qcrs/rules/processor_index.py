"""Processors of one noise class by free qubits, and the draw of independent ones among them.

Twin of ``contracts/libraries/ProcessorIndex.sol``, ``Draw.sol`` and ``Reputation.sol``. Eight lists: list l has
processors with 2^l qubits free at least. A listing may understate what is free, for leases end; it never overstates it.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from qcrs.errors import QcrsError
from qcrs.rules.sortition import HashOf, hash_of, lottery

LEVELS = 8
FULL_WEIGHT = 100
LEAST_WEIGHT = 50
CREDIT = 4  # answers taken for granted, so that a first fault is not the end
FAULT = 4  # what one fault weighs, in accepted answers; one that was proven weighs as many faults
MAX_LAPSED = 16  # entries that one draw takes out because they cannot work
MAX_RESERVE = 16


class TooFewEligibleProcessors(QcrsError):
    """Fewer independent, available processors fit than are needed, or than the draws allowed have come upon.

    Attributes:
        qubits, required: What was asked for. found: How many there were. drawn: How many were looked at.
    """

    def __init__(self, qubits: int, required: int, found: int, drawn: int) -> None:
        super().__init__(f"{found} of {drawn} processors drawn have {qubits} qubits free and fit, expected {required}")
        self.qubits, self.required, self.found, self.drawn = qubits, required, found, drawn


def weight_of(accepted: int = 0, outliers: int = 0, silent: int = 0, refused: int = 0, failed: int = 0) -> int:
    """Return the weight in a draw, 50 to 100 and rounded down, of such conduct; *failed* are faults proven."""
    good = accepted + CREDIT
    return LEAST_WEIGHT + LEAST_WEIGHT * good // (good + FAULT * (outliers + silent + refused + FAULT * failed))


def level_of(free: int) -> int:
    """Return the list for *free* qubits, which are at least 1."""
    return free.bit_length() - 1


@dataclass(slots=True, eq=False)
class Processor:
    """What the index knows of a processor.

    Attributes:
        qubits: All that it has. leased: To computations. held: Promised to reservations.
        weight: In draws, percent: see ``weight_of``. listed: Its list's level plus one; 0 when in none.
        place: In that list. The contract is told places by whoever knows them; here they are kept up.
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
        most, least: Out of turn, the most and the least qubits that those ahead ask for; 0 in turn.
        is_lapsed: Says who cannot work at all: not certified, not bonded, expired, two heartbeats missed, or draining.
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
    """Return whether a lease of *qubits* leaves room for each of those ahead, or *processor* is too small for any."""
    return (
        most == 0 or processor.qubits - processor.leased - processor.held >= qubits + most or processor.qubits < least
    )


class ProcessorIndex:
    """The eight lists."""

    __slots__ = ("lists",)

    def __init__(self, processors: Iterable[Processor] = ()) -> None:
        self.lists: tuple[list[Processor], ...] = tuple([] for _ in range(LEVELS))
        for processor in processors:
            self.enlist(processor)

    def enlist(self, processor: Processor) -> None:
        """Put a processor that can work at the end of its list, if it is in none and has qubits free."""
        if not processor.listed:
            self._push(processor)

    def relist(self, processor: Processor) -> None:
        """Put a processor that is listed lower than it could be where it belongs."""
        if processor.listed and level_of(processor.free or 1) >= processor.listed:
            self.remove(processor.listed - 1, processor.place)
            self._push(processor)

    def release(self, processor: Processor, qubits: int) -> None:
        """End a lease of *qubits*."""
        processor.leased -= qubits
        self.enlist(processor)

    def remove(self, level: int, place: int) -> None:
        """Take out the entry at a place, which the last of its list fills."""
        entries = self.lists[level]
        entries[place].listed = 0
        last = entries.pop()
        if place != len(entries):
            entries[place] = last
            last.place = place

    def lease(self, chosen: Iterable[Processor], qubits: int, lapsed: Iterable[Processor] = ()) -> None:
        """Lease *qubits* of each of *chosen*, and put in its new list whose level that changed, in this order.

        *lapsed* leave the index. All leave from the last place of the highest list on: what fills a gap stays.
        """
        moved = []
        for processor in chosen:
            leased = processor.leased = processor.leased + qubits
            free = processor.qubits - leased - processor.held
            if free.bit_length() != processor.listed:
                moved.append(processor)
        exits = sorted(((p.listed - 1, p.place) for p in (*lapsed, *moved)), reverse=True)
        for level, place in exits:
            self.remove(level, place)
        for processor in moved:
            self._push(processor)

    def draw(self, seed: bytes, demand: Demand, hashes: HashOf = hash_of) -> list[Processor]:
        """Draw the processors that *demand* asks for, lease them, and return them in order.

        Raises:
            TooFewEligibleProcessors: There are not enough; nothing has changed.
        """
        chosen: list[Processor] = []
        lapsed: list[Processor] = []
        reserve: list[Processor] = []
        drawn = self._look(seed, demand, hashes, chosen, lapsed, reserve)
        engaged = {*demand.engaged, *(processor.organisation for processor in chosen)}
        for processor in reserve:
            if len(chosen) == demand.count:
                break
            if processor.organisation not in engaged:
                engaged.add(processor.organisation)
                chosen.append(processor)
        if len(chosen) < demand.count:
            raise TooFewEligibleProcessors(demand.qubits, demand.count, len(chosen), drawn)
        self.lease(chosen, demand.qubits, lapsed)
        return chosen

    def _look(
        self,
        seed: bytes,
        demand: Demand,
        hashes: HashOf,
        chosen: list[Processor],
        lapsed: list[Processor],
        reserve: list[Processor],
    ) -> int:
        """Sort candidates, in the lottery's order, into three lists; return how many there were."""
        qubits, count, most, least = demand.qubits, demand.count, demand.most, demand.least
        is_lapsed, is_wanted, tried = demand.is_lapsed, demand.is_wanted, demand.tried
        engaged = set(demand.engaged)
        lists = self.lists[level_of(qubits) :]
        drawn = 0
        for position, number in lottery(seed, sum(map(len, lists)), hashes):
            if len(chosen) == count:
                break
            drawn += 1
            for entries in lists:
                if position < len(entries):
                    break
                position -= len(entries)
            processor = entries[position]
            if is_lapsed(processor):
                if len(lapsed) < MAX_LAPSED:
                    lapsed.append(processor)
                continue
            if processor.qubits - processor.leased - processor.held < qubits or processor.organisation in engaged:
                continue
            if most and not spares(processor, qubits, most, least):
                continue
            if processor.id in tried or not is_wanted(processor):
                continue
            if (number >> 128) % FULL_WEIGHT < processor.weight:
                chosen.append(processor)
                engaged.add(processor.organisation)
            elif len(reserve) < MAX_RESERVE:
                reserve.append(processor)
        return drawn

    def _push(self, processor: Processor) -> None:
        free = processor.qubits - processor.leased - processor.held
        if free < 1:
            processor.listed = 0
            return
        level = free.bit_length() - 1
        entries = self.lists[level]
        processor.listed = level + 1
        processor.place = len(entries)
        entries.append(processor)
