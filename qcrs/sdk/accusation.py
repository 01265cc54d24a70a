"""What a requester does about its gold rounds once all have revealed: acquit, or prove failures and accuse.

Each call is the next step of a computation as the chain tells it, so that a client killed between two of them goes on
where it was. The scores themselves are recomputed; they follow from the document and the revealed histograms.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcrs.chain.contracts import Allocator
from qcrs.chain.gateway import Gateway
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Story
from qcrs.rules.agreement import quorum_of
from qcrs.rules.commitment import sketch_digest
from qcrs.rules.digest import keccak
from qcrs.sdk.gold import (
    Document,
    Documents,
    failures,
    fidelity,
    opening_arguments,
    proof_arguments,
    reveal_arguments,
)
from qcrs.sdk.result import HistogramUnavailable, replica_counts
from qcrs.store import Store

log = logging.getLogger(__name__)

CONTRACT = "GoldRounds"
SLASHES_STAKED = 2  # on each accusation: half of it makes good the slash, if the accusation is found false


@dataclass(frozen=True)
class Call:
    """A transaction to send: *value* is the wei that go with it."""

    function: str
    arguments: tuple[Any, ...]
    value: int = 0


@dataclass
class Finding:
    """How the replicas did on one computation's gold rounds.

    Attributes:
        failed: Rounds to prove, by assignment index; nothing for those within tolerance.
        fidelity: Mean over the golds, in 1e-4, by assignment index.
        unscored: Assignments whose histogram is not to be had: it can be demanded after the verdict.
    """

    document: Document
    counts: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    failed: Mapping[int, Sequence[int]] = field(default_factory=dict)
    fidelity: Mapping[int, int | None] = field(default_factory=dict)
    unscored: Sequence[int] = ()


class Accuser:
    """Acts for one requester.

    Args:
        documents: Where its gold documents are kept.
    """

    def __init__(self, gateway: Gateway, store: Store, documents: Documents) -> None:
        self._gateway, self._store, self._documents = gateway, store, documents
        self._findings: dict[tuple[int, int], Finding | None] = {}

    async def finding(self, story: Story) -> Finding | None:
        """Return how the replicas did, once all that will reveal have; None when it is too early or not our list.

        Raises:
            GoldDocumentDamaged: The list is ours and cannot be read.
        """
        revealed = len(story.with_status(AssignmentStatus.Revealed))
        late = self._gateway.now > story.phase_ends_at and revealed >= quorum_of(story.replicas)
        if story.withheld or story.seed is None or not (revealed == len(story.on_duty()) or late):
            return None
        key = (story.computation, revealed)
        if key not in self._findings:
            self._findings[key] = await asyncio.to_thread(self._find, story)
        return self._findings[key]

    async def next_call(self, story: Story) -> Call | None:
        """Return the requester's next step on the gold rounds of *story*; None when there is none."""
        if story.gold_closed:
            return None
        finding = await self.finding(story)
        if finding is None:
            return None
        opening = opening_arguments(finding.document)
        if not story.gold_opened:
            public = finding.document.public()
            await asyncio.to_thread(self._store.put, public)
            return Call("open" if finding.failed else "acquit", (story.computation, opening, keccak(public)))
        for index, rounds in finding.failed.items():
            for number in rounds:
                if (index, number) not in story.gold_scored:
                    return await asyncio.to_thread(self._proof, story, finding, opening, index, number)
        slash = (await Allocator(self._gateway).policy()).slash
        return Call("close", (story.computation,), SLASHES_STAKED * slash * len(finding.failed))

    def _find(self, story: Story) -> Finding | None:
        document = self._documents.of(story.request.secret_commitment)
        if document is None:
            return None
        counts, unscored = {}, []
        for duty in story.with_status(AssignmentStatus.Revealed):
            try:
                counts[duty.index] = replica_counts(story, duty, self._store)
            except HistogramUnavailable as error:
                log.warning("computation=%s not scored: %s", story.computation, error)
                unscored.append(duty.index)
        failed = {index: failures(document, c) for index, c in counts.items()}
        return Finding(
            document,
            counts,
            {index: rounds for index, rounds in failed.items() if rounds},
            {index: fidelity(document, c) for index, c in counts.items()},
            unscored,
        )

    def _proof(self, story: Story, finding: Finding, opening: tuple[Any, ...], index: int, number: int) -> Call:
        duty = story.duties[index]
        reveal = reveal_arguments(duty.counts_root, duty.salt, sketch_digest(duty.sketch))
        (proof,) = proof_arguments(finding.document, finding.counts[index], [number])
        return Call("score", (story.computation, index, opening, reveal, proof))
