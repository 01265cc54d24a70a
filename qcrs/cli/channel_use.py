"""``qcrs channel chsh``, ``key`` and ``quote``: what two ends do beside sessions, and what a link test costs.

The daemon of one end runs here and does it; this only leaves word, and tells what came of it.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from qcrs.cli.options import add_network, command, emit, ppm, run_with_client, seconds, whole
from qcrs.config import NodeConfig
from qcrs.rules.invitation import LEAST_KEY_BITS, LEAST_PAIRS, MOST_KEY_BITS, MOST_PAIRS, Talk
from qcrs.rules.link_sizing import size_for
from qcrs.sdk import channel as channels
from qcrs.sdk.client import Client
from qcrs.sdk.link import read_links
from qcrs.sdk.quote import coin
from qcrs.wishes import FOLDER, Wishes

EXIT_ALARM = 1
ACCOUNT = ("pairs", "sifted", "tested", "errors", "leak", "length")
EMULATED = "link=emulated"
channel_id = whole(1, 2**64 - 1)
link_id = whole(1, 2**32 - 1)


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add the verbs of ends that talk over their channel, and of those who plan one."""
    chsh = command(
        verbs, "chsh", _chsh, "report how far the pairs of an open channel exceed shared randomness",
        description="Both ends measure fresh pairs in settings of CHSH, each drawing its own, and compare. S near 2.83 "
        "says that the link behaves as one of good pairs would; above 2 is more than shared randomness alone. It is "
        "a conformance report and never a proof: one classical bit from end to end fakes it.",
    )  # fmt: skip
    key = command(
        verbs, "key", _key, "make a secret key with the other end of an open channel",
        description="BBM92 over fresh pairs: both ends measure, count errors, reconcile and hash, in letters signed "
        "with their ML-DSA-65 keys. Both daemons keep the key in a file beside their journal; only its digest is "
        "printed. More errors than the channel's test may have are an alarm (exit code 1), and there is no key. Over "
        "an emulated link whoever runs it has seen every outcome.",
    )  # fmt: skip
    for verb, pairs in ((chsh, 20_000), (key, 32_768)):
        verb.add_argument("id", type=channel_id)
        verb.add_argument("--config", type=Path, required=True, help="node.toml of the daemon here")
        verb.add_argument("--pairs", type=whole(LEAST_PAIRS, MOST_PAIRS), default=pairs, help=f"measured ({pairs:,})")
        verb.add_argument("--patience", type=seconds, default=120.0, metavar="SECONDS", help="for the daemon (120)")
    key.add_argument(
        "--bits", type=whole(LEAST_KEY_BITS, MOST_KEY_BITS), default=256, help="a shorter key is an alarm (256)"
    )
    quote = command(
        verbs, "quote", _quote, "say how large a link test has to be, and what it costs",
        description="The smallest test that honest pairs of a fidelity fail once in a thousand times, and that an "
        "eavesdropper who intercepts and resends a share of them fails 99 times in a hundred.",
    )  # fmt: skip
    quote.add_argument("--fidelity", type=ppm, default=940_000, metavar="F", help="of the pairs (0.94)")
    quote.add_argument("--share", type=ppm, required=True, metavar="SHARE", help="of pairs whose eavesdropper is found")
    quote.add_argument("--link", type=link_id, default=1, help="over which (1); see 'qcrs link list'")
    add_network(quote)


def have_done(options: argparse.Namespace, kind: str, terms: dict[str, Any]) -> dict[str, Any]:
    """Have the daemon of ``--config`` do something, and return what it says of it."""
    wishes = Wishes(NodeConfig.read(options.config).journal.with_name(FOLDER))
    return asyncio.run(channels.have_done(wishes, kind, terms, options.patience))


def _chsh(options: argparse.Namespace) -> None:
    found = have_done(options, Talk.Chsh.value, {"channel": options.id, "pairs": options.pairs})
    emit(
        options, found,
        f"S = {found['s']:.4f} +- {found['standardError']:.4f} on {found['pairs']:,} pairs of channel {options.id}\n"
        f"{found['label']}; {found['note']}",
    )  # fmt: skip


def _key(options: argparse.Namespace) -> int:
    terms = {"channel": options.id, "pairs": options.pairs, "bits": options.bits}
    found = have_done(options, Talk.Key.value, terms)
    account = [
        f"{name:9} {found[name]:,}" for name in ("sifted", "tested", "errors", "leak", "length") if name in found
    ]
    if "alarm" in found:
        head = f"no key: {found['alarm']}: {found['message']}"
    else:
        epsilon = found["epsilon"]
        head = f"key of {found['length']} bits, digest {found['keyDigest']}, kept at both ends; here in {found['file']}"
        account.append(f"epsilon   {epsilon['secret']} secret, {epsilon['correct']} correct")
    emit(options, found, "\n".join([head, *account, found["label"]]))
    return EXIT_ALARM if "alarm" in found else 0


def _quote(options: argparse.Namespace) -> None:
    size = size_for(options.fidelity, options.share)

    async def work(client: Client) -> None:
        over = next((link for link in await read_links(client.gateway) if link.link == options.link), None)
        if over is None:
            raise channels.ChannelUnknown(f"there is no link {options.link}; see 'qcrs link list'")
        fee = size.pairs * over.price
        value = {
            "pairs": size.pairs, "errorPpm": size.error_ppm, "falseAlarmPpm": size.false_alarm_ppm,
            "detectionPpm": size.detection_ppm, "link": over.link, "fee": str(fee), "label": EMULATED,
        }  # fmt: skip
        emit(
            options, value,
            f"--pairs {size.pairs} --max-error {size.error_ppm / channels.MILLION:g}: {coin(fee)} coin over link "
            f"{over.link}\nfound {size.detection_ppm / 1e4:.2f} %, false alarms {size.false_alarm_ppm / 1e4:.2f} %; "
            f"{EMULATED}",
        )  # fmt: skip

    run_with_client(options, work, signs=False)
