"""Accounts with a hash key: what they do goes through the door by itself, wherever the suite heeds it.

The rest, what carries coin and what anyone may do, they send as others do: the door passes no coin on.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from qcrs.chain.contracts import HashKeys
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount, registration_digest, sign_registration
from qcrs.chain.network import Network
from qcrs.config import NodeConfig, password
from qcrs.crypto.leaf_key import Purpose
from qcrs.crypto.leaf_ring import LeafRing
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.sdk.keyring import HASH_KEYS, Keyring

__all__ = ["DOORS", "HashKeyMissing", "KeyedGateway", "consent", "daemon_door"]

# Functions that look for the account behind the door, and refuse one that has a key and does not come through it.
DOORS: Mapping[str, tuple[str, ...]] = {
    "Consortium": ("invite", "join", "resign", "chooseOrder", "chooseScreen", "list"),
    "ProcessorRegistry": (
        "register", "updateIdentity", "declareCapability", "retire", "drain", "offer", "withdrawOffer",
    ),
    "Bonds": ("bond", "beginUnbonding", "unbond", "unbondTo"),
    "ComputationAllocator": ("withdraw", "withdrawTo"),
    "Reservations": ("setRate",),
    "Certifications": ("delist", "withdrawReserve"),
}  # fmt: skip


class HashKeyMissing(QcrsError):
    """The registry requires a hash key, and an account has none."""


class KeyedGateway(Gateway):
    """A connection over which accounts with a hash key act through the door.

    Args:
        keyring: Where their keys are; nothing of it is opened for an account that has none on chain.
    """

    def __init__(self, network: Network, keyring: Keyring) -> None:
        super().__init__(network)
        self.keyring = keyring

    async def simulate(self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0):
        """Run a transaction without sending it, as the door would call: no leaf is spent on what is refused."""
        if not await self._is_through(account, contract, function, value):
            await super().simulate(account, contract, function, *arguments, value=value)
            return
        data = self.interfaces[contract].encode_call(function, arguments) + bytes.fromhex(account.address[2:])
        message = {"from": self.addresses["HashKeys"], "to": self.addresses[contract], "data": "0x" + data.hex()}
        await self.request("eth_call", message, "latest")

    async def send(
        self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0
    ) -> Receipt:
        """Send a transaction, or have the door make the call; as ``Gateway.send`` and ``Keyring``."""
        if not await self._is_through(account, contract, function, value):
            return await super().send(account, contract, function, *arguments, value=value)
        await self.simulate(account, contract, function, *arguments)
        data = self.interfaces[contract].encode_call(function, arguments)
        return await self.keyring(self, account, self.addresses[contract], data)

    async def _is_through(self, account: LocalAccount, contract: str, function: str, value: int) -> bool:
        if value or function not in DOORS.get(contract, ()):
            return False
        return await HashKeys(self).has_key(account.address)


def daemon_door(config: NodeConfig, gateway: Gateway, daemon: LocalAccount) -> Door:
    """Return the way by which a daemon acts through its hash key; it opens with the password of its other keys."""
    purpose = Purpose(daemon.address, gateway.network.chain_id, gateway.addresses["HashKeys"])
    folder = config.journal.with_name(HASH_KEYS)
    return Door(gateway, daemon, LeafRing(folder, password(config.password_file), purpose))


async def consent(
    gateway: Gateway, operator: str, daemon: LocalAccount, door: Callable[[], Door] | None, identity: bytes,
    hardware: bytes, processor: int = 0,
) -> bytes:  # fmt: skip
    """Return the signatures by which *daemon* consents to serve *operator*: by its hash key too, where that is asked.

    Args:
        door: Makes the daemon's, if it has to attest. identity, hardware: Digests.
        processor: The one that it serves already; 0 for a registration.

    Raises:
        HashKeyMissing: The registry requires hash keys, and the operator has none.
    """
    registry = gateway.addresses["ProcessorRegistry"]
    facts = (gateway.network.chain_id, registry, operator, identity, hardware)
    signature = sign_registration(daemon, *facts)
    if door is None or not await _must_attest(gateway, operator, daemon.address, processor):
        return signature
    with closing(door()) as attesting:
        return signature + await attesting.attest(registry, registration_digest(daemon.address, *facts))


async def _must_attest(gateway: Gateway, operator: str, daemon: str, processor: int) -> bool:
    if processor:
        return (await gateway.call("ProcessorRegistry", "reporterOf", processor))[1]
    keys = HashKeys(gateway)
    operator_keyed = await keys.has_key(operator)
    if not operator_keyed and await gateway.call("ProcessorRegistry", "hashKeysRequired"):
        raise HashKeyMissing(
            f"account {operator} has no hash key, and nobody registers a processor without one here any more; make it "
            "one with 'qcrs key install', then register"
        )
    return operator_keyed or await keys.has_key(daemon)
