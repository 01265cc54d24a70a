"""Contract calls, results, events and reverts, to and from bytes, by ABI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_hash.auto import keccak
from faster_eth_abi import encode
from faster_eth_abi.codec import ABICodec
from faster_eth_abi.decoding import StringDecoder
from faster_eth_abi.exceptions import DecodingError, EncodingError
from faster_eth_abi.registry import BaseEquals, registry

from qcrs.chain.artifacts import load_abi
from qcrs.errors import QcrsError
from qcrs.model.motion import BODIES, COMMITTEES

# Solidity does not check that a string is UTF-8, and whoever submits chooses it: what is not is shown by escapes, or
# one submission could stop every reader of the chain.
_registry = registry.copy()
_registry.unregister_decoder("string")
_registry.register_decoder(BaseEquals("string"), StringDecoder(handle_string_errors="backslashreplace"), label="string")
decode = ABICodec(_registry).decode

# The suite, in the order in which it is deployed.
CONTRACTS = (
    "Authority",
    "AuditTrail",
    "Consortium",
    "HashKeys",
    "Approval",
    "ProcessorRegistry",
    "Bonds",
    "Regulation",
    "Waiting",
    "Recovery",
    "ComputationAllocator",
    "Records",
    "GoldRounds",
    "ResultVerifier",
    "Challenges",
    "Disputes",
    "ResultDelivery",
    "ReportRelay",
    "Reservations",
    "Certifications",
    "Channels",
    "EntanglementCoordinator",
)


class ArgumentInvalid(QcrsError):
    """A value does not fit the type that the contract wants."""


class AnswerInvalid(QcrsError):
    """What came back is not what this version's ABI says; the contracts may be of another version."""


class ContractRefused(QcrsError):
    """A contract reverted.

    Attributes:
        name: The custom error's name, or ``Revert`` / ``Panic`` / ``Unknown``.
        arguments: The error's arguments by name.
    """

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.name, self.arguments = name, dict(arguments)
        listed = ", ".join(f"{key}={_plain(value)}" for key, value in arguments.items())
        super().__init__(f"the contract refused: {name}({listed})")


@dataclass(frozen=True)
class Event:
    """A decoded log.

    Attributes:
        contract: Name of the emitting contract. name: Name of the event. arguments: By Solidity name.
        block, log_index: Where in the chain. transaction: Hash, 0x-prefixed.
    """

    contract: str
    name: str
    arguments: dict[str, Any]
    block: int
    log_index: int
    transaction: str

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]


class Interface:
    """One contract's ABI, indexed by what callers have at hand."""

    def __init__(self, name: str, abi: Sequence[dict[str, Any]]) -> None:
        self.name = name
        self.abi = list(abi)
        self.functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}
        self._inputs = {key: _types(entry["inputs"]) for key, entry in self.functions.items()}
        self._outputs = {key: _types(entry["outputs"]) for key, entry in self.functions.items()}
        self._selectors = {key: keccak(signature(entry).encode())[:4] for key, entry in self.functions.items()}
        self.events = {keccak(signature(e).encode()): e for e in abi if e["type"] == "event"}
        self._logged = {topic: _split(entry["inputs"]) for topic, entry in self.events.items()}

    def selector(self, function: str) -> bytes:
        """Return the 4-byte selector of *function*."""
        return self._selectors[function]

    def encode_call(self, function: str, arguments: Sequence[Any]) -> bytes:
        """Return the call data of ``function(*arguments)``."""
        try:
            return self._selectors[function] + encode(self._inputs[function], arguments)
        except (EncodingError, OverflowError) as error:
            raise ArgumentInvalid(f"{self.name}.{function}: {error}") from error

    def encode_constructor(self, arguments: Sequence[Any]) -> bytes:
        """Return the constructor's encoded *arguments*, to be appended to the creation code."""
        entry = next((e for e in self.abi if e["type"] == "constructor"), {"inputs": []})
        return encode(_types(entry["inputs"]), arguments)

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Return the function that call *data* names, with its arguments by name; None when this ABI has none such."""
        for function, selector in self._selectors.items():
            if data[:4] == selector:
                inputs = self.functions[function]["inputs"]
                try:
                    values = decode(self._inputs[function], data[4:])
                except DecodingError:
                    return None
                return function, {i["name"]: _named(v, i) for i, v in zip(inputs, values, strict=True)}
        return None

    def decode_result(self, function: str, data: bytes) -> Any:
        """Return what *function* returned: one value bare, several as a tuple, structs as dicts."""
        outputs = self.functions[function]["outputs"]
        try:
            values = decode(self._outputs[function], data)
        except DecodingError as error:
            raise AnswerInvalid(f"{self.name}.{function} answered 0x{data.hex()[:64]}: {error}") from error
        named = tuple(_named(value, output) for value, output in zip(values, outputs, strict=True))
        return named[0] if len(named) == 1 else named

    def decode_log(self, log: Mapping[str, Any]) -> Event | None:
        """Return the event of a raw JSON-RPC *log*, or None when this ABI has none such."""
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        entry = self.events.get(topics[0]) if topics else None
        if entry is None:
            return None
        indexed, plain = self._logged[topics[0]]
        values = decode(_types(indexed), b"".join(topics[1:])) + decode(_types(plain), bytes.fromhex(log["data"][2:]))
        definitions = [*indexed, *plain]
        arguments = {d["name"]: _named(value, d) for d, value in zip(definitions, values, strict=True)}
        return Event(
            contract=self.name,
            name=entry["name"],
            arguments=arguments,
            block=int(log["blockNumber"], 16),
            log_index=int(log["logIndex"], 16),
            transaction=log["transactionHash"],
        )

    @cached_property
    def errors(self) -> dict[bytes, dict[str, Any]]:
        """Custom errors by selector."""
        return {keccak(signature(e).encode())[:4]: e for e in self.abi if e["type"] == "error"}


def load_interfaces() -> dict[str, Interface]:
    """Return the packaged interfaces of the suite by contract name, those of bodies included."""
    return {name: Interface(name, load_abi(code_of(name))) for name in (*CONTRACTS, *BODIES)}


def code_of(contract: str) -> str:
    """Return the name of the code that *contract* has: committees have theirs in common."""
    return "Committee" if contract in COMMITTEES else contract


def decode_revert(data: bytes, interfaces: Mapping[str, Interface]) -> ContractRefused:
    """Return the refusal that revert *data* stands for, looked up in all *interfaces*."""
    selector, body = data[:4], data[4:]
    for interface in interfaces.values():
        entry = interface.errors.get(selector)
        if entry is not None:
            values = decode(_types(entry["inputs"]), body)
            names = [i["name"] for i in entry["inputs"]]
            pairs = zip(
                names,
                (_named(v, i) for v, i in zip(values, entry["inputs"], strict=True)),
                strict=True,
            )
            return ContractRefused(entry["name"], dict(pairs))
    try:
        if selector == bytes.fromhex("08c379a0"):
            return ContractRefused("Revert", {"reason": decode(["string"], body)[0]})
        if selector == bytes.fromhex("4e487b71"):
            return ContractRefused("Panic", {"code": decode(["uint256"], body)[0]})
    except DecodingError:
        pass  # malformed standard revert: shown raw below
    return ContractRefused("Unknown", {"data": "0x" + data.hex()})


def signature(entry: Mapping[str, Any]) -> str:
    """Return the canonical signature of an ABI entry."""
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _split(parameters: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return those of an event's *parameters* that are topics, and those in its data."""
    return [i for i in parameters if i["indexed"]], [i for i in parameters if not i["indexed"]]


def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_type(parameter) for parameter in parameters]


def _type(parameter: Mapping[str, Any]) -> str:
    if not parameter["type"].startswith("tuple"):
        return parameter["type"]
    return f"({','.join(_types(parameter['components']))}){parameter['type'][len('tuple') :]}"


def _named(value: Any, definition: Mapping[str, Any]) -> Any:
    """Turn tuples of struct type into dicts, however deep."""
    if not definition["type"].startswith("tuple"):
        return list(value) if definition["type"].endswith("]") else value
    if definition["type"].endswith("]"):
        element = {**definition, "type": definition["type"][: definition["type"].rindex("[")]}
        return [_named(item, element) for item in value]
    components = definition["components"]
    return {c["name"]: _named(v, c) for v, c in zip(value, components, strict=True)}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_plain(item)}" for key, item in value.items()) + "}"
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
