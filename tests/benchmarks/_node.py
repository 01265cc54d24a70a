"""The tests' small consortium on a real node, so that its gas counts: storage is cold again in every transaction.

A chain in place of ``tests.evm.Chain``: the same calls, over JSON-RPC to Anvil, which signs for everybody.
"""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qcrs.chain.artifacts import linked
from qcrs.chain.codec import decode_revert
from qcrs.chain.compiler import TOOLCHAIN
from tests.evm import BLOCK_GAS, CHAIN_ID, GENESIS_AT, Chain, Contract, artifacts, interfaces

ANVIL = TOOLCHAIN / "node_modules" / ".bin" / "anvil"


class NodeRefused(Exception):
    """The node would not do what it was asked; the message is the node's."""


class NodeChain(Chain):
    """Anvil, a transaction a block, its clock set by hand.

    Attributes:
        gas: Of the last transaction, all of it.
    """

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [
                ANVIL, "--port", str(port), "--chain-id", str(CHAIN_ID), "--timestamp", str(GENESIS_AT),
                "--hardfork", "shanghai", "--gas-limit", str(20 * BLOCK_GAS), "--auto-impersonate",
                "--disable-min-priority-fee", "--base-fee", "0",
                "--gas-price", "0", "--silent", "--prune-history", "--accounts", "1", "--order", "fifo",
            ]
        )  # fmt: skip
        self._contracts: dict[str, Contract] = {}
        self._now, self._number, self.log, self.gas = GENESIS_AT + 10, 1, [], 0
        for _ in range(100):
            try:
                self.request("eth_chainId")
                return
            except OSError:
                time.sleep(0.05)
        raise NodeRefused("anvil did not answer")

    def close(self) -> None:
        """End the node."""
        self._process.terminate()
        self._process.wait()

    def request(self, method: str, *parameters: Any) -> Any:
        """Return what the node answers."""
        return self.batch([(method, parameters)])[0]

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return what the node answers to several calls."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
            for number, (method, parameters) in enumerate(calls)
        ]
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            replies = sorted(json.load(answer), key=lambda reply: reply["id"])
        for reply in replies:
            if "error" in reply:
                data = reply["error"].get("data")
                if isinstance(data, str) and len(data) >= 10:
                    raise decode_revert(bytes.fromhex(data[2:]), interfaces())
                raise NodeRefused(str(reply["error"]))
        return [reply["result"] for reply in replies]

    def fund(self, account: str, wei: int) -> None:
        """Give *account* a balance of *wei*."""
        self.request("anvil_setBalance", account, hex(wei))

    def balance(self, account: str) -> int:
        """Return the balance of *account* in wei."""
        return int(self.request("eth_getBalance", account, "latest"), 16)

    def nonce(self, account: str) -> int:
        """Return how many transactions *account* has sent."""
        return int(self.request("eth_getTransactionCount", account, "latest"), 16)

    def deploy(self, name: str, *arguments: Any, sender: str) -> Contract:
        """Create the contract called *name*."""
        interface = interfaces()[name]
        code = linked(artifacts()[name].bytecode, {c.interface.name: c.address for c in self._contracts.values()})
        receipt = self._transact(
            {"from": sender, "data": "0x" + (code + interface.encode_constructor(arguments)).hex()}
        )
        contract = Contract(self, interface, receipt["contractAddress"].lower())
        self._contracts[contract.address] = contract
        return contract

    def send_raw(self, to: str, data: bytes, sender: str, value: int = 0, gas: int = BLOCK_GAS) -> tuple[bytes, list]:
        """Execute a transaction; returns what the call would have returned, and its events."""
        call = {"from": sender, "to": to, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(gas)}
        output = self.request("eth_call", call, "latest")
        receipt = self._transact(call)
        events = [self._contracts[log["address"].lower()].interface.decode_log(log) for log in receipt["logs"]]
        return bytes.fromhex(output[2:]), events

    def read(self, contract: Contract, function: str, *arguments: Any, sender: str = "0x" + "00" * 20) -> Any:
        """Return what a view returns now."""
        data = contract.interface.encode_call(function, arguments)
        output = self.request("eth_call", {"from": sender, "to": contract.address, "data": "0x" + data.hex()}, "latest")
        return contract.interface.decode_result(function, bytes.fromhex(output[2:]))

    def pour(self, calls: Sequence[tuple[Contract, str, Sequence[Any], str, int]], gas: int = 600_000) -> None:
        """Execute many transactions, (contract, function, arguments, sender, wei) each, in as few blocks as they fit.

        Those of one sender are executed in order, and so are all that are given in one call.
        """
        self.request("evm_setAutomine", False)
        nonces: dict[str, int] = {}
        hashes: list[str] = []
        try:
            for begin in range(0, len(calls), 500):
                raw = []
                for contract, function, arguments, sender, value in calls[begin : begin + 500]:
                    nonces[sender] = nonces[sender] + 1 if sender in nonces else self.nonce(sender)
                    data = contract.interface.encode_call(function, arguments)
                    call = {"from": sender, "to": contract.address, "data": "0x" + data.hex(), "value": hex(value)}
                    raw.append(
                        (
                            "eth_sendTransaction",
                            [call | {"gas": hex(gas), "gasPrice": "0x0", "nonce": hex(nonces[sender])}],
                        )
                    )
                hashes += self.batch(raw)
                while int(self.request("txpool_status")["pending"], 16):
                    self._mine(self._now + 1)
        finally:
            self.request("evm_setAutomine", True)
        for begin in range(0, len(hashes), 500):
            receipts = self.batch([("eth_getTransactionReceipt", [hash_]) for hash_ in hashes[begin : begin + 500]])
            failed = [number for number, receipt in enumerate(receipts) if int(receipt["status"], 16) == 0]
            if failed:
                _, function, arguments, sender, _ = calls[begin + failed[0]]
                raise NodeRefused(
                    f"{function}{arguments} of {sender}, number {begin + failed[0]}: reverted, as {len(failed)}"
                )

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo on leaving whatever happens inside, the clock included."""
        point, now = self.request("evm_snapshot"), self._now
        try:
            yield
        finally:
            self.request("evm_revert", point)
            self._now = now

    def _mine(self, timestamp: int) -> None:
        self._now = timestamp
        self.request("evm_setNextBlockTimestamp", timestamp)
        self.request("evm_mine")

    def _transact(self, call: dict[str, str]) -> dict[str, Any]:
        self.request("evm_setNextBlockTimestamp", self._now)
        call = {"gas": hex(BLOCK_GAS), "gasPrice": "0x0"} | call
        hash_ = self.request("eth_sendTransaction", call)
        while (receipt := self.request("eth_getTransactionReceipt", hash_)) is None:
            time.sleep(0.001)
        if int(receipt["status"], 16) == 0:
            self.request("eth_call", call, "latest")  # tells why
            raise NodeRefused("a transaction reverted, and does not when it is called")
        self._now += 1
        self.gas = int(receipt["gasUsed"], 16)
        return receipt
