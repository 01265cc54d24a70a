"""Commits and refusals of daemons with a hash key."""

from qcrs.chain.codec import decode_revert
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.hash_keys import Call
from tests.doors import key_node
from tests.evm import interfaces, refused
from tests.job import honest


def key_seat(world, job, index):
    """Give a key to operator and daemon of assignment *index*; returns the daemon."""
    return key_node(world, world.nodes.index(job.node(index)) + 1)[1]


def test_commit_through_the_door(world):
    job = world.submit().allocate()
    daemon = key_seat(world, job, 0)
    job.counts[0] = honest(0)
    receipt = daemon.perform(world.verifier, "commit", job.id, 0, job.commitment(0))
    assert receipt.event("ResultCommitted")["commitment"] == job.commitment(0)
    for index in (1, 2):
        job.commit(index)
    job.disclose()
    for index in range(3):
        job.reveal(index)
    job.settle()
    assert job.fates == [AssignmentStatus.Accepted] * 3


def test_commit_reverts_for_a_keyed_daemon_outside_the_door(world):
    job = world.submit().allocate()
    daemon = key_seat(world, job, 0)
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        job.commit(0)
    job.commit(1)


def test_refuse_through_the_door_alone(world):
    job = world.submit().allocate()
    daemon = key_seat(world, job, 0)
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        world.verifier.refuse(job.id, 0, 1, sender=daemon.account)
    assert daemon.perform(world.verifier, "refuse", job.id, 0, 1).result[0]
    assert job.fates[0] is AssignmentStatus.Refused


def test_account_behind_the_door_must_be_the_assigned_one(world):
    job = world.submit().allocate()
    daemon = key_seat(world, job, 0)
    receipt = daemon.perform(world.verifier, "commit", job.id, 1, bytes(24))
    refusal = decode_revert(receipt.event("ActionFailed")["reason"], interfaces())
    assert (refusal.name, refusal.arguments["account"]) == ("CallerNotAssigned", daemon.account)


def test_one_signature_commits_to_many_computations(world):
    jobs = [world.submit().allocate() for _ in range(3)]
    number = next(n for n in range(1, 6) if sum(node_in(world, job, n) is not None for job in jobs) >= 2)
    _, daemon = key_node(world, number)
    calls = []
    for job in jobs:
        index = node_in(world, job, number)
        if index is not None:
            job.counts[index] = honest(index)
            data = world.verifier.interface.encode_call("commit", [job.id, index, job.commitment(index)])
            calls.append(Call(world.verifier.address, data))
    assert len(calls) >= 2
    receipt = world.hash_keys.performMany(*daemon.batch(calls, 150_000), sender=world.stranger)
    assert receipt.result == 2 ** len(calls) - 1
    assert len(receipt.named("ResultCommitted")) == len(calls)


def node_in(world, job, number):
    """Return which assignment of *job* is the scenario's node *number*'s, if any."""
    return next((index for index in range(3) if job.node(index) == world.nodes[number - 1]), None)
