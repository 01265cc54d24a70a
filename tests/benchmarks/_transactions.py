"""What a chain has mined, transaction by transaction: who called what, for how much gas, and the signed bytes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rlp

from qcrs.chain.gateway import Gateway

INTRINSIC_GAS = 21_000
ZERO_BYTE_GAS, BYTE_GAS = 4, 16  # of call data, since the Istanbul fork


@dataclass(frozen=True)
class Mined:
    """One transaction on chain.

    Attributes:
        contract, function: What it called; empty and ``create`` or ``transfer`` otherwise.
        computation: What the call is about; 0 when it is about none.
        raw: The signed transaction as it was sent. ok: Whether it succeeded.
    """

    hash: str
    sender: str
    contract: str
    function: str
    computation: int
    gas: int
    ok: bool
    data: bytes
    raw: bytes

    @property
    def call_data_gas(self) -> int:
        """Gas for carrying the call data."""
        zeros = self.data.count(0)
        return ZERO_BYTE_GAS * zeros + BYTE_GAS * (len(self.data) - zeros)

    @property
    def execution_gas(self) -> int:
        """Gas for everything but the call data and the transaction as such, less refunds."""
        return self.gas - INTRINSIC_GAS - self.call_data_gas


async def mined(gateway: Gateway, first: int = 1, last: int | None = None) -> list[Mined]:
    """Return the transactions of blocks *first* to *last*, or all from *first* on, in chain order."""
    functions = {
        (address.lower(), gateway.interfaces[name].selector(function)): (name, function, _is_of_computation(entry))
        for name, address in gateway.addresses.items()
        for function, entry in gateway.interfaces[name].functions.items()
    }
    found = []
    for number in range(first, (await gateway.block_number() if last is None else last) + 1):
        block = await gateway.request("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            receipt = await gateway.request("eth_getTransactionReceipt", transaction["hash"])
            found.append(_mined(transaction, receipt, functions))
    return found


def gas_by_function(transactions: Iterable[Mined]) -> dict[str, list[int]]:
    """Return the gas of each successful call, by function."""
    spent: dict[str, list[int]] = {}
    for transaction in transactions:
        if transaction.ok:
            spent.setdefault(transaction.function, []).append(transaction.gas)
    return spent


def _is_of_computation(function: dict[str, Any]) -> bool:
    """Return whether the first argument of *function*, an ABI entry, is a computation."""
    return [entry["internalType"] for entry in function["inputs"][:1]] == ["ComputationId"]


def _mined(transaction: dict[str, Any], receipt: dict[str, Any], functions: dict) -> Mined:
    data = bytes.fromhex(transaction["input"][2:])
    to = transaction["to"]
    unknown = ("", "transfer", False)
    contract, function, about = ("", "create", False) if to is None else functions.get((to.lower(), data[:4]), unknown)
    return Mined(
        hash=transaction["hash"],
        sender=transaction["from"].lower(),
        contract=contract,
        function=function,
        computation=int.from_bytes(data[4:36], "big") if about else 0,
        gas=int(receipt["gasUsed"], 16),
        ok=int(receipt["status"], 16) == 1,
        data=data,
        raw=_signed(transaction),
    )


def _signed(transaction: dict[str, Any]) -> bytes:
    """Return a type-2 transaction as its sender signed it (EIP-1559)."""

    def number(key: str) -> int:
        return int(transaction[key], 16)

    fields = [
        number("chainId"), number("nonce"), number("maxPriorityFeePerGas"), number("maxFeePerGas"), number("gas"),
        bytes.fromhex((transaction["to"] or "0x")[2:]), number("value"), bytes.fromhex(transaction["input"][2:]),
        [], number("v"), number("r"), number("s"),
    ]  # fmt: skip
    return b"\x02" + rlp.encode(fields)
