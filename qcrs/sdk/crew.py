"""Which processors can run a distributed program together: those whose channels are open and have pairs enough."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from qcrs.errors import QcrsError
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel
from qcrs.sdk.channel import MILLION, error_ppm, fidelity_ppm

MAX_CANDIDATES = 20
MOST_LOOKS = 200_000
ENTANGLED_PPM = MILLION // 2  # Werner pairs of this fidelity, or less, are not: nothing purifies them
MOST_NETWORKS = 8  # ways of being joined that a circuit is split for


class CrewUnavailable(QcrsError):
    """No processors are joined by channels as a program needs them."""


@dataclass(frozen=True)
class Crew:
    """The processors of one run.

    Attributes:
        members: In ascending order. link: Over which their channels are. pairs: By channel, a shot.
        between: The channel of each two members that share pairs, the lower first.
        error_ppm: Of the worst channel, as its last test counted; what a program's fidelity follows from.
    """

    members: tuple[int, ...]
    link: int
    pairs: Mapping[int, int]
    between: Mapping[tuple[int, int], int]
    error_ppm: int

    def channel_of(self, ends: tuple[int, int]) -> int:
        """Return the channel between two members."""
        return self.between[ends]


def crews(
    channels: Collection[Channel],
    candidates: Collection[int],
    pairs: Mapping[tuple[int, int], int],
    members: int,
    shots: int,
    runs: int,
) -> list[Crew]:
    """Return *runs* crews of *members* processors, none of which serves in two, the best channels first.

    Args:
        candidates: Processors that may serve. pairs: By two members, the lower first, in a shot.

    Raises:
        CrewUnavailable: There are not so many.
    """
    open_ = _open(channels)
    joined = sorted({end for ends, _ in open_ for end in ends} & set(candidates))[:MAX_CANDIDATES]
    looked = islice(combinations(joined, members), MOST_LOOKS)
    possible = sorted((crew for chosen in looked for crew in _crews_of(chosen, open_, pairs, shots)), key=_quality)
    found: list[Crew] = []
    for crew in possible:
        if len(found) < runs and not any(set(crew.members) & set(other.members) for other in found):
            found.append(crew)
    if len(found) < runs:
        raise CrewUnavailable(
            f"{len(found)} of {runs} runs of {members} processors can be had: {len(joined)} processors have open "
            f"channels and can serve, and each two that share {'pairs' if pairs else 'nothing'} need one with "
            f"enough left for {shots} shots; see 'qcrs channel list', and open more with 'qcrs channel request'"
        )
    return found


def networks(
    channels: Collection[Channel], candidates: Collection[int], members: int
) -> Iterator[dict[tuple[int, int], Channel]]:
    """Yield how *members* processors are joined where not each two have a channel, the best first, no way twice.

    Each is a map from two members, the lower first, to their channel; all members are joined by some chain.
    """
    open_ = _open(channels)
    joined = sorted({end for ends, _ in open_ for end in ends} & set(candidates))[:MAX_CANDIDATES]
    found: dict[frozenset[tuple[int, int]], dict[tuple[int, int], Channel]] = {}
    for chosen in islice(combinations(joined, members), MOST_LOOKS):
        for link in sorted({link for _, link in open_}):
            between = combinations(range(members), 2)
            own = {ends: open_.get(((chosen[ends[0]], chosen[ends[1]]), link)) for ends in between}
            there = {ends: channel for ends, channel in own.items() if channel is not None}
            best = found.get(frozenset(there))
            if _is_chained(there, members) and (best is None or _worst(there) < _worst(best)):
                found[frozenset(there)] = there
    yield from sorted(found.values(), key=_worst)[:MOST_NETWORKS]


def _is_chained(ends: Collection[tuple[int, int]], members: int) -> bool:
    """Return whether every member can be reached from the first."""
    reached = {0}
    for _ in range(members):
        reached |= {end for pair in ends if reached & set(pair) for end in pair}
    return len(reached) == members


def _worst(joined: Mapping[tuple[int, int], Channel]) -> int:
    return max(error_ppm(channel) for channel in joined.values())


def _open(channels: Collection[Channel]) -> dict[tuple[tuple[int, int], int], Channel]:
    """Return the best open channel of each two processors over each link, whose pairs are entangled at all.

    Which test their channel has to pass, two ends may choose as they like.
    """
    best: dict[tuple[tuple[int, int], int], Channel] = {}
    for channel in channels:
        key = (tuple(sorted(channel.ends)), channel.link)
        usable = channel.status is ChannelStatus.Open and fidelity_ppm(channel) > ENTANGLED_PPM
        if usable and (key not in best or channel.left > best[key].left):
            best[key] = channel
    return best


def _crews_of(
    chosen: Sequence[int],
    open_: Mapping[tuple[tuple[int, int], int], Channel],
    pairs: Mapping[tuple[int, int], int],
    shots: int,
) -> Iterator[Crew]:
    for link in sorted({link for _, link in open_}):
        used = {ends: open_.get(((chosen[ends[0]], chosen[ends[1]]), link)) for ends in pairs}
        enough = all(channel is not None and channel.left >= pairs[ends] * shots for ends, channel in used.items())
        if enough:
            taken = {channel.channel: pairs[ends] for ends, channel in used.items() if channel is not None}
            worst = max((error_ppm(channel) for channel in used.values() if channel is not None), default=0)
            between = {ends: channel.channel for ends, channel in used.items() if channel is not None}
            yield Crew(tuple(chosen), link, taken, between, worst)


def _quality(crew: Crew) -> tuple[int, tuple[int, ...]]:
    return crew.error_ppm, crew.members
