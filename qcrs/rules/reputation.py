"""A processor's conduct: twin of ``contracts/libraries/Reputation.sol`` and ``Succession.sol``.

Counters decay in work: when as many answers as ``HORIZON`` were accepted, all are halved, rounded down.
"""

from collections.abc import Mapping

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.processor_index import CREDIT, FAULT, FULL_WEIGHT, LEAST_WEIGHT, weight_of

__all__ = [
    "CONDUCT",
    "CREDIT",
    "FAULT",
    "FULL_WEIGHT",
    "HORIZON",
    "LEAST_WEIGHT",
    "PROBATION",
    "UNFIT_FAULTS",
    "Conduct",
    "faults_of",
    "forgotten",
    "inherited",
    "is_unfit",
    "noted",
    "weight_of",
]

HORIZON = 24_576
UNFIT_FAULTS = 8

_S = AssignmentStatus
# The counter, with its maximum, that each way to end adds to.
CONDUCT: Mapping[AssignmentStatus, tuple[str, int]] = {
    _S.Accepted: ("accepted", HORIZON),
    _S.Vindicated: ("accepted", HORIZON),
    _S.Outlier: ("outliers", 2**16 - 1),
    _S.Disproven: ("outliers", 2**16 - 1),
    _S.Silent: ("silent", 2**8 - 1),
    _S.Refused: ("refused", 2**16 - 1),
    _S.GoldFailed: ("failed", 2**16 - 1),
    _S.TrapFailed: ("failed", 2**16 - 1),
}
# Fates whose correction takes a count back.
_CORRECTED = frozenset({_S.Accepted, _S.Outlier, _S.Refused, _S.GoldFailed, _S.TrapFailed})

Conduct = Mapping[str, int]
# What a processor begins anew with that was suspended for its conduct: one proven fault.
PROBATION: Conduct = {"accepted": 0, "outliers": 0, "silent": 0, "refused": 0, "failed": 1}


def noted(conduct: Conduct, fate: AssignmentStatus) -> dict[str, int]:
    """Return *conduct* with one more assignment that ended as *fate*."""
    if fate not in CONDUCT:
        return dict(conduct)
    counter, most = CONDUCT[fate]
    count = conduct.get(counter, 0) + 1
    if counter == "accepted" and count >= HORIZON:
        return {name: number // 2 for name, number in {**conduct, counter: count}.items()}
    return {**conduct, counter: min(count, most)}


def forgotten(conduct: Conduct, fate: AssignmentStatus) -> dict[str, int]:
    """Return *conduct* without one that was counted as *fate* and turned out to be another."""
    counter, _ = CONDUCT.get(fate, ("", 0))
    if fate not in _CORRECTED or not conduct.get(counter, 0):
        return dict(conduct)
    return {**conduct, counter: conduct[counter] - 1}


def inherited(conduct: Conduct, other: Conduct) -> dict[str, int]:
    """Return *conduct* with the faults of *other* that are more, counter by counter."""
    names = ("outliers", "silent", "refused", "failed")
    return {**conduct, **{name: max(conduct.get(name, 0), other.get(name, 0)) for name in names}}


def faults_of(conduct: Conduct) -> int:
    """Return the faults on record, a proven one counted fourfold."""
    plain = sum(conduct.get(name, 0) for name in ("outliers", "silent", "refused"))
    return plain + 4 * conduct.get("failed", 0)


def is_unfit(conduct: Conduct) -> bool:
    """Return whether such conduct suspends by rule."""
    faults = faults_of(conduct)
    return faults >= UNFIT_FAULTS and FAULT * faults > conduct.get("accepted", 0) + CREDIT
