"""Gold rounds: known answers hidden among target rounds. Twin of ``GoldList.sol`` and ``GoldScore.sol``.

A gold list says of each round of a sweep what it is: a target, a gold round or a trap. Its root is bound before anyone
is drawn, inside the last secret of the requester's secret chain, and opened after all have revealed. An answer is a
test function on outcomes: sorted entries (outcome, weight) and, in 2^-16 of a weight, the weight that one shot is
expected to have under the exact distribution (*ideal*) and under uniform noise (*uniform*).

With counts c of a round of s shots, the fidelity estimate in 1e-4 is
``1e4 (2^16 sum c_x w_x - s uniform) / (s (ideal - uniform))``; a round passes when it is at least 3000 and the counts
add up to s. For weights proportional to exact probabilities this is the linear cross-entropy benchmark; for weights
of 1 on the possible outcomes of a Clifford trap it is the share of possible outcomes above what noise gives.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from qcrs.errors import QcrsError
from qcrs.rules.commitment import SECRET_BYTES
from qcrs.rules.digest import abi_digest, keccak

GOLD_DOMAIN = keccak(b"QCRS gold rounds")

MAX_ENTRIES = 1_024
MAX_ROUNDS = 65_535
MAX_TOLERANCE = 65_535
MAX_OUTCOME = 2**32 - 1
MAX_WEIGHT = 2**32 - 1
EXPECTATION_UNIT = 2**16  # of ideal and uniform, to a weight
MAX_IDEAL = 2**48 - 1
MIN_CONTRAST = 2**15  # ideal - uniform: what a trap has of which half of all outcomes are possible
PASS_FIDELITY = 3_000  # in 1e-4
FIDELITY_UNIT = 10_000

NO_ANSWER = bytes(32)


class AnswerUnsound(QcrsError):
    """An answer's entries are not sorted, too many or out of range, or it cannot tell the circuit from noise."""


class GoldListUnsound(QcrsError):
    """A gold list has too few or too many rounds, a tolerance is out of range, or a digest has another length."""


class RoundKind(IntEnum):
    """What a round is for."""

    Target = 0
    Gold = 1
    Trap = 2


@dataclass(frozen=True)
class Answer:
    """What a gold round or a trap is scored against.

    Attributes:
        entries: (outcome, weight), by ascending outcome; outcomes count within the round.
        ideal: 2^16 times the expected weight of one shot of the exact distribution, rounded.
        uniform: 2^16 times the expected weight of one shot of uniform noise, rounded.

    Raises:
        AnswerUnsound: There are more than 1,024 entries, they are not strictly ascending, an outcome or a weight is not
            of 32 bits, ideal is 2^48 or more, or exceeds uniform by less than 2^15.
    """

    entries: tuple[tuple[int, int], ...]
    ideal: int
    uniform: int

    def __post_init__(self) -> None:
        pack_answer(self.entries)
        if not 0 <= self.uniform <= self.ideal <= MAX_IDEAL:
            raise AnswerUnsound(
                f"an ideal of {self.ideal}, a uniform of {self.uniform}: expected 0 <= uniform <= ideal <= {MAX_IDEAL}"
            )
        if self.ideal - self.uniform < MIN_CONTRAST:
            raise AnswerUnsound(
                f"ideal exceeds uniform by {self.ideal - self.uniform} 2^-16, expected {MIN_CONTRAST} or more: "
                "weigh outcomes more, or choose a round whose outcomes are less even"
            )

    @property
    def packed(self) -> bytes:
        """The entries as the contract takes them."""
        return pack_answer(self.entries)

    @property
    def digest(self) -> bytes:
        """What the round's leaf binds."""
        return answer_digest(self.entries, self.ideal, self.uniform)


@dataclass(frozen=True)
class Opening:
    """What a requester bound before allocation and opens after the reveal.

    Attributes:
        gold_root: Root over all rounds' leaves.
        rounds: How many rounds there are.
        gold_tolerance: Failed gold rounds that a replica may have.
        trap_tolerance: Failed traps that a replica may have.
        blind: 32 random bytes; whoever knew them could guess gold lists.

    Raises:
        GoldListUnsound: A number or a length is out of range.
    """

    gold_root: bytes
    rounds: int
    gold_tolerance: int
    trap_tolerance: int
    blind: bytes

    def __post_init__(self) -> None:
        if not 2 <= self.rounds <= MAX_ROUNDS:
            raise GoldListUnsound(f"{self.rounds} rounds, expected 2 to {MAX_ROUNDS}")
        for name, tolerance in (("gold", self.gold_tolerance), ("trap", self.trap_tolerance)):
            if not 0 <= tolerance <= MAX_TOLERANCE:
                raise GoldListUnsound(f"a {name} tolerance of {tolerance}, expected 0 to {MAX_TOLERANCE}")
        for name, value in (("root", self.gold_root), ("blind", self.blind)):
            if len(value) != 32:
                raise GoldListUnsound(f"a {name} of {len(value)} bytes, expected 32")

    @property
    def last_secret(self) -> bytes:
        """The last secret of the chain that binds this opening."""
        return last_secret(self.gold_root, self.rounds, self.gold_tolerance, self.trap_tolerance, self.blind)


def pack_answer(entries: Sequence[tuple[int, int]]) -> bytes:
    """Return *entries* with 8 big-endian bytes each: outcome, then weight.

    Raises:
        AnswerUnsound: There are too many, they are not strictly ascending, or a number is not of 32 bits.
    """
    if len(entries) > MAX_ENTRIES:
        raise AnswerUnsound(f"{len(entries)} entries, expected at most {MAX_ENTRIES}")
    last = -1
    for outcome, weight in entries:
        if not last < outcome <= MAX_OUTCOME:
            raise AnswerUnsound(f"outcome {outcome} follows {last}; outcomes ascend up to {MAX_OUTCOME}")
        if not 0 <= weight <= MAX_WEIGHT:
            raise AnswerUnsound(f"outcome {outcome} weighs {weight}, expected 0 to {MAX_WEIGHT}")
        last = outcome
    return b"".join(outcome.to_bytes(4, "big") + weight.to_bytes(4, "big") for outcome, weight in entries)


def unpack_answer(packed: bytes) -> tuple[tuple[int, int], ...]:
    """Return the entries that ``pack_answer`` packed.

    Raises:
        AnswerUnsound: Bytes are left over, or ``pack_answer`` would not have packed it so.
    """
    if len(packed) % 8:
        raise AnswerUnsound(f"{len(packed)} bytes of entries, expected a multiple of 8")
    entries = tuple(
        (int.from_bytes(packed[at : at + 4], "big"), int.from_bytes(packed[at + 4 : at + 8], "big"))
        for at in range(0, len(packed), 8)
    )
    pack_answer(entries)
    return entries


def answer_digest(entries: Sequence[tuple[int, int]], ideal: int, uniform: int) -> bytes:
    """Return the 32 bytes by which a leaf binds an answer.

    Raises:
        AnswerUnsound: The entries cannot be packed.
    """
    return abi_digest(["uint256", "uint256", "bytes32"], [ideal, uniform, keccak(pack_answer(entries))])


def leaf_of(round_: int, kind: RoundKind, digest: bytes = NO_ANSWER) -> bytes:
    """Return the leaf of a round; *digest* is its answer's, or 32 zero bytes for a target."""
    return abi_digest(["uint256", "uint8", "bytes32"], [round_, kind, digest])


def gold_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over *leaves*, one for each round in order; a node without a sibling rises as it is.

    Raises:
        GoldListUnsound: There are no leaves.
    """
    return _levels(leaves)[-1][0]


def gold_proof(leaves: Sequence[bytes], round_: int) -> list[bytes]:
    """Return the siblings of leaf *round_* from the leaves up; levels on which it rises have none.

    Raises:
        GoldListUnsound: There is no such leaf.
    """
    if not 0 <= round_ < len(leaves):
        raise GoldListUnsound(f"no round {round_} among {len(leaves)}")
    proof, at = [], round_
    for level in _levels(leaves)[:-1]:
        if at ^ 1 < len(level):
            proof.append(level[at ^ 1])
        at //= 2
    return proof


def root_from_proof(leaf: bytes, round_: int, rounds: int, proof: Iterable[bytes]) -> bytes | None:
    """Return the root that *proof* leads to from *leaf*.

    None when it has not as many siblings as it must, or there is no such round.
    """
    if not 0 <= round_ < rounds:
        return None
    node, at, width, siblings = leaf, round_, rounds, iter(proof)
    while width > 1:
        if at ^ 1 < width:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            node = _parent(sibling, node) if at & 1 else _parent(node, sibling)
        at, width = at // 2, (width + 1) // 2
    return node if next(siblings, None) is None else None


def last_secret(root: bytes, rounds: int, gold_tolerance: int, trap_tolerance: int, blind: bytes) -> bytes:
    """Return the 24-byte secret, last of the requester's chain, that binds a gold list and how it is judged."""
    return abi_digest(
        ["bytes32", "bytes32", "uint256", "uint256", "uint256", "bytes32"],
        [GOLD_DOMAIN, root, rounds, gold_tolerance, trap_tolerance, blind],
    )[:SECRET_BYTES]


def round_bits(rounds: int) -> int:
    """Return how many leading bits of an outcome tell its round."""
    return (rounds - 1).bit_length()


def counts_of_round(counts: Mapping[int, int], round_: int, width: int) -> dict[int, int]:
    """Return the counts of one round; *width* is how many bits an outcome has within a round."""
    mask = (1 << width) - 1
    return {outcome & mask: count for outcome, count in counts.items() if outcome >> width == round_}


def covering_run(counts: Mapping[int, int], round_: int, width: int) -> tuple[int, int]:
    """Return number and length of the run of leaves that shows one round completely.

    It has the round's outcomes and the outcome before and after them, where there are any.

    Args:
        counts: The whole histogram.
        round_: From 0.
        width: How many bits an outcome has within a round.
    """
    outcomes = sorted(counts)
    first = max(bisect_left(outcomes, round_ << width) - 1, 0)
    end = min(bisect_left(outcomes, round_ + 1 << width) + 1, len(outcomes))
    return first, end - first


def score(counts: Mapping[int, int], shots: int, answer: Answer) -> tuple[bool, int]:
    """Score one round.

    Args:
        counts: Shots by outcome within the round.
        shots: How many a round has.
        answer: What it is scored against.

    Returns:
        Whether the round passes, and its fidelity in 1e-4, rounded towards zero: negative when it does worse than
        noise, above 10,000 by chance. Counts that do not add up to *shots* fail with a fidelity of 0.
    """
    if sum(counts.values()) != shots:
        return False, 0
    weighed = sum(counts.get(outcome, 0) * weight for outcome, weight in answer.entries)
    excess = FIDELITY_UNIT * (EXPECTATION_UNIT * weighed - shots * answer.uniform)
    whole = shots * (answer.ideal - answer.uniform)
    fidelity = abs(excess) // whole
    return excess >= PASS_FIDELITY * whole, fidelity if excess >= 0 else -fidelity


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    if not leaves:
        raise GoldListUnsound("a gold list without rounds")
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        level = levels[-1]
        paired = [_parent(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        levels.append(paired + level[len(level) & ~1 :])
    return levels


def _parent(left: bytes, right: bytes) -> bytes:
    return keccak(b"\x01" + left + right)
