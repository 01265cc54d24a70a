"""Improves an assignment of segments and gates to processors step by step, by its exact cost.

A partitioner fixes a qubit's processor for good and balances approximately. From what it finds, gates are placed
anew, qubits change places, and a qubit spends a stretch of its life elsewhere (teledata) where that saves pairs. What
is kept never costs more than what was given.
"""

import itertools
import random
from collections.abc import Iterable, Sequence

from qcrs.quantum.distribution.segments import Assignment, Segments

# Bounds of the work: sweeps over the gates at a time, and offers in all of them; exchanges; stays tried, and segments
# of the longest.
_SWEEPS, _OFFERS = 12, 3_000
_EXCHANGES = 120
_STAYS, _LONGEST_STAY = 300, 4


class Refinement:
    """An assignment that changes, with its cost kept up to date.

    Args:
        capacities: How many qubits each processor may be home to.
        visitors: How many more it may take in that have begun elsewhere.
    """

    def __init__(
        self,
        segments: Segments,
        assignment: Assignment,
        capacities: Sequence[int],
        visitors: Sequence[int] = (),
        seed: int = 0,
    ):
        self._segments = segments
        self._capacities = capacities
        self._visitors = visitors or [0] * len(capacities)
        self._chance = random.Random(seed)
        self.homes, self.places = list(assignment.homes), list(assignment.places)
        self._placed = [[0] * len(capacities) for _ in segments.segments]
        for gate, place in enumerate(self.places):
            for segment in segments.gates[gate]:
                self._placed[segment][place] += 1

    def run(self) -> Assignment:
        """Improve it within a bounded number of steps, and return the best that was met."""
        best = self.assignment
        cost = least = best.pairs(self._segments)
        for step in (self._sweeps, self._exchanges, self._sweeps, self._stays, self._sweeps):
            cost += step()
            if cost < least:
                least, best = cost, self.assignment
        return best

    @property
    def assignment(self) -> Assignment:
        """What it is now."""
        return Assignment(list(self.homes), list(self.places))

    def _sweeps(self) -> int:
        """Offer every gate, in random order and several times, its best place, and return the change of cost.

        Changes that cost nothing are taken, since they open the way to others.
        """
        change = 0
        order = list(range(len(self.places)))
        for _ in range(min(_SWEEPS, 1 + _OFFERS // len(order))):
            self._chance.shuffle(order)
            change += sum(self._put(gate, self._chance.choice(self._best(gate))) for gate in order)
        return change

    def _exchanges(self) -> int:
        """Let two qubits of different processors change places, again and again, and return the change of cost."""
        chains, change = self._segments.chains, 0
        if len(chains) < 2:
            return 0
        for _ in range(_EXCHANGES):
            first, second = self._chance.sample(range(len(chains)), 2)
            near, far = self.homes[chains[first][0]], self.homes[chains[second][0]]
            if near != far:
                change += self._try([(chains[first], far), (chains[second], near)])
        return change

    def _stays(self) -> int:
        """Let qubits live on another processor, for good or for a stretch, where there is room and it saves pairs."""
        if sum(self._capacities) + sum(self._visitors) <= len(self._segments.chains):
            return 0
        stretches = [
            chain[low:high]
            for chain in self._segments.chains
            for low in range(len(chain))
            for high in range(low + 1, min(len(chain), low + _LONGEST_STAY) + 1)
        ]
        # The longest first: a qubit that is better off elsewhere for good need not go there bit by bit.
        stretches.sort(key=lambda stretch: -sum(len(self._segments.segments[number].gates) for number in stretch))
        change = 0
        for stretch in stretches[:_STAYS]:
            for home in {self.places[g] for number in stretch for g in self._segments.segments[number].gates}:
                if any(self.homes[number] != home for number in stretch) and self._has_room(stretch, home):
                    change += self._try([(stretch, home)], strictly=True)
        return change

    def _try(self, changes: Sequence[tuple[Sequence[int], int]], strictly: bool = False) -> int:
        """Move each stretch of a qubit's segments to its new home if that saves pairs or, unless *strictly*, is free.

        Returns the change of cost.
        """
        touched = list({
            gate for stretch, _ in changes for segment in stretch for gate in self._segments.segments[segment].gates
        })  # fmt: skip
        segments = [segment for stretch, _ in changes for segment in stretch]
        homes, places = [self.homes[segment] for segment in segments], [self.places[gate] for gate in touched]
        before = self._cost_around(segments, touched)
        for stretch, home in changes:
            for segment in stretch:
                self.homes[segment] = home
        for _ in range(2):
            for gate in touched:
                self._put(gate, self._best(gate)[0])
        change = self._cost_around(segments, touched) - before
        if change > 0 or (strictly and change == 0):
            for segment, home in zip(segments, homes, strict=True):
                self.homes[segment] = home
            for gate, place in zip(touched, places, strict=True):
                self._put(gate, place)
            return 0
        return change

    def _has_room(self, stretch: Sequence[int], home: int) -> bool:
        """Return whether *home* can take in one more qubit for the time of *stretch*."""
        everything = self._segments.segments
        low, high = everything[stretch[0]].start, self._segments.ends[stretch[-1]]
        there = {
            everything[number].qubit
            for number, at in enumerate(self.homes)
            if at == home and everything[number].start < high and self._segments.ends[number] > low
        }
        qubit = everything[stretch[0]].qubit
        begun_elsewhere = stretch[0] != self._segments.chains[qubit][0]
        return len(there | {qubit}) <= self._capacities[home] + begun_elsewhere * self._visitors[home]

    def _best(self, gate: int) -> list[int]:
        """Return the places where *gate* costs least."""
        now = self.places[gate]
        costs: list[int] = []
        for place in range(len(self._capacities)):
            cost = 0
            if place != now:
                for segment in self._segments.gates[gate]:
                    placed, home = self._placed[segment], self.homes[segment]
                    cost += (placed[place] == 0 and place != home) - (placed[now] == 1 and now != home)
            costs.append(cost)
        least = min(costs)
        return [place for place, cost in enumerate(costs) if cost == least]

    def _put(self, gate: int, place: int) -> int:
        now, change = self.places[gate], 0
        if place == now:
            return 0
        for segment in self._segments.gates[gate]:
            placed, home = self._placed[segment], self.homes[segment]
            placed[now] -= 1
            change += (placed[place] == 0 and place != home) - (placed[now] == 0 and now != home)
            placed[place] += 1
        self.places[gate] = place
        return change

    def _cost_around(self, segments: Sequence[int], gates: Iterable[int]) -> int:
        """Return what *segments*, and those that share *gates* with them, cost in copies, and their qubits in moves."""
        joined = {segment for gate in gates for segment in self._segments.gates[gate]}
        copies = sum(
            sum(1 for place, count in enumerate(self._placed[segment]) if count and place != self.homes[segment])
            for segment in joined
        )
        everything = self._segments.segments
        moves = sum(
            self.homes[before] != self.homes[after] and not everything[after].fresh
            for qubit in {everything[segment].qubit for segment in segments}
            for before, after in itertools.pairwise(self._segments.chains[qubit])
        )
        return copies + moves
