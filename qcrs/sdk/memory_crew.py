"""Who can keep a logical qubit together: two processors with a channel, and others that only decode."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.model.entanglement import Channel, Entanglement
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.capability import local_noise
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis
from qcrs.quantum.correction.halves import Halves
from qcrs.quantum.correction.job import MAX_DISTANCE
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.rate import infidelity_of_test
from qcrs.quantum.entanglement.pairs import MILLION, LocalNoise, PairSource
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.crew import Crew, CrewUnavailable, crews
from qcrs.sdk.link import read_links
from qcrs.sdk.market import Market
from qcrs.store import Store

HALVES = (LEFT, RIGHT)
_DISTANCES = range(3, MAX_DISTANCE + 1, 2)


@dataclass(frozen=True)
class Scene:
    """Who and what there is.

    Attributes:
        devices: Noise of each processor that is an end of a channel, by its calibration.
        speeds: Pairs a second that both ends get, by link, as its descriptor says.
        excluded: Processors that are not to serve.
    """

    known: Entanglement
    market: Market
    devices: Mapping[int, LocalNoise]
    speeds: Mapping[int, float]
    excluded: Collection[int] = ()

    def channel(self, crew: Crew) -> Channel:
        """Return the channel between the halves."""
        return self.known.channels[crew.channel_of(halves_of(crew))]

    def infidelities(self, channel: Channel) -> tuple[float, float, float]:
        """Return the infidelity of the pairs of *channel*, without what readouts flipped in its test, and the interval.

        To decode with, not to plan with: how well an end reads out it says itself.
        """
        tested = infidelity_of_test(channel.errors_z + channel.errors_x, channel.tested)
        first, second = (self.devices[end].readout_ppm / MILLION for end in channel.ends)
        flipped = first * (1 - second) + second * (1 - first)
        likeliest, low, high = (
            min(0.75, max(0.0, (infidelity - 1.5 * flipped) / (1 - 2 * flipped)))
            for infidelity in (tested.value, tested.low, tested.high)
        )
        return likeliest, low, high

    def largest(self, shots: int, runs: int) -> int:
        """Return the largest distance for which there are processors, the smallest when there are none for any."""
        for distance in reversed(_DISTANCES):
            try:
                self.manned(distance, 1, shots, runs)
            except CrewUnavailable:
                continue
            return distance
        return _DISTANCES[0]

    def manned(self, distance: int, raw_pairs: int, shots: int, runs: int) -> list[Crew]:
        """Return two processors for each run, whose channel has *raw_pairs* for each of *shots*, the best ones first.

        Raises:
            CrewUnavailable: There are not so many.
        """
        qubits = max(Halves.of(Memory(distance, 1, Basis.Z), 0).qubits)
        able = [one for one, free in self._ready().items() if free >= qubits and one in self.devices]
        try:
            return crews(self.known.channels.values(), able, {HALVES: raw_pairs}, len(HALVES), shots, runs)
        except CrewUnavailable as error:
            raise CrewUnavailable(
                f"distance {distance}, {qubits} qubits a half, {raw_pairs} raw pairs a shot: {error}"
            ) from error

    def with_verifiers(self, manned: Sequence[Crew], count: int) -> list[Crew]:
        """Return *manned* with *count* verifiers each, of organisations other than the halves' as far as there are any.

        Raises:
            CrewUnavailable: There are not so many.
        """
        owners = {candidate.processor: candidate.standing.organisation for candidate in self.market.candidates}
        serving = {processor for crew in manned for processor in crew.members}
        spare = [processor for processor in self._ready() if processor not in serving]
        if len(spare) < count * len(manned):
            raise CrewUnavailable(
                f"{count * len(manned)} verifiers for {len(manned)} runs are wanted, {len(spare)} processors are there "
                "beside the halves'; ask for fewer"
            )
        full = []
        for crew in manned:
            own = {owners[processor] for processor in crew.members}
            chosen = sorted(spare, key=lambda processor, own=own: (owners[processor] in own, processor))[:count]
            spare = [processor for processor in spare if processor not in chosen]
            members = tuple(sorted([*crew.members, *chosen]))
            first, second = (members.index(processor) for processor in crew.members)
            full.append(replace(crew, members=members, between={(first, second): crew.channel_of(HALVES)}))
        return full

    def _ready(self) -> dict[int, int]:
        """Return the free qubits of those that may serve."""
        return {
            candidate.processor: candidate.free
            for candidate in self.market.ready(self.market.candidates, 1)
            if candidate.processor not in self.excluded and not candidate.screened
        }


def halves_of(crew: Crew) -> tuple[int, int]:
    """Return which members keep the halves: those that share the channel."""
    (halves,) = crew.between
    return halves


async def read_scene(gateway: Gateway, store: Store, market: Market, excluded: Collection[int] = ()) -> Scene:
    """Return what a plan needs to know.

    Raises:
        ContentUnavailable, ContentMismatch, CalibrationInvalid: A document of a link or a processor cannot be had.
    """
    known = await read_entanglement(gateway)
    open_ = [channel for channel in known.channels.values() if channel.left]
    registry, devices, speeds = Registry(gateway), {}, {}
    for processor in sorted({end for channel in open_ for end in channel.ends}):
        capability = await registry.capability(processor)
        if capability is not None:
            content = await asyncio.to_thread(store.get, capability.calibration_digest)
            devices[processor] = local_noise(Calibration.parse(content))
    for link in await read_links(gateway):
        if link.link in {channel.link for channel in open_}:
            document = json.loads(await asyncio.to_thread(store.get, link.descriptor))
            speeds[link.link] = PairSource.model_validate(document["source"]).heralded_rate
    return Scene(known, market, devices, speeds, excluded)
