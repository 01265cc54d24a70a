"""What a processor claims to be, and what certifiers must know of it to make challenges: its map and its best chain."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Self

from qcrs.errors import QcrsError
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.capability import CHAIN_QUBITS, CapabilityFacts, best_chain, capability_of
from qcrs.quantum.profile import LIMITS

MAX_VOLUME_LOG2 = 10  # a certifier computes 2^10 probabilities a circuit; a processor here simulates them with noise


class ClaimInvalid(QcrsError):
    """A claim contradicts its own coupling map, or is beyond what this benchmark can check."""


@dataclass(frozen=True)
class Claim:
    """What is claimed.

    Attributes:
        facts: As in the capability record on chain; its coupling map must have the digest that is there.
        chain: The qubits whose chain fidelity is claimed, in line, as in the calibration file.

    Raises:
        ClaimInvalid: Couplings are unsorted or outside the qubits, the chain is not in line, there are too many qubits,
            or the quantum volume is above 2^10 or wider than the device.
    """

    facts: CapabilityFacts
    chain: tuple[int, ...]

    def __post_init__(self) -> None:
        facts, pairs = self.facts, self.couplings
        if not 1 <= facts.qubits <= LIMITS.qubits:
            raise ClaimInvalid(f"a claim of {facts.qubits} qubits: expected 1 to {LIMITS.qubits}")
        if len(facts.coupling_map) % 4 or list(pairs) != sorted(set(pairs)):
            raise ClaimInvalid(f"a coupling map of {len(facts.coupling_map)} bytes: expected sorted pairs of 4 bytes")
        if not all(low < high < facts.qubits for low, high in pairs):
            raise ClaimInvalid(f"a coupling map beyond {facts.qubits} qubits, or with a pair not lower qubit first")
        coupled = all((min(pair), max(pair)) in pairs for pair in pairwise(self.chain))
        if not 1 <= len(set(self.chain)) == len(self.chain) <= CHAIN_QUBITS or not coupled:
            raise ClaimInvalid(f"a chain of {self.chain}: expected 1 to {CHAIN_QUBITS} coupled qubits in line")
        if not set(self.chain) <= set(self.qubits):
            raise ClaimInvalid(f"a chain of {self.chain}: expected some of the coupled qubits")
        if facts.quantum_volume_log2 > min(MAX_VOLUME_LOG2, facts.qubits):
            raise ClaimInvalid(
                f"a quantum volume of 2^{facts.quantum_volume_log2}: expected at most "
                f"2^{min(MAX_VOLUME_LOG2, facts.qubits)} on {facts.qubits} qubits"
            )

    @classmethod
    def of(cls, calibration: Calibration, volume_log2: int | None = None) -> Self:
        """Return what *calibration* entitles to claim.

        Args:
            volume_log2: Quantum volume to claim instead of the published one. A device that is simulated from its
                calibration, without the tricks of a laboratory, often reaches one or two steps less.
        """
        facts = capability_of(calibration)
        if volume_log2 is not None:
            facts = replace(facts, quantum_volume_log2=volume_log2)
        return cls(facts, best_chain(calibration))

    @cached_property
    def couplings(self) -> tuple[tuple[int, int], ...]:
        """Connected pairs, lower qubit first, sorted."""
        packed = self.facts.coupling_map
        return tuple(
            (int.from_bytes(packed[at : at + 2], "big"), int.from_bytes(packed[at + 2 : at + 4], "big"))
            for at in range(0, len(packed), 4)
        )

    @cached_property
    def qubits(self) -> tuple[int, ...]:
        """The qubits that are measured: those with a coupling, or all of a device without any."""
        return tuple(sorted({qubit for pair in self.couplings for qubit in pair})) or tuple(range(self.facts.qubits))

    @cached_property
    def neighbours(self) -> dict[int, tuple[int, ...]]:
        """The coupled qubits of each qubit, ascending."""
        found: dict[int, list[int]] = {qubit: [] for qubit in self.qubits}
        for low, high in self.couplings:
            found[low].append(high)
            found[high].append(low)
        return {qubit: tuple(sorted(others)) for qubit, others in found.items()}

    @cached_property
    def layers(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The couplings as layers of pairs that share no qubit: together all of them, each once."""
        layers: list[list[tuple[int, int]]] = []
        for pair in self.couplings:
            for layer in layers:
                if not any(set(pair) & set(other) for other in layer):
                    layer.append(pair)
                    break
            else:
                layers.append([pair])
        return tuple(map(tuple, layers))
