"""Several commits of one processor in one word."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import bundle, commitment
from tests.bundled import NO_ROOT, allocated, items_of, leaves_of, post, seats_of
from tests.doors import key_node
from tests.evm import refused
from tests.scenario import NOBODY

Assigned, Committed = AssignmentStatus.Assigned, AssignmentStatus.Committed


@pytest.fixture
def jobs(world):
    return allocated(world, 3)


@pytest.fixture
def node(world):
    return world.nodes[0]


@pytest.fixture
def seats(node, jobs):
    return seats_of(node, jobs)


def test_bundle_binds_every_seat_and_tells_each_commit(world, node, jobs, seats):
    receipt = post(world, node, seats)
    assert receipt.result == 3
    root = bundle.root_of(leaves_of(seats))
    assert world.verifier.bundleOf(node.id, 0) == root
    told = [{k: e[k] for k in ("computation", "index", "commitment")} for e in receipt.named("ResultCommitted")]
    keys = ("computation", "index", "commitment")
    assert told == [dict(zip(keys, item, strict=True)) for item in items_of(seats)]
    assert receipt.event("CommitsBundled") == {"processor": node.id, "lane": 0, "commits": 3, "root": root}
    for job, index in seats:
        assert job.fates[index] is Committed
        seat, record = job.assignments[index], job.record
        assert (seat.processor, seat.digest) == (node.id, commitment.NO_COMMITMENT)
        assert (record.commits, record.active) == (1 << index, 5)
        assert record.commits_digest == commitment.extend(commitment.NO_COMMITS, index, job.commitment(index))


def test_last_commit_of_a_round_ends_the_phase(world, node, jobs, seats):
    job, index = seats[0]
    for other in range(5):
        if other != index:
            job.commit(other)
    receipt = post(world, node, seats)
    assert [e["computation"] for e in receipt.named("ComputationCommitted")] == [job.id]
    assert job.status is ComputationStatus.Committed
    assert {j.status for j in jobs[1:]} == {ComputationStatus.Allocated}


@pytest.mark.parametrize("fault", ["committed", "another's", "unknown", "beyond", "twice"])
def test_commit_that_is_not_due_is_passed_over(world, node, jobs, seats, fault):
    items = items_of(seats)
    job, index = seats[1]
    if fault == "committed":
        job.commit(index)
    bad = {
        "another's": (job.id, (index + 1) % 5, items[1][2]),
        "unknown": (10**6, 0, items[1][2]),
        "beyond": (job.id, 5, items[1][2]),
        "twice": items[0],
    }.get(fault, items[1])
    receipt = world.verifier.commitBundle(node.id, 0, NO_ROOT, [items[0], bad, items[2]], sender=node.daemon)
    assert receipt.result == 2
    passed = receipt.event("CommitPassedOver")
    assert passed == {"computation": bad[0], "index": bad[1], "processor": node.id}
    assert world.verifier.bundleOf(node.id, 0) == bundle.root_of([leaves_of(seats)[0], leaves_of(seats)[2]])


def test_commit_bundle_reverts_when_nothing_is_due(world, node, seats):
    post(world, node, seats)
    with refused("NoCommitDue", processor=node.id, commits=3):
        post(world, node, seats, lane=1)


@pytest.mark.parametrize("count", [0, 17])
def test_commit_bundle_reverts_for_too_few_and_too_many(world, node, seats, count):
    items = (items_of(seats) * 6)[:count]
    with refused("BundleSizeInvalid", processor=node.id, commits=count, most=bundle.MAX_BUNDLE):
        world.verifier.commitBundle(node.id, 0, NO_ROOT, items, sender=node.daemon)
    assert world.verifier.MAX_BUNDLE() == bundle.MAX_BUNDLE


@pytest.mark.parametrize("sender", ["operator", "other daemon", "stranger"])
def test_commit_bundle_reverts_for_others(world, node, seats, sender):
    caller = {"operator": node.operator, "other daemon": world.nodes[1].daemon, "stranger": world.stranger}[sender]
    job, index = seats[0]
    with refused("CallerNotAssigned", computation=job.id, index=index, account=caller, daemon=node.daemon):
        world.verifier.commitBundle(node.id, 0, NO_ROOT, items_of(seats), sender=caller)


def test_lane_is_taken_over_by_name_alone(world, node, seats):
    post(world, node, seats[:1])
    root = world.verifier.bundleOf(node.id, 0)
    with refused("LaneTaken", processor=node.id, lane=0, expected=NO_ROOT, actual=root):
        post(world, node, seats[1:])
    post(world, node, seats[1:2], lane=255)
    post(world, node, seats[2:], before=root)
    assert world.verifier.bundleOf(node.id, 0) == bundle.root_of(leaves_of(seats[2:]))


def test_processor_without_a_record_has_no_daemon(world, seats):
    job, index = seats[0]
    with refused("CallerNotAssigned", computation=job.id, index=index, account=world.stranger, daemon=NOBODY):
        world.verifier.commitBundle(99, 0, NO_ROOT, items_of(seats), sender=world.stranger)


def test_keyed_daemon_bundles_through_its_door_alone(world, node, seats):
    _, daemon = key_node(world, 1)
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        post(world, node, seats)
    arguments = (node.id, 0, NO_ROOT, items_of(seats))
    receipt = daemon.perform(world.verifier, "commitBundle", *arguments, sender=world.stranger)
    assert receipt.event("ActionPerformed")["account"] == daemon.account
    assert len(receipt.named("ResultCommitted")) == 3


def test_full_bundle_is_taken(world, node):
    seats = seats_of(node, allocated(world, bundle.MAX_BUNDLE))
    assert post(world, node, seats).result == bundle.MAX_BUNDLE
