"""Which processor each qubit and each gate goes to, so that few pairs are consumed.

Qubits and joint gates are the vertices of a hypergraph, segments its edges: one that spans n processors takes n - 1
copies. Mt-KaHyPar partitions it; ``Refinement`` improves on that. Gates may end on a third processor, where both qubits
are copies. That saves pairs but takes qubits; ``at_an_end`` is for processors that have few.
"""

import random
from collections.abc import Sequence
from functools import cache

import mtkahypar
import networkx

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.refinement import Refinement
from qcrs.quantum.distribution.segments import Assignment, Segments

# Deterministic with one thread, so that one circuit has one partition: its fragments are committed to.
_TRIES = (
    *((mtkahypar.PresetType.DETERMINISTIC, seed) for seed in (1, 2)),
    *((mtkahypar.PresetType.QUALITY, seed) for seed in (1, 2, 3, 4)),
    *((mtkahypar.PresetType.HIGHEST_QUALITY, seed) for seed in (1, 2)),
)
_LARGE_TRIES = ((mtkahypar.PresetType.DETERMINISTIC, 1),)
_LARGE = 1_000  # joint gates, beyond which one try has to do
_KEPT = 2  # of the tries, that are refined


class CapacityExceeded(QcrsError):
    """A circuit has more qubits than the processors together have room for."""


def partitions(
    segments: Segments, capacities: Sequence[int], visitors: Sequence[int] = (), seed: int = 0
) -> list[Assignment]:
    """Return assignments of *segments* to processors with room for *capacities* of its qubits, fewest pairs first.

    Args:
        visitors: How many qubits more each processor may take in that begin elsewhere. Since they leave less room for
            pairs, the last of the assignments has none.

    Raises:
        CapacityExceeded: The circuit does not fit.
    """
    qubits = segments.program.qubits
    if sum(capacities) < qubits:
        raise CapacityExceeded(f"room for qubits of the circuit: expected at least {qubits}, got {list(capacities)}")
    found = [_filled(segments, capacities)]
    if segments.gates and sum(capacity > 0 for capacity in capacities) > 1:
        tries = _TRIES if len(segments.gates) <= _LARGE else _LARGE_TRIES
        found += [_partitioned(segments, capacities, *one) for one in tries]
    distinct = {tuple(one.homes + one.places): one for one in found}
    best = sorted(distinct.values(), key=lambda one: one.pairs(segments))[:_KEPT]
    if segments.gates and len(segments.gates) <= _LARGE:
        refined = [Refinement(segments, one, capacities, visitors, seed).run() for one in best]
        return [*sorted(refined, key=lambda one: one.pairs(segments)), *(best[:1] if any(visitors) else ())]
    return best


def at_an_end(segments: Segments, assignment: Assignment) -> Assignment:
    """Return *assignment* with every gate on the home of one of its qubits, such that fewest copies are made.

    Between two processors that is a minimum vertex cover: each gate needs a copy of one of its two segments, and a
    copy serves all of its gates there (König's theorem).
    """
    homes, places = assignment.homes, list(assignment.places)
    between: dict[tuple[int, int], networkx.Graph] = {}
    for gate, pair in enumerate(segments.gates):
        low, high = sorted(pair, key=lambda segment: homes[segment])
        ends = (homes[low], homes[high])
        places[gate] = ends[0]
        if ends[0] != ends[1]:
            graph = between.setdefault(ends, networkx.Graph())
            graph.add_edge(low, high, gates=[*graph.get_edge_data(low, high, {"gates": []})["gates"], gate])
    for ends, graph in between.items():
        top = [segment for segment in sorted(graph) if homes[segment] == ends[0]]
        matching = networkx.bipartite.hopcroft_karp_matching(graph, top)
        cover = networkx.bipartite.to_vertex_cover(graph, matching, top)
        for low, high, gates in graph.edges(data="gates"):
            near, far = (low, high) if homes[low] == ends[0] else (high, low)
            for gate in gates:
                places[gate] = homes[far] if near in cover else homes[near]
    return Assignment(list(homes), places)


def _filled(segments: Segments, capacities: Sequence[int]) -> Assignment:
    """Return the assignment that fills one processor after the other, each gate with its first qubit."""
    seats = [processor for processor, capacity in enumerate(capacities) for _ in range(capacity)]
    homes = [seats[segment.qubit] for segment in segments.segments]
    return Assignment(homes, [homes[first] for first, _ in segments.gates])


def _partitioned(segments: Segments, capacities: Sequence[int], preset: mtkahypar.PresetType, seed: int) -> Assignment:
    qubits, gates = segments.program.qubits, len(segments.gates)
    # A qubit outweighs all gates together, so that these, however they lie, take no qubit's room. They must weigh
    # something, or Mt-KaHyPar would not coarsen them.
    weight = gates + 1
    open_to = [processor for processor, capacity in enumerate(capacities) if capacity]
    initializer = _initializer()
    mtkahypar.set_seed(seed)
    context = initializer.context_from_preset(preset)
    context.logging = False
    context.set_partitioning_parameters(len(open_to), 0.03, mtkahypar.Objective.KM1)
    context.set_individual_target_block_weights([capacities[processor] * weight + gates for processor in open_to])
    edges = [[segment.qubit, *(qubits + gate for gate in segment.gates)] for segment in segments.segments]
    edges = [edge for edge in edges if len(edge) > 1]
    graph = initializer.create_hypergraph(
        context, qubits + gates, len(edges), edges, [weight] * qubits + [1] * gates, [1] * len(edges)
    )
    blocks = [open_to[block] for block in graph.partition(context).get_partition()]
    seats = _seated(blocks[:qubits], capacities, seed)
    return Assignment([seats[segment.qubit] for segment in segments.segments], blocks[qubits:])


def _seated(blocks: list[int], capacities: Sequence[int], seed: int) -> list[int]:
    """Return *blocks* with qubits moved out of processors that the partitioner has overfilled."""
    seats = list(blocks)
    free = [capacity - seats.count(processor) for processor, capacity in enumerate(capacities)]
    order = list(range(len(seats)))
    random.Random(seed).shuffle(order)
    for qubit in order:
        if free[seats[qubit]] < 0:
            target = max(range(len(free)), key=lambda processor: free[processor])
            free[seats[qubit]] += 1
            free[target] -= 1
            seats[qubit] = target
    return seats


@cache
def _initializer() -> mtkahypar.Initializer:
    return mtkahypar.initialize(1, False)
