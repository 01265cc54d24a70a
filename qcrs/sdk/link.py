"""A link from its operator's side: putting it on the chain, with what it declares in the store."""

import asyncio
from dataclasses import dataclass

from qcrs.chain.action import act
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.link.endpoint import endpoint_document
from qcrs.link.file import LinkFile
from qcrs.store import Store

CHANNELS = "Channels"


@dataclass(frozen=True)
class Link:
    """A link, as the chain tells.

    Attributes:
        price: Wei a pair. stake: Wei of its operator, of which *reserved* are behind channels.
        descriptor, endpoint: Digests of documents in the store.
    """

    link: int
    operator: str
    price: int
    stake: int
    reserved: int
    closed: bool
    descriptor: bytes
    endpoint: bytes


async def open_link(
    gateway: Gateway, account: LocalAccount, store: Store, file: LinkFile, url: str, price: int, stake: int
) -> int:
    """Open the link that *file* declares, reached at *url*, and return its id.

    Args:
        price: Wei a pair. stake: Wei that its operator loses a part of when it keeps silent.

    Raises:
        LinkUnknown: *url* is no address of a link. ContractRefused: The account is of no admitted organisation.
    """
    descriptor = await asyncio.to_thread(store.put, file.descriptor())
    endpoint = await asyncio.to_thread(store.put, endpoint_document(url))
    arguments = (CHANNELS, "openLink", descriptor, endpoint, price)
    receipt = await act(gateway, account, *arguments, value=stake)
    return receipt.event("LinkOpened")["link"]


async def read_links(gateway: Gateway) -> list[Link]:
    """Return all links that were ever opened."""
    links = []
    for event in await gateway.logs(gateway.network.deployed_at, names=["LinkOpened"]):
        record = await gateway.call(CHANNELS, "linkOf", event["link"])
        links.append(
            Link(
                event["link"], record["operator"], record["pricePerPair"], record["stake"], record["reserved"],
                record["closed"], event["descriptorDigest"], event["endpointDigest"],
            )
        )  # fmt: skip
    return links
