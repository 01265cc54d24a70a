"""A processor's fragment as it grows: what has been written, and which qubits and bits are free for what comes."""

import heapq
from collections.abc import Sequence

from pydantic import ValidationError

from qcrs.quantum.fragment import Fragment, FragmentInvalid, Instruction, Op


class Member:
    """Member *number* of a program, with at most *limit* qubits."""

    def __init__(self, number: int, limit: int):
        self.number = number
        self.instructions: list[Instruction] = []
        self.outputs: list[tuple[int, int]] = []
        self._limit = limit
        self._free: list[int] = []
        self._used = 0
        self._free_bits: list[int] = []
        self._bits = 0

    @property
    def full(self) -> bool:
        """Whether no qubit is free."""
        return not self._free and self._used == self._limit

    def take(self, clean: bool = False) -> int:
        """Return a free qubit, in 0 if *clean*."""
        if not self._free:
            self._used += 1
            return self._used - 1
        qubit = heapq.heappop(self._free)
        if clean:
            self.write(Op.Reset, qubits=(qubit,))
        return qubit

    def leave(self, qubit: int) -> None:
        """Take *qubit* back, whatever state it is in."""
        heapq.heappush(self._free, qubit)

    def bit(self, unused: bool = False) -> int:
        """Return a free bit; one that has never been written, and so is 0, if *unused*."""
        if self._free_bits and not unused:
            return heapq.heappop(self._free_bits)
        self._bits += 1
        return self._bits - 1

    def leave_bits(self, *bits: int) -> None:
        """Take *bits* back, which are read no more."""
        for bit in bits:
            heapq.heappush(self._free_bits, bit)

    def write(self, op: Op, **fields: object) -> None:
        """Write an instruction."""
        self.instructions.append(Instruction(op=op, **fields))

    def gate(self, name: str, *qubits: int, condition: Sequence[int] = ()) -> None:
        """Write a gate without angles; with a *condition*, one that depends on the parity of those bits."""
        self.write(Op.Gate, name=name, qubits=qubits, condition=tuple(condition))

    def measure(self, qubit: int) -> int:
        """Write a measurement of *qubit*, and return its bit."""
        bit = self.bit()
        self.write(Op.Measure, qubits=(qubit,), bits=(bit,))
        return bit

    def fragment(self) -> Fragment:
        """Return what has been written.

        Raises:
            FragmentInvalid: It is more than a fragment may hold.
        """
        try:
            return Fragment(
                member=self.number,
                qubits=max(1, self._used),
                bits=self._bits,
                instructions=tuple(self.instructions),
                outputs=tuple(self.outputs),
            )
        except ValidationError as error:
            raise FragmentInvalid(f"member {self.number}: {error}") from error
