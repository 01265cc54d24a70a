"""Where computations wait, told by events alone."""

import pytest

from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Stories

REQUEST = {
    "circuitDigest": bytes(32), "secretCommitment": bytes(24), "deadlineAt": 9, "shots": 4096, "replicas": 3,
    "noiseClass": 1, "qubits": 2, "outcomeBits": 2, "replicaCap": 3, "gold": False, "trust": 0, "priority": 1,
    "depthClass": 2, "profile": 1, "quantumVolumeLog2": 0, "twoQubitErrorPpm": 0, "price": 7, "maxFee": 1,
    "payload": b"",
}  # fmt: skip


@pytest.fixture
def stories():
    told = Stories()
    for computation, bucket in ((1, 10), (2, 12)):
        told.apply(
            "ComputationSubmitted",
            {"computation": computation, "requester": "0x", "organisation": 4, "escrow": 5, "bucket": bucket,
             "request": REQUEST},
        )  # fmt: skip
    return told


def test_submission_tells_the_place(stories):
    story = stories.by_id[1]
    assert (story.bucket, story.attempt, story.keeper, story.waiting) == (10, 0, "", True)
    assert (story.request.depth_class, story.request.price) == (2, 7)


def test_deferral_moves_one_back(stories):
    stories.apply("ComputationDeferred", {"computation": 1, "bucket": 13})
    assert (stories.by_id[1].bucket, stories.by_id[1].deferred) == (13, 1)


def test_exchange_swaps_two_places(stories):
    stories.apply("ComputationsExchanged", {"computation": 2, "longer": 1})
    assert (stories.by_id[2].bucket, stories.by_id[1].bucket) == (10, 12)
    assert (stories.by_id[2].passed, stories.by_id[1].passed) == (0, 1)


def test_exchange_with_one_that_is_not_followed_changes_nothing(stories):
    del stories.by_id[1]
    stories.apply("ComputationsExchanged", {"computation": 2, "longer": 1})
    assert stories.by_id[2].bucket == 12


def test_whoever_is_allocated_leaves_the_queue_for_good(stories):
    allocated = {"computation": 1, "attempt": 1, "firstIndex": 0, "processors": [4, 5, 6], "phaseEndsAt": 7}
    stories.apply("ComputationAllocated", {**allocated, "keeper": "0xk", "bounty": 3})
    story = stories.by_id[1]
    assert (story.waiting, story.keeper, story.attempt) == (False, "0xk", 1)
    stories.apply("ComputationRequeued", {"computation": 1, "attempt": 1, "phaseEndsAt": 8})
    assert story.status is ComputationStatus.Queued
    assert not story.waiting
    stories.apply("ComputationAllocated", {**allocated, "firstIndex": 3, "keeper": "0xother", "bounty": 0})
    assert story.keeper == "0xk"
