"""What an account does on the chain once a simulation has shown that it is not refused: a refusal costs nothing."""

from typing import Any

from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount


async def act(
    gateway: Gateway, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0
) -> Receipt:
    """Have *account* call *function* of *contract*, with *value* wei, once a simulation was not refused.

    Raises:
        ContractRefused: By the simulation, and nothing was sent; or, since somebody else came first, in a block.
        TransactionRefused, TransactionLost: As ``Gateway.send``.
    """
    await gateway.simulate(account, contract, function, *arguments, value=value)
    return await gateway.send(account, contract, function, *arguments, value=value)
