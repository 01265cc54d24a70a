"""A consortium's history with everything in it that an audit must understand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from qcrs.chain.codec import Event
from qcrs.chain.deployment import ETHER
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.replay import Constants, Examination, LoggedEvent, Report
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS
from qcrs.rules.replay.transcript import EMITTERS
from tests import scenario
from tests.evm import CHAIN_ID, Chain, Contract, artifacts
from tests.scenario import Job, World, account, noise, rogue


class RecordedChain(Chain):
    """A chain that remembers what a node would: block times, creations and what they emit.

    Attributes:
        timestamps: By block number. creations: Code and arguments of each contract, by block number.
    """

    def __init__(self) -> None:
        self.timestamps: dict[int, int] = {}
        self.creations: dict[int, bytes] = {}
        super().__init__()

    def _mine(self, timestamp: int) -> None:
        super()._mine(timestamp)
        self.timestamps[self.number] = timestamp

    def deploy(self, name: str, *arguments: Any, sender: str) -> Contract:
        created_in = self.number
        contract = super().deploy(name, *arguments, sender=sender)
        self.log += [replace(event, block=created_in) for event in self._events()]
        arguments_ = contract.interface.encode_constructor(arguments)
        self.creations[created_in] = bytes.fromhex(artifacts()[name].bytecode[2:]) + arguments_
        return contract

    def call(self, to: str, data: bytes) -> bytes:
        """Return what a call returns, as bytes."""
        return self._run(lambda: self._evm.message_call(account("anyone"), to, calldata=data))


@dataclass
class History:
    """What happened, and how to tell it falsely.

    Attributes:
        events: In chain order, as they were.
    """

    world: World
    events: list[LoggedEvent]
    constants: Constants
    answers: dict[tuple, Any]

    def positions(self, name: str, **arguments: Any) -> list[int]:
        """Return where the events called *name* with *arguments* stand."""
        return [
            position
            for position, event in enumerate(self.events)
            if event.name == name and all(event[key] == value for key, value in arguments.items())
        ]

    def position(self, name: str, **arguments: Any) -> int:
        """Return where the first such event stands."""
        return self.positions(name, **arguments)[0]

    def event(self, name: str, **arguments: Any) -> LoggedEvent:
        """Return the first such event."""
        return self.events[self.position(name, **arguments)]

    def entry_after(self, position: int, computation: int | None = None) -> int | None:
        """Return the index of the next audit entry, or of the next about *computation*."""
        for event in self.events[position:]:
            if event.name == "EntryAppended" and (
                computation is None or (event["decision"] in COMPUTATION_DECISIONS and event["subject"] == computation)
            ):
                return event["index"]
        return None

    def without(self, *positions: int) -> list[LoggedEvent]:
        """Return the log without the events at *positions*."""
        return [event for i, event in enumerate(self.events) if i not in positions]

    def changed(self, position: int, **arguments: Any) -> list[LoggedEvent]:
        """Return the log with other *arguments* in one event."""
        events = list(self.events)
        changed = {**events[position].arguments, **arguments}
        events[position] = replace(events[position], arguments=changed)
        return events

    def swapped(self, a: int, b: int) -> list[LoggedEvent]:
        """Return the log with the contents of two events exchanged, block numbers staying."""
        events = list(self.events)
        events[a] = replace(self.events[b], block=self.events[a].block, timestamp=self.events[a].timestamp)
        events[b] = replace(self.events[a], block=self.events[b].block, timestamp=self.events[b].timestamp)
        return events

    def inserted(self, position: int, name: str, **arguments: Any) -> list[LoggedEvent]:
        """Return the log with another event before *position*, in the same block."""
        at = self.events[position]
        event = LoggedEvent(name, EMITTERS[name], arguments, at.block, at.timestamp)
        return [*self.events[:position], event, *self.events[position:]]

    def retimed(self, position: int, timestamp: int) -> list[LoggedEvent]:
        """Return the log with another time for the block of one event."""
        block = self.events[position].block
        return [replace(e, timestamp=timestamp) if e.block == block else e for e in self.events]

    def examine(self, events: list[LoggedEvent] | None = None, **answers: Any) -> Report:
        """Audit *events*, or the log as it was.

        Args:
            answers: What functions of the contracts shall answer instead of the truth.
        """
        examination = Examination(self.events if events is None else events, self.constants)
        examination.run()
        if examination.fault is None:
            for claim in examination.claims():
                truth = self.view(claim.contract, claim.function, *claim.arguments)
                examination.hold(claim, answers.get(claim.function, truth))
            examination.hold_coin(answers.get("coin", self.view("coin", "balance")))
        return examination.report()

    def view(self, contract: str, function: str, *arguments: Any) -> Any:
        """Return what a view of the untouched chain returns; the chain stands still."""
        key = (contract, function, *arguments)
        if key not in self.answers:
            self.answers[key] = (
                self.world.chain.balance(self.world.allocator.address)
                if contract == "coin"
                else getattr(self.world.contracts[contract], function)(*arguments)
            )
        return self.answers[key]


# Computations in the order in which ``_STORIES`` submits them.
(
    HONEST,
    ROGUE,
    SILENT,
    NOISY,
    WITHHELD,
    WIDE,
    SPLIT,
    REFUSED,
    FAILED,
    LATE,
    CANCELLED,
    UNREVEALED,
) = range(1, 13)
QUORUMLESS, OVERDUE, RUNNING, WAITING = range(13, 17)
LAST = WAITING + 4


def _honest(world: World) -> None:
    world.submit().to_settled()


def _rogue(world: World) -> None:
    job = world.submit()
    job.to_settled({1: rogue(1)})
    world.bond(job.node(1).id)


def _silent(world: World) -> None:
    job = world.submit().allocate()
    job.commit(0)
    job.commit(2)
    _reallocate(job)
    job.to_settled()
    world.bond(job.node(1).id)


def _noisy(world: World) -> None:
    job = world.submit()
    job.to_settled({index: noise(index) for index in range(3)})


def _withheld(world: World) -> None:
    job = world.submit().allocate().commit_all().end_phase()
    world.verifier.substituteSecret(job.id, sender=world.keeper)
    job.reveal_all().settle()


def _wide(world: World) -> None:
    world.submit(outcome_bits=10, qubits=10, replicas=5).to_settled()


def _split(world: World) -> None:
    job = world.submit(outcome_bits=3)
    job.to_settled({index: rogue(index, 3) for index in range(3)})


def _refused(world: World) -> None:
    job = world.submit().allocate()
    job.refuse(0)
    job.to_settled()


def _failed(world: World) -> None:
    job = world.submit().allocate()
    job.refuse(0, code=3)
    job.refuse(2, code=3)


def _late(world: World) -> None:
    job = world.submit(deadline_at=world.chain.now + 60)
    world.chain.advance(100)
    world.allocator.expire(job.id, sender=world.stranger)


def _cancelled(world: World) -> None:
    job = world.submit()
    world.allocator.cancel(job.id, sender=job.request_account)


def _unrevealed(world: World) -> None:
    """One of three reveals; the round begins anew with others, and then all do."""
    job = world.submit().to_revealing()
    job.reveal(0)
    _reallocate(job)
    for index in (1, 2):
        world.bond(job.node(index).id)
    job.to_settled()


def _quorumless(world: World) -> None:
    """Two of three reveal and suffice."""
    job = world.submit().to_revealing()
    job.reveal_all(2)
    job.end_phase()
    job.settle()
    world.bond(job.node(2).id)


def _overdue(world: World) -> None:
    """Loses a processor and is then left waiting beyond its deadline."""
    job = world.submit(deadline_at=world.chain.now + 300).allocate()
    job.commit(0)
    _reallocate(job)
    world.chain.advance(600)
    world.allocator.expire(job.id, sender=world.keeper)


def _governance(world: World) -> None:
    world.allocator.deposit(sender=world.stranger, value=5 * ETHER)
    world.allocator.withdraw(ETHER, sender=world.stranger)
    world.allocator.disburse(world.committee, world.allocator.treasury() // 2, sender=world.committee)
    policy = {**world.policy, "revealSeconds": 90, "pricePerQubitShot": 2_000_000_000}
    world.allocator.setPolicy(tuple(policy.values()), sender=world.committee)
    organisation = world.admit("observer")
    world.consortium.setWeight(organisation, 3, sender=world.committee)
    world.consortium.invite(world.stranger, sender=account("observer"))
    world.consortium.join(organisation, sender=world.stranger)
    world.consortium.resign(sender=world.stranger)
    world.consortium.expel(organisation, sender=world.certifier)
    world.registry.suspend(2, b"\x07" * 32, sender=world.security)
    world.certify(2)
    world.certify(4)
    world.registry.retire(5, sender=world.node(5).operator)
    world.allocator.unbond(6, sender=world.node(6).operator)


def _after_governance(world: World) -> None:
    world.submit().to_revealing().reveal(0)
    for _ in range(WAITING, LAST + 1):
        world.submit()


def _reallocate(job: Job) -> None:
    job.end_phase()
    job.world.allocator.reallocate(job.id, sender=job.world.keeper)
    assert AssignmentStatus.Silent in job.fates


_STORIES: tuple[Callable[[World], None], ...] = (
    _honest,
    _rogue,
    _silent,
    _noisy,
    _withheld,
    _wide,
    _split,
    _refused,
    _failed,
    _late,
    _cancelled,
    _unrevealed,
    _quorumless,
    _overdue,
    _governance,
    _after_governance,
)


@pytest.fixture(scope="session")
def history() -> History:
    """Everything in ``_STORIES``, in order, on one chain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "Chain", RecordedChain)
        world = World()
    world.enrol_until(9)
    for tell in _STORIES:
        tell(world)
    chain = world.chain
    assert isinstance(chain, RecordedChain)
    return History(
        world,
        list(_logged(chain.log, chain.timestamps)),
        Constants(
            chain_id=CHAIN_ID,
            contracts={name: contract.address for name, contract in world.contracts.items()},
            keeper_bounty=world.settings.keeper_bounty,
            heartbeat_seconds=world.settings.heartbeat_seconds,
            genesis_entropy=world.settings.genesis_entropy,
        ),
        {},
    )


def _logged(events: list[Event], timestamps: dict[int, int]) -> Iterator[LoggedEvent]:
    for e in events:
        yield LoggedEvent(e.name, e.contract, e.arguments, e.block, timestamps[e.block])
