"""Connections of one daemon to the links that its channels are over."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.chain.link_login import LinkDomain
from qcrs.link.client import LinkClient
from qcrs.link.endpoint import endpoint_of
from qcrs.store import Store

PATIENCE_SECONDS = 5.0  # what needs a link is tried again later


@dataclass
class Links:
    """The means with which a daemon reaches links.

    Attributes:
        processor: Tells for whom; 0 before it is known.
    """

    gateway: Gateway
    account: LocalAccount
    store: Store
    processor: Callable[[], int]
    _clients: dict[int, LinkClient] = field(default_factory=dict)
    _opening: dict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def of(self, link: int) -> LinkClient:
        """Return the connection to *link*, which has answered.

        Raises:
            LinkUnknown: It was never opened, or nobody can tell where it is. LinkUnreachable: Nobody answers there.
            LoginRefused, MemberNotAllowed: It does not want this processor. LinkRefused: It is no link.
        """
        # One at a time for each link: one that says nothing keeps nobody from the others.
        async with self._opening[link]:
            if link not in self._clients:
                url = await endpoint_of(self.gateway, self.store, link)
                domain = LinkDomain(
                    chain_id=self.gateway.network.chain_id,
                    contract=self.gateway.addresses["EntanglementCoordinator"],
                    link=link,
                )
                client = LinkClient(url, self.account, domain, self.processor(), PATIENCE_SECONDS)
                try:
                    await client.describe()
                except BaseException:
                    await client.close()
                    raise
                self._clients[link] = client
        return self._clients[link]

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(client.close() for client in self._clients.values()), return_exceptions=True)
