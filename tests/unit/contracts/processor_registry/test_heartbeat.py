import pytest

from tests.evm import refused


def test_heartbeat_records_the_time(world):
    node = world.nodes[0]
    world.chain.advance(1_000)
    now = world.chain.now
    receipt = world.registry.heartbeat(node.id, sender=node.daemon)
    assert world.standing(node.id).last_beat_at == now
    assert receipt.event("HeartbeatReceived") == {"processor": node.id}


@pytest.mark.parametrize("processor", [1, 99])
def test_heartbeat_reverts_for_all_but_the_daemon(world, processor):
    daemon = world.registry.daemonOf(processor)
    for caller in (world.nodes[0].operator, world.nodes[1].daemon, world.stranger):
        with refused("CallerNotDaemon", processor=processor, account=caller, daemon=daemon):
            world.registry.heartbeat(processor, sender=caller)


def test_heartbeat_interval_is_that_of_the_deployment(world):
    assert world.registry.HEARTBEAT_SECONDS() == world.settings.heartbeat_seconds
