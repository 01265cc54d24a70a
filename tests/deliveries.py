"""Results on their way to consumer contracts, in few words."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cached_property

from qcrs.model.delivery import DeliveryStatus
from qcrs.model.dispute import DisputeKind
from qcrs.model.story import Stories, Story
from qcrs.sdk import delivery
from tests.evm import BLOCK_GAS, Contract, Receipt
from tests.job import Job
from tests.scenario import World

CALLBACK_GAS = 500_000
COVERAGE = 5_000


class Conduct(IntEnum):
    """What ``HostileConsumer`` does when it is called; as in contracts/test/HostileConsumer.sol."""

    Take = 0
    Revert = 1
    BurnGas = 2
    ReturnBomb = 3
    RevertBomb = 4
    CallBack = 5
    MeasureGas = 6


def story_of(job: Job) -> Story:
    """Return a computation's story as the chain's events tell it."""
    stories = Stories()
    for event in job.world.chain.log:
        stories.apply(event.name, event.arguments)
    return stories.by_id[job.id]


def dispute(job: Job, index: int) -> int:
    """Let a stranger dispute the answer of assignment *index*; return the dispute."""
    world = job.world
    receipt = world.disputes.open(
        job.id, index, DisputeKind.WrongAnswer, bytes(32), sender=world.stranger, value=world.policy["slash"]
    )
    return receipt.result


def disprove(job: Job, index: int) -> None:
    """Let the answer of assignment *index* be found false."""
    job.world.disputes.rule(dispute(job, index), True, bytes(32), sender=job.world.council)


class Desk:
    """The contract that delivers, and one consumer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contract: Contract = world.delivery

    @cached_property
    def consumer(self) -> Contract:
        """A consumer that takes everything, until told otherwise."""
        return self.world.chain.deploy("HostileConsumer", sender=self.world.stranger)

    def behave(self, conduct: Conduct) -> None:
        """Tell the consumer what to do when it is called."""
        self.consumer.set(conduct, sender=self.world.stranger)

    def subscribe(self, job: Job, consumer: str | None = None, gas: int = CALLBACK_GAS, wait: bool = False) -> Receipt:
        """Let the requester have the consumer told the result."""
        consumer = consumer or self.consumer.address
        return self.contract.subscribe(job.id, consumer, gas, wait, sender=job.request_account)

    def subscribe_to_outcomes(
        self, job: Job, coverage: int = COVERAGE, consumer: str | None = None, wait: bool = False
    ) -> Receipt:
        """Let the requester have the consumer told the outcomes."""
        consumer = consumer or self.consumer.address
        return self.contract.subscribeToOutcomes(
            job.id, consumer, CALLBACK_GAS, wait, coverage, sender=job.request_account
        )

    def deliver(self, job: Job, gas: int = BLOCK_GAS) -> Receipt:
        """Let a stranger deliver the result."""
        return self.contract.deliver(*delivery.result_arguments(story_of(job)), sender=self.world.stranger, gas=gas)

    def deliver_outcomes(self, job: Job, coverage: int = COVERAGE) -> Receipt:
        """Let a stranger deliver the outcomes, as few as will do."""
        arguments = delivery.outcomes_arguments(story_of(job), job.counts, coverage)
        return self.contract.deliverOutcomes(*arguments, sender=self.world.stranger)

    def show(self, job: Job, outcomes: Sequence[int], counts: Mapping[int, Mapping[int, int]] | None = None) -> Receipt:
        """Let a stranger deliver just these *outcomes*, with proofs from *counts* instead of the true ones."""
        evidence = self.evidence(job, outcomes, counts)
        return self.contract.deliverOutcomes(job.id, outcomes, evidence, sender=self.world.stranger)

    def evidence(
        self, job: Job, outcomes: Sequence[int], counts: Mapping[int, Mapping[int, int]] | None = None
    ) -> list[delivery.Evidence]:
        """Return the evidence of the replicas whose answers stand."""
        duties = delivery.standing(story_of(job))
        return [delivery.evidence_of(duty, (counts or job.counts)[duty.index], outcomes) for duty in duties]

    def result_status(self, job: Job) -> DeliveryStatus:
        """Return where the delivery of the result stands."""
        return DeliveryStatus(self.contract.resultDeliveryOf(job.id)["status"])

    def outcomes_status(self, job: Job) -> DeliveryStatus:
        """Return where the delivery of the outcomes stands."""
        return DeliveryStatus(self.contract.outcomesDeliveryOf(job.id)["status"])
