import pytest


@pytest.mark.parametrize("shots", [0, 1, 4_096, 65_535])
@pytest.mark.parametrize(("qubits", "replicas"), [(1, 3), (255, 16), (0, 0), (255, 255)])
def test_quote_is_pay_and_two_bounties(world, qubits, shots, replicas):
    price = world.policy["pricePerQubitShot"]
    expected = price * qubits * shots * replicas + 2 * world.bounty
    assert world.allocator.quote(qubits, shots, replicas, replicas) == expected


@pytest.mark.parametrize(("replicas", "cap", "bounties"), [(3, 5, 3), (3, 7, 4), (12, 16, 4), (1, 1, 2)])
def test_quote_covers_every_escalation(world, replicas, cap, bounties):
    price = world.policy["pricePerQubitShot"]
    expected = price * 2 * 4_096 * cap + bounties * world.bounty
    assert world.allocator.quote(2, 4_096, replicas, cap) == expected


def test_quote_follows_the_policy_and_held_escrows_do_not(world):
    job = world.submit()
    policy = world.policy | {"pricePerQubitShot": 3 * world.policy["pricePerQubitShot"]}
    held, pay = job.fee, job.pay
    world.allocator.setPolicy(tuple(policy.values()), sender=world.committee)
    assert job.fee > held == job.record.escrow
    assert job.to_settled().event("ComputationPaid")["each"] == pay
