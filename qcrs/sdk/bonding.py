"""What stands behind a processor: its bond, put down and taken back."""

from qcrs.chain.action import act
from qcrs.chain.contracts import HashKeys, ProcessorBonds
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount


async def bond(gateway: Gateway, operator: LocalAccount, processor: int, amount: int) -> None:
    """Lock *amount* wei, sent along, behind a processor."""
    free_at, _ = await ProcessorBonds(gateway).unbonding(processor)
    if free_at and await HashKeys(gateway).has_key(operator.address):
        await gateway.send(operator, "Bonds", "bond", processor)  # without coin, through the door: ends the unbonding
    await gateway.send(operator, "Bonds", "bond", processor, value=amount)


async def unbond(gateway: Gateway, operator: LocalAccount, processor: int, to: str) -> int | None:
    """Take a processor out of the draw, or, once its bond is free, take the bond back.

    Args:
        to: Who gets it.

    Returns:
        When the bond becomes free, unix seconds; None when it has been sent.

    Raises:
        ContractRefused: Qubits are leased, the bond is not free yet, or a case holds it.
    """
    free_at, _ = await ProcessorBonds(gateway).unbonding(processor)
    if free_at == 0:
        receipt = await act(gateway, operator, "Bonds", "beginUnbonding", processor)
        return receipt.event("UnbondingBegun").arguments["freeAt"]
    await act(gateway, operator, "Bonds", "unbondTo", processor, to)
    return None
