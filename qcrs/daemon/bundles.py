"""Bundles: several commits of one processor in one word of the chain, and what opens each of them again.

Together they cost one storage slot, and one signature by a hash key covers them; each gets a slot of its own when it is
revealed, by a proof. Which commits a bundle has is read from events alone, so that a daemon killed at any line finds
them again.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Story
from qcrs.rules.bundle import MAX_BUNDLE, leaf_of, proof_of, root_of

# Of the contract's 256: few, so that each soon holds a root, over which the next is written for a fourth of the gas.
LANES = 16


class Bound(NamedTuple):
    """One commit of a bundle: an assignment, and the leaf that binds it."""

    computation: int
    index: int
    leaf: bytes


@dataclass(frozen=True)
class Opening:
    """What shows that a bundle binds an assignment.

    Attributes:
        proof: The siblings from its leaf up to the root.
    """

    lane: int
    proof: list[bytes]


class Bundles:
    """The bundles that bind one processor, told by events in chain order.

    Attributes:
        processor: Whose they are; 0 before ``begin``.
    """

    def __init__(self) -> None:
        self.processor = 0
        self._recent: deque[Bound] = deque(maxlen=MAX_BUNDLE)
        self._lanes: list[tuple[bytes, list[Bound]]] = []

    def begin(self, processor: int, roots: Iterable[bytes]) -> None:
        """Start with the *roots* in the lanes of *processor*, as they were before the first event that will be taken.

        What they bind and no event tells of has ended.
        """
        self.processor, self._lanes = processor, [(root, []) for root in roots]

    def take(self, name: str, arguments: Mapping[str, Any], story: Story | None) -> None:
        """Take in an event; *story* is that of its computation, if it is known."""
        if arguments.get("processor") != self.processor:
            return
        if name == "ResultCommitted" and story is not None:
            computation, index = arguments["computation"], arguments["index"]
            leaf = leaf_of(computation, index, story.attempt, arguments["commitment"])
            self._recent.append(Bound(computation, index, leaf))
        elif name == "CommitsBundled" and arguments["lane"] < len(self._lanes):
            # Of computations that ended before the first event that was read, the commits are not known, nor needed.
            bound = list(self._recent)[-arguments["commits"] :]
            known = root_of([commit.leaf for commit in bound]) == arguments["root"]
            self._lanes[arguments["lane"]] = (arguments["root"], bound if known else [])

    def opening(self, computation: int, index: int, leaf: bytes) -> Opening | None:
        """Return what shows that a bundle binds the assignment by *leaf*; None when none does."""
        sought = Bound(computation, index, leaf)
        for lane, (_, bound) in enumerate(self._lanes):
            if sought in bound:
                return Opening(lane, proof_of([commit.leaf for commit in bound], bound.index(sought)))
        return None

    def free_lane(self, stories: Mapping[int, Story]) -> tuple[int, bytes] | None:
        """Return a lane whose bundle, of which none has yet to be revealed, may give way, and that one's root.

        None when there is no such lane.

        Args:
            stories: Computations that have not ended.
        """
        for lane, (root, bound) in enumerate(self._lanes):
            if not any(_is_awaited(stories.get(commit.computation), commit.index) for commit in bound):
                return lane, root
        return None

    def learn(self, lane: int, commits: Iterable[Bound]) -> None:
        """Take note of a bundle that was just posted, before its events come by themselves."""
        bound = list(commits)
        self._lanes[lane] = (root_of([commit.leaf for commit in bound]), bound)


def _is_awaited(story: Story | None, index: int) -> bool:
    # The event of a commit that was just posted may not have come yet.
    awaited = (AssignmentStatus.Assigned, AssignmentStatus.Committed)
    return story is not None and story.duties[index].status in awaited
