"""Circuits larger than any processor, where there is no link: in pieces, as ordinary computations.

What the cuts take is said before anything is sent.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qcrs.quantum.comparable import comparable
from qcrs.quantum.distribution.cutting import FREE_CUTS, ConsentNeeded, CutCircuit, cut
from qcrs.quantum.scan import scan
from qcrs.rules.digest import keccak
from qcrs.sdk.client import Client
from qcrs.sdk.quote import Quote
from qcrs.sdk.terms import MIN_REPLICAS, Circuit, Conditions, FeeTooLow, ReplicasOutOfRange, shots_per_replica


@dataclass(frozen=True)
class Pieces:
    """A cut circuit ready to be run.

    Attributes:
        circuits: To run, one a subexperiment.
        shots: Of each replica. spare: How many circuits have a bit more, so that their answers can be compared.
        unforeseen: How many are too wide to tell whether theirs can.
    """

    cut: CutCircuit
    circuits: tuple[Circuit, ...]
    shots: int
    replicas: int
    spare: int
    unforeseen: int

    @property
    def digest(self) -> str:
        """What the pieces and their shots are recognised by."""
        run = [str(self.shots), *(circuit.text for circuit in self.circuits)]
        return "0x" + keccak("\n".join(run).encode()).hex()

    @property
    def total(self) -> int:
        """Shots of all replicas of all circuits."""
        return self.shots * self.replicas * len(self.circuits)

    @property
    def error(self) -> float:
        """About what standard error an expectation value has at most, if all replicas are accepted."""
        return self.cut.quote.error(self.shots * self.replicas * self.cut.fewest)

    def lines(self) -> list[str]:
        """Return in words what cutting takes."""
        quote = self.cut.quote
        lines = [
            f"{_some(quote.cuts, 'cut')} ({_some(quote.gates, 'gate')}, {_some(quote.wires, 'wire')}) into pieces of "
            f"{', '.join(map(str, quote.qubits))} qubits: {quote.overhead:,.0f} times the shots for a given error",
            f"{_some(len(self.circuits), 'circuit')}, {self.replicas} replicas each, {self.shots:,} shots a replica: "
            f"{self.total:,} shots, standard errors of about {self.error:.2g}; processors' noise comes on top",
        ]
        if self.spare:
            lines.append(f"{self.spare} have uniform answers, and one bit more that stays 0, to tell them from noise")
        if self.unforeseen:
            lines.append(
                f"{self.unforeseen} are too wide to foresee their answers: should one look like noise, it gets no "
                "verdict, and the whole no result"
            )
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return what cutting takes as figures."""
        quote = self.cut.quote
        return {
            "cuts": quote.cuts,
            "gates": quote.gates,
            "wires": quote.wires,
            "pieces": list(quote.qubits),
            "overhead": quote.overhead,
            "subexperiments": len(self.circuits),
            "replicas": self.replicas,
            "shotsPerReplica": self.shots,
            "shots": self.total,
            "expectedError": self.error,
            "spareBits": self.spare,
            "unforeseen": self.unforeseen,
        }


def pieces_of(
    text: str, observables: Sequence[str], qubits: int, allowed: int, shots: int, conditions: Conditions
) -> Pieces:
    """Return the circuit of *text* in pieces of at most *qubits* qubits.

    Args:
        allowed: Most cuts; more than two are consented to by that. shots: Of everything together; as few as possible
            if 0.

    Raises:
        CircuitRefused, CannotCut, ConsentNeeded, AnswerIncomparable: It cannot be cut so.
        ReplicasOutOfRange, ShotsOutOfRange: It cannot be run so.
    """
    if conditions.replicas < MIN_REPLICAS:
        raise ReplicasOutOfRange(
            f"{conditions.replicas} replicas; expected {MIN_REPLICAS} at least: of a cut circuit only verified counts "
            "are of use"
        )
    whole = cut(text, observables, qubits, consent=allowed > FREE_CUTS)
    if whole.quote.cuts > allowed:
        raise ConsentNeeded(whole.quote, allowed)
    texts = [one.text for one in whole.subexperiments]
    each = shots_per_replica(max(1, -(-shots // len(texts))), conditions.replicas)
    found = [comparable(one, each) for one in texts]
    run = [better or one for one, better in zip(texts, found, strict=True)]
    return Pieces(
        cut=whole,
        circuits=tuple(Circuit.of(one, [scan(one)]) for one in run),
        shots=each,
        replicas=conditions.replicas,
        spare=sum(one != better for one, better in zip(texts, run, strict=True)),
        unforeseen=found.count(None),
    )


async def quotes_of(
    client: Client, pieces: Pieces, conditions: Conditions, done: Collection[int] = ()
) -> dict[int, Quote]:
    """Return what each of *pieces* takes, by place, but for those *done*.

    Raises:
        NoCapacity, NotAMember, FeeTooLow: They cannot be had so; the greatest fee is that of all together.
    """
    asked = replace(conditions, max_fee=None)
    quotes = {
        place: await client.quote(circuit, pieces.shots * pieces.replicas, asked)
        for place, circuit in enumerate(pieces.circuits)
        if place not in done
    }
    total = sum(quote.total for quote in quotes.values())
    if conditions.max_fee is not None and conditions.max_fee < total:
        raise FeeTooLow(f"maximum fee is {conditions.max_fee} wei; {len(quotes)} computations take {total} wei")
    return quotes


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
