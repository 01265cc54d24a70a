"""The suite's state, rebuilt from its events alone."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.model.decision import Decision
from qcrs.rules.bundle import MAX_BUNDLE
from qcrs.rules.replay.bodies import Bodies
from qcrs.rules.replay.bonds import Bond
from qcrs.rules.replay.challenges import Demand
from qcrs.rules.replay.channel_books import DEPOSIT_BOUNTIES, Channels
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.consortium import Consortium
from qcrs.rules.replay.deliveries import Delivery
from qcrs.rules.replay.disputes import Dispute
from qcrs.rules.replay.gold_rounds import GoldRounds
from qcrs.rules.replay.inspections import Inspections
from qcrs.rules.replay.keys import Keys
from qcrs.rules.replay.money import Book
from qcrs.rules.replay.pause import Pause
from qcrs.rules.replay.queues import Queues
from qcrs.rules.replay.registry import Registry
from qcrs.rules.replay.reservations import Reservations
from qcrs.rules.replay.sessions import Sessions
from qcrs.rules.replay.trail import Trail
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript


@dataclass(frozen=True)
class Constants:
    """What was fixed when the suite was deployed, and no event says.

    Attributes:
        contracts: Address of each contract by name. keeper_bounty: Wei.
        heartbeat_seconds: Longest time between heartbeats. genesis_entropy: First value of the beacon.
    """

    chain_id: int
    contracts: Mapping[str, str]
    keeper_bounty: int
    heartbeat_seconds: int
    genesis_entropy: bytes


class Suite:
    """Twin of the contracts' storage.

    Attributes:
        bonds: By processor. queues: Who waits for a first draw. beacon: Entropy of the next draw.
        deliveries: By kind, ``result`` or ``outcomes``, and computation.
        commits: The last ones, by block, computation and assignment. bundles: Roots by processor and lane.
    """

    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.trail = Trail()
        self.consortium = Consortium()
        self.registry = Registry(constants.heartbeat_seconds)
        self.book = Book()
        self.bonds: defaultdict[int, Bond] = defaultdict(Bond)
        self.gold_rounds = GoldRounds()
        self.challenges: dict[int, Demand] = {}
        self.disputes: dict[int, Dispute] = {}
        self.deliveries: defaultdict[tuple[str, int], Delivery] = defaultdict(Delivery)
        self.queues = Queues()
        self.bodies = Bodies()
        self.pause = Pause()
        self.reservations = Reservations()
        self.certifications = Inspections()
        self.channels = Channels(DEPOSIT_BOUNTIES * constants.keeper_bounty)
        self.sessions = Sessions()
        self.keys = Keys()
        self.computations: dict[int, Computation] = {}
        self.commits: deque[tuple[int, Computation, int]] = deque(maxlen=MAX_BUNDLE)
        self.bundles: dict[tuple[int, int], bytes] = {}
        self.beacon = constants.genesis_entropy

    def computation(self, log: Transcript, id_: int) -> Computation:
        """Return a computation, which the running call is about."""
        log.subject = id_
        if id_ not in self.computations:
            raise Contradiction(Rule.Sequence, f"computation {id_}", "submitted", "unknown")
        return self.computations[id_]

    def record(self, log: Transcript, contract: str, decision: Decision, subject: int, facts: Sequence[Any]) -> None:
        """Hold the next event to be the audit entry by which *contract* records *facts*."""
        recorder = self.constants.contracts[contract].lower()
        self.trail.record(log, recorder, decision, subject, facts)
