"""Carries fragments out exactly: a state for each branch of their measurements, branches that became equal merged.

Where a program is right, corrections make the branches of a protocol equal again, so few are ever alive. No noise, no
link, no time: only what fragments mean.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from qiskit.circuit.library import get_standard_gate_name_mapping

from qcrs.quantum.fragment import Op, require_program

_GATES = get_standard_gate_name_mapping()
_NEGLIGIBLE = 1e-12
_MOST_BRANCHES = 1 << 14


@dataclass(frozen=True)
class Step:
    """An instruction on qubits and bits of the whole program: (member, number) each."""

    op: Op
    name: str = ""
    parameters: tuple = ()
    qubits: tuple = ()
    bits: tuple = ()
    reads: tuple = ()


@dataclass
class Branch:
    """One way that measurements have gone: amplitudes with an axis for each of *wires*; other qubits are in 0."""

    weight: float = 1.0
    wires: list = field(default_factory=list)
    state: np.ndarray = field(default_factory=lambda: np.ones((), dtype=complex))
    bits: dict = field(default_factory=dict)

    def copy(self):
        return Branch(self.weight, list(self.wires), self.state, dict(self.bits))


class Deadlock(Exception):
    """Members wait for one another."""


def steps_of(fragments):
    """Return the instructions of all fragments in an order in which they can happen."""
    order = _Order(fragments)
    while not order.done:
        if not sum(order.advance(fragment) for fragment in fragments):
            raise Deadlock(f"instructions {order.places}")
    return order.steps


class _Order:
    """How far each member has come, what it has asked for and been sent, and all steps so far."""

    def __init__(self, fragments):
        self.steps, self.places = [], [0] * len(fragments)
        self._fragments = fragments
        self._asked, self._mail, self._at_barrier = {}, {}, set()

    @property
    def done(self):
        return all(place == len(one.instructions) for place, one in zip(self.places, self._fragments, strict=True))

    def advance(self, fragment):
        """Let the member do what it can, and return whether that was anything."""
        me, start = fragment.member, self.places[fragment.member]
        while self.places[me] < len(fragment.instructions):
            step = fragment.instructions[self.places[me]]
            if not self._do(me, step, tuple((me, bit) for bit in step.bits)):
                break
            self.places[me] += 1
        return self.places[me] > start

    def _do(self, me, step, bits):
        """Write *step* of member *me* if it can happen now, and return whether it could."""
        match step.op:
            case Op.Pair:
                theirs = self._asked.pop((step.peer, me), None)
                if theirs is None:
                    self._asked[me, step.peer] = (me, step.qubits[0])
                    return False
                self.steps.append(Step(Op.Pair, qubits=((me, step.qubits[0]), theirs)))
                self.places[step.peer] += 1
            case Op.Receive:
                queue = self._mail.get((step.peer, me), deque())
                if len(queue) < len(bits):
                    return False
                self.steps += [Step(Op.Receive, bits=(bit,), reads=(queue.popleft(),)) for bit in bits]
            case Op.Send:
                for bit in bits:
                    # What was sent is what the bit is now: it goes over a bit of its own.
                    letter = ("letter", len(self.steps))
                    self.steps.append(Step(Op.Receive, bits=(letter,), reads=(bit,)))
                    self._mail.setdefault((me, step.peer), deque()).append(letter)
            case Op.Herald:
                theirs = self._asked.pop(("herald", step.peer, me), None)
                if theirs is None:
                    self._asked["herald", me, step.peer] = bits[0]
                    return False
                self.steps.append(Step(Op.Herald, reads=(bits[0], theirs)))
                self.places[step.peer] += 1
            case Op.Barrier:
                self._at_barrier.add(me)
                if len(self._at_barrier) < len(self.places):
                    return False
                self._at_barrier.clear()
                self.places = [place + (other != me) for other, place in enumerate(self.places)]
            case _:
                qubits, reads = (tuple((me, one) for one in ones) for ones in (step.qubits, step.condition))
                self.steps.append(Step(step.op, step.name, step.parameters, qubits, bits, reads))
        return True


def distribution(fragments):
    """Return the exact probability of each outcome."""
    require_program(fragments)
    steps = steps_of(fragments)
    outputs = {(fragment.member, own): outcome for fragment in fragments for own, outcome in fragment.outputs}
    return run(steps, outputs)


def run(steps, outputs):
    """Return the distribution of the bits *outputs*, which maps each to its place in an outcome."""
    probabilities = {}
    for branch in branches_of(steps, Branch(), set(outputs)):
        _add_outcomes(branch, outputs, probabilities)
    return probabilities


def branches_of(steps, start, outputs=frozenset()):
    """Return the ways that *steps* can end; *start* is not changed. Only bits of *outputs* count in the end."""
    branches = [start.copy()]
    live = _live_bits(steps, outputs)
    touched_later = _next_touch(steps)
    for place, step in enumerate(steps):
        found = []
        for branch in branches:
            found += _done(branch, step, touched_later[place], live[place])
        branches = _merged(found, live[place])
        assert len(branches) <= _MOST_BRANCHES, "branches do not become equal: a correction is missing"
    return branches


def _done(branch, step, next_op, live):
    match step.op:
        case Op.Receive:
            branch.bits[step.bits[0]] = branch.bits.get(step.reads[0], 0)
        case Op.Gate:
            if not step.reads or sum(branch.bits.get(bit, 0) for bit in step.reads) % 2:
                _apply(branch, step)
        case Op.Herald:
            one, other = (branch.bits.get(bit, 0) for bit in step.reads)
            assert one == other, "what the ends of perfect pairs compare is equal"
        case Op.Reset:
            return _discarded(branch, step.qubits[0])
        case Op.Pair:
            return [
                _with_pair(two, step.qubits) for one in _discarded(branch, step.qubits[0])
                for two in _discarded(one, step.qubits[1])
            ]  # fmt: skip
        case Op.Measure:
            return _measured(branch, step.qubits[0], step.bits[0], next_op in (None, Op.Pair, Op.Reset), live)
    return [branch]


def _apply(branch, step):
    matrix = _GATES[step.name].base_class(*step.parameters).to_matrix()
    for qubit in step.qubits:
        if qubit not in branch.wires:
            branch.wires.append(qubit)
            branch.state = np.stack((branch.state, np.zeros_like(branch.state)), axis=-1)
    axes = [branch.wires.index(qubit) for qubit in reversed(step.qubits)]  # Qiskit's first qubit is the lowest bit
    count = len(axes)
    state = np.tensordot(matrix.reshape((2,) * (2 * count)), branch.state, axes=(range(count, 2 * count), axes))
    branch.state = np.moveaxis(state, range(count), axes)


def _projected(branch, wire):
    """Return the branches of measuring *wire*, which loses its axis, with the outcome of each."""
    if wire not in branch.wires:
        return [(0, branch.copy())]
    axis = branch.wires.index(wire)
    wires = [other for other in branch.wires if other != wire]
    found = []
    for outcome in (0, 1):
        state = np.take(branch.state, outcome, axis=axis)
        share = float(np.sum(np.abs(state) ** 2))
        if share > _NEGLIGIBLE:
            found.append((outcome, Branch(branch.weight * share, wires[:], state / np.sqrt(share), dict(branch.bits))))
    return found


def _discarded(branch, wire):
    return [one for _, one in _projected(branch, wire)]


def _with_pair(branch, qubits):
    branch.wires = [*branch.wires, *qubits]
    branch.state = np.multiply.outer(branch.state, np.eye(2) / np.sqrt(2))
    return branch


def _measured(branch, qubit, bit, last, live):
    branches = _discarded(branch, ("record", bit))  # what the bit held is forgotten
    found = []
    for one in branches:
        if last and live.get(bit) == "output" and qubit in one.wires:
            # Nothing but the outcome depends on it: it may as well be measured in the end.
            one.wires[one.wires.index(qubit)] = ("record", bit)
            one.bits.pop(bit, None)
            found.append(one)
            continue
        for outcome, after in _projected(one, qubit):
            after.bits[bit] = outcome
            if outcome and not last:
                after.wires.append(qubit)
                after.state = np.stack((np.zeros_like(after.state), after.state), axis=-1)
            found.append(after)
    return found


def _merged(branches, live):
    if len(branches) == 1:
        return branches
    found = {}
    for branch in branches:
        bits = tuple(sorted(str(bit) for bit in branch.bits if bit in live and branch.bits[bit]))
        order = sorted(range(len(branch.wires)), key=lambda axis: str(branch.wires[axis]))
        branch.wires = [branch.wires[axis] for axis in order]
        branch.state = np.transpose(branch.state, order)
        flat = branch.state.ravel()
        leading = flat[np.argmax(np.abs(flat) > 0.5 * np.max(np.abs(flat)))]
        rounded = np.round(branch.state * (abs(leading) / leading), 6) + 0.0
        key = (bits, tuple(map(str, branch.wires)), (rounded.real + 0.0).tobytes(), (rounded.imag + 0.0).tobytes())
        if key in found:
            found[key].weight += branch.weight
        else:
            found[key] = branch
    return list(found.values())


def _live_bits(steps, outputs):
    """Return, after each step, the bits that are still read, and those that are only read in the end ("output")."""
    live, after = dict.fromkeys(outputs, "output"), []
    for step in reversed(steps):
        after.append(dict(live))
        for bit in step.bits:
            live.pop(bit, None)
        live |= dict.fromkeys(step.reads, "read")
    return after[::-1]


def _next_touch(steps):
    """Return, for each step, what is done next to its first qubit."""
    following, found = {}, []
    for step in reversed(steps):
        found.append(following.get(step.qubits[0]) if step.qubits else None)
        following |= dict.fromkeys(step.qubits, step.op)
    return found[::-1]


def _add_outcomes(branch, outputs, probabilities):
    base = sum(branch.bits.get(bit, 0) << place for bit, place in outputs.items() if branch.bits.get(bit))
    weights = branch.weight * np.abs(branch.state) ** 2
    for index in np.argwhere(weights > _NEGLIGIBLE):
        outcome = base
        for value, wire in zip(index, branch.wires, strict=True):
            if wire[0] == "record" and value:
                outcome |= 1 << outputs[wire[1]]
        probabilities[outcome] = probabilities.get(outcome, 0.0) + float(weights[tuple(index)])
