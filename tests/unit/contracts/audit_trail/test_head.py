"""The hash chain and the root, against a replay of every event."""

from qcrs.rules import audit_trail


def test_empty_trail_has_a_zero_head(world):
    trail = world.chain.deploy("AuditTrail", *[world.stranger] * 7, [world.stranger] * 6, sender=world.deployer)
    assert trail.head() == (audit_trail.EMPTY_HEAD, 0)
    assert trail.root() == audit_trail.root_of([])


def test_head_and_root_follow_from_the_events(world, leaves):
    world.submit().to_settled()
    world.registry.suspend(1, bytes(32), sender=world.security)
    replayed = leaves()
    head = audit_trail.EMPTY_HEAD
    for leaf in replayed:
        head = audit_trail.next_head(head, leaf)
    assert world.trail.head() == (head, len(replayed))
    assert world.trail.root() == audit_trail.root_of(replayed)


def test_indices_run_without_gaps(world):
    world.submit().to_settled()
    indices = [event["index"] for event in world.chain.log if event.name == "EntryAppended"]
    assert indices == list(range(len(indices)))
