"""What the leaves under a root say about the answer that was revealed: twin of ``contracts/libraries/Evidence.sol``.

Also makes, from a histogram, the arguments with which ``Challenges`` is called: proofs for whoever accuses, and the
steps of an answer for whoever is accused. All are tuples in Solidity's order, as an ABI encoder wants them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import prod
from typing import NamedTuple

from qcrs.rules.audit_trail import NOWHERE, Inclusion
from qcrs.rules.count_sketch import MAX_HISTOGRAM_BITS, bucket_of, dimensions, pack, sketch_of, unpack
from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.histogram import Binding, Run, binding_of, pack_leaf, run_proof, run_proofs
from qcrs.rules.independence import REPLAY_BITS, surprise_of, too_close

MIN_LEAVES = 64
MAX_LEAVES = 512
NO_RUN = Run(0, [], [])


class Revealed(NamedTuple):
    """What an assignment revealed.

    Attributes:
        counts_root: 32 bytes. salt: 32 bytes. sketch: Wire form.
    """

    counts_root: bytes
    salt: bytes
    sketch: Sequence[int]


class Progress(NamedTuple):
    """How far an answer to a demand has come.

    Attributes:
        counts_root: 32 bytes. sketch_digest: Of the revealed sketch. next: Number of the leaf that is due.
        shots: In the leaves so far. last: Last leaf shown, packed. sketch: Of the leaves so far, wire form.
    """

    counts_root: bytes
    sketch_digest: bytes
    next: int
    shots: int
    last: int
    sketch: Sequence[int]

    @property
    def digest(self) -> bytes:
        """What the contract keeps of it."""
        return abi_digest(["(bytes32,bytes32,uint256,uint256,uint256,uint256[])"], [tuple(self)])


class Step(NamedTuple):
    """One call of ``Challenges.answer``, after the challenge's id."""

    progress: Progress
    binding: Binding
    leaves: list[int]
    siblings: list[bytes]


class ForgedSketch(NamedTuple):
    """What ``Challenges.proveForgedSketch`` takes after the revealed answer."""

    row: int
    bucket: int
    binding: Binding
    runs: list[Run]


class Precedence(NamedTuple):
    """Two entries of the audit trail: the other's settlement, and a later allocation of the accused.

    Attributes:
        settlement: Number of the entry. allocation: Likewise, larger.
        first_index: Assignments from here on were drawn by that allocation, or later.
        drawn: Processors. seed: Of the draw, 32 bytes.
    """

    settlement: int = 0
    settlement_digest: bytes = bytes(32)
    settlement_proof: Inclusion = NOWHERE
    allocation: int = 0
    attempt: int = 0
    first_index: int = 0
    drawn: Sequence[int] = ()
    seed: bytes = bytes(32)
    allocation_proof: Inclusion = NOWHERE


def sketch_digest(sketch: Iterable[int]) -> bytes:
    """Return the digest of a wire sketch's words."""
    return keccak(b"".join(word.to_bytes(32, "big") for word in sketch))


def answer_steps(
    counts: Mapping[int, int],
    digest: bytes,
    outcome_bits: int,
    seed: bytes,
    start: int = 0,
    size: int = MAX_LEAVES,
) -> Iterator[Step]:
    """Yield the calls that show *counts*, from leaf *start* on, to whoever demanded it.

    Args:
        digest: Of the sketch that was revealed. seed: Of that sketch, 32 bytes.
        start: Where the answer stands: what ``HistogramOpened`` last said. size: Leaves in each call.

    Raises:
        HistogramInvalid: A leaf does not fit its packed form.
    """
    outcomes = sorted(counts)
    binding = binding_of(counts)
    starts = range(start, len(outcomes), size)
    proofs = run_proofs(counts, [(first, min(size, len(outcomes) - first)) for first in starts])
    table, shots = [0] * prod(dimensions(outcome_bits)), 0
    new = outcomes[:start]
    for first, leaves, siblings in proofs:
        part = {outcome: counts[outcome] for outcome in new}
        shots += sum(part.values())
        table = [a + b for a, b in zip(table, unpack(sketch_of(part, outcome_bits, seed), outcome_bits), strict=True)]
        last = pack_leaf(new[-1], counts[new[-1]]) if new else 0
        yield Step(Progress(binding.root, digest, first, shots, last, pack(table)), binding, leaves, siblings)
        new = outcomes[first : first + len(leaves)]


def forged_sketch(
    counts: Mapping[int, int], sketch: Sequence[int], outcome_bits: int, seed: bytes
) -> ForgedSketch | None:
    """Return the shortest proof that *sketch*, wire form, is not that of *counts*; None if no bucket falls short."""
    _, buckets = dimensions(outcome_bits)
    claimed = unpack(sketch, outcome_bits)
    telling: tuple[int, list[int]] | None = None
    for at, outcomes in _members(counts, outcome_bits, seed).items():
        shown = _exceeding(counts, outcomes, claimed[at])
        if shown and (telling is None or len(shown) < len(telling[1])):
            telling = at, shown
    if telling is None:
        return None
    at, shown = telling
    position = {outcome: number for number, outcome in enumerate(sorted(counts))}
    runs = run_proofs(counts, _neighbours(sorted(position[outcome] for outcome in shown)))
    return ForgedSketch(at // buckets, at % buckets, binding_of(counts), runs)


def malformed(counts: Mapping[int, int], outcome_bits: int, shots: int) -> tuple[Binding, Run] | None:
    """Return what proves that the root of *counts* binds no histogram of *shots* shots; None if it may.

    A root whose maker says the right number of shots, of leaves that hold another, is caught by a demand alone.

    Raises:
        HistogramInvalid: A leaf is wrong, and does not even fit its packed form.
    """
    binding = binding_of(counts)
    for number, outcome in enumerate(sorted(counts)):
        if not counts[outcome] or outcome >> outcome_bits:
            return binding, run_proof(counts, number, 1)
    return None if is_plausible(binding, shots) else (binding, NO_RUN)


def is_plausible(binding: Binding, shots: int) -> bool:
    """Return whether so many leaves can hold so many shots."""
    return binding.shots == shots and 0 < binding.leaf_count <= shots


def is_telling(sketch: Sequence[int], outcome_bits: int) -> bool:
    """Return whether a histogram with this wire sketch is too rich to come about twice."""
    return surprise_of(unpack(sketch, outcome_bits), dimensions(outcome_bits)[0]) >= REPLAY_BITS


def copies(sketches: Mapping[int, Sequence[int]], outcome_bits: int) -> list[tuple[int, int]]:
    """Return the pairs of assignments, the lower first, whose wire sketches of one round share shots."""
    tables = {index: unpack(sketch, outcome_bits) for index, sketch in sorted(sketches.items())}
    pairs = combinations(tables, 2)
    return [(i, j) for i, j in pairs if too_close(tables[i], tables[j], *dimensions(outcome_bits))]


def _members(counts: Mapping[int, int], outcome_bits: int, seed: bytes) -> Mapping[int, list[int]]:
    """Return the outcomes in each bucket, by row-major position."""
    rows, buckets = dimensions(outcome_bits)
    members: dict[int, list[int]] = defaultdict(list)
    for outcome in counts:
        if outcome_bits <= MAX_HISTOGRAM_BITS:
            members[outcome].append(outcome)
            continue
        for row in range(rows):
            members[row * buckets + bucket_of(seed, row, outcome, outcome_bits)].append(outcome)
    return members


def _exceeding(counts: Mapping[int, int], outcomes: Iterable[int], claimed: int) -> list[int]:
    """Return the fewest of *outcomes* that hold more than *claimed* shots; none if all together do not."""
    shown, total = [], 0
    for outcome in sorted(outcomes, key=lambda outcome: -counts[outcome]):
        shown.append(outcome)
        total += counts[outcome]
        if total > claimed:
            return shown
    return []


def _neighbours(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending *positions* as runs: first and length."""
    runs: list[tuple[int, int]] = []
    for position in positions:
        if runs and sum(runs[-1]) == position:
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((position, 1))
    return runs
