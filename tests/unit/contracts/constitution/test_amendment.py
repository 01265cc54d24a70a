"""The body of bodies: four of five, its own delay, and the Authority's only administrator."""

from qcrs.chain.deployment import ADMINISTRATION, HOLDERS
from qcrs.model.motion import COMMITTEES, CONSTITUTION, MotionStatus
from tests.evm import refused
from tests.governed import SECURITY, TEMPO, Call


def granting(docket) -> Call:
    """Return the call that gives a stranger the role of admission."""
    return docket.call("Authority", "grantRole", 2, docket.stranger, 0)


def test_each_body_holds_its_role_and_nobody_else_any(docket):
    people = [docket.deployer, docket.stranger, docket.requester, docket.door.address]
    for role, holder in HOLDERS.items():
        for name, body in docket.bodies.items():
            assert docket.authority.hasRole(role, body.address)[0] == (name == holder)
        for person in people + [docket.member(holder, seat) for seat in range(5)]:
            assert not docket.authority.hasRole(role, person)[0]


def test_constitution_alone_administers_the_authority(docket):
    for name, body in docket.bodies.items():
        assert docket.authority.hasRole(ADMINISTRATION, body.address)[0] == (name == CONSTITUTION)
    assert not docket.authority.hasRole(ADMINISTRATION, docket.deployer)[0]


def test_four_bodies_change_a_role_after_the_delay(docket):
    call = granting(docket)
    motion = docket.amend(call)
    record = docket.motion(CONSTITUTION, motion)
    assert (record["status"], record["inFavour"]) == (MotionStatus.Carried, 0b1111)
    assert record["executableAt"] == docket.chain.now - 1 + TEMPO.delay_seconds
    with refused("ExecutionOutsideWindow"):
        docket.constitution.execute(motion, call.target, call.data, sender=docket.stranger)
    docket.execute(CONSTITUTION, motion, call)
    assert docket.authority.hasRole(2, docket.stranger)[0]


def test_three_bodies_are_not_enough(docket):
    call = granting(docket)
    motion = docket.amend(call, bodies=3)
    assert docket.status_of(CONSTITUTION, motion) is MotionStatus.Open
    with refused("UnexpectedMotionStatus"):
        docket.constitution.execute(motion, call.target, call.data, sender=docket.stranger)


def test_two_bodies_against_reject(docket):
    motion = docket.amend(granting(docket), bodies=1)
    digest = docket.motion(CONSTITUTION, motion)["digest"]
    for body in list(COMMITTEES)[1:3]:
        docket.decide(body, CONSTITUTION, "vote", motion, digest, False)
    assert docket.status_of(CONSTITUTION, motion) is MotionStatus.Rejected


def test_members_of_bodies_have_no_seat_in_the_constitution(docket):
    call, member = granting(docket), docket.member(SECURITY, 0)
    arguments = (call.target, call.data, bytes(32), "")
    with refused("NotMember", account=member):
        docket.constitution.propose(*arguments, sender=member)
    with refused("NotMember", account=docket.door.address):
        docket.through(member, docket.constitution, "propose", *arguments)


def test_constitution_replaces_a_body(docket):
    """As a governed redeployment does: another contract takes the seat, and then the role."""
    successor = docket.target.address
    seats = [docket.bodies[name].address for name in COMMITTEES]
    seats[2] = successor
    call = docket.call(CONSTITUTION, "compose", seats, 4)
    docket.execute(CONSTITUTION, docket.amend(call), call)
    assert docket.constitution.members()[2] == successor
    call = docket.call("Authority", "grantRole", 3, successor, 0)
    first, *others = [name for name in COMMITTEES if name != SECURITY]
    docket.decide(first, CONSTITUTION, "propose", call.target, call.data, bytes(32), "")
    motion = docket.constitution.motionCount()
    for body in others:
        digest = docket.motion(CONSTITUTION, motion)["digest"]
        docket.decide(body, CONSTITUTION, "vote", motion, digest, True)
    docket.execute(CONSTITUTION, motion, call)
    assert docket.authority.hasRole(3, successor)[0]


def test_constitution_does_not_write_into_the_trail(docket):
    call = docket.call("AuditTrail", "append", 1, 1, bytes(32))
    inner = docket.call(CONSTITUTION, "propose", call.target, call.data, bytes(32), "")
    motion = docket.carry(SECURITY, inner)
    with refused("MotionCallFailed"):
        docket.execute(SECURITY, motion, inner)
