"""Calls as people write them: read back as they were meant, and refused with what was expected."""

import pytest

from qcrs.chain.call import Calls, CallUnknown
from qcrs.chain.codec import ArgumentInvalid, load_interfaces

INTERFACES = load_interfaces()
ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(INTERFACES, start=1)}
SOMEBODY = "0x" + "5a" * 20
WORD = "0x" + "07" * 32


@pytest.fixture
def calls():
    return Calls(INTERFACES, ADDRESSES)


@pytest.mark.parametrize(
    ("contract", "function", "texts", "words"),
    [
        ("ProcessorRegistry", "suspend", {"processor": "3", "reason": WORD}, f"(processor=3, reason={WORD})"),
        ("ProcessorRegistry", "suspend", {"reason": WORD, "processor": "0x3"}, f"(processor=3, reason={WORD})"),
        (
            "Disputes",
            "rule",
            {"dispute": "1", "upheld": "false", "reason": WORD},
            f"(dispute=1, upheld=false, reason={WORD})",
        ),
        (
            "Consortium",
            "admit",
            {"name": "A b", "admin": SOMEBODY, "weight": "1"},
            f"(name=A b, admin={SOMEBODY}, weight=1)",
        ),
        (
            "Constitution",
            "setTempo",
            {"newTempo": "[10, 20, 30]"},
            "(newTempo={votingSeconds: 10, delaySeconds: 20, executionSeconds: 30})",
        ),
        (
            "Constitution",
            "compose",
            {"newMembers": f'["{SOMEBODY}"]', "newQuorum": "1"},
            f"(newMembers=[{SOMEBODY}], newQuorum=1)",
        ),
        ("ComputationAllocator", "disburse", {"to": "Bonds", "amount": "5"}, f"(to={ADDRESSES['Bonds']}, amount=5)"),
    ],
)
def test_call_says_what_was_written(calls, contract, function, texts, words):
    call = calls.write(contract, function, texts)
    assert str(call) == f"{contract}.{function}{words}"
    assert (call.contract, call.function, call.target) == (contract, function, calls.read(call.target, b"").target)
    assert calls.read(ADDRESSES[contract], call.data) == call


def test_call_within_a_call_is_read_too(calls):
    inner = calls.write("Authority", "grantRole", {"roleId": "1", "account": SOMEBODY, "executionDelay": "0"})
    texts = {"target": "Authority", "data": "0x" + inner.data.hex(), "reason": WORD, "uri": ""}
    outer = calls.write("Constitution", "propose", texts)
    assert f"data=[Authority.grantRole(roleId=1, account={SOMEBODY}, executionDelay=0)]" in str(outer)
    assert outer.to_json()["arguments"]["target"] == ADDRESSES["Authority"]


@pytest.mark.parametrize(
    ("target", "data", "words"),
    [
        (SOMEBODY, b"\x01\x02", "0x0102"),
        (ADDRESSES["Bonds"], b"\x01\x02\x03\x04", "Bonds with 0x01020304"),
        (ADDRESSES["Consortium"], INTERFACES["Consortium"].selector("expel") + b"\x01", "Consortium with 0x"),
    ],
    ids=["unknown contract", "unknown function", "cut short"],
)
def test_call_that_cannot_be_read_is_shown_as_it_is(calls, target, data, words):
    call = calls.read(target, data)
    assert call.arguments is None
    assert words in str(call)
    assert call.to_json()["data"] == "0x" + data.hex()


@pytest.mark.parametrize(
    ("contract", "function", "texts", "error", "part"),
    [
        ("Nonesuch", "admit", {}, CallUnknown, "expected one of"),
        ("Consortium", "nothing", {}, CallUnknown, "admit"),
        ("Consortium", "organisationOf", {"account": SOMEBODY}, CallUnknown, "expected one of"),
        ("Consortium", "expel", {}, CallUnknown, "expected organisation (uint24); found none"),
        ("Consortium", "expel", {"organisation": "1", "x": "2"}, CallUnknown, "found organisation, x"),
        ("Consortium", "expel", {"organisation": "one"}, ArgumentInvalid, "a number of type uint24, found 'one'"),
        ("Consortium", "expel", {"organisation": "-1"}, ArgumentInvalid, "Consortium.expel"),
        ("Disputes", "rule", {"dispute": "1", "upheld": "yes", "reason": WORD}, ArgumentInvalid, "true or false"),
        (
            "Disputes",
            "rule",
            {"dispute": "1", "upheld": "true", "reason": "0x07"},
            ArgumentInvalid,
            "32 bytes, found 1",
        ),
        ("Disputes", "rule", {"dispute": "1", "upheld": "true", "reason": "why"}, ArgumentInvalid, "hexadecimal"),
        ("Bonds", "bond", {"processor": ""}, ArgumentInvalid, "a number"),
        ("Constitution", "setTempo", {"newTempo": "[1, 2]"}, ArgumentInvalid, "found 2 values"),
        ("Constitution", "setTempo", {"newTempo": "{}"}, ArgumentInvalid, "a JSON list"),
        ("Constitution", "compose", {"newMembers": "[1]", "newQuorum": "1"}, ArgumentInvalid, "an address"),
    ],
)
def test_call_that_cannot_be_written_says_what_was_expected(calls, contract, function, texts, error, part):
    with pytest.raises(error) as caught:
        calls.write(contract, function, texts)
    assert part in str(caught.value)
