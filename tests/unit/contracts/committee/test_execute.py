from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.rules.digest import abi_digest, keccak
from tests.evm import artifacts, refused
from tests.governed import SECURITY, Call


def due(docket, motion):
    """Let the time come at which *motion* can be executed."""
    docket.chain.warp(docket.motion(SECURITY, motion)["executableAt"])


def test_execute_calls_what_was_carried(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    receipt = docket.execute(SECURITY, motion, call)
    assert docket.target.calls() == 1
    assert receipt.names == ["MotionExecuted", "EntryAppended"]
    entry, record = receipt.event("EntryAppended"), docket.motion(SECURITY, motion)
    assert record["status"] == MotionStatus.Executed
    assert (entry["decision"], entry["subject"]) == (Decision.MotionExecuted, motion)
    assert entry["digest"] == abi_digest(["uint64", "bytes32"], [motion, record["digest"]])


def test_execute_has_no_delay_where_it_is_waived(docket):
    processor = docket.enrol().id
    call = docket.call("ProcessorRegistry", "suspend", processor, bytes(32))
    motion = docket.carry(SECURITY, call)
    now = docket.chain.now
    receipt = docket.bodies[SECURITY].execute(motion, call.target, call.data, sender=docket.stranger)
    assert docket.chain.now == now + 1
    assert receipt.names[2:] == ["ProcessorSuspended", "EntryAppended"]


def test_execute_reverts_before_the_delay_is_over_and_after_the_window(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    record = docket.motion(SECURITY, motion)
    due_at, lapses_at = record["executableAt"], record["lapsesAt"]
    for moment in (due_at - 1, lapses_at + 1):
        with docket.chain.undone():
            docket.chain.warp(moment)
            window = {"motion": motion, "executableAt": due_at, "lapsesAt": lapses_at, "timestamp": moment}
            with refused("ExecutionOutsideWindow", **window):
                docket.body.execute(motion, call.target, call.data, sender=docket.keeper)
    for moment in (due_at, lapses_at):
        with docket.chain.undone():
            docket.chain.warp(moment)
            docket.body.execute(motion, call.target, call.data, sender=docket.keeper)


def test_execute_reverts_when_the_call_is_another(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    due(docket, motion)
    for other in (docket.calling("refuse"), Call(docket.door.address, call.data)):
        with refused("MotionMismatch") as caught:
            docket.body.execute(motion, other.target, other.data, sender=docket.keeper)
        assert caught.arguments["expected"] == docket.motion(SECURITY, motion)["callDigest"]


def test_execute_reverts_when_the_target_refuses_and_the_motion_stands(docket):
    call = docket.calling("refuse")
    motion = docket.carry(SECURITY, call)
    due(docket, motion)
    with refused("MotionCallFailed", motion=motion, target=call.target, reason=keccak(b"Refused()")[:4]):
        docket.body.execute(motion, call.target, call.data, sender=docket.keeper)
    assert docket.status_of(SECURITY, motion) is MotionStatus.Carried


def test_execute_reverts_when_the_target_s_code_is_gone(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    due(docket, motion)
    code = bytes.fromhex(artifacts()["RestlessTarget"].deployed_bytecode[2:])
    docket.chain.put_code(call.target, b"")
    try:
        with refused("TargetForbidden", target=call.target):
            docket.body.execute(motion, call.target, call.data, sender=docket.keeper)
    finally:
        docket.chain.put_code(call.target, code)  # this is not undone with the rest


def test_executed_motion_is_not_executed_again(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    docket.execute(SECURITY, motion, call)
    allowed = 1 << MotionStatus.Carried
    with refused("UnexpectedMotionStatus", id=motion, actual=MotionStatus.Executed, allowed=allowed):
        docket.body.execute(motion, call.target, call.data, sender=docket.keeper)
