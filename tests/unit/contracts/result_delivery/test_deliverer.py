"""``qcrs.sdk.delivery`` against the contract."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.model.delivery import DeliveryStatus
from qcrs.sdk.delivery import Delivered, Deliverer, NothingToDeliver
from qcrs.sdk.result import HistogramUnavailable
from qcrs.store import Store
from tests.bridge import Bridge
from tests.deliveries import Conduct, story_of
from tests.evm import refused
from tests.job import rogue


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


@pytest.fixture
def bridge(world):
    return Bridge(world)


@pytest.fixture
def deliverer(world, bridge, store):
    return Deliverer(bridge, SimpleNamespace(address=world.stranger), store)


def test_deliverer_tells_the_result(world, desk, deliverer):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    delivered = asyncio.run(deliverer.deliver(story_of(job)))
    assert delivered == Delivered(job.id, desk.consumer.address, True, 1)
    assert desk.result_status(job) is DeliveryStatus.Delivered


def test_deliverer_says_that_the_consumer_failed_and_may_try_again(world, desk, deliverer):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    desk.behave(Conduct.Revert)
    assert asyncio.run(deliverer.deliver(story_of(job))).taken is False
    desk.behave(Conduct.Take)
    assert asyncio.run(deliverer.deliver(story_of(job))).taken is True


def test_deliverer_finds_small_histograms_on_the_chain(world, desk, deliverer):
    job = world.submit()
    desk.subscribe_to_outcomes(job, 10_000)
    job.to_settled()
    assert asyncio.run(deliverer.deliver_outcomes(story_of(job))).taken is True
    outcomes, counts, _ = desk.consumer.shown()
    pooled = {outcome: sum(counts[outcome] for counts in job.counts.values()) for outcome in (0, 3)}
    assert dict(zip(outcomes, counts, strict=True)) == pooled


def test_deliverer_finds_large_histograms_in_the_store(world, desk, deliverer, store):
    job = world.submit(outcome_bits=9)
    desk.subscribe_to_outcomes(job, 10_000)
    job.to_settled()
    with pytest.raises(HistogramUnavailable):
        asyncio.run(deliverer.deliver_outcomes(story_of(job)))
    for index, counts in job.counts.items():
        store.put_histogram(job.root(index), counts)
    assert asyncio.run(deliverer.deliver_outcomes(story_of(job))).taken is True
    assert desk.consumer.shown()[0] == [0, 511]


def test_deliverer_sends_nothing_without_a_subscription(world, deliverer, bridge):
    job = world.submit()
    job.to_settled()
    for deliver in (deliverer.deliver, deliverer.deliver_outcomes):
        with pytest.raises(NothingToDeliver, match="Unset"):
            asyncio.run(deliver(story_of(job)))
    assert bridge.sent == []


def test_deliverer_sends_nothing_when_all_was_told(world, desk, deliverer, bridge):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    asyncio.run(deliverer.deliver(story_of(job)))
    with pytest.raises(NothingToDeliver, match="Delivered"):
        asyncio.run(deliverer.deliver(story_of(job)))
    assert bridge.sent == ["deliver"]


def test_deliverer_has_no_outcomes_without_an_answer(world, desk, deliverer, bridge):
    job = world.submit()
    desk.subscribe_to_outcomes(job)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    with pytest.raises(NothingToDeliver, match="Rejected"):
        asyncio.run(deliverer.deliver_outcomes(story_of(job)))
    assert bridge.sent == []


def test_deliverer_pays_for_no_refusal(world, desk, deliverer, bridge):
    job = world.submit()
    desk.subscribe(job, wait=True)
    job.to_settled()
    with refused("ChallengesOpen"):
        asyncio.run(deliverer.deliver(story_of(job)))
    assert bridge.sent == []
