"""A computation of sixteen rounds, some of whose answers its requester knows.

Each round is a circuit of six qubits with four possible outcomes, measured without noise unless a test says otherwise.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qcrs.rules import commitment, gold, histogram
from qcrs.rules.digest import keccak
from qcrs.rules.gold import Answer, Opening, RoundKind
from tests.evm import Receipt
from tests.job import MINIMUM_SHOTS, Counts, Job

if TYPE_CHECKING:
    from tests.scenario import World

ROUNDS = 16
WIDTH = 6
SHOTS = MINIMUM_SHOTS // ROUNDS
OUTCOME_BITS = WIDTH + gold.round_bits(ROUNDS)
GOLD = (1, 4, 6, 9, 12)
TRAPS = (2, 7, 15)
TARGETS = tuple(r for r in range(ROUNDS) if r not in GOLD + TRAPS)
GOLD_TOLERANCE = 1
TRAP_TOLERANCE = 0
DOCUMENT = keccak(b"gold document")
SHARES = (4, 2, 1, 1)  # in eighths, of a round's shots
NO_ANSWER = (b"", 0, 0)


def kind_of(round_: int) -> RoundKind:
    """Return what a round is for."""
    return RoundKind.Gold if round_ in GOLD else RoundKind.Trap if round_ in TRAPS else RoundKind.Target


def outcomes_of(round_: int) -> list[int]:
    """Return the round's four possible outcomes, likeliest first."""
    return [(5 * round_ + 16 * k) % (1 << WIDTH) for k in range(4)]


def answer_of(round_: int) -> Answer:
    """Return the true answer of a gold round or trap."""
    is_gold = kind_of(round_) is RoundKind.Gold
    weights = SHARES if is_gold else (1, 1, 1, 1)
    ideal = sum(share * weight for share, weight in zip(SHARES, weights, strict=True))
    entries = tuple(sorted(zip(outcomes_of(round_), weights, strict=True)))
    unit = gold.EXPECTATION_UNIT
    return Answer(entries, unit * ideal // 8, unit * sum(weights) >> WIDTH)


def honest(index: int) -> dict[int, int]:
    """Return what honest replica *index* measures: like the others, never equal."""
    counts = {}
    for round_ in range(ROUNDS):
        shares = [SHOTS * share // 8 for share in SHARES]
        shares[0] -= index
        shares[1] += index
        counts |= {round_ << WIDTH | x: n for x, n in zip(outcomes_of(round_), shares, strict=True)}
    return counts


def lying(index: int, *rounds: int) -> dict[int, int]:
    """Return honest counts, but wrong ones in *rounds*: the same lie from everyone who tells it."""
    counts = {x: n for x, n in honest(index).items() if x >> WIDTH not in rounds}
    for round_ in rounds:
        x = (outcomes_of(round_)[0] + 1) % (1 << WIDTH)
        counts |= {round_ << WIDTH | x: SHOTS - 9 - index, round_ << WIDTH | x ^ 4: 9 + index}
    return counts


class Sweep(Job):
    """A job with gold rounds, opened, scored and closed as a client does."""

    def __init__(
        self,
        world: "World",
        answers: dict[int, Answer] | None = None,
        *,
        requester: str | None = None,
        opening: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        self.answers = {r: answer_of(r) for r in GOLD + TRAPS} | (answers or {})
        self.leaves = [
            gold.leaf_of(r, kind_of(r), self.answers[r].digest if r in self.answers else gold.NO_ANSWER)
            for r in range(ROUNDS)
        ]
        self.opening = replace(
            Opening(gold.gold_root(self.leaves), ROUNDS, GOLD_TOLERANCE, TRAP_TOLERANCE, keccak(b"blind")),
            **(opening or {}),
        )
        self.secrets = commitment.secret_chain(self.opening.last_secret, 3)
        self._submit(world, requester, changes)

    @classmethod
    def bound_to(cls, world: "World", opening: Opening, **changes: Any) -> "Sweep":
        """Return a sweep that binds *opening* as it is."""
        sweep = cls.__new__(cls)
        sweep.answers, sweep.leaves = {}, []
        sweep.opening, sweep.secrets = opening, commitment.secret_chain(opening.last_secret, 3)
        sweep._submit(world, None, changes)
        return sweep

    def _submit(self, world: "World", requester: str | None, changes: dict[str, Any]) -> None:
        fields = {
            "gold": True,
            "outcome_bits": OUTCOME_BITS,
            "secret_commitment": commitment.of_secret(self.secrets[0]),
        }
        job = world.submit(requester, **fields | changes)
        Job.__init__(self, world, job.id, job.request)

    def commit(self, index: int, counts: Counts | None = None) -> Receipt:
        """Let assignment *index* commit to *counts*, an honest answer unless told otherwise."""
        return super().commit(index, counts or honest(index))

    def to_revealed(self, answers: dict[int, Counts] | None = None) -> "Sweep":
        """Bring a queued computation to where all have revealed."""
        self.to_revealing(answers).reveal_all()
        return self

    @property
    def words(self) -> tuple[Any, ...]:
        """The opening as the contract takes it."""
        o = self.opening
        return o.gold_root, o.rounds, o.gold_tolerance, o.trap_tolerance, o.blind

    def open(self, **changes: Any) -> Receipt:
        """Let the requester open the gold list, with *changes* to what it bound."""
        words = dict(zip(("gold_root", "rounds", "gold_tolerance", "trap_tolerance", "blind"), self.words, strict=True))
        sender = changes.pop("sender", self.request_account)
        values = tuple((words | changes).values())
        return self.world.gold_rounds.open(self.id, values, DOCUMENT, sender=sender)

    def acquit(self) -> Receipt:
        """Let the requester open and close at once."""
        return self.world.gold_rounds.acquit(self.id, self.words, DOCUMENT, sender=self.request_account)

    def shown(self, index: int) -> tuple[bytes, bytes, bytes]:
        """Return what assignment *index* revealed, as the contract takes it."""
        return self.root(index), self.salt(index), commitment.sketch_digest(self.sketch(index))

    def proof(self, index: int, round_: int, **changes: Any) -> tuple[Any, ...]:
        """Return the proof of one round of assignment *index*, with *changes*."""
        counts = self.counts[index]
        run = histogram.run_proof(counts, *gold.covering_run(counts, round_, WIDTH))
        answer = self.answers.get(round_)
        fields = {
            "round": round_,
            "kind": kind_of(round_),
            "answer": (answer.packed, answer.ideal, answer.uniform) if answer else NO_ANSWER,
            "gold_proof": gold.gold_proof(self.leaves, round_),
            "binding": histogram.binding_of(counts),
            "first": run.first,
            "leaves": run.leaves,
            "siblings": run.siblings,
        }
        return tuple((fields | changes).values())

    def score(self, index: int, round_: int, sender: str | None = None, **changes: Any) -> Receipt:
        """Let the requester score one round of assignment *index*, with *changes* to the proof."""
        proof = self.proof(index, round_, **changes)
        return self.world.gold_rounds.score(
            self.id, index, self.words, self.shown(index), proof, sender=sender or self.request_account
        )

    def stake_on(self, seats: int) -> int:
        """Return the wei that accusing *seats* assignments takes."""
        return 2 * self.world.policy["slash"] * seats

    def close(self, value: int = 0) -> Receipt:
        """Let the requester close, staking *value* wei."""
        return self.world.gold_rounds.close(self.id, sender=self.request_account, value=value)

    def accuse(self, index: int, *rounds: int) -> "Sweep":
        """Score *rounds* of assignment *index*."""
        for round_ in rounds:
            self.score(index, round_)
        return self

    @property
    def finding(self) -> tuple[bool, int, int, int]:
        """What a settlement would be told."""
        return self.world.gold_rounds.findingOf(self.id)
