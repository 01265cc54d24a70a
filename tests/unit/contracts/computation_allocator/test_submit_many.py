import pytest

from qcrs.model.organisation import Priority
from tests.allocation import bucket_of, cost_of
from tests.evm import refused
from tests.job import Job


def submit_many(world, requests, value=None):
    value = sum(world.quote(request) for request in requests) if value is None else value
    arguments = [request.to_chain() for request in requests]
    return world.allocator.submitMany(arguments, sender=world.requester, value=value)


def test_submit_many_is_as_good_as_one_by_one(world):
    requests = [
        world.request(qubits=qubits, replicas=replicas) for qubits, replicas in ((2, 3), (20, 5), (7, 3), (1, 3))
    ]
    with world.chain.undone():
        buckets = [bucket_of(world.submit(qubits=r.qubits, replicas=r.replicas)) for r in requests]
    world.submit()
    world.allocator.cancel(1, sender=world.requester)
    locked, available = world.locked(world.requester), world.available(world.requester)
    receipt = submit_many(world, requests)
    assert receipt.result == 2
    assert receipt.names == ["ComputationSubmitted"] * 4 + ["Deposited"]
    submitted = [event.arguments for event in receipt.named("ComputationSubmitted")]
    assert [event["computation"] for event in submitted] == [2, 3, 4, 5]
    assert [event["bucket"] for event in submitted] == buckets
    fees = sum(world.quote(request) for request in requests)
    assert world.locked(world.requester) - locked == fees - 4 * world.bounty
    assert world.available(world.requester) == available
    assert world.allocator.queueOf(1)[1] == 4
    for id_, request in zip(range(2, 6), requests, strict=True):
        assert Job(world, id_, request).record.qubits == request.qubits


def test_submit_many_lets_each_be_run(world):
    submit_many(world, [world.request()] * 3)
    for id_ in (1, 2, 3):
        Job(world, id_, world.request()).to_settled()


@pytest.mark.parametrize("count", [1, 64])
def test_submit_many_takes_the_bounds(world, count):
    assert submit_many(world, [world.request(payload=b"")] * count).result == 1
    assert world.allocator.computationCount() == count


@pytest.mark.parametrize("count", [0, 65])
def test_submit_many_reverts_out_of_bounds(world, count):
    with refused("BatchSizeInvalid", count=count, maximum=64):
        submit_many(world, [world.request(payload=b"")] * count)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_submit_many_submits_all_or_none(world, place):
    requests = [world.request()] * 3
    requests[place] = world.request(shots=4_095)
    with refused("ShotsTooFew"):
        submit_many(world, requests)
    assert world.allocator.computationCount() == 0
    assert world.consortium.finishOf(world.requesters, 1) == 0
    assert world.allocator.queueOf(1)[1] == 0


def test_submit_many_reverts_one_wei_short(world):
    requests = [world.request()] * 3
    fee = 3 * world.quote(requests[0])
    with refused("InsufficientFunds", holder=world.requester, available=fee - 1, required=fee):
        submit_many(world, requests, value=fee - 1)


def test_submit_many_takes_what_each_allows_at_most(world):
    fee = world.quote(world.request())
    submit_many(world, [world.request(max_fee=fee)] * 2)
    with refused("FeeTooLow", maxFee=fee - 1, quoted=fee):
        submit_many(world, [world.request(max_fee=fee), world.request(max_fee=fee - 1)])


def test_submit_many_takes_from_the_quota_for_each(world):
    world.consortium.grantQuota(world.requesters, 2 * cost_of(), 0, sender=world.committee)
    with refused("QuotaExhausted"):
        submit_many(world, [world.request(priority=Priority.Elevated)] * 3)
    submit_many(world, [world.request(priority=Priority.Elevated)] * 2)
    assert world.consortium.quotaOf(world.requesters)[0] == 0


def test_submit_many_reverts_for_an_outsider(world):
    request = world.request().to_chain()
    with refused("SubmitterNotInConsortium", account=world.stranger):
        world.allocator.submitMany([request], sender=world.stranger, value=10**18)
