"""Under the bodies, no account alone can do what is restricted: every function of every contract is tried.

What is restricted is read from the sources, so that a new function is tried too, or this fails for want of arguments.
"""

import json
from functools import cache

import pytest

from qcrs.chain.artifacts import syntax_trees
from qcrs.chain.codec import CONTRACTS, ContractRefused
from qcrs.chain.deployment import ADMINISTRATION, PRIVILEGES
from qcrs.model.motion import BODIES, COMMITTEES, CONSTITUTION
from tests.evm import interfaces
from tests.scenario import account

WORD = bytes(32)
# How bodies answer who may not.
REFUSALS = {
    "HashSignatureRequired",
    "NotMember",
    "CallerNotBody",
    "CallerNotProposer",
}
# What anyone may call once it is due, and what it answers before.
OPEN = {"expire": {"MotionNotDue"}, "execute": {"UnexpectedMotionStatus"}}
ALONE = ["deployer", "requester", "keeper", "stranger", "operator", "daemon", *(f"member of {b}" for b in COMMITTEES)]


@cache
def restricted():
    """Return the names of functions with the modifier ``restricted``, or its check, by the contract that has them."""
    found = set()
    for path, tree in syntax_trees().items():
        for contract in tree["nodes"]:
            if contract["nodeType"] != "ContractDefinition" or path.startswith("contracts/test/"):
                continue
            for node in contract["nodes"]:
                modifiers = {m["modifierName"]["name"] for m in node.get("modifiers", ())}
                checked = '"_checkCanCall"' in json.dumps(node.get("body"))
                if node["nodeType"] == "FunctionDefinition" and ("restricted" in modifiers or checked):
                    found.add((contract["name"], node["name"]))
    return found


def test_every_restricted_function_has_a_role():
    privileged = {(c, f) for targets in PRIVILEGES.values() for c, functions in targets.items() for f in functions}
    homes = {"Escrow": "ComputationAllocator", "Inspections": "Certifications"}
    assert {(homes.get(contract, contract), name) for contract, name in restricted()} == privileged


def person(docket, name):
    """Return the address of who is called *name*."""
    if name.startswith("member of "):
        return docket.member(name.removeprefix("member of "), 0)
    if name in ("operator", "daemon"):
        node = docket.nodes[0] if docket.nodes else docket.enrol()
        return getattr(node, name)
    return getattr(docket, name)


def value(kind, docket):
    """Return some value of a Solidity type."""
    if kind["type"].startswith("tuple"):
        return tuple(value(c, docket) for c in kind["components"]) if kind["type"] == "tuple" else []
    if kind["type"].endswith("]"):
        return []
    if kind["type"] == "address":
        return docket.target.address
    if kind["type"].startswith("bytes"):
        size = kind["type"].removeprefix("bytes")
        return bytes(int(size)) if size else b""
    return {"bool": True, "string": "x"}.get(kind["type"], 1)


def changing(contract):
    """Return the functions of a contract that change state, with their inputs."""
    interface = interfaces()[contract]
    return {
        name: entry["inputs"]
        for name, entry in interface.functions.items()
        if entry["stateMutability"] not in ("view", "pure")
    }


def refusal(docket, contract, function, inputs, sender):
    """Return the name of the error with which a call ends, or None when it does not; it is about what came last."""
    arguments = [value(kind, docket) for kind in inputs]
    if contract in BODIES and inputs[0]["name"] == "motion":
        arguments[0] = docket.bodies[contract].motionCount()
    with docket.chain.undone():
        try:
            docket.chain.send(docket.contracts[contract], function, *arguments, sender=sender)
        except ContractRefused as error:
            return error.name
    return None


@pytest.mark.parametrize("who", ALONE)
def test_nobody_alone_does_what_is_restricted(docket, who):
    sender = person(docket, who)
    tried = 0
    for targets in PRIVILEGES.values():
        for contract, functions in targets.items():
            for function in functions:
                inputs = changing(contract)[function]
                assert refusal(docket, contract, function, inputs, sender) == "AccessManagedUnauthorized", function
                tried += 1
    assert tried == len(restricted())


@pytest.mark.parametrize("who", ALONE)
def test_nobody_alone_administers_anything(docket, who):
    """Every function of the Authority that changes something, and every contract's choice of an authority."""
    sender = person(docket, who)
    for function, inputs in changing("Authority").items():
        if function in ("renounceRole", "execute", "schedule", "cancel", "consumeScheduledOp", "multicall"):
            continue
        assert refusal(docket, "Authority", function, inputs, sender) == "AccessManagerUnauthorizedAccount", function
    managed = [name for name in CONTRACTS if "setAuthority" in interfaces()[name].functions]
    assert managed == [
        "Consortium", "HashKeys", "ProcessorRegistry", "ComputationAllocator", "Disputes", "Certifications"
    ]  # fmt: skip
    for contract in managed:
        inputs = changing(contract)["setAuthority"]
        assert refusal(docket, contract, "setAuthority", inputs, sender) == "AccessManagedUnauthorized", contract


@pytest.mark.parametrize("who", ALONE)
def test_nobody_alone_reaches_it_through_the_authority(docket, who):
    """The roundabout ways of AccessManager: to execute, to schedule, to bundle, to be asked to consume."""
    sender = person(docket, who)
    send = lambda function, *arguments: docket.chain.send(  # noqa: E731
        docket.authority, function, *arguments, sender=sender
    )
    for role, targets in PRIVILEGES.items():
        for contract, functions in targets.items():
            for function in functions:
                target = docket.contracts[contract]
                arguments = [value(kind, docket) for kind in changing(contract)[function]]
                data = target.interface.encode_call(function, arguments)
                inner = docket.authority.interface.encode_call("execute", (target.address, data))
                for attempt, given in (
                    ("execute", (target.address, data)),
                    ("schedule", (target.address, data, 0)),
                    ("multicall", ([inner],)),
                ):
                    with pytest.raises(ContractRefused) as caught:
                        send(attempt, *given)
                    assert caught.value.name == "AccessManagerUnauthorizedCall", (role, function, attempt)
    grant = docket.authority.interface.encode_call("grantRole", (ADMINISTRATION, sender, 0))
    with pytest.raises(ContractRefused) as caught:
        send("multicall", [grant])
    assert caught.value.name == "AccessManagerUnauthorizedAccount"
    with pytest.raises(ContractRefused, match="Unknown"):  # it asks its caller, who has no code to answer with
        send("consumeScheduledOp", sender, grant)


@pytest.mark.parametrize("who", ALONE)
@pytest.mark.parametrize("body", BODIES)
def test_nobody_alone_acts_for_a_body(docket, who, body):
    """Not even a member: what a member does by itself is to propose and to vote, through the door."""
    sender = person(docket, who)
    if body == CONSTITUTION:
        docket.amend(docket.counting(), bodies=1)
    else:
        docket.propose(body, docket.counting(), seat=1)
    functions = changing(body)
    assert set(functions) == {"propose", "vote", "withdraw", "annul", "compose", "setTempo", "expire", "execute"}
    for function, inputs in functions.items():
        answer = refusal(docket, body, function, inputs, sender)
        # The motion is open: it is neither over nor carried.
        assert answer in OPEN.get(function, REFUSALS), (function, answer)


@pytest.mark.parametrize("who", ALONE)
def test_nobody_alone_writes_into_the_trail(docket, who):
    sender = person(docket, who)
    assert refusal(docket, "AuditTrail", "append", changing("AuditTrail")["append"], sender) == "RecorderUnknown"


def test_deployer_kept_no_role(docket):
    deployer = docket.deployer
    for role in (ADMINISTRATION, *PRIVILEGES):
        assert not docket.authority.hasRole(role, deployer)[0]
        assert docket.authority.getRoleAdmin(role) == ADMINISTRATION
        assert docket.authority.getRoleGuardian(role) == ADMINISTRATION


def test_account_named_in_a_body_cannot_renounce_for_it(docket):
    with pytest.raises(ContractRefused) as caught:
        docket.authority.renounceRole(1, docket.committee, sender=account("anyone"))
    assert caught.value.name == "AccessManagerBadConfirmation"
