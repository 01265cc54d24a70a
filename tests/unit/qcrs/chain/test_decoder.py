"""What is decoded is what eth_abi decodes, and what it refuses is refused."""

import pytest
from eth_abi import encode
from eth_abi.codec import ABICodec
from eth_abi.decoding import StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import BaseEquals, registry
from eth_abi.tools import get_abi_strategy
from hypothesis import given
from hypothesis import strategies as st

from qcrs.chain.codec import load_interfaces, signature
from qcrs.chain.decoder import decode

PLAIN = ("uint8", "uint64", "uint256", "int24", "int256", "address", "bool", "bytes4", "bytes32", "bytes", "string")
NESTED = (
    "(uint8,bytes)[]", "(address,(string,uint64[])[2])", "uint16[3]", "string[2]", "bytes32[][]", "(int64,bool)[][2]",
)  # fmt: skip
WORD = 32

_registry = registry.copy()
_registry.unregister_decoder("string")
_registry.register_decoder(BaseEquals("string"), StringDecoder(handle_string_errors="backslashreplace"), label="string")
reference = ABICodec(_registry).decode


@st.composite
def encoded(draw):
    types = draw(st.lists(st.sampled_from(PLAIN + NESTED), min_size=1, max_size=4))
    values = [draw(get_abi_strategy(type_)) for type_ in types]
    return types, encode(types, values)


@given(encoded())
def test_values_are_those_of_eth_abi(made):
    types, data = made
    assert decode(types, data) == reference(types, data)


@given(encoded(), st.data())
def test_changed_bytes_are_refused_or_read_alike(made, data):
    types, whole = made
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.sampled_from([len(whole), len(whole) - WORD, at]))])
    try:
        expected = reference(types, cut)
    except (DecodingError, OverflowError):  # the latter at a pointer beyond what a stream can be
        with pytest.raises(DecodingError):
            decode(types, cut)
    else:
        assert decode(types, cut) == expected


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("uint8", "0100".rjust(64, "0")),
        ("int8", "80".rjust(64, "0")),
        ("bool", "02".rjust(64, "0")),
        ("address", "01" + 62 * "0"),
        ("bytes4", 62 * "0" + "01"),
        ("bytes", "20".rjust(64, "0") + "01".rjust(64, "0") + "aabb".ljust(64, "0")),
        ("bytes", "00".rjust(64, "0")),
        ("uint8[]", "20".rjust(64, "0") + 64 * "f"),
        ("string[]", "20".rjust(64, "0") + "01".rjust(64, "0") + "00".rjust(64, "0") + "00".rjust(64, "0")),
        ("uint8", ""),
    ],
)
def test_what_no_encoder_makes_is_refused(type_, data):
    with pytest.raises(DecodingError):
        decode([type_], bytes.fromhex(data))


def test_every_type_of_the_suite_can_be_read():
    for interface in load_interfaces().values():
        for entry in interface.abi:
            for key in {"inputs", "outputs"} & entry.keys():
                types = [signature({"name": "", "inputs": [parameter]})[1:-1] for parameter in entry[key]]
                if types:
                    with pytest.raises(DecodingError):
                        decode(types, b"")
