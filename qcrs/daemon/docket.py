"""The docket: verdicts that can still be challenged, and demands that this processor has to answer.

Until a challenge window has passed, and every demand in it is answered, a daemon needs the histogram behind each answer
it gave: the docket says how long. Like stories it is a projection of events, fed in chain order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qcrs.model.computation import VERDICTS
from qcrs.model.story import Story

# Seconds by which events may come late. Forgetting a histogram too early would cost a bond.
MARGIN_SECONDS = 60.0


@dataclass(frozen=True)
class Demand:
    """A demand to show a histogram.

    Attributes:
        next: Number of the leaf that is due. deadline_at: When it is, unix seconds.
    """

    challenge: int
    computation: int
    index: int
    next: int
    deadline_at: int


class Docket:
    """What may still be asked of one processor.

    Attributes:
        stories: Computations with a verdict that can be challenged, or is, by id. demands: Open ones, by challenge.
    """

    def __init__(self) -> None:
        self.stories: dict[int, Story] = {}
        self.demands: dict[int, Demand] = {}

    def keep(self, story: Story, processor: int) -> bool:
        """Keep *story*, which has ended, if *processor* may have to answer for it; say whether."""
        answered = any(duty.processor == processor and duty.counts_root for duty in story.duties)
        if story.status not in VERDICTS or not answered:
            return False
        self.stories[story.computation] = story
        return True

    def apply(self, name: str, arguments: Mapping[str, Any], processor: int) -> bool:
        """Take in one event; say whether it concerns a demand that *processor* can answer."""
        challenge = arguments.get("challenge", 0)
        mine = name == "HistogramDemanded" and arguments["processor"] == processor
        if mine and arguments["computation"] in self.stories:
            self.demands[challenge] = Demand(
                challenge, arguments["computation"], arguments["index"], 0, arguments["deadlineAt"]
            )
            return True
        if challenge not in self.demands:
            return False
        if name == "HistogramOpened":
            self.demands[challenge] = replace(
                self.demands[challenge],
                next=arguments["first"] + len(arguments["leaves"]),
                deadline_at=arguments["deadlineAt"],
            )
        elif name == "ChallengeEnded":
            del self.demands[challenge]
        return True

    def release(self, now: float) -> list[int]:
        """Let go of what nobody can ask for any more at *now*; return the computations."""
        late = now - MARGIN_SECONDS
        self.demands = {id_: demand for id_, demand in self.demands.items() if demand.deadline_at >= late}
        demanded = {demand.computation for demand in self.demands.values()}
        over = [id_ for id_, story in self.stories.items() if story.phase_ends_at < late and id_ not in demanded]
        for id_ in over:
            del self.stories[id_]
        return over
