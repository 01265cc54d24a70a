"""Processors and offers as literals, for what a requester computes over them."""

from typing import Any

from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing, Terms
from qcrs.sdk.market import Candidate, Market

NOW = 1_000_000
PRICE = 10


def candidate(processor: int, organisation: int, screened: bool = False, **changes: Any) -> Candidate:
    """Return a processor that is free, idle and without an offer, but for *changes* of standing or terms."""
    standing = {
        "status": ProcessorStatus.Certified, "noise_class": 1, "qubits": 27, "leased_qubits": 0, "held_qubits": 0,
        "entry": 0, "bonded": True, "draining": False, "offered": False, "organisation": organisation,
        "last_beat_at": NOW, "expires_at": NOW + 1, "accepted": 0, "outliers": 0, "silent": 0, "refused": 0,
        "failed": 0,
    }  # fmt: skip
    terms = {
        "quantum_volume_log2": 5, "profile": 1, "two_qubit_error_ppm": 9_000, "price": 0, "minimum": 0,
        "offer_expires_at": NOW + 1,
    }  # fmt: skip
    for name, value in changes.items():
        (standing if name in standing else terms)[name] = value
    return Candidate(processor, Standing(**standing), Terms(**terms), screened)


def market(*candidates: Candidate, organisation: int = 9) -> Market:
    """Return the market of *candidates* as *organisation* sees it."""
    return Market(organisation, candidates, PRICE, 1000, NOW, 30)
