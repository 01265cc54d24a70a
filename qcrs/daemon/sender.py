"""How a daemon acts on the chain for its processor: simulated first, or through the door of hash keys."""

from dataclasses import dataclass
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.door import Door


@dataclass
class Sender:
    """The means with which one daemon acts.

    Attributes:
        door: None where the processor has no hash key.
    """

    gateway: Gateway
    account: LocalAccount
    door: Door | None

    async def send(self, contract: str, function: str, *arguments: Any, keyed: bool = True) -> None:
        """Call *function*, which needs the hash key, if there is one, when *keyed*.

        Raises:
            ContractRefused: It was refused. ChainUnreachable, TransactionRefused, TransactionLost: As the gateway.
        """
        if self.door is not None and keyed:
            await self.door.send(contract, function, *arguments)
            return
        await act(self.gateway, self.account, contract, function, *arguments)
