"""A distributed run made ready: from a circuit, processors and their links to fragments and a quote, in one call.

This is what a requester calls before a session: nothing runs, nothing is paid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import log
from pathlib import Path

from qiskit import QuantumCircuit

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.plan import Distribution, distributions
from qcrs.quantum.distribution.quote import FidelityOutOfReach, Quote, Source, quote
from qcrs.quantum.distribution.routing import routes
from qcrs.quantum.distribution.split import Ends, QubitsExhausted

MAX_AFTER = 2  # rounds of purification end to end: one more doubles the shots that do not count
_HOP = 0.01  # what a pair more counts beside the logarithm of its fidelity, so that perfect links are not wasted


@dataclass(frozen=True)
class Prepared:
    """A run that could start now.

    Attributes:
        distribution: With the fragments, whose pairs ask for the rounds of purification that the quote counts.
        quote: What it costs and how good it will be at least.
        paths: By processors without a link of their own, those over which they get pairs.
    """

    distribution: Distribution
    quote: Quote
    paths: Mapping[Ends, tuple[int, ...]]


def prepare(
    source: str | Path | QuantumCircuit,
    qubits: Sequence[int],
    links: Mapping[Ends, Source],
    shots: int,
    fidelity: float = 0.0,
    capacities: Sequence[int] | None = None,
) -> Prepared:
    """Split *source* over processors, pairs being swapped where two have no link, and quote *shots* of it.

    Args:
        source: As ``qcrs.quantum.circuit.load`` takes it.
        qubits: How many each processor has, half-pairs included.
        links: By two of the processors, numbered as in *qubits*, the lower number first.
        fidelity: The least that is wanted of the output.
        capacities: How many of the circuit's qubits each processor may be home to.

    Raises:
        NoRoute: Two processors are joined by no chain of links. Then only cutting is left.
        FidelityOutOfReach: The output would not be good enough.
        ProcessorsOutOfRange, CircuitRefused, CapacityExceeded, QubitsExhausted: As ``distribute`` of ``plan`` says.
    """
    missing = [ends for ends in combinations(range(len(qubits)), 2) if ends not in links]
    paths = {ends: _path(links, ends, fidelity) for ends in missing}
    hops = {ends: pairwise(paths.get(ends, ends)) for ends in combinations(range(len(qubits)), 2)}
    losses = {ends: sum(-log(links[min(hop), max(hop)].fidelity) + _HOP for hop in way) for ends, way in hops.items()}
    # Hops are purified before their pairs are swapped, or what comes of that end to end: whichever is cheaper.
    rounds = range(MAX_AFTER + 1 if paths and fidelity else 1)
    ways = distributions(source, qubits, capacities, paths, losses, rounds)
    distribution, found = _cheapest(ways, lambda way: quote(way, links, shots, fidelity))
    return Prepared(distribution.with_rounds(found.rounds), found, paths)


def _cheapest(ways: Iterator[Distribution], quoted: Callable[[Distribution], Quote]) -> tuple[Distribution, Quote]:
    """Return the way that costs least, and its quote; raises what the first one fails for when none can be had."""
    plans: list[tuple[Distribution, Quote]] = []
    failures: list[QcrsError] = []
    try:
        for way in ways:
            try:
                plans.append((way, quoted(way)))
            except FidelityOutOfReach as error:
                failures.append(error)
    except QubitsExhausted as error:  # and more so for more rounds
        failures.append(error)
    if not plans:
        raise failures[0]
    return min(plans, key=lambda plan: (plan[1].wei, plan[1].raw_pairs))


def _path(links: Mapping[Ends, Source], ends: Ends, fidelity: float) -> tuple[int, ...]:
    """Return the cheapest way over which pairs can be as good as the output is to be, or else the best there is."""
    front = routes(links, *ends)
    return next((route for route in front if route.fidelity >= fidelity), front[-1]).nodes
