import pytest

from qcrs.model.delivery import DeliveryStatus
from tests.deliveries import CALLBACK_GAS
from tests.evm import refused


def test_subscribe_records_who_is_to_be_told(world, desk):
    job = world.submit()
    receipt = desk.subscribe(job, wait=True)
    subscription = {
        "consumer": desk.consumer.address,
        "gasLimit": CALLBACK_GAS,
        "status": DeliveryStatus.Pending,
        "afterChallenges": True,
        "coverage": 0,
    }
    assert desk.contract.resultDeliveryOf(job.id) == subscription
    assert receipt.event("ResultSubscribed") == {
        "computation": job.id,
        "consumer": desk.consumer.address,
        "gasLimit": CALLBACK_GAS,
        "afterChallenges": True,
    }
    assert desk.outcomes_status(job) is DeliveryStatus.Unset


def test_subscribe_is_possible_after_the_end(world, desk):
    job = world.submit()
    job.to_settled()
    desk.subscribe(job)
    desk.deliver(job)
    assert desk.result_status(job) is DeliveryStatus.Delivered


def test_subscribe_reverts_the_second_time(world, desk):
    job = world.submit()
    desk.subscribe(job)
    with refused(
        "UnexpectedDeliveryStatus",
        id=job.id,
        actual=DeliveryStatus.Pending,
        allowed=1 << DeliveryStatus.Unset,
    ):
        desk.subscribe(job)


def test_subscribe_reverts_after_the_delivery(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    desk.deliver(job)
    with refused("UnexpectedDeliveryStatus"):
        desk.subscribe(job)


def test_subscribe_reverts_for_all_but_the_requester(world, desk):
    job = world.submit()
    for caller in (world.stranger, world.keeper, world.deployer):
        with refused("CallerNotRequester", computation=job.id, account=caller, requester=world.requester):
            desk.contract.subscribe(job.id, desk.consumer.address, CALLBACK_GAS, False, sender=caller)


def test_subscribe_reverts_when_unknown(world, desk):
    with refused("CallerNotRequester", computation=99, account=world.requester, requester="0x" + "00" * 20):
        desk.contract.subscribe(99, desk.consumer.address, CALLBACK_GAS, False, sender=world.requester)


def test_subscribe_reverts_without_a_contract_there(world, desk):
    job = world.submit()
    with refused("ConsumerWithoutCode", computation=job.id, consumer=world.stranger):
        desk.subscribe(job, world.stranger)


@pytest.mark.parametrize(("gas", "fits"), [(29_999, False), (30_000, True), (2_000_000, True), (2_000_001, False)])
def test_subscribe_bounds_the_gas(world, desk, gas, fits):
    job = world.submit()
    if fits:
        desk.subscribe(job, gas=gas)
        return
    with refused("GasLimitOutOfRange", computation=job.id, gasLimit=gas, minimum=30_000, maximum=2_000_000):
        desk.subscribe(job, gas=gas)
