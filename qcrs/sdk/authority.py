"""Whoever decides what belongs to a role: the account that holds it, or the body that does."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from qcrs.chain.deployment import HOLDERS, PRIVILEGES
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.sdk.governance import Governance

# Takes a contract's name, a function's and its arguments; returns the receipt of the transaction that called it.
Authority = Callable[..., Awaitable[Receipt]]


def of_account(gateway: Gateway, account: LocalAccount) -> Authority:
    """Return the authority of an *account* that holds roles, as on a devnet."""
    return partial(gateway.send, account)


def of_bodies(gateway: Gateway, governance: Governance, members: Sequence[LocalAccount]) -> Authority:
    """Return the authority of the bodies, whose *members* are all at hand and of one mind."""

    async def decide(contract: str, function: str, *arguments) -> Receipt:
        data = gateway.interfaces[contract].encode_call(function, arguments)
        call = governance.calls.read(gateway.addresses[contract], data)
        return await governance.decide(members, HOLDERS[_role_of(contract, function)], call)

    return decide


def _role_of(contract: str, function: str) -> int:
    return next(role for role, targets in PRIVILEGES.items() if function in targets.get(contract, ()))
