"""``qcrs channel``: entangled pairs between two processors, tested before they are used."""

import argparse
from pathlib import Path
from typing import Any

from qcrs.chain.action import act
from qcrs.cli.channel_use import EMULATED, add_verbs, channel_id, have_done, link_id
from qcrs.cli.options import (
    add_network,
    add_signer,
    coins,
    command,
    emit,
    ppm,
    processor_id,
    run_with_client,
    seconds,
    table,
    when,
    whole,
)
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms
from qcrs.rules.link_sizing import size_for
from qcrs.rules.link_test import WORD_BITS
from qcrs.sdk import channel as channels
from qcrs.sdk.client import Client
from qcrs.sdk.quote import coin

PAIRS, ERROR_PPM = 1536, 70_000  # of a test, unless it is said otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    request = command(
        verbs, "request", _request, "ask for a channel from a processor whose daemon runs here",
        description="Have the daemon of a node on this machine ask for a channel to another processor. Deposit and "
        "the link's fee come out of the processor's purse: 'qcrs channel fund'.",
    )  # fmt: skip
    request.add_argument("peer", type=processor_id, help="the processor at the other end")
    request.add_argument("--link", type=link_id, default=1, help="over which (1); see 'qcrs link list'")
    request.add_argument(
        "--pairs", type=whole(256, 8192), help="made for the test, a multiple of 256; half are measured (1536)",
    )  # fmt: skip
    request.add_argument("--max-error", type=ppm, metavar="SHARE", help="of tested pairs that may disagree (0.07)")
    request.add_argument(
        "--detect", type=ppm, metavar="SHARE",
        help="have --pairs and --max-error follow from the share of pairs whose eavesdropper is to be found",
    )  # fmt: skip
    request.add_argument(
        "--fidelity", type=ppm, default=940_000, metavar="SHARE", help="that pairs are planned with (0.94)"
    )
    request.add_argument(
        "--capacity", type=whole(1, 2**32 - 1), default=10_000_000, help="pairs that sessions may use (10,000,000)"
    )
    request.add_argument("--lifetime", type=whole(1, 30 * 86_400), default=86_400, metavar="SECONDS", help="(86400)")
    request.add_argument("--window", type=whole(1, 65_535), default=120, metavar="SECONDS", help="for each step (120)")
    retest = command(verbs, "retest", _retest, "have a channel tested again, whose end is a daemon here")
    retest.add_argument("id", type=channel_id)
    for verb in (request, retest):
        verb.add_argument("--config", type=Path, required=True, help="the daemon's node.toml")
        verb.add_argument("--patience", type=seconds, default=60.0, metavar="SECONDS", help="for the daemon (60)")
    listing = command(verbs, "list", _list, "list channels, with what their last test found")
    show = command(verbs, "show", _show, "show one channel")
    show.add_argument("id", type=channel_id)
    fund = command(verbs, "fund", _fund, "put coin into a processor's purse, for channels and sessions")
    withdraw = command(verbs, "withdraw", _withdraw, "take coin out of it, into its operator's balance (its operator)")
    for verb in (fund, withdraw):
        verb.add_argument("processor", type=processor_id)
        verb.add_argument("coin", type=coins)
        add_signer(verb, "lab-1")
    release = command(
        verbs, "release", _release, "have deposits and fee of an open channel divided now, not at its end (anyone)"
    )
    release.add_argument("id", type=channel_id)
    add_signer(release, "lab-1")
    for verb in (listing, show, fund, withdraw, release):
        add_network(verb)
    add_verbs(verbs)


def _request(options: argparse.Namespace) -> None:
    pairs, error_ppm = _test(options)
    terms = ChannelTerms(
        pairs=pairs, error_ppm=error_ppm, fidelity_ppm=options.fidelity, capacity=options.capacity,
        lifetime_seconds=options.lifetime, window_seconds=options.window,
    )  # fmt: skip
    wanted = {"link": options.link, "peer": options.peer, "terms": terms.model_dump(by_alias=True)}
    answer = have_done(options, "channel", wanted)
    emit(options, answer, f"channel {answer['channel']} asked for; see 'qcrs channel show {answer['channel']}'")


def _test(options: argparse.Namespace) -> tuple[int, int]:
    """Return of how many pairs the test is to be, and how many of a million may err."""
    if options.detect is None:
        pairs, error_ppm = options.pairs or PAIRS, ERROR_PPM if options.max_error is None else options.max_error
        if pairs % WORD_BITS:
            raise channels.ErrandFailed(f"{pairs} pairs; expected a multiple of {WORD_BITS}")
        return pairs, error_ppm
    if options.pairs is not None or options.max_error is not None:
        raise channels.ErrandFailed("--detect with --pairs or --max-error; expected the one or the others")
    size = size_for(options.fidelity, options.detect)
    return size.pairs, size.error_ppm


def _retest(options: argparse.Namespace) -> None:
    answer = have_done(options, "retest", {"channel": options.id})
    emit(options, answer, f"channel {options.id}: test {answer['attempt']} asked for")


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        known = (await channels.read_entanglement(client.gateway)).channels.values()
        rows = [
            [
                str(c.channel), str(c.link), f"{c.ends[0]}-{c.ends[1]}", c.status.name, str(c.attempt),
                *(_tested(c) if c.tested else ["-", "-", "-"]), f"{c.left:,}", when(c.phase_ends_at),
            ]
            for c in known
        ]  # fmt: skip
        headings = ["id", "link", "ends", "status", "test", "tested", "error", "fidelity", "left", "until"]
        emit(options, [_value(channel) for channel in known], f"{table(headings, rows)}\n{EMULATED}")

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        value = _value(await channels.channel_of(client.gateway, options.id))
        emit(options, value, "\n".join(f"{key:15} {item}" for key, item in value.items()))

    run_with_client(options, work, signs=False)


def _fund(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.gateway.send(client.signer, channels.CHANNELS, "fund", options.processor, value=options.coin)
        await _purse(options, client)

    run_with_client(options, work)


def _withdraw(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, channels.CHANNELS, "withdraw", options.processor, options.coin)
        await _purse(options, client)

    run_with_client(options, work)


def _release(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, channels.CHANNELS, "release", options.id)
        emit(options, {"channel": options.id}, f"channel {options.id}: deposits and fee are divided")

    run_with_client(options, work)


async def _purse(options: argparse.Namespace, client: Client) -> None:
    left = await client.gateway.call(channels.CHANNELS, "purseOf", options.processor)
    value = {"processor": options.processor, "purse": str(left)}
    emit(options, value, f"purse of processor {options.processor}: {coin(left)} coin")


def _tested(channel: Channel) -> list[str]:
    error, fidelity = channels.error_ppm(channel), channels.fidelity_ppm(channel)
    return [str(channel.tested), f"{error / channels.MILLION:.4f}", f"{fidelity / channels.MILLION:.4f}"]


def _value(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.channel,
        "label": EMULATED,
        "link": channel.link,
        "ends": list(channel.ends),
        "status": channel.status.name,
        "test": channel.attempt,
        "pairs": channel.terms.pairs,
        "tested": channel.tested,
        "errorsZ": channel.errors_z,
        "errorsX": channel.errors_x,
        "errorPpm": channels.error_ppm(channel) if channel.tested else None,
        "maxErrorPpm": channel.terms.error_ppm,
        "fidelityPpm": channels.fidelity_ppm(channel) if channel.tested else None,
        "capacity": channel.terms.capacity,
        "used": channel.used,
        "left": channel.left,
        "open": channel.status is ChannelStatus.Open,
        "until": channel.phase_ends_at,
    }
