"""Answers that may be false, and whoever says so.

``Accused`` is a ``Job`` whose processors may bind one histogram and sketch another.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcrs.model.challenge import ChallengeStatus
from qcrs.model.decision import Decision
from qcrs.rules import evidence
from qcrs.rules.audit_trail import leaf_of, prove
from qcrs.rules.histogram import Binding, binding_of
from tests.evm import Receipt
from tests.job import MINIMUM_SHOTS, Counts, Job

if TYPE_CHECKING:
    from tests.scenario import World

BITS = 12
OUTCOMES = 200


def measured(run: int, bits: int = BITS, shots: int = MINIMUM_SHOTS, outcomes: int = OUTCOMES) -> Counts:
    """Return what an independent run measures of one distribution with a peak and many small outcomes."""
    weights = random.Random(bits)
    support = weights.sample(range(1 << bits), min(outcomes, 1 << bits))
    law = [weights.expovariate(1) for _ in support]
    law[0] = 0.4 * sum(law)
    return dict(Counter(random.Random(f"run {run}").choices(support, law, k=shots)))


def shifted(counts: Counts, by: int = 1, bits: int = BITS) -> Counts:
    """Return *counts* with each outcome *by* further on."""
    return {(outcome + by) % (1 << bits): count for outcome, count in counts.items()}


def single_shots(shots: int = 65_535, bits: int = 20) -> Counts:
    """Return as many outcomes as there can be, each seen once."""
    return dict.fromkeys(random.Random(0).sample(range(1 << bits), shots), 1)


@dataclass
class Accused(Job):
    """A computation whose answers are challenged.

    Attributes:
        bound: Histograms under the roots of assignments that bind another than they sketch.
        totals: Shots that roots say they bind, where they lie about it.
    """

    bound: dict[int, Counts] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)

    @classmethod
    def submit(cls, world: "World", **changes: Any) -> "Accused":
        """Submit a computation with wide outcomes, unless *changes* say otherwise."""
        job = world.submit(**{"outcome_bits": BITS, "qubits": BITS, **changes})
        return cls(world, job.id, job.request)

    def settled(
        self,
        answers: dict[int, Counts] | None = None,
        bound: dict[int, Counts] | None = None,
        totals: dict[int, int] | None = None,
    ) -> "Accused":
        """Go on to the verdict: all measure alike unless *answers* say otherwise; see the attributes."""
        self.bound, self.totals = bound or {}, totals or {}
        self.allocate()
        bits, shots = self.request.outcome_bits, self.request.shots
        answers = answers or {}
        own = {i: measured(100 * self.id + i, bits, shots) for i in range(self.record.tried) if i not in answers}
        self.commit_all(own | answers).disclose().reveal_all().settle()
        return self

    def root(self, index: int) -> bytes:
        """Return the counts root of assignment *index*."""
        return self.binding(index).root

    def binding(self, index: int) -> Binding:
        """Return what the root of assignment *index* binds."""
        binding = binding_of(self.bound.get(index, self.counts[index]))
        return binding._replace(shots=self.totals.get(index, binding.shots))

    @property
    def seed(self) -> bytes:
        """The seed of the sketches."""
        return self.world.records.seedOf(self.id)

    def revealed(self, index: int) -> evidence.Revealed:
        """Return what assignment *index* revealed."""
        return evidence.Revealed(self.root(index), self.salt(index), self.sketch(index))

    def steps(self, index: int, **options: int) -> list[evidence.Step]:
        """Return the answer of assignment *index* to a demand: the histogram that it has bound."""
        digest = evidence.sketch_digest(self.sketch(index))
        bound = self.bound.get(index, self.counts[index])
        binding = self.binding(index)
        return [
            step._replace(progress=step.progress._replace(counts_root=binding.root), binding=binding)
            for step in evidence.answer_steps(bound, digest, self.request.outcome_bits, self.seed, **options)
        ]

    def demand(self, index: int, challenger: str | None = None) -> int:
        """Demand the histogram of assignment *index*; returns the challenge."""
        world = self.world
        return world.challenges.demand(
            self.id,
            index,
            self.revealed(index),
            sender=challenger or world.stranger,
            value=world.policy["slash"],
        ).result

    def answer(self, challenge: int, index: int, **options: int) -> Receipt:
        """Show all that assignment *index* has bound, as its daemon does; returns the last receipt."""
        for step in self.steps(index, **options):
            receipt = self.world.challenges.answer(challenge, *step, sender=self.node(index).daemon)
            if self.challenge_status(challenge) is not ChallengeStatus.Open:
                break
        return receipt

    def challenge_status(self, challenge: int) -> ChallengeStatus:
        """Return where a demand stands."""
        return ChallengeStatus(self.world.challenges.challengeOf(challenge)["status"])

    def cases(self, index: int) -> int:
        """Return how many cases hold the bond behind assignment *index*."""
        return self.world.bonds.unbondingOf(self.node(index).id)[1]

    def proof(self, index: int) -> evidence.ForgedSketch:
        """Return the proof that the sketch of assignment *index* is forged."""
        bits = self.request.outcome_bits
        return evidence.forged_sketch(self.bound[index], self.sketch(index), bits, self.seed)

    def prove_forged(self, index: int) -> Receipt:
        """Prove that the sketch of assignment *index* is forged."""
        revealed, proof = self.revealed(index), self.proof(index)
        return self.world.challenges.proveForgedSketch(self.id, index, revealed, *proof, sender=self.world.stranger)


def precedence(world: "World", other: int, job: Job, index: int) -> evidence.Precedence:
    """Return the entries of the trail which show that computation *other* was settled before *index* was drawn."""
    entries = [event.arguments for event in world.chain.log if event.name == "EntryAppended"]
    leaves = [leaf_of(e["index"], Decision(e["decision"]), e["subject"], e["recorder"], e["digest"]) for e in entries]
    settlement = _entry(entries, Decision.ComputationSettled, other)
    allocation = _entry(entries, Decision.ComputationAllocated, job.id)
    drawn = next(
        event.arguments
        for event in reversed(world.chain.log)
        if event.name == "ComputationAllocated" and event.arguments["computation"] == job.id
    )
    assert drawn["firstIndex"] <= index
    return evidence.Precedence(
        settlement,
        entries[settlement]["digest"],
        prove(leaves, settlement),
        allocation,
        drawn["attempt"],
        drawn["firstIndex"],
        drawn["processors"],
        drawn["seed"],
        prove(leaves, allocation),
    )


def _entry(entries: list[dict[str, Any]], decision: Decision, subject: int) -> int:
    return max(e["index"] for e in entries if (e["decision"], e["subject"]) == (decision, subject))
