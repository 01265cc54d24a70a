"""A thief of a founder's ECDSA key, at the moment at which bodies are founded."""

import pytest

from qcrs.model.motion import COMMITTEES, MotionStatus
from tests.doors import NOTHING, Holder
from tests.evm import refused
from tests.founded import FoundedWorld
from tests.governed import CERTIFICATION, SECURITY


@pytest.fixture(scope="module")
def _founded():
    return FoundedWorld()


@pytest.fixture
def world(_founded):
    """Bodies of three founders with keys, two of whom decide; undone afterwards, with the leaves that signed."""
    leaves = {account: founder.next_leaf for account, founder in _founded.founders.items()}
    with _founded.undone():
        yield _founded
    for account, leaf in leaves.items():
        _founded.founders[account].next_leaf = leaf


@pytest.fixture
def victim(world):
    """The founder whose ECDSA key was stolen before anything was deployed. It has done nothing yet."""
    victim = list(world.founders.values())[-1]
    assert victim.word.next_leaf == 0
    return victim


def test_thief_of_a_founders_account_gives_it_no_key(world, victim):
    """The thief is first: the founder has been silent, and the thief's tree and proof are sound."""
    thief = Holder(world.hash_keys, "thief of a founder")
    commitment = thief.commitment()
    proof = thief.hash_sign(lambda leaf: thief.domain.possession_digest(victim.account, commitment, leaf), leaf=0)
    with refused("KeyPresent", account=victim.account, word=victim.commitment() + bytes(8)):
        world.hash_keys.install(commitment, proof, sender=victim.account)
    assert victim.word.commitment == victim.commitment()


@pytest.mark.parametrize("body", COMMITTEES)
def test_thief_of_a_founders_account_neither_proposes_nor_votes(world, victim, body):
    """Neither straight, nor through the door by a tree of its own, in any body."""
    call = world.call("Consortium", "expel", 1)
    motion = world.propose(body, call)
    digest = world.motion(body, motion)["digest"]
    thief = Holder(world.hash_keys, "thief of a founder")
    for function, arguments in (
        ("propose", (call.target, call.data, bytes(32), "")),
        ("vote", (motion, digest, True)),
    ):
        target = world.bodies[body]
        with refused("HashSignatureRequired", account=victim.account, door=world.hash_keys.address):
            getattr(target, function)(*arguments, sender=victim.account)
        action = victim.action(target, function, *arguments)
        forged = thief.hash_sign(lambda leaf, action=action: thief.domain.action_digest(action, leaf), leaf=0)
        with refused("HashSignatureInvalid", account=victim.account, leaf=0):
            world.hash_keys.perform(action.to_chain(), NOTHING, forged, sender=victim.account)
    assert world.motion(body, motion)["inFavour"] == 1
    assert world.status_of(body, motion) is MotionStatus.Open


def test_founder_decides_as_if_nobody_had_tried(world, victim):
    call = world.call("ComputationAllocator", "pause", 1, bytes(32))
    motion = world.propose(SECURITY, call)
    seat = world.bodies[SECURITY].members().index(victim.account)
    world.vote(SECURITY, motion, seat)
    world.execute(SECURITY, motion, call)
    assert world.allocator.pausedUntil() > world.chain.now


def test_thief_recovers_no_founders_key_against_it(world, victim):
    """Recovery is the Certification Authority's, whose founders have keys as well; what the victim signs ends one."""
    thief = Holder(world.hash_keys, "thief of a founder")
    commitment = thief.commitment()
    proof = thief.hash_sign(lambda leaf: thief.domain.possession_digest(victim.account, commitment, leaf), leaf=0)
    with refused("AccessManagedUnauthorized"):
        world.hash_keys.proposeRecovery(victim.account, commitment, proof, sender=victim.account)
    world.decide(CERTIFICATION, "HashKeys", "proposeRecovery", victim.account, commitment, proof)
    world.hash_keys.object(*victim.objection(commitment), sender=world.stranger)
    world.chain.advance(8 * 86_400)
    with refused("RecoveryMissing", account=victim.account):
        world.hash_keys.recover(victim.account, sender=victim.account)
