"""What events make a daemon take notice of, without a chain."""

from types import SimpleNamespace

import pytest

from qcrs.chain.codec import Event
from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.daemon.bundles import Bundles
from qcrs.daemon.runtime import Node
from qcrs.model.story import Story

NOW = 1_000_000.0


@pytest.fixture
def node(tmp_path):
    followed = []
    outbox = SimpleNamespace(follow=lambda gateway, policy: followed.append(policy), followed=followed)
    node = Node(
        SimpleNamespace(now=NOW),
        SimpleNamespace(processor=1, outbox=outbox, account=SimpleNamespace(address="0xabc"), bundles=Bundles()),
        None, tmp_path / "state.json", True,
    )  # fmt: skip
    node._outlook.stories.by_id[5] = Story(
        computation=5, requester="0x", organisation=1, escrow=1, request=None, replicas=3
    )
    return node


def event(name, **arguments):
    return Event("", name, arguments, 7, 0, "0x")


@pytest.mark.parametrize("name", ["CommitSkipped", "RevealSkipped", "CommitPassedOver"])
def test_skipped_reports_hold_up_no_keeper(node, name):
    """Anyone can post a report that is skipped, as often as they like."""
    assert node._take(event(name, computation=5, index=0, reason=b"")) is False
    assert node._outlook.since == {}
    assert node._take(event("ComputationCommitted", computation=5, phaseEndsAt=9)) is True
    assert node._outlook.since == {5: NOW}


def test_changed_policy_is_followed_at_once(node):
    policy = DEFAULT_POLICY.model_copy(update={"disclose_seconds": 77})
    assert node._take(event("PolicyChanged", policy=policy.model_dump(by_alias=True))) is True
    assert node._outlook.policy.disclose_seconds == 77
    assert node._executor.outbox.followed == [policy]
