"""``qcrs link open``, ``list``, ``close``: a link's standing on the chain."""

import argparse
from pathlib import Path
from typing import Any

from qcrs.cli.options import add_network, add_signer, coins, coins_or_none, command, emit, run_with_client, table, whole
from qcrs.link.file import LinkFile
from qcrs.sdk.client import Client
from qcrs.sdk.link import CHANNELS, Link, open_link, read_links
from qcrs.sdk.quote import coin

link_id = whole(1, 2**32 - 1)
DEFAULT_STAKE, DEFAULT_PRICE = 10**18, 10**9


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add the verbs that act on the chain."""
    open_ = command(
        verbs, "open", _open, "put a link on the chain, where it will be reached, before it is started",
        description="Put a link on the chain: what it declares and where it is reached go into the store, their "
        "digests onto the chain, with a stake that its operator loses a part of when it keeps silent.",
    )  # fmt: skip
    open_.add_argument("--config", type=Path, required=True, metavar="FILE", help="link file, TOML or JSON")
    open_.add_argument("--url", required=True, help="where it will be reached: ws://HOST:PORT")
    open_.add_argument("--price", type=coins_or_none, default=DEFAULT_PRICE, metavar="COIN", help="a pair (1e-9)")
    open_.add_argument("--stake", type=coins, default=DEFAULT_STAKE, metavar="COIN", help="(1)")
    close = command(verbs, "close", _close, "end a link over which nothing is live, and get its stake back")
    close.add_argument("id", type=link_id)
    listing = command(verbs, "list", _list, "list links")
    for verb in (open_, close):
        add_signer(verb, "operator")
    for verb in (open_, close, listing):
        add_network(verb)


def _open(options: argparse.Namespace) -> None:
    file = LinkFile.read(options.config)

    async def work(client: Client) -> None:
        link = await open_link(
            client.gateway, client.signer, client.store, file, options.url, options.price, options.stake
        )
        value = {"link": link, "digest": "0x" + file.digest.hex(), "url": options.url, "label": file.label}
        emit(options, value, f"link {link} opened ({file.label}); start it at {options.url}")

    run_with_client(options, work)


def _close(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.gateway.simulate(client.signer, CHANNELS, "closeLink", options.id)
        await client.gateway.send(client.signer, CHANNELS, "closeLink", options.id)
        emit(options, {"link": options.id}, f"link {options.id} closed; its stake is in its operator's balance")

    run_with_client(options, work)


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        links = await read_links(client.gateway)
        rows = [
            [
                str(link.link), link.operator, coin(link.price), coin(link.stake), str(link.live),
                "closed" if link.closed else "open",
            ]
            for link in links
        ]  # fmt: skip
        emit(options, [_value(link) for link in links], table(_HEADINGS, rows))

    run_with_client(options, work, signs=False)


_HEADINGS = ["id", "operator", "a pair", "stake", "live", "status"]


def _value(link: Link) -> dict[str, Any]:
    return {
        "id": link.link,
        "operator": link.operator,
        "price": str(link.price),
        "stake": str(link.stake),
        "live": link.live,
        "closed": link.closed,
        "descriptor": "0x" + link.descriptor.hex(),
        "endpoint": "0x" + link.endpoint.hex(),
    }
