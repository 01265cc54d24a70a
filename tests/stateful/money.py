"""Where all money should be: accounts, treasury, bonds and what disputes hold, to the wei."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.computation import ESCALATION
from qcrs.model.dispute import DisputeKind
from tests.scenario import World

if TYPE_CHECKING:
    from tests.stateful.docket import Case


@dataclass
class Bond:
    """One processor's bond as it should be."""

    wei: int
    free_at: int = 0
    cases: int = 0


class Escrow:
    """What is locked for one computation, and how it is divided."""

    def __init__(self, wei: int, bounty: int, replicas: int, cap: int) -> None:
        self.wei, self.bounty = wei, bounty
        self.replicas, self.cap = replicas, cap
        self.withheld = False

    @property
    def pay(self) -> int:
        """What one replica earns."""
        bounties = (1 if self.withheld else 2) + (self.cap - self.replicas) // ESCALATION
        return (self.wei - bounties * self.bounty) // self.cap


class Books:
    """Accounts of the allocator, and all bonds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.policy = world.policy
        self.available = Counter({holder: world.available(holder) for holder in world.holders})
        self.locked: Counter[str] = Counter({holder: world.locked(holder) for holder in world.holders})
        self.treasury = world.allocator.treasury()
        self.burned = 0
        self.bonds = {node.id: Bond(world.bonds.bondOf(node.id)) for node in world.nodes}

    def operator(self, processor: int) -> str:
        """Return whose *processor* is."""
        return self.world.node(processor).operator

    # --- escrow ---

    def lock(self, escrow: Escrow) -> None:
        """Coin came with a submission, the bounty of the allocation with it: that is nobody's until then."""
        self.locked[self.world.requester] += escrow.wei

    def pay_allocation(self) -> None:
        """The keeper allocated a computation first."""
        self.available[self.world.keeper] += self.world.bounty

    def give_back_allocation(self) -> None:
        """A computation ends that nobody has allocated."""
        self.available[self.world.requester] += self.world.bounty

    def unlock(self, escrow: Escrow) -> None:
        """The requester has its money back."""
        self.spend(escrow, escrow.wei)

    def spend(self, escrow: Escrow, wei: int, payees: Sequence[int] = (), each: int = 0, bounty: int = 0) -> None:
        """Divide *wei* of an escrow; the requester gets what nobody else does."""
        escrow.wei -= wei
        self.locked[self.world.requester] -= wei
        self.available[self.world.requester] += wei - each * len(payees) - bounty
        self._pay(payees, each, bounty)

    def divide(self, seized: int, payees: Sequence[int]) -> None:
        """Share out what was slashed for silence: two bounties, what it gives those who were let down, the treasury."""
        bounty = min(seized, 2 * self.world.bounty)
        each = (seized - bounty) // len(payees) if payees else 0
        self.treasury -= bounty + each * len(payees)
        self._pay(payees, each, bounty)

    def _pay(self, payees: Sequence[int], each: int, bounty: int) -> None:
        for processor in payees:
            self.available[self.operator(processor)] += each
        self.available[self.world.keeper] += bounty

    # --- bonds ---

    def take(self, processor: int) -> int:
        """Take what one fault costs out of a bond; return it."""
        bond = self.bonds[processor]
        wei = min(bond.wei, self.policy["slash"])
        bond.wei -= wei
        return wei

    def slash(self, processor: int) -> int:
        """Take what one fault costs into the treasury; return it."""
        wei = self.take(processor)
        self.treasury += wei
        return wei

    def may_be_drawn(self, processor: int) -> bool:
        """Return whether a processor's bond lets it be drawn."""
        bond = self.bonds[processor]
        return bond.free_at == 0 and bond.wei >= self.policy["minimumBond"]

    # --- disputes ---

    def condemn(self, case: "Case", earned: int) -> None:
        """The answer was false."""
        taken = self.take(case.processor)
        burned = taken // 2
        rest = taken - burned
        restitution = min(earned, rest)
        award = (rest - restitution) // 2
        self.burned += burned
        self.available[self.world.requester] += restitution
        self.available[case.opener] += award + case.wei
        self.treasury += rest - restitution - award

    def vindicate(self, case: "Case") -> None:
        """The punishment was undeserved."""
        paid = min(self.policy["slash"], self.treasury)
        self.treasury -= paid
        self.available[self.operator(case.processor)] += paid
        self.available[case.opener] += case.wei

    def dismiss(self, case: "Case") -> None:
        """The complaint was unfounded."""
        burned = case.wei // 2
        self.burned += burned
        if case.kind is DisputeKind.WrongAnswer:
            self.available[self.operator(case.processor)] += case.wei - burned
        else:
            self.treasury += case.wei - burned
