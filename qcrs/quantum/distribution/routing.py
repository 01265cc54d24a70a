"""Pairs for processors without a link of their own: swapped at the nodes between them, over the best way.

Swapping adds the hops' faults, purification takes them out again, before swapping, hop by hop, or after it, end to end.
Which is better depends on the links, so all are tried, and what no other beats in both fidelity and cost is offered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import islice, pairwise, product
from math import ceil, log

import networkx

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.quote import FidelityOutOfReach, Source
from qcrs.quantum.distribution.split import Ends
from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.pairs import NOISELESS, BellDiagonal, LocalNoise, Purified, purify
from qcrs.quantum.fragment import MAX_PURIFICATION_ROUNDS

PATHS = 8  # by fidelity, and again by price
MAX_HOPS = 8


class NoRoute(QcrsError):
    """No chain of links leads from one processor to the other."""


@dataclass(frozen=True)
class Route:
    """A way to make one pair of two nodes.

    Attributes:
        nodes: From end to end. before: Rounds of purification on every hop. after: On the pairs of the ends.
        pair: What the ends get. raw_pairs: To be expected on each hop. seconds: That the slowest hop takes for them.
        wei: That they cost.
    """

    nodes: tuple[int, ...]
    before: int
    after: int
    pair: BellDiagonal
    raw_pairs: tuple[float, ...]
    seconds: float
    wei: int

    @property
    def hops(self) -> int:
        """Links on the way."""
        return len(self.nodes) - 1

    @property
    def fidelity(self) -> float:
        """Of the pair that the ends get."""
        return self.pair.none

    @property
    def cost(self) -> tuple[int, float]:
        """Wei and then raw pairs, which count where pairs are free."""
        return self.wei, sum(self.raw_pairs)

    def source(self) -> Source:
        """Return the way as if it were a link: for quotes of circuits. Its faults are taken for equally likely."""
        return Source(self.fidelity, 1 / self.seconds if self.seconds else float("inf"), self.wei)


def routes(links: Mapping[Ends, Source], start: int, goal: int, noise: LocalNoise = NOISELESS) -> list[Route]:
    """Return the ways from *start* to *goal*, cheapest first, of which none is both dearer and worse than another.

    Args:
        links: By two nodes, the lower number first.
        noise: Of the nodes that swap and of the ends that purify what was swapped.

    Raises:
        NoRoute: There is none.
    """
    found = [route for path in _paths(links, start, goal) for route in _along(links, path, noise)]
    front: list[Route] = []
    for route in sorted(found, key=lambda one: (one.cost, -one.fidelity)):
        if not front or route.fidelity > front[-1].fidelity:
            front.append(route)
    return front


def cheapest_route(
    links: Mapping[Ends, Source], start: int, goal: int, fidelity: float, noise: LocalNoise = NOISELESS
) -> Route:
    """Return the cheapest way that gives pairs of *fidelity*.

    Raises:
        NoRoute: There is no way at all.
        FidelityOutOfReach: None is good enough.
    """
    front = routes(links, start, goal, noise)
    for route in front:
        if route.fidelity >= fidelity:
            return route
    best = front[-1].fidelity
    raise FidelityOutOfReach(f"pairs of nodes {start} and {goal}: expected fidelity {fidelity}, at most {best:.4f}")


def _paths(links: Mapping[Ends, Source], start: int, goal: int) -> list[tuple[int, ...]]:
    """Return the paths that lose least fidelity, and those that cost least."""
    graph = networkx.Graph()
    graph.add_nodes_from((start, goal))
    for (first, second), source in links.items():
        # Swapping two Werner pairs multiplies 4F - 1; what is no better than noise leads nowhere.
        if source.fidelity > 0.25:
            weight = -log((4 * source.fidelity - 1) / 3)
            graph.add_edge(first, second, loss=weight, price=source.price + 1e-9)
    found: dict[tuple[int, ...], None] = {}
    try:
        for weight in ("loss", "price"):
            paths = islice(networkx.shortest_simple_paths(graph, start, goal, weight), PATHS)
            found |= dict.fromkeys(tuple(path) for path in paths if len(path) <= MAX_HOPS + 1)
    except networkx.NetworkXNoPath:
        found = {}
    if not found:
        raise NoRoute(f"nodes {start} and {goal}: expected a chain of at most {MAX_HOPS} links, found none")
    return list(found)


def _along(links: Mapping[Ends, Source], path: tuple[int, ...], noise: LocalNoise) -> Iterator[Route]:
    """Yield every choice of rounds before and after swapping along *path*."""
    sources = [links[min(hop), max(hop)] for hop in pairwise(path)]
    options = [source.purifications() for source in sources]
    rounds = range(MAX_PURIFICATION_ROUNDS + 1)
    for before, after in product(rounds, rounds if len(path) > 2 else (0,)):
        hops: list[Purified] = [option[before] for option in options]
        pair = reduce(lambda one, other: swapped(one, other, noise), (hop.pair for hop in hops))
        whole = purify(pair, after, noise)
        raw = tuple(whole.raw_pairs * hop.raw_pairs for hop in hops)
        seconds = max(count / source.rate for count, source in zip(raw, sources, strict=True))
        wei = sum(ceil(count * source.price) for count, source in zip(raw, sources, strict=True))
        yield Route(path, before, after, whole.pair, raw, seconds, wei)
