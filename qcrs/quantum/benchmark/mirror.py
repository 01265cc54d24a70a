"""Mirror circuits: as hard to run as they look, and answered by one outcome that anyone computes at any width.

A mirror circuit is a random Clifford circuit followed by its inverse, with random Paulis in every layer, so that it
ends in one basis state (Proctor and others, Nature Physics 18, 2022). Here it is made of *blocks*, connected sets of
qubits that work side by side: one block is a mirror circuit as published; a layer of pairs, at two depths, is the
direct randomised benchmark of a layer of gates (McKay and others, arXiv 2311.05933, in its mirror form).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.quantum.benchmark.claim import Claim
from qcrs.quantum.benchmark.stream import Stream
from qcrs.quantum.program import Operation, Program

# One of each class of one-qubit Cliffords up to Paulis, which are drawn besides.
_WORDS = ((), ("h",), ("s",), ("h", "s"), ("s", "h"), ("h", "s", "h"))
_INVERSES = {"h": "h", "s": "sdg"}
_PAULIS = ("", "x", "y", "z")

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Mirror:
    """A mirror circuit.

    Attributes:
        blocks: Qubits of the device, by block. Bit j of an outcome is the j-th of all of them in order.
        halves: Layers of two-qubit gates in each half.
        answer: The outcome of a perfect processor.
    """

    program: Program
    blocks: tuple[tuple[int, ...], ...]
    halves: int
    answer: int

    def distances(self, counts: dict[int, int]) -> list[list[int]]:
        """Return for each block how many shots are at which Hamming distance from the answer."""
        histograms = [[0] * (len(block) + 1) for block in self.blocks]
        starts = [sum(map(len, self.blocks[:number])) for number in range(len(self.blocks))]
        for outcome, count in counts.items():
            wrong = outcome ^ self.answer
            for histogram, start, block in zip(histograms, starts, self.blocks, strict=True):
                histogram[(wrong >> start & (1 << len(block)) - 1).bit_count()] += count
        return histograms


def mirror(claim: Claim, blocks: Sequence[tuple[int, ...]], halves: int, bits: int, stream: Stream) -> Mirror:
    """Return a mirror circuit on the *blocks* of the claimed device, qubit i of it on qubit i.

    Args:
        halves: Layers of two-qubit gates in each half; each layer matches each block's qubits at random.
        bits: Classical bits to declare; those that no qubit needs stay 0.
    """
    qubits = [qubit for block in blocks for qubit in block]
    cells = [
        ([(qubit, stream.pick(_WORDS)) for qubit in qubits], _matching(claim, blocks, stream)) for _ in range(halves)
    ]
    tape = _Tape(claim.facts.qubits, stream)
    for words, pairs in cells:
        tape.turn(words)
        tape.entangle(pairs)
    tape.turn([(qubit, ()) for qubit in qubits])
    for words, pairs in reversed(cells):
        tape.entangle(pairs)
        tape.turn([(qubit, tuple(_INVERSES[name] for name in reversed(word))) for qubit, word in words])
    for bit, qubit in enumerate(qubits):
        tape.operations.append(Operation("measure", (), (qubit,), (bit,)))
    answer = sum(tape.flips.get(qubit, 0) << bit for bit, qubit in enumerate(qubits))
    return Mirror(Program(claim.facts.qubits, bits, tuple(tape.operations)), tuple(blocks), halves, answer)


def blocks_of(claim: Claim, width: int, stream: Stream) -> list[tuple[int, ...]]:
    """Return all measured qubits in random connected blocks of *width*; the last of a region are smaller."""
    free = set(claim.qubits)
    blocks = []
    for start in stream.order(claim.qubits):
        if start not in free:
            continue
        block = [start]
        free.discard(start)
        while len(block) < width:
            edge = sorted({other for qubit in block for other in claim.neighbours[qubit]} & free)
            if not edge:
                break
            block.append(stream.pick(edge))
            free.discard(block[-1])
        blocks.append(tuple(sorted(block)))
    return blocks


class _Tape:
    """Operations as they are written, and where the random Paulis among them have got to."""

    def __init__(self, width: int, stream: Stream):
        self.operations: list[Operation] = []
        self.flips: dict[int, int] = {}
        self._phases: dict[int, int] = {}
        self._barrier = Operation("barrier", (), tuple(range(width)))
        self._stream = stream

    def turn(self, words: Sequence[tuple[int, tuple[str, ...]]]) -> None:
        """Write one-qubit Cliffords, then a random Pauli on each qubit."""
        for qubit, word in words:
            for name in word:
                x, z = self.flips.get(qubit, 0), self._phases.get(qubit, 0)
                self.flips[qubit], self._phases[qubit] = (z, x) if name == "h" else (x, z ^ x)
            pauli = self._stream.pick(_PAULIS)
            self.flips[qubit] = self.flips.get(qubit, 0) ^ (pauli in ("x", "y"))
            self._phases[qubit] = self._phases.get(qubit, 0) ^ (pauli in ("y", "z"))
            self.operations += (Operation(name, (), (qubit,)) for name in (*word, pauli) if name)
        self.operations.append(self._barrier)

    def entangle(self, pairs: Pairs) -> None:
        """Write controlled-not gates on pairs that share no qubit."""
        for control, target in pairs:
            self.flips[target] = self.flips.get(target, 0) ^ self.flips.get(control, 0)
            self._phases[control] = self._phases.get(control, 0) ^ self._phases.get(target, 0)
            self.operations.append(Operation("cx", (), (control, target)))


def _matching(claim: Claim, blocks: Sequence[tuple[int, ...]], stream: Stream) -> Pairs:
    """Return random pairs of coupled qubits, none of them twice, as many in each block as come to lie free."""
    pairs: list[tuple[int, int]] = []
    for block in blocks:
        free = set(block)
        inner = [(low, high) for low in block for high in claim.neighbours[low] if low < high and high in free]
        for pair in stream.order(inner):
            if free.issuperset(pair):
                free.difference_update(pair)
                pairs.append(pair)
    return tuple(pairs)
