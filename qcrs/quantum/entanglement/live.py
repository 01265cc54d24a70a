"""A joint state that members act on one operation after the other.

It is a stabiliser tableau until the first gate that is not Clifford, and all its amplitudes from then on.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Protocol

import numpy
import stim
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Statevector

from qcrs.quantum.entanglement.clifford import NotClifford, clifford
from qcrs.quantum.entanglement.errors import HeraldFailed, TooManyQubits
from qcrs.quantum.entanglement.order import Ledger, Step
from qcrs.quantum.entanglement.pairs import Fibre, LocalNoise
from qcrs.quantum.entanglement.seeds import derive
from qcrs.quantum.fragment import Instruction, Op

MAX_AMPLITUDE_QUBITS = 14
_PAULIS = ("x", "y", "z")
_PROJECTORS = (Operator(numpy.diag([1, 0])), Operator(numpy.diag([0, 1])))
_BY_NAME = get_standard_gate_name_mapping()


class _State(Protocol):
    """What can be done to qubits, noise aside."""

    def gate(self, instruction: Instruction, qubits: Sequence[int]) -> None:
        """Apply a gate."""

    def measure(self, qubit: int) -> bool:
        """Measure in the Z basis."""


class _Tableau:
    """Stim's."""

    def __init__(self, qubits: int, seed: int) -> None:
        self.simulator = stim.TableauSimulator(seed=seed)
        self.simulator.set_num_qubits(qubits)

    def gate(self, instruction: Instruction, qubits: Sequence[int]) -> None:
        name = clifford(instruction)
        if name != "I":
            getattr(self.simulator, name.lower())(*qubits)

    def measure(self, qubit: int) -> bool:
        return self.simulator.measure(qubit)


class _Amplitudes:
    """Qiskit's."""

    def __init__(self, tableau: _Tableau, random: numpy.random.Generator) -> None:
        self._state = Statevector(tableau.simulator.state_vector(endian="little").astype(complex))
        self._random = random

    def gate(self, instruction: Instruction, qubits: Sequence[int]) -> None:
        self._state = self._state.evolve(_operator(instruction.name, instruction.parameters), list(qubits))

    def measure(self, qubit: int) -> bool:
        result = bool(self._random.random() < self._state.probabilities([qubit])[1])
        kept = self._state.evolve(_PROJECTORS[result], [qubit]).data
        self._state = Statevector(kept / numpy.linalg.norm(kept))
        return result


class Joint:
    """The joint state of members with so many *qubits* and *bits* each, and the bits that they hold.

    Attributes:
        pairs: How many have been made.
    """

    def __init__(
        self, qubits: Sequence[int], bits: Sequence[int], fibre: Fibre, noises: Sequence[LocalNoise], seed: int
    ) -> None:
        self._shape, self._fibre, self._noises, self._seed = (tuple(qubits), tuple(bits)), fibre, tuple(noises), seed
        self._first = [sum(qubits[:member]) for member in range(len(qubits))]
        self._random = numpy.random.default_rng(derive("qcrs link noise", seed))
        self._shot, self.pairs = 0, 0
        self.restart()

    def restart(self) -> None:
        """Begin another shot: all qubits and bits are 0."""
        qubits, bits = self._shape
        seed = derive("qcrs link tableau", self._seed, self._shot)
        self._shot += 1
        self._state: _State = _Tableau(sum(qubits), seed)
        self._ledger, self._results = Ledger(bits), []

    def bit(self, member: int, own: int) -> int:
        """Return what *member*'s bit *own* holds."""
        number = self._ledger.bits[member][own]
        return 0 if number is None else int(self._results[number])

    def apply(self, step: Step) -> None:
        """Carry out *step*.

        Raises:
            TooManyQubits: It is the first that is not Clifford, and there are too many qubits for amplitudes.
            HeraldFailed: The shot does not count.
        """
        member, instruction, partner = step
        qubits = [self._first[member] + own for own in instruction.qubits]
        if instruction.op is Op.Gate:
            if sum(self._results[number] for number in self._ledger.condition(step)) % 2 or not instruction.condition:
                self._gate(instruction, qubits)
            self._depolarise(member, qubits)
        elif instruction.op is Op.Measure:
            wrong = self._happens(self._noises[member].readout_ppm)
            self._results.append(self._state.measure(qubits[0]) ^ wrong)
        elif instruction.op is Op.Reset:
            self._reset(qubits[0])
        elif instruction.op is Op.Herald and partner is not None:
            own, other = self.bit(member, instruction.bits[0]), self.bit(instruction.peer, partner.bits[0])
            if own != other:
                raise HeraldFailed(f"members {member} and {instruction.peer} compare {own} and {other}: begin anew")
        elif partner is not None:
            self._pair(qubits[0], self._first[instruction.peer] + partner.qubits[0], instruction.rounds)
        self._ledger.note(step)

    def _gate(self, instruction: Instruction, qubits: Sequence[int]) -> None:
        try:
            self._state.gate(instruction, qubits)
        except NotClifford:
            total = sum(self._shape[0])
            if total > MAX_AMPLITUDE_QUBITS:
                raise TooManyQubits(
                    f"{total} qubits and a gate {instruction.name} that is not Clifford, expected at most "
                    f"{MAX_AMPLITUDE_QUBITS}"
                ) from None
            self._state = _Amplitudes(self._state, self._random)
            self._state.gate(instruction, qubits)

    def _named(self, name: str, *qubits: int) -> None:
        self._state.gate(_plain(name, len(qubits)), qubits)

    def _reset(self, qubit: int) -> None:
        if self._state.measure(qubit):
            self._named("x", qubit)

    def _pair(self, first: int, second: int, rounds: int) -> None:
        self._reset(first)
        self._reset(second)
        self._named("h", first)
        self._named("cx", first, second)
        none, *faults = self._fibre.pair(rounds)
        drawn = self._random.random() - none
        for name, chance in zip(_PAULIS, faults, strict=True):
            if 0 <= drawn < chance:
                self._named(name, second)
            drawn -= chance
        self.pairs += 1

    def _depolarise(self, member: int, qubits: Sequence[int]) -> None:
        noise = self._noises[member]
        if not self._happens((noise.one_qubit_ppm, noise.two_qubit_ppm)[len(qubits) - 1]):
            return
        drawn = int(self._random.integers(1, 4 ** len(qubits)))
        for qubit in qubits:
            drawn, letter = divmod(drawn, 4)
            if letter:
                self._named(_PAULIS[letter - 1], qubit)

    def _happens(self, ppm: int) -> bool:
        return bool(ppm) and bool(self._random.random() < ppm / 1e6)


@cache
def _plain(name: str, qubits: int) -> Instruction:
    return Instruction(op=Op.Gate, name=name, qubits=tuple(range(qubits)))


@lru_cache(maxsize=4096)  # there are as many angles as somebody cares to send
def _operator(name: str, parameters: tuple[float, ...]) -> Operator:
    gate = _BY_NAME[name]
    return Operator(type(gate)(*parameters) if parameters else gate)
