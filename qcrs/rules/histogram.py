"""The root that binds a whole histogram, outcome by outcome: twin of ``contracts/libraries/Histogram.sol``.

Leaves are sorted by outcome: ``keccak256(0x00 ++ outcome ++ count)`` with 32-byte big-endian integers; inner nodes
are ``keccak256(0x01 ++ left ++ right)``; a node without a sibling rises as it is. The root also binds how many
outcomes and shots there are, so that a part cannot pass for the whole.

A contract is shown a run of neighbouring leaves at once, each packed as ``outcome << 16 | count``, with the siblings
that lead from the run to the top.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from qcrs.errors import QcrsError
from qcrs.rules.digest import abi_digest, keccak

COUNT_BITS = 16
MAX_OUTCOME_BITS = 240


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


class Binding(NamedTuple):
    """What a counts root binds, as contracts take it.

    Attributes:
        leaf_count: Number of outcomes.
        shots: Sum of their counts, so its maker says.
        top: Top of the tree over the leaves; 32 zero bytes when there is none.
    """

    leaf_count: int
    shots: int
    top: bytes

    @property
    def root(self) -> bytes:
        """The 32-byte counts root."""
        return abi_digest(["uint256", "uint256", "bytes32"], self)


class Run(NamedTuple):
    """Neighbouring leaves and what leads from them to the top.

    Attributes:
        first: Number of the first leaf, by ascending outcome.
        leaves: Packed, ascending.
        siblings: Per level from the leaves up: the left neighbour of the run when it starts at an odd index, then the
            right neighbour when it ends at an even index and is not the last.
    """

    first: int
    leaves: list[int]
    siblings: list[bytes]


def counts_root(counts: Mapping[int, int]) -> bytes:
    """Return the 32-byte root that binds *counts* (outcome to positive count)."""
    return binding_of(counts).root


def binding_of(counts: Mapping[int, int]) -> Binding:
    """Return what the root of *counts* binds."""
    top = _levels(counts)[-1]
    return Binding(len(counts), sum(counts.values()), top[0] if top else bytes(32))


def run_proof(counts: Mapping[int, int], first: int, length: int) -> Run:
    """Return the proof that the *length* outcomes from number *first* of *counts* are under its root.

    Raises:
        HistogramInvalid: There are no such outcomes, or one of them does not fit a packed leaf.
    """
    return run_proofs(counts, [(first, length)])[0]


def run_proofs(counts: Mapping[int, int], runs: Sequence[tuple[int, int]]) -> list[Run]:
    """Return as ``run_proof`` for each (first, length) of *runs*, hashing *counts* once.

    Raises:
        HistogramInvalid: As ``run_proof``.
    """
    levels = _levels(counts)
    outcomes = sorted(counts)
    proofs = []
    for first, length in runs:
        if not 0 <= first < first + length <= len(counts):
            raise HistogramInvalid(f"there are no {length} outcomes from number {first} on among {len(counts)}")
        leaves = [pack_leaf(outcome, counts[outcome]) for outcome in outcomes[first : first + length]]
        proofs.append(Run(first, leaves, _siblings(levels, first, first + length)))
    return proofs


def pack_leaf(outcome: int, count: int) -> int:
    """Return a leaf as contracts take it.

    Raises:
        HistogramInvalid: The outcome has more than 240 bits, or the count more than 16.
    """
    if outcome >> MAX_OUTCOME_BITS or count >> COUNT_BITS:
        raise HistogramInvalid(f"outcome {outcome} with a count of {count} does not fit a packed leaf")
    return outcome << COUNT_BITS | count


def unpack_leaf(leaf: int) -> tuple[int, int]:
    """Return outcome and count of a packed leaf."""
    return leaf >> COUNT_BITS, leaf & (1 << COUNT_BITS) - 1


def opens_run(root: bytes, binding: Binding, run: Run) -> bool:
    """Return whether ``Histogram.requireRun`` accepts *run* under *root*."""
    first, leaves, siblings = run
    outcomes = [leaf >> COUNT_BITS for leaf in leaves]
    if (
        Binding(*binding).root != root
        or not leaves
        or first + len(leaves) > binding[0]
        or any(a >= b for a, b in pairwise(outcomes))
    ):
        return False
    nodes, width = [_leaf(*unpack_leaf(leaf)) for leaf in leaves], binding[0]
    left = list(siblings)
    while width > 1:
        if first % 2 and left:
            nodes.insert(0, left.pop(0))
            first -= 1
        if (first + len(nodes)) % 2 and first + len(nodes) != width and left:
            nodes.append(left.pop(0))
        if first % 2 or ((first + len(nodes)) % 2 and first + len(nodes) != width):
            return False
        nodes, first, width = _parents(nodes), first // 2, (width + 1) // 2
    return not left and nodes == [binding[2]]


def _leaf(outcome: int, count: int) -> bytes:
    return keccak(b"\x00" + outcome.to_bytes(32, "big") + count.to_bytes(32, "big"))


def _parents(nodes: list[bytes]) -> list[bytes]:
    paired = [keccak(b"\x01" + nodes[i] + nodes[i + 1]) for i in range(0, len(nodes) - 1, 2)]
    return paired + nodes[len(nodes) & ~1 :]


def _levels(counts: Mapping[int, int]) -> list[list[bytes]]:
    """Return the tree's nodes from the leaves up; the last level is the top, or empty when there is no leaf."""
    levels = [[_leaf(outcome, counts[outcome]) for outcome in sorted(counts)]]
    while len(levels[-1]) > 1:
        levels.append(_parents(levels[-1]))
    return levels


def _siblings(levels: list[list[bytes]], first: int, end: int) -> list[bytes]:
    siblings = []
    for level in levels[:-1]:
        if first % 2:
            siblings.append(level[first - 1])
        if end % 2 and end != len(level):
            siblings.append(level[end])
        first, end = first // 2, (end + 1) // 2
    return siblings
