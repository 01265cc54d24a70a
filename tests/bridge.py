"""The in-process chain with the face of a gateway, so that what talks to a node can be tested without one."""

from types import SimpleNamespace
from typing import Any

from qcrs.chain.codec import load_interfaces
from qcrs.chain.gateway import Receipt
from tests.evm import interfaces
from tests.scenario import World


class Bridge:
    """What ``Gateway`` offers to those who read and send; gas is not counted here, and given as 1.

    Attributes:
        sent: Functions that were sent, not only tried.
    """

    def __init__(self, world: World) -> None:
        self._world, self.interfaces, self.sent = world, interfaces(), []
        assert load_interfaces().keys() <= self.interfaces.keys()

    async def call(self, contract: str, function: str, *arguments: Any, sender: str | None = None) -> Any:
        """Return what *function* would return now; nothing is changed."""
        target = self._world.contracts[contract]
        if target.interface.functions[function]["stateMutability"] in ("view", "pure"):
            return getattr(target, function)(*arguments)
        with self._world.chain.undone():
            return getattr(target, function)(*arguments, sender=sender).result

    async def simulate(
        self, account: SimpleNamespace, contract: str, function: str, *arguments: Any, value: int = 0
    ) -> None:
        """Try a transaction, which carries no coin here."""
        assert value == 0
        await self.call(contract, function, *arguments, sender=account.address)

    async def send(
        self, account: SimpleNamespace, contract: str, function: str, *arguments: Any, value: int = 0
    ) -> Receipt:
        """Send a transaction, which carries no coin here."""
        assert value == 0
        self.sent.append(function)
        target = self._world.contracts[contract]
        block = self._world.chain.number
        receipt = getattr(target, function)(*arguments, sender=account.address)
        return Receipt("0x", block, 1, receipt.events)
