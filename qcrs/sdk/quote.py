"""What a submission takes and who could run it: said before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.model.computation import ESCALATION
from qcrs.model.organisation import Priority
from qcrs.sdk.market import Market, Need, Rise
from qcrs.sdk.terms import Circuit, Conditions, FeeTooLow, NotAMember, cap_of, require_depth, shots_per_replica

ETHER = 10**18


@dataclass(frozen=True)
class Quote:
    """The terms of one computation.

    Attributes:
        shots: Of each replica. price: Wei a qubit-shot. pay: Wei of one replica. bounties: Wei set aside for keepers.
        processors, organisations: That fit at this price. ready: Of the processors, with room now.
        rises: What a higher price would add. cost: What the organisation is charged in its queue, in cost units.
    """

    circuit: Circuit
    shots: int
    replicas: int
    replica_cap: int
    noise_class: int
    priority: Priority
    price: int
    pay: int
    bounties: int
    cost: int
    processors: int
    organisations: int
    ready: int
    rises: Sequence[Rise] = ()

    @property
    def total(self) -> int:
        """Wei that are taken; what is not needed returns."""
        return self.pay * self.replica_cap + self.bounties

    def lines(self) -> list[str]:
        """Return the quote in words."""
        more = f" or, if they do not agree, {self.replica_cap}" if self.replica_cap > self.replicas else ""
        lines = [
            f"{coin(self.total)} coin are taken: {coin(self.pay)} for each of {self.replicas}{more} replicas, "
            f"{coin(self.bounties)} for keepers; what is not needed returns",
            f"{self.processors} processors of {self.organisations} organisations fit in class {self.noise_class} at "
            f"{self.price} wei a qubit-shot; {self.ready} have room now",
        ]
        lines += [
            f"at {rise.price} wei a qubit-shot: {rise.processors} processors, {rise.organisations} organisations more"
            for rise in self.rises
        ]
        if self.priority is not Priority.Routine:
            lines.append(f"{self.cost} cost units of the organisation's {self.priority.name.lower()} quota")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return the quote as figures; wei as text."""
        return {
            "total": str(self.total),
            "escrow": str(self.pay * self.replica_cap),
            "bounties": str(self.bounties),
            "price": str(self.price),
            "shotsPerReplica": self.shots,
            "replicas": self.replicas,
            "replicaCap": self.replica_cap,
            "noiseClass": self.noise_class,
            "depthClass": self.circuit.depth_class,
            "priority": self.priority.name,
            "cost": self.cost,
            "processors": self.processors,
            "organisations": self.organisations,
            "ready": self.ready,
            "raising": [
                {"price": str(rise.price), "processors": rise.processors, "organisations": rise.organisations}
                for rise in self.rises
            ],
        }


def quote_of(market: Market, circuit: Circuit, shots: int, conditions: Conditions, golds: bool = False) -> Quote:
    """Return what running *circuit* takes.

    Args:
        shots: In all; replicas split them. golds: Whether gold rounds are hidden in it: then nobody may join later.

    Raises:
        ReplicasOutOfRange, ShotsOutOfRange, CircuitTooDeep, NoCapacity, NotAMember, FeeTooLow: It cannot be had so.
    """
    replicas = conditions.replicas
    each = shots_per_replica(shots, replicas)
    require_depth(circuit)
    if market.organisation == 0:
        raise NotAMember("the account belongs to no organisation of the consortium; have its admin invite it")
    price = market.price if conditions.price is None else conditions.price
    need = need_of(conditions, circuit.qubits, each)
    noise_class = conditions.noise_class
    if noise_class is None:
        noise_class = market.best_class(need, price, replicas)
    willing = market.willing(need, price, noise_class)
    organisations = len({candidate.standing.organisation for candidate in willing})
    cap = conditions.replica_cap
    if golds:
        cap = replicas  # who joined later would know the gold rounds
    elif cap is None:
        cap = cap_of(replicas, organisations)
    pay = price * circuit.qubits * each
    # For the settlement, for an overdue secret, for each escalation; and one for the allocation, set aside at once.
    bounties = market.bounty * (3 + (cap - replicas) // ESCALATION)
    quote = Quote(
        circuit, each, replicas, cap, noise_class, conditions.priority, price, pay, bounties,
        circuit.qubits * each * replicas * circuit.depth_class, len(willing), organisations,
        len(market.ready(willing, circuit.qubits)), market.rises(need, price, noise_class),
    )  # fmt: skip
    if conditions.max_fee is not None and conditions.max_fee < quote.total:
        raise FeeTooLow(
            f"maximum fee is {conditions.max_fee} wei; up to {cap} x {each} shots of {circuit.qubits} qubits at "
            f"{price} wei a qubit-shot take {quote.total} wei"
        )
    return quote


def need_of(conditions: Conditions, qubits: int, shots: int) -> Need:
    """Return what a computation of *qubits* and *shots* a replica asks of processors under *conditions*."""
    return Need(qubits, shots, conditions.profile, conditions.quantum_volume_log2, conditions.two_qubit_error_ppm)


def coin(wei: int) -> str:
    """Return *wei* in coin, rounded to six decimals."""
    return f"{wei / ETHER:.6f}"
