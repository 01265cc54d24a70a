"""The example consumer, from its invitation to the item that it finds."""

import pytest

from qcrs.chain.deployment import ETHER
from qcrs.model.computation import ComputationStatus
from tests.deliveries import Desk
from tests.evm import refused
from tests.job import Job, noise, rogue

# Grover's search for 6 among eight, as three processors measure it.
MEASURED = {index: {1: 60 + index, 3: 100, 6: 3_900 - index, 7: 36} for index in range(3)}


class Scene:
    """The example, an account of the requester's organisation, and the desk that tells it what it asked for."""

    def __init__(self, world):
        self.world, self.desk = world, Desk(world)
        self.search = world.chain.deploy("QuantumSearch", self.desk.contract.address, sender=world.requester)
        world.consortium.invite(self.search.address, sender=world.requester)
        self.search.join(world.consortium.address, world.requesters, sender=world.requester)
        world.holders.add(self.search.address)

    def ask(self) -> Job:
        """Let the owner have something searched for, sending more than it costs."""
        request = self.world.request(outcome_bits=3)
        receipt = self.search.search(request.to_chain(), sender=self.world.requester, value=ETHER)
        return Job(self.world, receipt.result, request)

    def settle(self, job, answers=MEASURED):
        """Bring *job* to its verdict, the owner disclosing the contract's secret, and let challenges pass."""
        job.allocate().commit_all(answers)
        self.world.verifier.disclose(job.id, job.secrets[0], sender=self.world.requester)
        job.reveal_all().settle()
        self.world.chain.warp(max(job.record.phase_ends_at, self.world.chain.now) + 1)


@pytest.fixture
def scene(world):
    return Scene(world)


def test_search_finds_the_most_frequent_outcome(scene):
    job = scene.ask()
    assert job.request_account == scene.search.address
    scene.settle(job)
    ended = scene.desk.deliver(job)
    assert ended.result is True
    assert scene.search.statusOf(job.id) == ComputationStatus.Accepted
    assert scene.desk.deliver_outcomes(job).result is True
    assert scene.search.found(job.id) == 6


def test_search_picks_the_most_frequent_among_several(scene):
    job = scene.ask()
    scene.settle(job)
    scene.desk.show(job, [1, 3, 6])
    assert scene.search.found(job.id) == 6


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({0: rogue(0, 3), 1: rogue(1, 3), 2: rogue(2, 3)}, ComputationStatus.Rejected),
        ({index: noise(index, 3) for index in range(3)}, ComputationStatus.Inconclusive),
    ],
)
def test_search_finds_nothing_in_what_is_not_verified(scene, answers, status):
    job = scene.ask()
    scene.settle(job, answers)
    scene.desk.deliver(job)
    assert scene.search.statusOf(job.id) == status
    with refused("NothingFound", computation=job.id):
        scene.search.found(job.id)


def test_search_is_told_by_the_delivery_alone(world, scene):
    job = scene.ask()
    for caller in (world.stranger, world.requester):
        with refused("CallerNotDelivery", account=caller):
            scene.search.onResult(job.id, ComputationStatus.Accepted, bytes(32), 7, sender=caller)
        with refused("CallerNotDelivery", account=caller):
            scene.search.onOutcomes(job.id, [1], [4_096], 4_096, sender=caller)


def test_search_obeys_its_owner_alone(world, scene):
    request = world.request().to_chain()
    for attempt in (
        lambda: scene.search.join(world.consortium.address, world.requesters, sender=world.stranger),
        lambda: scene.search.search(request, sender=world.stranger),
        lambda: scene.search.reclaim(sender=world.stranger),
    ):
        with refused("CallerNotOwner", account=world.stranger):
            attempt()


def test_search_hands_back_what_was_not_spent(world, scene):
    job = scene.ask()
    before = world.chain.balance(world.requester)
    available = world.available(scene.search.address)
    assert 0 < available < ETHER
    scene.search.reclaim(sender=world.requester)
    assert world.chain.balance(world.requester) == before + available
    scene.settle(job)
    refund = world.available(scene.search.address)
    scene.search.reclaim(sender=world.requester)
    assert world.chain.balance(world.requester) == before + available + refund
