"""Closing a computation's gold rounds: what its requester sends once all have revealed.

Who has no failure to prove acquits everyone in one transaction. Otherwise the list is opened, for every replica beyond
tolerance just enough failing rounds are proven, and the accusations are staked. Which transactions those are
follows from the document and the revealed histograms; which of them are left, from the chain's events.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.contracts import Allocator
from qcrs.chain.gateway import Gateway
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Story
from qcrs.rules.commitment import sketch_digest
from qcrs.sdk.gold import Document, Documents, failures, opening_arguments, proof_arguments, reveal_arguments
from qcrs.sdk.result import HistogramUnavailable, replica_counts
from qcrs.store import Store

log = logging.getLogger(__name__)

STAKE_SLASHES = 2  # GoldRounds.close: what an accusation stakes, in slashes


@dataclass(frozen=True)
class Call:
    """One transaction to ``GoldRounds``."""

    function: str
    arguments: tuple[Any, ...]
    value: int = 0


def calls(
    document: Document, story: Story, replicas: Mapping[int, Mapping[int, int]], digest: bytes, slash: int
) -> list[Call]:
    """Return the transactions that close the gold rounds of *story*, in order.

    Args:
        replicas: Histogram of each replica that can be scored, by assignment index. digest: Of the public document.
        slash: Of the policy, wei.
    """
    opening = opening_arguments(document)
    failed = {index: failures(document, counts) for index, counts in sorted(replicas.items())}
    accused = [index for index, rounds in failed.items() if rounds]
    if not accused:
        return [Call("acquit", (story.computation, opening, digest))]
    sent = [Call("open", (story.computation, opening, digest))]
    for index in accused:
        duty = story.duties[index]
        reveal = reveal_arguments(duty.counts_root, duty.salt, sketch_digest(duty.sketch))
        sent += [
            Call("score", (story.computation, index, opening, reveal, proof))
            for proof in proof_arguments(document, replicas[index], failed[index])
        ]
    return [*sent, Call("close", (story.computation,), STAKE_SLASHES * slash * len(accused))]


def may_close(story: Story, now: float) -> bool:
    """Return whether the gold list of *story* may be opened: all have revealed, or who has not is late."""
    revealed = len(story.with_status(AssignmentStatus.Revealed))
    return (
        story.request.gold
        and not story.withheld
        and story.seed is not None
        and revealed > 0
        and (revealed == len(story.on_duty()) or now > story.phase_ends_at)
    )


class Accuser:
    """The requester's part in its gold rounds, one transaction at a time.

    Args:
        documents: Where its gold documents are kept.
        disclose: Lets everybody read the circuit of a story, without which nobody could judge an accusation.
    """

    def __init__(
        self, gateway: Gateway, store: Store, documents: Documents, disclose: Callable[[Story], None] = lambda _: None
    ) -> None:
        self._gateway, self._store, self._documents, self._disclose = gateway, store, documents, disclose
        self._calls: dict[tuple[int, int], list[Call]] = {}

    async def next_call(self, story: Story) -> Call | None:
        """Return the next transaction on the gold rounds of *story*; None when there is none, yet or any more.

        Raises:
            GoldDocumentDamaged: The list is ours and cannot be read. ContentUnavailable: The store would not keep it.
        """
        if story.gold_closed or not may_close(story, self._gateway.now):
            return None
        key = story.computation, len(story.with_status(AssignmentStatus.Revealed))
        if key not in self._calls:
            slash = (await Allocator(self._gateway).policy()).slash
            self._calls[key] = await asyncio.to_thread(self._prepare, story, slash)
        return next_of(self._calls[key], story)

    def _prepare(self, story: Story, slash: int) -> list[Call]:
        document = self._documents.of(story.request.secret_commitment)
        if document is None:
            return []
        replicas: dict[int, dict[int, int]] = {}
        for duty in story.with_status(AssignmentStatus.Revealed):
            try:
                replicas[duty.index] = replica_counts(story, duty, self._store)
            except HistogramUnavailable as error:
                # Nothing can be proven against it here; whoever wants the histogram may demand it in a challenge.
                log.warning("computation=%s not scored: %s", story.computation, error)
        prepared = calls(document, story, replicas, self._store.put(document.public()), slash)
        if prepared[0].function == "open":
            self._disclose(story)
        return prepared


def next_of(prepared: Sequence[Call], story: Story) -> Call | None:
    """Return the first of *prepared* that *story* does not tell of: what a crash left half done goes on from there."""
    for call in prepared:
        if call.function == "acquit" and story.gold_opened:
            return Call("close", (story.computation,))
        if call.function == "open" and story.gold_opened:
            continue
        if call.function == "score" and (call.arguments[1], call.arguments[4][0]) in story.gold_scored:
            continue
        return call
    return None
