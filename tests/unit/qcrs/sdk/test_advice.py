"""What a person can do about a refusal is said."""

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.cli import _advised
from qcrs.sdk.advice import next_step

QUOTA = {"organisation": 4, "priority": 2, "cost": 70, "left": 30, "renewsAt": 86_400}
FEW = {"noiseClass": 1, "qubits": 5, "required": 3, "found": 2}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("QuotaExhausted", QUOTA, ["costs 70 units and 30 are left until 1970-01-02 00:00", "organisation quota 4"]),
        ("BacklogFull", {"bucket": 9, "ahead": 9, "limit": 8}, ["qcrs job list", "--noise-class"]),
        ("TooFewEligibleProcessors", FEW, ["2 of 3 processors", "qcrs job why ID", "--price"]),
        ("AccountNotAdmin", {}, ["admin"]),
        ("AccessManagedUnauthorized", {"caller": "0x"}, ["--as operator", "qcrs committee propose"]),
        ("NotMember", {"account": "0x"}, ["qcrs committee list --json"]),
        ("HashSignatureRequired", {"account": "0x", "door": "0x"}, ["hash key"]),
        ("MotionOutdated", {"motion": 1, "term": 1, "present": 2}, ["qcrs committee expire", "anew"]),
        ("ExecutionOutsideWindow", {"motion": 1}, ["qcrs committee show"]),
        ("WorkStopped", {"endsAt": 86_400, "timestamp": 1}, ["until 1970-01-02 00:00", "goes on"]),
    ],
)
def test_next_step_is_named(name, arguments, words):
    said = _advised("ContractRefused", ContractRefused(name, arguments))
    assert said.startswith(f"the contract refused: {name}(")
    for word in words:
        assert word in said


def test_other_refusals_speak_for_themselves():
    assert next_step("ReplicasOutOfRange", {}) is None
    error = ContractRefused("ReplicasOutOfRange", {"replicas": 2})
    assert _advised("ContractRefused", error) == str(error)
