"""Whom a draw takes, told from what the registry shows."""

from collections.abc import Callable, Collection, Iterator

from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing
from qcrs.rules.digest import abi_digest
from tests.evm import Contract

LEVELS = 8
MAX_DRAWS = 64
MAX_STEPS = 128
FULL_WEIGHT = 100
MISSED_BEATS = 2


def weight_of(standing: Standing) -> int:
    """Return what a processor's conduct is worth in a draw, of ``FULL_WEIGHT``."""
    good = standing.accepted + 4
    faults = standing.outliers + standing.silent + standing.refused + 4 * standing.failed
    return 50 + 50 * good // (good + 4 * faults)


def candidates(seed: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Yield positions of [0, *size*), each with the chance that a weight must exceed."""
    if not size:
        return
    for draw in range(MAX_DRAWS):
        hash_ = int.from_bytes(abi_digest(["bytes32", "uint256"], [seed, draw]), "big")
        yield hash_ % size, (hash_ >> 128) % FULL_WEIGHT
    for step in range(min(size, MAX_STEPS)):
        yield (hash_ + step) % size, 0


def positions(seed: bytes, size: int) -> Iterator[int]:
    """Yield all positions that a draw looks at when none will do."""
    return (position for position, _ in candidates(seed, size))


def expected_draw(
    registry: Contract,
    seed: bytes,
    noise_class: int,
    qubits: int,
    count: int,
    requester: int = 0,
    tried: Collection[int] = (),
    on_duty: Collection[int] = (),
    spared: tuple[int, int] = (0, 255),
    is_wanted: Callable[[int], bool] = lambda _: True,
) -> list[int]:
    """Return the processors that a draw would take now, *count* at most.

    Args:
        spared: Out of turn, the qubits that all ahead ask for together, and the fewest that one of them asks for.
        is_wanted: Says whether the requester would have a processor that fits.
    """
    levels = range(qubits.bit_length() - 1, LEVELS)
    listed = [p for level in levels for p in registry.listOf(noise_class, level, 0, 1_000)]
    standings = {p: Standing.from_chain(registry.standingOf(p)) for p in {*listed, *on_duty}}
    engaged = {requester} | {standings[p].organisation for p in on_duty}
    now, heartbeat = registry.chain.now, registry.HEARTBEAT_SECONDS()
    drawn: list[int] = []
    for position, chance in candidates(seed, len(listed)):
        if len(drawn) == count:
            break
        processor = listed[position]
        s = standings[processor]
        can_work = s.status is ProcessorStatus.Certified and s.bonded and not s.draining and s.expires_at > now
        is_alive = s.last_beat_at >= now - MISSED_BEATS * heartbeat
        free = s.qubits - s.leased_qubits - s.held_qubits
        most, least = spared
        has_room = free >= qubits and (most == 0 or free >= qubits + most or s.qubits < least)
        is_new = processor not in tried and s.organisation not in engaged
        if can_work and is_alive and has_room and is_new and weight_of(s) > chance and is_wanted(processor):
            drawn.append(processor)
            engaged.add(s.organisation)
    return drawn
