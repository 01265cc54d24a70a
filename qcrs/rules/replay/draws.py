"""The draw, replayed from the registry's events alone: twin of ``ProcessorRegistry.lease`` and what leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcrs.rules.commitment import draw_seed_of
from qcrs.rules.processor_index import Demand, TooFewEligibleProcessors
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.money import pay_of
from qcrs.rules.replay.registry import Processor
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

FLAT_PROFILE = 1


def draw(suite: Suite, log: Transcript, c: Computation, seed: bytes, most: int, least: int) -> list[Processor]:
    """Draw what *c* lacks, lease its qubits of each, and return them in order.

    Args:
        most, least: Out of turn, the qubits that those ahead ask for together, and the fewest that one of them asks
            for; 0 in turn.

    Raises:
        Contradiction: There are too few, so that the contract would have refused.
    """
    index = suite.registry.indices[c.request.noise_class]
    try:
        return index.draw(seed, _demand(suite, log, c, most, least))
    except TooFewEligibleProcessors as error:
        raise Contradiction(Rule.Draw, "processors that fit", error.required, error.found) from error


def is_placeable(suite: Suite, log: Transcript, c: Computation) -> bool:
    """Return whether a draw for *c*, which waits for its first, would find enough now."""
    index, seed = suite.registry.indices[c.request.noise_class], draw_seed_of(suite.beacon, c.id, 0)
    chosen, _, _ = index.find(seed, _demand(suite, log, c))
    return len(chosen) == c.lacking


def _demand(suite: Suite, log: Transcript, c: Computation, most: int = 0, least: int = 0) -> Demand:
    beaten_since, pay = suite.registry.beaten_since(log.now), pay_of(suite, c)
    return Demand(
        c.request.qubits,
        c.lacking,
        engaged={c.organisation, *(seat.organisation for seat in c.on_duty())},
        tried={seat.processor for seat in c.seats},
        most=most,
        least=least,
        is_lapsed=lambda p: not p.is_open(log.now, beaten_since),
        is_wanted=lambda p: _is_wanted(suite, c, p, pay, log.now),
    )


def _is_wanted(suite: Suite, c: Computation, p: Processor, pay: int, now: int) -> bool:
    """Return whether *p*, which has room, is what *c* asks for at *pay* wei a replica, and asks no more."""
    request, terms = c.request, p.terms
    choosy = bool(request.quantum_volume_log2 or request.two_qubit_error_ppm) or request.profile > FLAT_PROFILE
    if choosy or p.offered:
        if terms.profile < request.profile or terms.quantum_volume_log2 < request.quantum_volume_log2:
            return False
        if request.two_qubit_error_ppm and terms.two_qubit_error_ppm > request.two_qubit_error_ppm:
            return False
    if p.offered:
        bid = pay // (request.qubits * request.shots)
        if terms.offer_expires_at <= now or terms.price > bid or terms.minimum > pay:
            return False
    elif c.below_policy:
        return False
    return not (c.screened and suite.consortium.organisations[c.organisation].is_screened(p.organisation))
