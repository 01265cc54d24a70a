"""``qcrs link``: the emulated fibre between processors."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import AddressInvalid, KeyLock, address_of
from qcrs.chain.link_login import LinkDomain
from qcrs.cli.options import (
    add_network,
    add_signer,
    address,
    coins,
    coins_or_none,
    command,
    emit,
    network_of,
    positive,
    processor_id,
    run_with_client,
    signer_of,
    table,
    whole,
)
from qcrs.link.chain import CHANNELS, COORDINATOR, LinkChain, find_link
from qcrs.link.errors import LinkFileInvalid
from qcrs.link.file import LinkFile
from qcrs.link.line import hello
from qcrs.link.server import LinkServer
from qcrs.link.talked import Talked
from qcrs.quantum.entanglement.pairs import MILLION, Equipment, PairSource
from qcrs.quantum.fragment import MAX_PURIFICATION_ROUNDS
from qcrs.sdk.client import Client
from qcrs.sdk.link import open_link, read_links
from qcrs.sdk.quote import coin

PPM = whole(0, MILLION)
TRIAL = LinkDomain(chain_id=0, contract="0x" + "00" * 20, link=0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    init = command(verbs, "init", _init, "write a link file")
    init.add_argument("file", type=Path)
    init.add_argument("--name", required=True)
    init.add_argument("--operator", type=address, required=True, help="account that opens the link on chain")
    init.add_argument("--fidelity-ppm", type=PPM, default=970_000, help="of a fresh pair (970000)")
    init.add_argument("--minimum-fidelity-ppm", type=PPM, default=900_000, help="older pairs are discarded (900000)")
    init.add_argument("--rate", type=positive, default=100_000, help="pairs tried a second (100000)")
    init.add_argument("--loss-ppm", type=whole(0, MILLION - 1), default=0, help="of tries that fail, heralded (0)")
    init.add_argument("--memory-ms", type=whole(0), default=600_000, help="decay time of memories; 0: none (600000)")
    init.add_argument(
        "--member", type=processor_id, action="append", default=[], help="processor to serve; all if none"
    )
    _add_start(verbs)
    opening = command(
        verbs, "open", _open, "open a link on chain, with a stake behind it",
        description="Put the link file's descriptor, and where the link is reached, into the store and their digests "
        "on the chain. Then serve it: 'qcrs link start'.",
    )  # fmt: skip
    _add_config(opening)
    opening.add_argument("--url", required=True, help="where daemons will reach it: ws://HOST:PORT")
    opening.add_argument("--price-per-pair", type=coins_or_none, required=True, metavar="COIN", help="0 is allowed")
    opening.add_argument("--stake", type=coins, required=True, metavar="COIN", help="behind the pairs it is to make")
    close = command(verbs, "close", _close, "close a link over which nothing is live, and take its stake back")
    close.add_argument("link", type=whole(1, 2**32 - 1))
    listing = command(verbs, "list", _list, "list the links that were opened")
    for verb in (opening, close, listing):
        add_network(verb)
    for verb in (opening, close):
        add_signer(verb, "operator")
    show = command(verbs, "show", _show, "say what a link file declares, and what the link at an address says it is")
    _add_config(show)
    show.add_argument("--url", help="of a running link, ws://HOST:PORT")


def _add_start(verbs: argparse._SubParsersAction) -> None:
    start = command(
        verbs, "start", _start, "serve a link until interrupted",
        description="Hold the joint quantum state of the processors that share this link, in this process: two "
        "processes that share randomness alone cannot do what entangled pairs do. The operator could see every circuit "
        "and outcome; everything given is labelled link=emulated.",
    )  # fmt: skip
    _add_config(start)
    start.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this machine only)")
    start.add_argument("--port", type=whole(0, 65_535), default=0, help="port (0: any free one; it is printed)")
    start.add_argument("--workers", type=positive, default=1, help="programs run at once (1)")
    start.add_argument(
        "--trial", type=Path, metavar="FILE",
        help="without a chain: a JSON object of daemon addresses by processor; nothing is heralded",
    )  # fmt: skip
    start.add_argument(
        "--talked", type=Path, metavar="FILE",
        help="where pairs that keys and reports have used are counted (beside the link file: *.talked.db)",
    )  # fmt: skip
    start.add_argument("--intercept-ppm", type=PPM, metavar="PPM", help="TEST EQUIPMENT: intercept and resend so many")
    start.add_argument("--spare-guesses", action="store_true", help="TEST EQUIPMENT: but not pairs guessed to be tests")
    start.add_argument("--delay-ms", type=whole(0), metavar="MS", help="TEST EQUIPMENT: hold pairs back, unseen")
    add_network(start)
    add_signer(start, "operator")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="link file, TOML or JSON")


def _init(options: argparse.Namespace) -> None:
    try:
        source = PairSource(
            fidelity_ppm=options.fidelity_ppm, minimum_fidelity_ppm=options.minimum_fidelity_ppm, rate=options.rate,
            loss_ppm=options.loss_ppm, memory_milliseconds=options.memory_ms,
        )  # fmt: skip
        link = LinkFile(name=options.name, operator=options.operator, source=source, members=tuple(options.member))
    except ValueError as error:
        raise LinkFileInvalid(f"such a link cannot be: {error}") from error
    link.write(options.file)
    emit(
        options, {"file": str(options.file), "digest": "0x" + link.digest.hex(), "label": link.label},
        f"link file  {options.file}\ndigest     0x{link.digest.hex()}\nlabel      {link.label}",
    )  # fmt: skip


def _open(options: argparse.Namespace) -> None:
    link = LinkFile.read(options.config)

    async def work(client: Client) -> None:
        if client.account.address.lower() != link.operator.lower():
            raise LinkFileInvalid(f"the link file names operator {link.operator}, you act as {client.account.address}")
        number = await open_link(
            client.gateway, client.signer, client.store, link, options.url, options.price_per_pair, options.stake
        )
        emit(
            options, {"link": number, "label": link.label, "digest": "0x" + link.digest.hex()}, f"link {number} is open"
        )

    run_with_client(options, work)


def _close(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.account, CHANNELS, "closeLink", options.link)
        emit(options, {"link": options.link, "status": "closed"}, f"link {options.link} is closed")

    run_with_client(options, work)


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        links = await read_links(client.gateway)
        facts = [
            {
                "link": link.link, "operator": link.operator, "pricePerPair": link.price, "stake": link.stake,
                "closed": link.closed, "descriptor": "0x" + link.descriptor.hex(),
            }
            for link in links
        ]  # fmt: skip
        rows = [
            [str(link.link), link.operator, coin(link.price), coin(link.stake), "closed" if link.closed else "open"]
            for link in links
        ]
        emit(options, facts, table(["id", "operator", "a pair", "stake", "status"], rows))

    run_with_client(options, work, signs=False)


def _start(options: argparse.Namespace) -> None:
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    asyncio.run(_serve(options))
    emit(options, {"status": "stopped"}, "stopped")


async def _serve(options: argparse.Namespace) -> None:
    declared = LinkFile.read(options.config)
    link = declared.model_copy(update={"equipment": _equipment(options, declared.equipment)})
    async with AsyncExitStack() as stack:
        if options.trial is not None:
            daemons = _read_daemons(options.trial)

            async def daemon_of(processor: int) -> str | None:
                return daemons.get(processor)

            server = LinkServer(link, TRIAL, daemon_of, workers=options.workers)
        else:
            # What the chain knows is the file as declared: equipment of the command line is no part of it.
            server = await _on_chain(options, declared, link, stack)
        url = await stack.enter_async_context(server.serving(options.host, options.port))
        if link.equipment.label:
            print(f"qcrs: TEST EQUIPMENT is on: {link.equipment.label}", file=sys.stderr, flush=True)
        facts = {"event": "serving", "url": url, "link": server.domain.link, "label": link.label}
        print(json.dumps(facts) if options.json else f"serving {link.name} at {url} ({link.label})", flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


async def _on_chain(
    options: argparse.Namespace, declared: LinkFile, link: LinkFile, stack: AsyncExitStack
) -> LinkServer:
    network = network_of(options)
    account = signer_of(options, network)
    gateway = await stack.enter_async_context(Gateway(network))
    missing = [name for name in (CHANNELS, COORDINATOR) if name not in gateway.addresses]
    if missing:
        raise LinkFileInvalid(f"the network has no {', '.join(missing)}: deploy again")
    stack.enter_context(KeyLock(account.address, network.chain_id))
    chain = LinkChain(gateway, account, await find_link(gateway, declared))
    domain = LinkDomain(chain_id=network.chain_id, contract=gateway.addresses[COORDINATOR], link=chain.link)
    path = options.talked or options.config.with_suffix(".talked.db")
    talked = stack.enter_context(Talked(path, network.deployment))
    return LinkServer(link, domain, chain.daemon_of, chain, workers=options.workers, talked=talked)


def _equipment(options: argparse.Namespace, declared: Equipment) -> Equipment:
    given = {
        "intercept_ppm": options.intercept_ppm,
        "delay_milliseconds": options.delay_ms,
        "spares_guesses": options.spare_guesses or None,
    }
    return declared.model_copy(update={name: value for name, value in given.items() if value is not None})


def _read_daemons(path: Path) -> dict[int, str]:
    try:
        return {int(processor): address_of(daemon) for processor, daemon in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError, AddressInvalid) as error:
        raise LinkFileInvalid(f"{path}: expected a JSON object of addresses by processor: {error}") from error


def _show(options: argparse.Namespace) -> None:
    link = LinkFile.read(options.config)
    source, fibre = link.source, link.fibre
    rounds = [
        {"rounds": count, "fidelity": round(fibre.pair(count).none, 6), "rawPairs": round(fibre.raw_pairs(count), 3)}
        for count in range(MAX_PURIFICATION_ROUNDS + 1)
    ]
    facts: dict[str, Any] = {
        "descriptor": json.loads(link.descriptor()),
        "digest": "0x" + link.digest.hex(),
        "label": link.label,
        "heraldedRate": source.heralded_rate,
        "cutOffSeconds": source.cut_off_seconds if source.cut_off_seconds < float("inf") else None,
        "purification": rounds,
    }
    if options.url:
        facts["running"] = asyncio.run(hello(options.url))
    lines = [f"{name:14} {facts[name]}" for name in ("label", "digest", "heraldedRate", "cutOffSeconds")]
    lines += [f"{row['rounds']} rounds       F {row['fidelity']:.4f}, {row['rawPairs']:g} raw pairs" for row in rounds]
    lines += [f"running        {facts['running']}"] if options.url else []
    emit(options, facts, "\n".join(lines))
