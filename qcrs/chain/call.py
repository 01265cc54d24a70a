"""A call of a suite's function, as people write it and as the chain takes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils import is_address, to_checksum_address

from qcrs.chain.codec import ArgumentInvalid, Interface
from qcrs.errors import QcrsError


class CallUnknown(QcrsError):
    """There is no such contract or function, or its arguments are others."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        target: Address. contract, function: Names, where they are known; otherwise empty.
        arguments: By name, decoded; those that are calls themselves are not decoded further.
    """

    target: str
    data: bytes
    contract: str = ""
    function: str = ""
    arguments: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        if self.arguments is None:
            return f"{self.contract or self.target} with 0x{self.data.hex()}"
        listed = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments.items())
        return f"{self.contract}.{self.function}({listed})"

    def to_json(self) -> dict[str, Any]:
        """Return the call as ``--json`` prints it."""
        arguments = None if self.arguments is None else {k: _shown(v) for k, v in self.arguments.items()}
        return {
            "target": self.target,
            "data": "0x" + self.data.hex(),
            "contract": self.contract or None,
            "function": self.function or None,
            "arguments": arguments,
        }


class Calls:
    """Reads and writes calls of the contracts at known addresses."""

    def __init__(self, interfaces: Mapping[str, Interface], addresses: Mapping[str, str]) -> None:
        self._interfaces, self._addresses = interfaces, addresses
        self._names = {address.lower(): name for name, address in addresses.items()}

    def read(self, target: str, data: bytes) -> Call:
        """Return what calling *target* with *data* means, as far as it can be told."""
        target = to_checksum_address(target)
        contract = self._names.get(target.lower(), "")
        decoded = self._interfaces[contract].decode_call(data) if contract else None
        if decoded is None:
            return Call(target, data, contract)
        function, arguments = decoded
        if "target" in arguments and isinstance(arguments.get("data"), bytes):
            inner = self.read(arguments["target"], arguments["data"])
            arguments = {**arguments, "data": inner} if inner.arguments is not None else arguments
        return Call(target, data, contract, function, arguments)

    def write(self, contract: str, function: str, texts: Mapping[str, str]) -> Call:
        """Return the call of *function* with the arguments that *texts* give by name.

        Raises:
            CallUnknown: There is no such contract or function, or it has other arguments.
            ArgumentInvalid: A text is no value of its argument's type.
        """
        if contract not in self._addresses:
            raise CallUnknown(f"contract {contract}: expected one of {', '.join(sorted(self._addresses))}")
        interface = self._interfaces[contract]
        entry = interface.functions.get(function)
        if entry is None or entry["stateMutability"] in ("view", "pure"):
            names = [n for n, e in interface.functions.items() if e["stateMutability"] not in ("view", "pure")]
            raise CallUnknown(f"function {contract}.{function}: expected one of {', '.join(sorted(names))}")
        inputs = entry["inputs"]
        if {i["name"] for i in inputs} != set(texts):
            expected = ", ".join(f"{i['name']} ({i['type']})" for i in inputs) or "none"
            found = ", ".join(texts) or "none"
            raise CallUnknown(f"arguments of {contract}.{function}: expected {expected}; found {found}")
        values = [self._value(i, texts[i["name"]], f"{contract}.{function}: {i['name']}") for i in inputs]
        return self.read(self._addresses[contract], interface.encode_call(function, values))

    def _value(self, definition: Mapping[str, Any], text: str, what: str) -> Any:
        kind = definition["type"]
        if kind.endswith("]") or kind.startswith("tuple"):
            return self._listed(definition, text, what)
        if kind.startswith(("uint", "int")):
            return _read(int, text, 0, what=what, expected=f"a number of type {kind}")
        if kind == "bool":
            if text not in ("true", "false"):
                raise ArgumentInvalid(f"{what}: expected true or false, found {text!r}")
            return text == "true"
        if kind == "address":
            address = self._addresses.get(text, text)
            if not is_address(address):
                raise ArgumentInvalid(f"{what}: expected an address or a contract's name, found {text!r}")
            return to_checksum_address(address)
        if kind.startswith("bytes"):
            value = _read(bytes.fromhex, text.removeprefix("0x"), what=what, expected="hexadecimal digits")
            size = kind.removeprefix("bytes")
            if size and len(value) != int(size):
                raise ArgumentInvalid(f"{what}: expected {size} bytes, found {len(value)}")
            return value
        return text

    def _listed(self, definition: Mapping[str, Any], text: str, what: str) -> Any:
        """Read a list of values, or a struct's in order, from JSON."""
        items = _read(json.loads, text, what=what, expected="a JSON list")
        if not isinstance(items, list):
            raise ArgumentInvalid(f"{what}: expected a JSON list, found {text!r}")
        kind = definition["type"]
        if kind.endswith("]"):
            element = {**definition, "type": kind[: kind.rindex("[")]}
            return [self._value(element, _text(item), what) for item in items]
        components = definition["components"]
        if len(items) != len(components):
            names = ", ".join(c["name"] for c in components)
            raise ArgumentInvalid(f"{what}: expected a list of {names}; found {len(items)} values")
        pairs = zip(components, items, strict=True)
        return tuple(self._value(c, _text(item), f"{what}.{c['name']}") for c, item in pairs)


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item)


def _read(reader: Any, *given: Any, what: str, expected: str) -> Any:
    try:
        return reader(*given)
    except ValueError as error:
        raise ArgumentInvalid(f"{what}: expected {expected}, found {given[0]!r}") from error


def _shown(value: Any) -> str:
    if isinstance(value, Call):
        return f"[{value}]"
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
