import pytest


@pytest.mark.parametrize("shots", [0, 1, 4_096, 65_535])
@pytest.mark.parametrize(("qubits", "replicas"), [(1, 3), (255, 16), (0, 0), (255, 255)])
@pytest.mark.parametrize("price", [0, 1, 2**64 - 1])
def test_quote_is_pay_and_three_bounties(world, price, qubits, shots, replicas):
    expected = price * qubits * shots * replicas + 3 * world.bounty
    assert world.allocator.quote(price, qubits, shots, replicas, replicas) == expected


@pytest.mark.parametrize(("replicas", "cap", "bounties"), [(3, 5, 4), (3, 7, 5), (12, 16, 5), (1, 1, 3)])
def test_quote_covers_every_escalation(world, replicas, cap, bounties):
    expected = 7 * 2 * 4_096 * cap + bounties * world.bounty
    assert world.allocator.quote(7, 2, 4_096, replicas, cap) == expected


def test_quote_follows_the_price_that_is_bid_and_not_the_policy(world):
    job = world.submit().allocate()
    policy = world.policy | {"pricePerQubitShot": 3 * world.policy["pricePerQubitShot"]}
    fee, pay = job.fee, job.pay
    world.set_policy(policy)
    assert job.fee == fee == job.record.escrow + world.bounty
    job.commit_all().disclose().reveal_all()
    assert job.settle().event("ComputationPaid")["each"] == pay
