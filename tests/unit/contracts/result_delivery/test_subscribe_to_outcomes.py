import pytest

from qcrs.model.delivery import DeliveryStatus
from tests.deliveries import CALLBACK_GAS
from tests.evm import refused


def test_subscribe_to_outcomes_records_who_is_to_be_told(world, desk):
    job = world.submit()
    receipt = desk.subscribe_to_outcomes(job, 7_500)
    assert desk.contract.outcomesDeliveryOf(job.id) == {
        "consumer": desk.consumer.address,
        "gasLimit": CALLBACK_GAS,
        "status": DeliveryStatus.Pending,
        "afterChallenges": False,
        "coverage": 7_500,
    }
    assert receipt.event("OutcomesSubscribed")["coverage"] == 7_500
    assert desk.result_status(job) is DeliveryStatus.Unset


@pytest.mark.parametrize(("coverage", "fits"), [(0, False), (1, True), (10_000, True), (10_001, False)])
def test_subscribe_to_outcomes_bounds_the_coverage(world, desk, coverage, fits):
    job = world.submit()
    if fits:
        desk.subscribe_to_outcomes(job, coverage)
        return
    with refused("CoverageOutOfRange", computation=job.id, coverage=coverage, maximum=10_000):
        desk.subscribe_to_outcomes(job, coverage)


def test_subscribe_to_outcomes_reverts_the_second_time(world, desk):
    job = world.submit()
    desk.subscribe_to_outcomes(job)
    with refused("UnexpectedDeliveryStatus"):
        desk.subscribe_to_outcomes(job, 1)


def test_subscribe_to_outcomes_reverts_for_all_but_the_requester(world, desk):
    job = world.submit()
    with refused("CallerNotRequester"):
        desk.contract.subscribeToOutcomes(job.id, desk.consumer.address, CALLBACK_GAS, False, 1, sender=world.stranger)


def test_subscribe_to_outcomes_is_apart_from_subscribe(world, desk):
    job = world.submit()
    desk.subscribe(job)
    desk.subscribe_to_outcomes(job)
    job.to_settled()
    desk.deliver(job)
    assert desk.result_status(job) is DeliveryStatus.Delivered
    assert desk.outcomes_status(job) is DeliveryStatus.Pending
