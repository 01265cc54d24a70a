import pytest

from qcrs.chain.governance import Tempo
from qcrs.model.decision import Decision
from qcrs.model.motion import CONSTITUTION
from qcrs.rules.digest import abi_digest, keccak
from tests.evm import refused
from tests.governed import SECURITY, TEMPO, GovernedWorld

MOST = 180 * 86_400


def test_constitution_sets_how_long_a_body_takes(docket):
    call = docket.call(SECURITY, "setTempo", (10, 20, 30))
    receipt = docket.execute(CONSTITUTION, docket.amend(call), call)
    assert list(docket.body.tempo().values()) == [10, 20, 30]
    entry = receipt.named("EntryAppended")[1]
    assert (entry["decision"], entry["recorder"]) == (Decision.TempoSet, docket.body.address)
    assert entry["digest"] == abi_digest(["(uint32,uint32,uint32)"], [(10, 20, 30)])


def test_motion_keeps_the_delay_under_which_it_was_proposed(docket):
    motion = docket.propose(SECURITY, docket.counting())
    call = docket.call(SECURITY, "setTempo", (90 * 86_400, 0, 30))
    docket.chain.advance(1)
    assert docket.motion(SECURITY, motion)["delaySeconds"] == TEMPO.delay_seconds
    docket.execute(CONSTITUTION, docket.amend(call), call)
    assert docket.motion(SECURITY, motion)["delaySeconds"] == TEMPO.delay_seconds


def test_set_tempo_reverts_for_the_body_itself(docket):
    """Else a body could do away with the delay by which others can act against it."""
    call = docket.call(SECURITY, "setTempo", (10, 0, 30))
    motion = docket.carry(SECURITY, call)
    with refused("MotionCallFailed") as caught:
        docket.execute(SECURITY, motion, call)
    assert caught.arguments["reason"][:4] == keccak(b"CallerNotBody(address)")[:4]
    with refused("CallerNotBody", account=docket.deployer):
        docket.body.setTempo((10, 0, 30), sender=docket.deployer)


@pytest.mark.parametrize("tempo", [(0, 0, 1), (1, 0, 0), (MOST + 1, 0, 1), (1, MOST + 1, 1), (1, 0, MOST + 1)], ids=str)
def test_tempo_out_of_range_is_refused(tempo):
    with refused("TempoInvalid", tempo=dict(zip(NAMES, tempo, strict=True)), maximum=MOST):
        GovernedWorld(development=True, tempo=Tempo(*tempo))


@pytest.mark.parametrize("tempo", [(1, 0, 1), (MOST, MOST, MOST)], ids=str)
def test_tempo_at_its_bounds_is_taken(tempo):
    world = GovernedWorld.__new__(GovernedWorld)
    assert founded(world, tempo) == list(tempo)


def founded(world, tempo):
    """Found bodies of a tempo under which nothing else is decided; returns what they keep."""
    world.admit = lambda name, weight=1: 0
    GovernedWorld.__init__(world, development=True, tempo=Tempo(*tempo))
    return list(world.bodies[SECURITY].tempo().values())


NAMES = ("votingSeconds", "delaySeconds", "executionSeconds")
