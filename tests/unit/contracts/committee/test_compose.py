import pytest

from qcrs.model.decision import Decision
from qcrs.model.motion import COMMITTEES, CONSTITUTION
from qcrs.rules.digest import abi_digest
from qcrs.rules.replay import bodies
from tests.evm import refused
from tests.governed import QUORUM, SECURITY, SIZE, TEMPO, Body, GovernedWorld, members_of
from tests.scenario import NOBODY, account


def test_bodies_are_founded_as_the_plan_says(docket):
    for name, title in COMMITTEES.items():
        body = docket.bodies[name]
        assert (body.title(), body.members(), body.quorum()) == (title, list(members_of(name)), QUORUM)
        assert (body.term(), body.MINORITY_ALLOWED(), body.DOOR()) == (1, False, docket.door.address)
    assert docket.constitution.members() == [docket.bodies[name].address for name in COMMITTEES]
    assert (docket.constitution.title(), docket.constitution.quorum()) == (CONSTITUTION, 4)


def test_limits_of_bodies_are_those_of_the_replay(docket):
    for body in docket.bodies.values():
        assert (body.MAX_MEMBERS(), body.MAX_TEMPO_SECONDS()) == (bodies.MAX_MEMBERS, bodies.MAX_TEMPO_SECONDS)
        for size in range(1, 33):
            twin = bodies.Body(next(name for name, other in docket.bodies.items() if other is body))
            assert body.leastQuorum(size) == twin.least_quorum(size)


def test_body_composes_itself_anew(docket):
    newcomer = account("newcomer")
    members = [*docket.body.members()[1:], newcomer]
    receipt = docket.decide(SECURITY, SECURITY, "compose", members, 4)
    assert receipt.names == ["MotionExecuted", "EntryAppended", "BodyComposed", "EntryAppended"]
    assert receipt.event("BodyComposed") == {"term": 2, "members": members, "quorum": 4}
    assert (docket.body.members(), docket.body.quorum(), docket.body.term()) == (members, 4, 2)
    entry = receipt.named("EntryAppended")[1]
    assert (entry["decision"], entry["subject"]) == (Decision.BodyComposed, 2)
    assert entry["digest"] == abi_digest(["uint32", "address[]", "uint8"], [2, members, 4])
    docket.propose(SECURITY, docket.counting(), seat=4)


def test_constitution_composes_a_body_that_cannot_do_so_itself(docket):
    members = [account(f"successor {seat}") for seat in range(3)]
    call = docket.call(SECURITY, "compose", members, 2)
    docket.execute(CONSTITUTION, docket.amend(call), call)
    assert (docket.body.members(), docket.body.quorum()) == (members, 2)


def test_compose_reverts_when_a_member_has_no_hash_key(docket):
    """Whoever steals the account of such a member could give it a key, and sit for it."""
    keyless = account("keyless")
    docket.door.forget(keyless, sender=docket.stranger)
    members = [*docket.body.members()[:4], keyless]
    # A body over which an account stands, in the place of the Constitution.
    over, founders = docket.stranger, list(members_of(SECURITY))
    parts = (docket.trail.address, docket.authority.address, docket.door.address, over)
    body = docket.chain.deploy(
        "Committee", ("Ward", *parts, False, founders, QUORUM, TEMPO.to_chain(), []), sender=docket.keeper
    )
    with refused("MemberKeyMissing", member=keyless):
        body.compose(members, 3, sender=over)
    call = docket.call(SECURITY, "compose", members, 3)
    motion = docket.carry(SECURITY, call)
    with refused("MotionCallFailed") as caught:
        docket.execute(SECURITY, motion, call)
    assert caught.arguments["reason"][:4] == selector_of(docket, "MemberKeyMissing")
    assert (len(docket.body.members()), docket.body.term()) == (SIZE, 1)


def test_body_in_earnest_is_not_founded_by_people_without_hash_keys():
    """Whoever steals such a founder's account could give it a key first."""
    with refused("MemberKeyMissing", member=members_of(SECURITY)[0]):
        Founding(development=False)


def test_body_for_development_is_founded_by_anybody():
    world = Founding(development=True)
    founders = world.bodies[SECURITY].members()
    assert founders == list(members_of(SECURITY))
    assert all(world.door.isKeyless(founder) for founder in founders)


def test_compose_reverts_for_everybody_else(docket):
    members = docket.body.members()
    for caller in (members[0], docket.deployer, docket.stranger):
        with refused("CallerNotBody", account=caller):
            docket.body.compose(members, 3, sender=caller)
    with refused("CallerNotBody", account=docket.door.address):
        docket.through(members[0], docket.body, "compose", members, 3)


@pytest.mark.parametrize(
    ("size", "quorum"),
    [(5, 2), (5, 6), (4, 2), (2, 1), (1, 1), (3, 1), (33, 17), (0, 0), (0, 1)],
)
def test_body_in_earnest_is_composed_with_a_majority_of_more_than_one(size, quorum):
    assert_invalid(size, quorum, development=False)


@pytest.mark.parametrize(("size", "quorum"), [(2, 2), (3, 2), (4, 3), (5, 3), (5, 5), (32, 17)])
def test_body_in_earnest_takes_what_is_a_majority(size, quorum):
    founded(size, quorum, development=False)


@pytest.mark.parametrize(("size", "quorum"), [(1, 1), (3, 1), (32, 1)])
def test_body_for_development_may_decide_by_one_vote(size, quorum):
    assert founded(size, quorum, development=True).bodies[SECURITY].MINORITY_ALLOWED()


@pytest.mark.parametrize(("size", "quorum"), [(0, 0), (1, 0), (2, 3), (33, 1)])
def test_body_for_development_has_members_and_a_quorum_too(size, quorum):
    assert_invalid(size, quorum, development=True)


@pytest.mark.parametrize("member", [NOBODY, members_of(SECURITY)[0]], ids=["zero", "twice"])
def test_compose_reverts_when_a_member_is_nobody_or_named_twice(docket, member):
    members = [*docket.body.members()[:4], member]
    call = docket.call(SECURITY, "compose", members, 3)
    motion = docket.carry(SECURITY, call)
    with refused("MotionCallFailed") as caught:
        docket.execute(SECURITY, motion, call)
    assert caught.arguments["reason"][:4] == selector_of(docket, "CompositionInvalid")
    assert len(docket.body.members()) == SIZE


def test_constitution_keeps_four_fifths(docket):
    seats = [docket.bodies[name].address for name in COMMITTEES]
    for members, quorum in ((seats, 3), (seats[:4], 3)):
        call = docket.call(CONSTITUTION, "compose", members, quorum)
        motion = docket.amend(call)
        with refused("MotionCallFailed") as caught:
            docket.execute(CONSTITUTION, motion, call)
        assert caught.arguments["reason"][:4] == selector_of(docket, "CompositionInvalid")


class Founding(GovernedWorld):
    """A consortium one of whose bodies is founded by people without hash keys."""

    def _rulers(self):
        for founder in members_of(SECURITY):
            self.door.forget(founder, sender=founder)
        return super()._rulers()


def selector_of(docket, error):
    return next(key for key, entry in docket.body.interface.errors.items() if entry["name"] == error)


def founded(size, quorum, development):
    committees = {name: Body(members_of(name, 3), 2) for name in COMMITTEES}
    committees[SECURITY] = Body(members_of(SECURITY, size), quorum)
    return GovernedWorld(development=development, committees=committees)


def assert_invalid(size, quorum, development):
    least = 1 if development else max(2, size // 2 + 1)
    with refused("CompositionInvalid", members=size, maximum=32, quorum=quorum, leastQuorum=least):
        founded(size, quorum, development)
