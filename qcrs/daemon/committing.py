"""Posting the commits of a keyed daemon: one by itself, several as a bundle under one signature."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from qcrs.chain.codec import ContractRefused
from qcrs.daemon.bundles import Bound, Bundles
from qcrs.door import Door
from qcrs.gathering import Gathering
from qcrs.model.story import Story
from qcrs.rules.bundle import MAX_BUNDLE, leaf_of


class Commit(NamedTuple):
    """What an assignment is to be bound to, in round *attempt*."""

    computation: int
    index: int
    attempt: int
    commitment: bytes

    @property
    def bound(self) -> Bound:
        """What a bundle has of it."""
        return Bound(self.computation, self.index, leaf_of(*self))


class Committer:
    """Posts one daemon's commits: those that come while a transaction is under way go together in the next.

    Args:
        bundles: Told of all that is posted here. stories: Computations that have not ended, always up to date.
    """

    def __init__(self, door: Door, bundles: Bundles, stories: Mapping[int, Story]) -> None:
        self._door, self._bundles, self._stories = door, bundles, stories
        self._gathering: Gathering[Commit, None] = Gathering(self._post, MAX_BUNDLE, asyncio.Lock())

    async def post(self, commit: Commit) -> None:
        """Have *commit* on the chain, alone or with others.

        Raises:
            ContractRefused: It was not taken. GivenUp, TransactionRefused, TransactionLost: As the door; it can be
                posted again.
        """
        await self._gathering.join(commit)

    async def _post(self, commits: list[Commit]) -> list[Exception | None]:
        lane = self._bundles.free_lane(self._stories) if len(commits) > 1 else None
        if lane is None:
            return await asyncio.gather(*map(self._single, commits), return_exceptions=True)
        return await self._bundle(commits, *lane)

    async def _single(self, commit: Commit) -> None:
        await self._door.send("ResultVerifier", "commit", commit.computation, commit.index, commit.commitment)

    async def _bundle(self, commits: list[Commit], lane: int, before: bytes) -> list[Exception | None]:
        """Post *commits* into *lane*, whose root is *before*."""
        given = [(commit.computation, commit.index, commit.commitment) for commit in commits]
        receipt = await self._door.send("ResultVerifier", "commitBundle", self._bundles.processor, lane, before, given)
        told = {(event["computation"], event["index"]) for event in receipt.events if event.name == "ResultCommitted"}
        taken = [commit for commit in commits if commit[:2] in told]
        self._bundles.learn(lane, [commit.bound for commit in taken])
        return [None if c in taken else ContractRefused("CommitPassedOver", c._asdict()) for c in commits]
