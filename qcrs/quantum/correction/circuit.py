"""A memory as a Stim circuit with detectors and its logical observable.

``direct`` has the seam's CNOTs as gates with a channel of their own; ``spelt`` spells each out, with its pair, its two
measurements and the corrections these ask for. Both have the same detectors and the same statistics; the first is
smaller to sample, the second has the outcomes that two nodes really hand in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import stim

from qcrs.quantum.correction.code import LEFT, RIGHT, Basis, Place
from qcrs.quantum.correction.memory import Gate, Memory, Outcome, walk
from qcrs.quantum.correction.noise import Noise, Rates


def direct(memory: Memory, noise: Noise) -> stim.Circuit:
    """Return the circuit with each crossing CNOT as a gate that has the seam's noise."""
    return _woven(memory, noise, spelt=False)


def spelt(memory: Memory, noise: Noise) -> stim.Circuit:
    """Return the circuit with each crossing CNOT teleported, its corrections followed into the detectors.

    No feedback is left: corrections are Paulis, so each detector is the parity of the outcomes it had and of those
    that ordered a correction in its past. Nodes need not wait for each other's outcomes, nor apply anything. The noise
    of the local gates is that of ``Noise.seam``, and always there: a pair is all that ``noise.teleports`` leaves out.
    """
    return _woven(memory, noise, spelt=True).with_inlined_feedback()


def _woven(memory: Memory, noise: Noise, spelt: bool) -> stim.Circuit:
    places = sorted([*memory.code.data, *(check.place for check in memory.code.checks)])
    weaver = _Weaver(memory, noise, spelt, {place: wire for wire, place in enumerate(places)})
    for place, wire in weaver.wires.items():
        weaver.circuit.append("QUBIT_COORDS", [wire], place)
    walk(memory, weaver)
    return weaver.circuit


@dataclass
class _Weaver:
    """Hands that write one circuit, and keep where in the record each outcome is."""

    memory: Memory
    noise: Noise
    spelt: bool
    wires: dict[Place, int]
    circuit: stim.Circuit = field(default_factory=stim.Circuit)
    records: dict[Outcome, int] = field(default_factory=dict)

    def reset(self, places: Sequence[Place], basis: Basis) -> None:
        self.circuit.append("RX" if basis is Basis.X else "R", self._of(places))
        self._noisy("Z_ERROR" if basis is Basis.X else "X_ERROR", self._rates.reset, self._of(places))

    def rest(self, places: Sequence[Place]) -> None:
        self.circuit.append("TICK")
        self._noisy("DEPOLARIZE1", self._rates.rest, self._of(places))

    def turn(self, places: Sequence[Place]) -> None:
        self._turn(self._of(places))
        self.circuit.append("TICK")

    def cnots(self, inside: Sequence[Gate], across: Sequence[Gate]) -> None:
        wires = [wire for gate in inside for wire in self._of(gate)]
        self.circuit.append("CX", wires)
        self._noisy("DEPOLARIZE2", self._rates.cnot, wires)
        if self.spelt:
            for gate in across:
                self._telegate(*gate)
        else:
            for gate in across:
                self._seam(*self._of(gate))
        self.circuit.append("TICK")

    def measure(self, number: int, places: Sequence[Place], basis: Basis) -> None:
        self._noisy("Z_ERROR" if basis is Basis.X else "X_ERROR", self._rates.readout, self._of(places))
        first = self.circuit.num_measurements
        self.records |= {(number, place): first + index for index, place in enumerate(places)}
        self.circuit.append("MX" if basis is Basis.X else "M", self._of(places))

    def detector(self, outcomes: Sequence[Outcome], place: Place, number: int) -> None:
        self.circuit.append("DETECTOR", self._recorded(outcomes), (*place, number))

    def observable(self, outcomes: Sequence[Outcome]) -> None:
        self.circuit.append("OBSERVABLE_INCLUDE", self._recorded(outcomes), 0)

    def _seam(self, control: int, target: int) -> None:
        self.circuit.append("CX", [control, target])
        for (c, t), rate in self.noise.seam():
            paulis = [stim.target_pauli(wire, pauli) for wire, pauli in ((control, c), (target, t)) if pauli != "I"]
            self.circuit.append("CORRELATED_ERROR", paulis, rate)

    def _telegate(self, control: Place, target: Place) -> None:
        c, t = self._of([control, target])
        halves = {LEFT: len(self.wires), RIGHT: len(self.wires) + 1}  # behind the code's own qubits
        a, b = (halves[self.memory.code.member(place)] for place in (control, target))
        self.circuit.append("R", [a, b])
        self.circuit.append("H", [a])
        self.circuit.append("CX", [a, b])
        for pauli, rate in self.noise.half_pair():
            self.circuit.append(f"{pauli}_ERROR", [b], rate)
        self.circuit.append("CX", [c, a])
        self._noisy("DEPOLARIZE2", self._rates.cnot, [c, a])
        self._noisy("X_ERROR", self._rates.readout, [a])
        self.circuit.append("M", [a])
        self.circuit.append("CX", [stim.target_rec(-1), b])
        self.circuit.append("CX", [b, t])
        self._noisy("DEPOLARIZE2", self._rates.cnot, [b, t])
        self._turn([b])
        self._noisy("X_ERROR", self._rates.readout, [b])
        self.circuit.append("M", [b])
        self.circuit.append("CZ", [stim.target_rec(-1), c])

    def _turn(self, wires: list[int]) -> None:
        self.circuit.append("H", wires)
        self._noisy("DEPOLARIZE1", self._rates.turn, wires)

    def _recorded(self, outcomes: Sequence[Outcome]) -> list[stim.GateTarget]:
        total = self.circuit.num_measurements
        return [stim.target_rec(self.records[outcome] - total) for outcome in outcomes]

    def _noisy(self, channel: str, rate: float, wires: list[int]) -> None:
        if rate and wires:
            self.circuit.append(channel, wires, rate)

    @property
    def _rates(self) -> Rates:
        return self.noise.rates

    def _of(self, places: Sequence[Place]) -> list[int]:
        return [self.wires[place] for place in places]
