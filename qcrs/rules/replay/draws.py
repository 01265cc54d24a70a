"""The draw, replayed from the registry's events alone: twin of ``ProcessorRegistry.lease``."""

from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.registry import Processor, Registry
from qcrs.rules.sortition import draws

MISSED_BEATS = 2


def drawn_for(registry: Registry, computation: Computation, seed: bytes, now: int) -> list[Processor]:
    """Return the processors that sortition draws for what *computation* lacks, in order.

    Fewer than it lacks means that the contract would have refused to draw.
    """
    request = computation.request
    count = computation.replicas - len(computation.on_duty())
    excluded = {seat.processor for seat in computation.seats}
    organisations = {seat.organisation for seat in computation.on_duty()} | {computation.organisation}
    members = registry.members[request.noise_class]
    drawn: list[Processor] = []
    for position in draws(seed, len(members)):
        if len(drawn) == count:
            break
        candidate = registry.processors[members[position]]
        if (
            _is_available(registry, candidate, request.qubits, now)
            and candidate.organisation not in organisations
            and candidate.id not in excluded
        ):
            drawn.append(candidate)
            organisations.add(candidate.organisation)
    return drawn


def _is_available(registry: Registry, processor: Processor, qubits: int, now: int) -> bool:
    """Members of a class are certified; the rest can lapse."""
    return (
        processor.bonded
        and processor.expires_at > now
        and processor.last_beat_at + MISSED_BEATS * registry.heartbeat_seconds >= now
        and processor.leased + qubits <= processor.qubits
    )
