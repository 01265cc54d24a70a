"""The same signed transactions again, byte for byte, on another chain: what the chain can do when nobody else acts.

Order is kept only where it matters, so that as many are under way at once as that lets: a sender's nonces; the steps of
one computation; and, of all computations together, what places them. Processors are drawn by the beacon, which every
verdict turns, from those that have room, which every draw takes and every verdict gives back: two such steps in another
order would draw others. Commits of one computation may change places, and so may its reveals.
"""

import asyncio
import json
import time
from collections.abc import Sequence

import websockets
from _transactions import Mined

COMMUTING = frozenset({"commit", "reveal"})
# What is about one computation or one daemon alone, and so neither turns the beacon nor takes or gives room.
APART = COMMUTING | {"disclose", "heartbeat"}


class ReplayRefused(Exception):
    """The other chain would not take a transaction."""


async def replay(url: str, transactions: Sequence[Mined], one_by_one: bool = False) -> float:
    """Send *transactions* to the chain at the WebSocket endpoint *url* and return the seconds until all were mined.

    Ganache answers a transaction when it is in a block. One connection for each sender, opened before the clock starts.

    Args:
        one_by_one: Keep the whole order, as setting up needs.

    Raises:
        ReplayRefused: One was not taken.
    """
    done = [asyncio.Event() for _ in transactions]
    before = [predecessors(transactions, number, one_by_one) for number in range(len(transactions))]
    senders: dict[str, list[int]] = {}
    for number, transaction in enumerate(transactions):
        senders.setdefault(transaction.sender, []).append(number)

    async def send_all(socket: websockets.ClientConnection, numbers: list[int]) -> None:
        for number in numbers:
            for earlier in before[number]:
                await done[earlier].wait()
            raw = "0x" + transactions[number].raw.hex()
            await socket.send(
                json.dumps({"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": [raw]})
            )
            answer = json.loads(await socket.recv())
            if answer.get("result") != transactions[number].hash:
                raise ReplayRefused(f"{transactions[number].function}: {answer}")
            done[number].set()

    sockets = [await websockets.connect(url) for _ in senders]
    try:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for socket, numbers in zip(sockets, senders.values(), strict=True):
                group.create_task(send_all(socket, numbers))
        return time.perf_counter() - began
    finally:
        for socket in sockets:
            await socket.close()


def predecessors(transactions: Sequence[Mined], number: int, one_by_one: bool) -> list[int]:
    """Return the earlier transactions that number *number* must not overtake."""
    this = transactions[number]
    return [earlier for earlier in range(number) if one_by_one or _ordered(transactions[earlier], this)]


def _ordered(earlier: Mined, later: Mined) -> bool:
    if earlier.sender == later.sender or not {earlier.function, later.function} & APART:
        return True
    if earlier.computation == 0 or earlier.computation != later.computation:
        return False
    return earlier.function != later.function or earlier.function not in COMMUTING
