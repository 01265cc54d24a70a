"""Calls, answers and logs that are not what they should be."""

import pytest
from eth_hash.auto import keccak
from faster_eth_abi import encode

from qcrs.chain.codec import AnswerInvalid, ArgumentInvalid, decode_revert, load_interfaces

INTERFACES = load_interfaces()
OPERATOR = "0x" + "11" * 20


def _log(interface, name, indexed, plain):
    topic = next(topic for topic, entry in interface.events.items() if entry["name"] == name)
    return {
        "topics": ["0x" + topic.hex(), *("0x" + word.hex() for word in indexed)],
        "data": "0x" + plain.hex(),
        "blockNumber": "0x5",
        "logIndex": "0x0",
        "transactionHash": "0x" + "22" * 32,
    }


def test_string_that_is_not_utf8_is_shown_and_stops_nobody():
    registry = INTERFACES["ProcessorRegistry"]
    fields = ["uint16", *["uint8"] * 3, *["uint32"] * 4, *["uint40"] * 2, *["uint64"] * 2, *["bytes32"] * 2]
    types = [f"({','.join(fields)})", "bytes"]
    capability = (5, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, bytes(32), bytes(32))
    # bytes and string have the same form on the wire
    plain = encode(types, [capability, b"\xff\xfe"])
    one = (1).to_bytes(32, "big")
    event = registry.decode_log(_log(registry, "CapabilityDeclared", [one, one], plain))
    assert event["uri"] == "\\xff\\xfe"


def test_value_that_does_not_fit_is_named():
    with pytest.raises(ArgumentInvalid, match=r"Consortium\.admit"):
        INTERFACES["Consortium"].encode_call("admit", ["Name", OPERATOR, 2**32])
    with pytest.raises(ArgumentInvalid, match=r"Consortium\.invite"):
        INTERFACES["Consortium"].encode_call("invite", ["nobody"])


def test_answer_of_another_form_is_named():
    with pytest.raises(AnswerInvalid, match=r"ProcessorRegistry\.standingOf answered"):
        INTERFACES["ProcessorRegistry"].decode_result("standingOf", b"\x01")


def test_reverts_are_named_with_their_arguments():
    selector = keccak(b"InsufficientFunds(address,uint256,uint256)")[:4]
    data = selector + encode(["address", "uint256", "uint256"], [OPERATOR, 1, 2])
    error = decode_revert(data, INTERFACES)
    assert (error.name, error.arguments["available"], error.arguments["required"]) == ("InsufficientFunds", 1, 2)
    assert decode_revert(b"", INTERFACES).name == "Unknown"
    panic = bytes.fromhex("4e487b71") + (17).to_bytes(32, "big")
    assert decode_revert(panic, INTERFACES).arguments == {"code": 17}
    reason = bytes.fromhex("08c379a0") + encode(["string"], ["no"])
    assert decode_revert(reason, INTERFACES).arguments == {"reason": "no"}
    assert decode_revert(bytes.fromhex("08c379a0") + b"\x01", INTERFACES).name == "Unknown"
