"""How often something is done that costs the link's operator: reads of a chain, which a node may charge for."""

import asyncio
import time


class Pace:
    """Turns, first come, first served: *at_once* of them, and then so many *a_second*."""

    def __init__(self, a_second: float, at_once: int) -> None:
        self._a_second, self._at_once = a_second, at_once
        self._turns, self._next = asyncio.Lock(), 0.0

    async def turn(self) -> None:
        """Wait for the next."""
        async with self._turns:
            await asyncio.sleep(self._next - time.monotonic())
            # A time that lies back gives credit for turns at once, and no more than that.
            earliest = time.monotonic() - (self._at_once - 1) / self._a_second
            self._next = max(self._next, earliest) + 1 / self._a_second
