"""Signed transactions: nonces in order, fees above the base fee, receipts, and the reason for a revert."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount

from qcrs.chain.codec import ArgumentInvalid, ContractRefused
from qcrs.chain.rpc import ChainUnreachable, Rpc, TransactionRefused
from qcrs.errors import QcrsError

RECEIPT_SECONDS = 60.0
TIP = 10**9  # wei a unit of gas; twice the base fee covers six full blocks of rises on top
# Before each further try with another nonce.
NONCE_PAUSES_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0)
STALE_NONCE = "nonce"  # "nonce too low", and the like
# Another transaction has this nonce and is not mined yet: "replacement transaction underpriced", Ganache's "transaction
# underpriced" and "can't be replaced".
TAKEN_NONCES = ("replace", "underpriced")


class TransactionLost(QcrsError):
    """A transaction was sent and no receipt came in time; it may still be mined."""


@dataclass(frozen=True)
class Transaction:
    """What is to be done, whoever signs it.

    Attributes:
        to: Checksummed address; None creates a contract. value: Wei. gas: Its ceiling.
    """

    to: str | None
    data: bytes
    value: int
    gas: int = 0

    def message(self, sender: str) -> dict[str, Any]:
        """Return it as ``eth_call`` wants it."""
        message = {"from": sender, "data": "0x" + self.data.hex(), "value": hex(self.value)}
        return message if self.to is None else {**message, "to": self.to}

    def signed(self, account: LocalAccount, chain_id: int, nonce: int, max_fee: int) -> SignedTransaction:
        """Return it as *account* sends it, EIP-1559."""
        fields = {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "gas": self.gas,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": TIP,
            "value": self.value,
            "data": self.data,
        }
        return account.sign_transaction(fields if self.to is None else {**fields, "to": self.to})


class Sender:
    """Sends transactions of any number of accounts to one chain."""

    def __init__(self, rpc: Rpc, chain_id: int) -> None:
        self._rpc, self._chain_id = rpc, chain_id
        self._nonces: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def forget(self) -> None:
        """Ask the chain for nonces again, after a reconnection."""
        self._nonces.clear()

    async def nonce(self, address: str) -> int:
        """Return the next nonce of *address*, after those still waiting to be mined."""
        return int(await self._rpc.read("eth_getTransactionCount", address, "pending"), 16)

    async def simulate(self, account: LocalAccount, transaction: Transaction) -> None:
        """Run *transaction* without sending it.

        Raises:
            ContractRefused: It would revert.
        """
        await self._rpc.read("eth_call", transaction.message(account.address), "latest")

    async def post(self, account: LocalAccount, transaction: Transaction, base_fee: int) -> str:
        """Sign and send *transaction*, and return its hash.

        Raises:
            TransactionRefused: The node would not take it.
        """
        if transaction.value < 0:
            raise ArgumentInvalid(f"value is {transaction.value} wei, expected 0 or more")
        # One sender, one order of nonces.
        async with self._locks.setdefault(account.address, asyncio.Lock()):
            for pause in NONCE_PAUSES_SECONDS:
                try:
                    return await self._dispatch(account, transaction, 2 * base_fee + TIP)
                except TransactionRefused as error:
                    # Another program used the account, or what was sent before is still being mined: the node did not
                    # take this one, so it may be sent again.
                    if STALE_NONCE not in str(error) and not _is_taken(error):
                        raise
                await asyncio.sleep(pause)
            try:
                return await self._dispatch(account, transaction, 2 * base_fee + TIP)
            except TransactionRefused:
                self._nonces.pop(account.address, None)  # those passed over were perhaps not taken after all
                raise

    async def receipt(self, account: LocalAccount, transaction: Transaction, hash_: str) -> dict[str, Any]:
        """Wait until *transaction* is mined and return its raw receipt.

        Raises:
            ContractRefused: It was mined and reverted.
            TransactionLost: No receipt came in time.
        """
        deadline = time.monotonic() + RECEIPT_SECONDS
        pause = 0.005
        while (raw := await self._receipt_if_any(hash_)) is None:
            if time.monotonic() > deadline:
                self._nonces.pop(account.address, None)
                raise TransactionLost(
                    f"no receipt for {hash_} within {RECEIPT_SECONDS:.0f} s; it was sent and may still be mined: look "
                    "before you send again"
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.5)
        if int(raw["status"], 16) != 1:
            # Repeating the call on the state before it gives the reason that the receipt lacks.
            before = hex(int(raw["blockNumber"], 16) - 1)
            await self._rpc.read("eth_call", transaction.message(account.address), before)
            raise ContractRefused("OutOfGasOrRaced", {"transaction": hash_})
        return raw

    async def _receipt_if_any(self, hash_: str) -> dict[str, Any] | None:
        """Return the receipt, or None also when the node is away: the transaction is sent, so only time can tell."""
        try:
            return await self._rpc.read("eth_getTransactionReceipt", hash_)
        except ChainUnreachable:
            return None

    async def _dispatch(self, account: LocalAccount, transaction: Transaction, max_fee: int) -> str:
        """Sign and send once."""
        address = account.address
        nonce = self._nonces.get(address)
        if nonce is None:
            nonce = await self.nonce(address)
        signed = transaction.signed(account, self._chain_id, nonce, max_fee)
        try:
            await self._rpc.request("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
            self._nonces[address] = nonce + 1
        except ChainUnreachable:
            # It may have arrived: the receipt will tell. The nonce is asked for again either way.
            self._nonces.pop(address, None)
        except QcrsError as error:
            # While it mines a transaction, a node may count it neither as pending nor as done: asked again, it would
            # name the same nonce.
            if _is_taken(error):
                self._nonces[address] = nonce + 1
            else:
                self._nonces.pop(address, None)
            raise
        return "0x" + bytes(signed.hash).hex()


def _is_taken(error: QcrsError) -> bool:
    return isinstance(error, TransactionRefused) and any(sign in str(error) for sign in TAKEN_NONCES)
