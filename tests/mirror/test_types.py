"""Enums, structs, lifecycles, constants and errors have one shape in Solidity and in Python."""

import re
from functools import cache
from pathlib import Path

import pytest

from qcrs.chain.artifacts import PROJECT, syntax_trees
from qcrs.errors import QcrsError
from qcrs.model import (
    assignment,
    certification,
    challenge,
    channel,
    computation,
    decision,
    delivery,
    dispute,
    motion,
    organisation,
    processor,
    records,
    reservation,
    session,
)
from qcrs.rules import (
    agreement,
    benchmark,
    certifying,
    commitment,
    count_sketch,
    credibility,
    gold,
    independence,
    link_test,
    measurement,
    reputation,
    session_digest,
)
from qcrs.rules.digest import keccak
from qcrs.rules.replay import pause
from tests.evm import Chain, refused
from tests.scenario import account

ENUMS = {
    "AssignmentStatus": assignment.AssignmentStatus,
    "CertificationCause": certification.CertificationCause,
    "CertificationStatus": certification.CertificationStatus,
    "ChallengeStatus": challenge.ChallengeStatus,
    "ChannelStatus": channel.ChannelStatus,
    "ComputationStatus": computation.ComputationStatus,
    "Decision": decision.Decision,
    "DeliveryStatus": delivery.DeliveryStatus,
    "DisputeKind": dispute.DisputeKind,
    "DisputeStatus": dispute.DisputeStatus,
    "MotionStatus": motion.MotionStatus,
    "FailureReason": computation.FailureReason,
    "Fault": challenge.Fault,
    "Priority": organisation.Priority,
    "ProcessorStatus": processor.ProcessorStatus,
    "ReservationStatus": reservation.ReservationStatus,
    "RoundKind": gold.RoundKind,
    "Screen": organisation.Screen,
    "SessionStatus": session.SessionStatus,
    "Verdict": agreement.Verdict,
}
LIFECYCLES = {
    "Assignment": (assignment, assignment.AssignmentStatus, (7, 3)),
    "Certification": (certification, certification.CertificationStatus, (7,)),
    "Challenge": (challenge, challenge.ChallengeStatus, (7,)),
    "Channel": (channel, channel.ChannelStatus, (7,)),
    "Computation": (computation, computation.ComputationStatus, (7,)),
    "Delivery": (delivery, delivery.DeliveryStatus, (7,)),
    "Dispute": (dispute, dispute.DisputeStatus, (7,)),
    "Motion": (motion, motion.MotionStatus, (7,)),
    "Processor": (processor, processor.ProcessorStatus, (7,)),
    "Reservation": (reservation, reservation.ReservationStatus, (7,)),
    "Session": (session, session.SessionStatus, (7,)),
}
CONSTANTS = {
    "Agreement": agreement,
    "Benchmark": benchmark,
    "Commitment": commitment,
    "CountSketch": count_sketch,
    "Credibility": credibility,
    "Independence": independence,
    "GoldList": gold,
    "GoldScore": gold,
    "LinkTest": link_test,
    "Pause": pause,
    "Certifiers": certifying,
    "Measurement": measurement,
    "Reputation": reputation,
    "SessionDigest": session_digest,
}


@cache
def nodes(kind):
    """Return every syntax node of a kind in the suite's own sources, test harnesses aside."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            if node.get("nodeType") == kind:
                found.append(node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    for path, tree in syntax_trees().items():
        if not path.startswith("contracts/test/"):
            walk(tree)
    return found


def snake_case(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


# --- enums ---


def test_every_enum_has_its_twin():
    assert {node["name"] for node in nodes("EnumDefinition")} == set(ENUMS)


@pytest.mark.parametrize("name", ENUMS)
def test_enum_members_have_the_same_names_and_numbers(name):
    (node,) = [node for node in nodes("EnumDefinition") if node["name"] == name]
    members = {member["name"]: number for number, member in enumerate(node["members"])}
    assert members == {member.name: member.value for member in ENUMS[name]}


# --- structs ---

RECORDS = [record for record in vars(records).values() if record in records.Record.__subclasses__()]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_record_has_the_fields_of_its_struct_in_order(record):
    (node,) = [node for node in nodes("StructDefinition") if node["name"] == record.__name__]
    members = [snake_case(member["name"]) for member in node["members"]]
    assert members == list(record.model_fields)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_record_fields_that_are_enums_are_the_struct_s(record):
    (node,) = [node for node in nodes("StructDefinition") if node["name"] == record.__name__]
    for member in node["members"]:
        solidity = member["typeDescriptions"]["typeString"]
        python = record.model_fields[snake_case(member["name"])].annotation
        if solidity.startswith("enum "):
            assert python is ENUMS[solidity.removeprefix("enum ").split(".")[-1]]
        else:
            assert python is python_type(solidity), member["name"]


def python_type(solidity):
    if solidity in ("bool", "address"):
        return {"bool": bool, "address": str}[solidity]
    if solidity.startswith("string"):
        return str
    return bytes if solidity.startswith("bytes") else int


# --- lifecycles ---


def bits(statuses):
    return sum(1 << status for status in statuses)


@pytest.fixture(scope="module")
def lifecycle():
    chain = Chain()
    return {name: chain.deploy(f"{name}LifecycleHarness", sender=account("deployer")) for name in LIFECYCLES}


@pytest.mark.parametrize("name", LIFECYCLES)
def test_sources_are_the_same(lifecycle, name):
    module, statuses, _ = LIFECYCLES[name]
    for to in statuses:
        assert lifecycle[name].sourcesOf(to) == bits(module.SOURCES.get(to, ())), to


@pytest.mark.parametrize("name", LIFECYCLES)
def test_every_pair_of_statuses_advances_or_reverts_alike(lifecycle, name):
    module, statuses, arguments = LIFECYCLES[name]
    error = getattr(module, f"Unexpected{name}Status")
    for actual in statuses:
        for to in statuses:
            step = lambda a=actual, t=to: lifecycle[name].advance(  # noqa: E731
                *arguments, a, t, sender=account("deployer")
            )
            if actual in module.SOURCES.get(to, ()):
                assert step().result == module.advance(actual, to) == to
                continue
            with pytest.raises(error) as caught:
                module.advance(actual, to)
            with refused(error.__name__) as refusal:
                step()
            assert refusal.arguments["actual"] == caught.value.actual
            assert refusal.arguments["allowed"] == bits(caught.value.allowed)


# --- constants ---


def solidity_constants(library):
    """Return the constants of a library that are numbers or digests of a text."""
    (node,) = [
        node for node in nodes("ContractDefinition") if node["name"] == library and node["contractKind"] == "library"
    ]
    found = {}
    for variable in node["nodes"]:
        if variable["nodeType"] != "VariableDeclaration":
            continue
        value = variable["value"]
        if value["nodeType"] == "FunctionCall":
            found[variable["name"]] = keccak(value["arguments"][0]["value"].encode())
        elif value["nodeType"] == "Literal":
            found[variable["name"]] = int(value["value"].replace("_", ""), 0)
    return found


@pytest.mark.parametrize("library", CONSTANTS)
def test_constants_of_one_name_have_one_value(library):
    solidity = solidity_constants(library)
    shared = {name: value for name, value in solidity.items() if hasattr(CONSTANTS[library], name)}
    assert shared
    assert shared == {name: getattr(CONSTANTS[library], name) for name in shared}


@pytest.mark.parametrize("library", ["Commitment", "LinkTest", "SessionDigest"])
def test_every_domain_of_a_digest_has_its_twin(library):
    domains = {name for name in solidity_constants(library) if name.endswith("_DOMAIN")}
    assert domains == {name for name in vars(CONSTANTS[library]) if name.endswith("_DOMAIN")} != set()


# --- errors ---


def test_errors_of_the_model_are_errors_of_the_contracts():
    solidity = {node["name"] for node in nodes("ErrorDefinition")}
    python = {error.__name__ for error in descendants(QcrsError) if error.__module__ in MODEL}
    assert python - {"UnexpectedStatus"} <= solidity
    assert python


MODEL = {
    f"qcrs.model.{name}"
    for name in (
        "assignment",
        "certification",
        "challenge",
        "channel",
        "computation",
        "delivery",
        "dispute",
        "motion",
        "processor",
        "reservation",
        "session",
    )
}


def descendants(error):
    return {error}.union(*(descendants(child) for child in error.__subclasses__()))


def test_each_error_is_declared_once():
    names = [node["name"] for node in nodes("ErrorDefinition")]
    assert sorted(set(names)) == sorted(names)


def test_every_error_is_reached_by_a_unit_test():
    folder = PROJECT / "tests" / "unit" / "contracts"
    text = "\n".join(Path(file).read_text() for file in sorted(folder.rglob("test_*.py")))
    expected = set(re.findall(r'(?:refused|skipped)\(\s*"(\w+)"', text))
    assert {node["name"] for node in nodes("ErrorDefinition")} - expected == set()
