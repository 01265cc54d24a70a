"""Consumers that harm whoever delivers, and deliverers that harm consumers."""

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused
from qcrs.model.delivery import DeliveryStatus
from qcrs.sdk import delivery
from tests.deliveries import CALLBACK_GAS, Conduct, story_of
from tests.evm import BLOCK_GAS, Receipt, refused
from tests.job import MINIMUM_SHOTS

ENOUGH = 10_000  # gas; how closely the least that suffices is looked for


@pytest.fixture
def job(world, desk):
    """A settled computation whose consumer waits to be told."""
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    return job


def tries(desk, job, gas, send=None):
    """Return how a delivery with *gas* would end: the receipt, the error's name, or nothing when it runs out."""
    with desk.world.chain.undone():
        try:
            return desk.deliver(job, gas) if send is None else send(gas)
        except ContractRefused as refusal:
            return refusal.name
        except RuntimeError:
            return None


def least_gas(desk, job, send=None):
    """Return, within ``ENOUGH``, the least gas with which a delivery to a consumer that takes it succeeds."""
    short, enough = 0, BLOCK_GAS
    while enough - short > ENOUGH:
        middle = (short + enough) // 2
        if isinstance(tries(desk, job, middle, send), (str, type(None))):
            short = middle
        else:
            enough = middle
    return enough


@pytest.mark.parametrize(
    ("bomb", "taken"), [(Conduct.BurnGas, False), (Conduct.ReturnBomb, True), (Conduct.RevertBomb, False)]
)
def test_bomb_costs_the_deliverer_no_more_gas_than_was_subscribed(desk, job, bomb, taken):
    """400,000 bytes, were they copied, would cost as much again as making them: 340,000 gas."""
    gas = least_gas(desk, job)
    desk.behave(bomb)
    assert desk.deliver(job, gas).result is taken
    assert desk.result_status(job) is (DeliveryStatus.Delivered if taken else DeliveryStatus.Failed)


def test_consumer_gets_its_gas_or_nothing_is_recorded(desk, job):
    """A caller that brings less than 64/63 of the gas would have the consumer fail, and that be recorded."""
    desk.behave(Conduct.MeasureGas)
    ends, seen = set(), set()
    least = least_gas(desk, job)
    for gas in [*range(least - 60_000, least + 60_000, 1_500), *range(least - ENOUGH, least + ENOUGH, 50)]:
        with desk.world.chain.undone():
            try:
                desk.deliver(job, gas)
            except (ContractRefused, RuntimeError) as error:
                ends.add(getattr(error, "name", "out of gas"))
                assert desk.result_status(job) is DeliveryStatus.Pending
            else:
                ends.add("delivered")
                seen.add(desk.consumer.gasAtStart())
    assert ends == {"CallbackGasTooLow", "delivered"}
    (at_start,) = seen
    assert CALLBACK_GAS - 1_000 < at_start < CALLBACK_GAS


def test_gas_that_lets_the_consumer_begin_lets_its_failure_be_recorded(world, desk):
    """A consumer that leaves nothing must not undo the record, which would hide that it failed."""
    job = world.submit()
    desk.subscribe(job, gas=30_000)
    job.to_settled()
    desk.behave(Conduct.BurnGas)
    least = least_gas(desk, job)
    ends = set()
    for gas in range(least - ENOUGH, least + ENOUGH, 50):
        end = tries(desk, job, gas)
        ends.add(end.names[0] if isinstance(end, Receipt) else end)
    assert ends == {"CallbackGasTooLow", "ResultDeliveryFailed"}


def test_gas_that_lets_the_consumer_begin_suffices_to_record_many_outcomes(world, desk):
    """The record of outcomes that were taken is the longest, and a consumer may take them and leave no gas."""
    address = "0x" + keccak(b"wasteful")[12:].hex()
    world.chain.put_code(address, bytes.fromhex("5b6100c85a1160005700"))  # while gas > 200: go on; then stop
    job = world.submit(outcome_bits=8)
    desk.subscribe_to_outcomes(job, 1, address)
    job.to_settled({index: {**dict.fromkeys(range(1, 256), 2), 0: MINIMUM_SHOTS - 510} for index in range(3)})
    outcomes = list(range(256))
    evidence = desk.evidence(job, outcomes)

    def send(gas):
        return desk.contract.deliverOutcomes(job.id, outcomes, evidence, sender=world.stranger, gas=gas)

    least = least_gas(desk, job, send)
    ends = set()
    for gas in range(least - ENOUGH, least + ENOUGH, 500):
        end = tries(desk, job, gas, send)
        ends.add(end.names[0] if isinstance(end, Receipt) else end)
    assert ends == {"CallbackGasTooLow", "OutcomesDelivered"}


def test_consumer_that_calls_back_is_not_told_twice(desk, job):
    """The status is written before the call, so the door is shut."""
    data = desk.contract.interface.encode_call("deliver", delivery.result_arguments(story_of(job)))
    desk.consumer.aim(desk.contract.address, data, sender=desk.world.stranger)
    desk.behave(Conduct.CallBack)
    receipt = desk.deliver(job)
    assert receipt.names == ["ResultDelivered"]
    assert desk.consumer.calls() == 1
    assert desk.consumer.calledBack() is False
    selector = keccak(b"UnexpectedDeliveryStatus(uint64,uint8,uint256)")[:4]
    assert desk.consumer.answer()[:4] == selector
    assert desk.result_status(job) is DeliveryStatus.Delivered


def test_consumer_that_calls_back_for_another_delivery_gets_it_once(world, desk, job):
    """Deliveries do not share state: one inside another neither blocks nor repeats it."""
    other = world.submit()
    desk.subscribe(other)
    other.to_settled()
    data = desk.contract.interface.encode_call("deliver", delivery.result_arguments(story_of(other)))
    desk.consumer.aim(desk.contract.address, data, sender=world.stranger)
    desk.behave(Conduct.CallBack)
    desk.contract.deliver(*delivery.result_arguments(story_of(job)), sender=world.stranger)
    # The inner delivery asks for the gas of a whole callback, which the outer one has not got.
    assert desk.consumer.calledBack() is False
    assert desk.result_status(job) is DeliveryStatus.Delivered
    assert desk.result_status(other) is DeliveryStatus.Pending
    desk.behave(Conduct.Take)
    desk.deliver(other)
    assert desk.consumer.calls() == 2


def test_consumer_that_is_gone_is_not_told(world, desk):
    """A call to where there is no code succeeds: nobody would have been told."""
    address = "0x" + keccak(b"mortal")[12:].hex()
    world.chain.put_code(address, bytes.fromhex("00"))
    job = world.submit()
    desk.subscribe(job, address)
    job.to_settled()
    # As after a self-destruct, which this chain, one long transaction inside, does not carry out until its end.
    world.chain.put_code(address, b"")
    receipt = desk.deliver(job)
    assert receipt.names == ["ResultDeliveryFailed"]
    world.chain.put_code(address, bytes.fromhex("00"))  # made anew at its address: takes everything
    assert desk.deliver(job).result is True


def test_consumer_that_destroys_itself_when_told_has_been_told(world, desk):
    address = "0x" + keccak(b"mortal")[12:].hex()
    world.chain.put_code(address, bytes.fromhex("33ff"))  # any call: self-destruct in the caller's favour
    job = world.submit()
    desk.subscribe(job, address)
    job.to_settled()
    assert desk.deliver(job).result is True
    with refused("UnexpectedDeliveryStatus"):
        desk.deliver(job)


def test_consumer_that_always_reverts_is_told_once_it_is_mended(desk, job):
    desk.behave(Conduct.Revert)
    assert [desk.deliver(job).result for _ in range(3)] == [False] * 3
    desk.behave(Conduct.Take)
    assert desk.deliver(job).result is True
    assert desk.consumer.calls() == 1


# --- outcomes are told once, so whoever tells them must not choose badly ---

# The most frequent outcome of all is 0, and 3 is close behind.
CLOSE = {0: 2_000, 1: 250, 2: 246, 3: 1_600}
assert sum(CLOSE.values()) == MINIMUM_SHOTS


@pytest.fixture
def close(world, desk):
    """An accepted computation whose two most frequent outcomes are not far apart."""
    job = world.submit()
    desk.subscribe_to_outcomes(job, 3_500)
    job.to_settled({index: {**CLOSE, 0: 2_000 + index, 1: 250 - index} for index in range(3)})
    return job


@pytest.mark.parametrize("outcomes", [[3], [0], [1, 2, 3], [1, 3], []])
def test_deliverer_cannot_hide_the_most_frequent_outcome(desk, close, outcomes):
    with refused("CoverageTooLow" if not outcomes else "TopOutcomeUncertain"):
        desk.show(close, outcomes)
    assert desk.outcomes_status(close) is DeliveryStatus.Pending


def test_deliverer_cannot_hide_a_replica_s_count_of_an_outcome(desk, close):
    """Were a replica's leaf of outcome 0 left out, 3 would seem the most frequent."""
    evidence = desk.evidence(close, [0, 3])
    duties = delivery.standing(story_of(close))
    without = [delivery.evidence_of(duty, close.counts[duty.index], [3]) for duty in duties]
    for index in range(3):
        shown = [*evidence]
        shown[index] = without[index]
        with refused("OutcomeUnproven", root=close.root(index), outcome=0):
            desk.contract.deliverOutcomes(close.id, [0, 3], shown, sender=desk.world.stranger)
    with refused("RevealCountMismatch"):
        desk.contract.deliverOutcomes(close.id, [0, 3], evidence[1:], sender=desk.world.stranger)
    desk.contract.deliverOutcomes(close.id, [0, 3], evidence, sender=desk.world.stranger)
    assert desk.consumer.shown()[1] == [6_003, 4_800]
