"""The root that binds a whole histogram, outcome by outcome.

Leaves are sorted by outcome: ``keccak256(0x00 ++ outcome ++ count)`` with 32-byte big-endian integers; inner nodes
are ``keccak256(0x01 ++ left ++ right)``; a node without a sibling rises as it is. The root also binds how many
outcomes and shots there are, so that a part cannot pass for the whole.
"""

from collections.abc import Mapping

from qcrs.errors import QcrsError
from qcrs.rules.digest import abi_digest, keccak


class HistogramInvalid(QcrsError):
    """Counts are not a histogram of the expected width and number of shots."""


def require_histogram(counts: Mapping[int, int], outcome_bits: int, shots: int) -> None:
    """Check that *counts* maps outcomes of *outcome_bits* bits to positive counts that add up to *shots*.

    Raises:
        HistogramInvalid: An outcome is too wide or negative, a count is not positive, or the total differs.
    """
    for outcome, count in counts.items():
        if outcome < 0 or outcome >> outcome_bits:
            raise HistogramInvalid(f"outcome {outcome} does not fit {outcome_bits} bits")
        if count <= 0:
            raise HistogramInvalid(f"outcome {outcome} has a count of {count}; counts are positive")
    total = sum(counts.values())
    if total != shots:
        raise HistogramInvalid(f"counts add up to {total} shots, expected {shots}")


def counts_root(counts: Mapping[int, int]) -> bytes:
    """Return the 32-byte root that binds *counts* (outcome to positive count)."""
    level = [
        keccak(b"\x00" + outcome.to_bytes(32, "big") + counts[outcome].to_bytes(32, "big"))
        for outcome in sorted(counts)
    ]
    leaves = len(level)
    while len(level) > 1:
        paired = [keccak(b"\x01" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    top = level[0] if level else bytes(32)
    return abi_digest(["uint256", "uint256", "bytes32"], [leaves, sum(counts.values()), top])
