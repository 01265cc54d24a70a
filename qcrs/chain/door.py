"""The door of hash keys, seen from here: the one place where a member's call becomes a signed action.

Everything else only says which call is meant. The suite of this version has no contract of hash keys yet; until it has,
``act_through_door`` says so instead of sending what a body would refuse.
"""

from collections.abc import Awaitable, Callable

from eth_account.signers.local import LocalAccount

from qcrs.chain.gateway import Gateway, Receipt
from qcrs.errors import QcrsError

# Takes a gateway, who acts, the address to be called, and the call data.
Door = Callable[[Gateway, LocalAccount, str, bytes], Awaitable[Receipt]]


class HashKeysMissing(QcrsError):
    """The suite has no contract of hash keys, through which members of bodies act."""


async def act_through_door(gateway: Gateway, account: LocalAccount, target: str, data: bytes) -> Receipt:
    """Call *target* with *data* for *account*, which shows its hash key.

    Raises:
        HashKeysMissing: There is no door to go through.
    """
    raise HashKeysMissing(
        f"{account.address} would call {target}, which asks for a hash-based signature beside the account's own; this "
        "version of the suite has no contract of hash keys to show it to"
    )
