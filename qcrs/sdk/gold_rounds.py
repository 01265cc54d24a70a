"""Closing a computation's gold rounds: what its requester sends once all have revealed.

Who has no failure to prove acquits everyone in one transaction. Otherwise the list is opened, for every replica beyond
tolerance just enough failing rounds are proven, and the accusations are staked. Every step may be repeated: what a
crash or a slow node left behind is found on chain and passed over.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import Allocator
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Story
from qcrs.rules.commitment import sketch_digest
from qcrs.sdk.gold import Document, failures, opening_arguments, proof_arguments, reveal_arguments
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


async def close(gateway: Gateway, account: LocalAccount, store: Store, story: Story, document: Document) -> list[int]:
    """Close the gold rounds of *story* and return the accused assignments.

    Raises:
        ContractRefused: It is too soon, too late, or not ours to do.
        ContentUnavailable: The store would not keep the public document.
    """
    replicas: dict[int, dict[int, int]] = {}
    for duty in story.with_status(AssignmentStatus.Revealed):
        try:
            replicas[duty.index] = await asyncio.to_thread(replica_counts, story, duty, store)
        except HistogramUnavailable as error:
            # Nothing can be proven against it here; whoever wants the histogram may demand it in a challenge.
            log.warning("computation=%s not scored: %s", story.computation, error)
    digest = await asyncio.to_thread(store.put, document.public())
    policy = await Allocator(gateway).policy()
    todo = await asyncio.to_thread(calls, document, story, replicas, digest, policy.slash)
    for call in todo:
        await _send(gateway, account, call)
    return [index for index, counts in sorted(replicas.items()) if failures(document, counts)]


async def _send(gateway: Gateway, account: LocalAccount, call: Call) -> None:
    """Send *call*, unless an earlier run, ended before it was through, already did."""
    try:
        await gateway.send(account, "GoldRounds", call.function, *call.arguments, value=call.value)
    except ContractRefused as error:
        done = {"open": "GoldListNotOpen", "acquit": "GoldListNotOpen", "score": "RoundAlreadyScored"}
        # An opened list that is closed, or was never opened, is no leftover of ours.
        if error.name != done.get(call.function) or error.arguments.get("closed", False):
            raise
        if call.function == "acquit":
            await gateway.send(account, "GoldRounds", "close", call.arguments[0])
