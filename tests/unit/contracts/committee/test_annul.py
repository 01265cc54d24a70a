from qcrs.model.motion import CONSTITUTION, MotionStatus
from tests.evm import refused
from tests.governed import SECURITY


def test_body_annuls_what_it_carried_without_delay(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    stopping = docket.annulling(motion)
    second = docket.carry(SECURITY, stopping)
    receipt = docket.body.execute(second, stopping.target, stopping.data, sender=docket.keeper)
    assert receipt.names == ["MotionExecuted", "EntryAppended", "MotionWithdrawn", "EntryAppended"]
    assert docket.status_of(SECURITY, motion) is MotionStatus.Withdrawn


def test_constitution_annuls_what_a_body_carried_without_delay(docket):
    motion = docket.carry(SECURITY, docket.counting())
    call = docket.annulling(motion)
    amendment = docket.amend(call)
    now = docket.chain.now
    docket.execute(CONSTITUTION, amendment, call)
    assert docket.chain.now == now + 1
    assert docket.status_of(SECURITY, motion) is MotionStatus.Withdrawn


def test_annul_reverts_for_everybody_else(docket):
    motion = docket.carry(SECURITY, docket.counting())
    member = docket.member(SECURITY, 0)
    for caller in (member, docket.stranger, docket.deployer):
        with refused("CallerNotBody", account=caller):
            docket.body.annul(motion, sender=caller)
    with refused("CallerNotBody", account=docket.door.address):
        docket.through(member, docket.body, "annul", motion)


def test_annul_reverts_when_the_motion_is_open(docket):
    """Open ones are voted down, or withdrawn by who proposed them."""
    motion = docket.propose(SECURITY, docket.counting())
    call = docket.annulling(motion)
    second = docket.carry(SECURITY, call)
    with refused("MotionCallFailed"):
        docket.body.execute(second, call.target, call.data, sender=docket.keeper)
    assert docket.status_of(SECURITY, motion) is MotionStatus.Open
