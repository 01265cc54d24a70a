"""A circuit's way to processors that share channels: split, quoted by what the channels' tests found, manned."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qcrs.errors import QcrsError
from qcrs.model.entanglement import Channel, Entanglement
from qcrs.quantum.distribution.plan import Distribution, distribute
from qcrs.quantum.distribution.quote import FidelityOutOfReach, Quote, Source, quote
from qcrs.quantum.distribution.session import prepare
from qcrs.quantum.fragment import Fragment
from qcrs.rules.digest import keccak
from qcrs.sdk.channel import MILLION, fidelity_ppm
from qcrs.sdk.crew import Crew, CrewUnavailable, crews, networks
from qcrs.sdk.market import Market

Ends = tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """A circuit ready to be run by its crews.

    Attributes:
        fragments: One a member, with the purification that the wanted fidelity takes.
        quote: Of one run, by the worst channel of each two members in any crew.
    """

    distribution: Distribution
    fragments: Sequence[Fragment]
    quote: Quote
    crews: Sequence[Crew]

    @property
    def digest(self) -> bytes:
        """What names the program."""
        return keccak(b"".join(keccak(part.encode()) for part in self._texts))

    def parts(self, crew: Crew) -> Sequence[str]:
        """Return the fragments: the same for every crew."""
        if len(crew.members) != len(self.fragments):
            raise ValueError(f"{len(crew.members)} processors for {len(self.fragments)} fragments")
        return self._texts

    @cached_property
    def _texts(self) -> list[str]:
        return [fragment.to_json() for fragment in self.fragments]

    @property
    def outcome_bits(self) -> int:
        """Width of an outcome."""
        return self.distribution.bits

    @property
    def ebits(self) -> int:
        """Pairs in a shot."""
        return self.distribution.ebits

    @property
    def raw_pairs(self) -> int:
        """Pairs that the link is expected to make for one run."""
        return self.quote.raw_pairs

    @property
    def fidelity(self) -> float:
        """The least that the output's fidelity is, by the channels' tests alone."""
        return self.quote.fidelity

    def value(self) -> dict[str, Any]:
        """Return the plan for machines."""
        return {
            "members": len(self.fragments),
            "crews": [list(crew.members) for crew in self.crews],
            "ebits": self.ebits,
            "rawPairs": self.raw_pairs,
            "fidelity": round(self.fidelity, 6),
            "qubits": list(self.distribution.qubits),
            "rounds": {f"{a}-{b}": rounds for (a, b), rounds in self.quote.rounds.items()},
            "routes": self.routes,
            "taken": self.taken,
        }

    @property
    def routes(self) -> list[dict[str, Any]]:
        """How those who have no channel get their pairs, in each crew: over which processors, and how good."""
        return [
            {
                "processors": [crew.members[place] for place in swap.path],
                "pairs": swap.pairs,
                "before": list(swap.before),
                "after": swap.purified.rounds,
                "fidelity": round(swap.fidelity, 6),
            }
            for crew in self.crews
            for swap in self.quote.swaps.values()
        ]

    @property
    def taken(self) -> dict[int, int]:
        """Pairs that the runs take of each channel: with what is held ready for heralds that fail."""
        return {channel: pairs * self.quote.shots for crew in self.crews for channel, pairs in crew.pairs.items()}


def plan_for(
    known: Entanglement,
    market: Market,
    text: str,
    members: int,
    runs: int,
    shots: int,
    fidelity: float,
    excluded: Collection[int] = (),
) -> Plan:
    """Return how *text* is run by *members* processors, *runs* times, by those that are there and not *excluded*.

    Raises:
        CircuitRefused, CapacityExceeded, QubitsExhausted: The circuit cannot be split so.
        CrewUnavailable: Too few processors are joined by channels. FidelityOutOfReach: Not with these.
    """
    ready = {
        candidate.processor: candidate.free
        for candidate in market.ready(market.candidates, 1)
        if candidate.processor not in excluded and not candidate.screened
    }
    size = _typical(ready, members)
    distribution = distribute(text, [size] * members)
    try:
        return _manned(distribution, known, ready, members, runs, shots, fidelity)
    except CrewUnavailable as error:
        failure: QcrsError = error
    # Not each two of them need a channel: pairs can be swapped on the way.
    for links in networks(known.channels.values(), ready, members):
        sources = {ends: Source(fidelity_ppm(channel) / MILLION) for ends, channel in links.items()}
        try:
            swapped = prepare(text, [size] * members, sources, shots, fidelity).distribution
            return _manned(swapped, known, ready, members, runs, shots, fidelity)
        except FidelityOutOfReach as error:
            failure = error  # tells more
        except CrewUnavailable:
            continue
    raise failure


def _manned(
    distribution: Distribution,
    known: Entanglement,
    ready: Mapping[int, int],
    members: int,
    runs: int,
    shots: int,
    fidelity: float,
) -> Plan:
    """Return the plan with which crews of those *ready* run *distribution*.

    Raises:
        CrewUnavailable: There are too few. FidelityOutOfReach: Not with these channels.
    """
    channels = known.channels.values()
    able = [processor for processor, free in ready.items() if free >= max(distribution.qubits)]
    manned = crews(channels, able, distribution.pairs, members, shots, runs)
    quoted = quote(distribution, _sources(distribution.pairs, manned, known.channels), shots, fidelity)
    taken = {ends: use.taken for ends, use in quoted.uses.items()}
    if taken != distribution.pairs:
        manned = crews(channels, able, taken, members, shots, runs)
    return Plan(distribution, distribution.with_rounds(quoted.rounds).fragments, quoted, manned)


def _typical(ready: Mapping[int, int], members: int) -> int:
    """Return how many qubits each member may use: what the *members*-th largest has."""
    sizes = sorted(ready.values(), reverse=True)
    return sizes[min(members, len(sizes)) - 1] if sizes else 1


def _sources(pairs: Mapping[Ends, int], manned: Sequence[Crew], channels: Mapping[int, Channel]) -> dict[Ends, Source]:
    """Return, by two members, what pairs of the worst channel between them are like."""
    sources = {}
    for ends in pairs:
        worst = min(fidelity_ppm(channels[crew.channel_of(ends)]) for crew in manned)
        sources[ends] = Source(worst / MILLION)
    return sources
