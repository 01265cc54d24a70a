"""``qcrs relay``: post the reports that daemons sign instead of sending."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from qcrs.chain.contracts import Allocator
from qcrs.chain.devnet import is_running, start_time
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import KeyLock
from qcrs.chain.spool import Spool
from qcrs.cli.options import add_network, add_signer, command, emit, network_of, seconds, signer_of, whole
from qcrs.errors import QcrsError
from qcrs.sdk.relay import MOST_ITEMS, Posted, Relay, empty, serve

GATHER_SECONDS = 2.0


class WaitTooLong(QcrsError):
    """Reports would be kept back until their daemons give the relayer up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    start = command(
        verbs, "start", _start, "post reports until interrupted",
        description="Post what daemons that run with 'qcrs node start --relay SPOOL' leave in the spool, many reports "
        "in one transaction, and pay for its gas. The relayer is trusted with nothing: it can leave reports out or be "
        "late, and daemons then send their own.",
    )  # fmt: skip
    _add_spool(start)
    start.add_argument(
        "--max", dest="most", type=whole(1, MOST_ITEMS), default=MOST_ITEMS, metavar="N",
        help=f"reports in one transaction (1 to {MOST_ITEMS}, default {MOST_ITEMS})",
    )  # fmt: skip
    start.add_argument(
        "--wait", type=seconds, default=GATHER_SECONDS, metavar="SECONDS",
        help="how long a report waits for others to go with it: longer is cheaper, and half of a phase is too late "
        f"(default {GATHER_SECONDS:g})",
    )  # fmt: skip
    start.add_argument("--once", action="store_true", help="post what is there now, then end")
    add_network(start)
    add_signer(start, "operator")
    status = command(verbs, "status", _status, "say what waits in a spool, and whether a relayer serves it")
    _add_spool(status)


def _add_spool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spool", type=Path, required=True, metavar="DIR", help="the folder that daemons write to")


def _start(options: argparse.Namespace) -> None:
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    total = asyncio.run(_relay(options))
    emit(
        options,
        {"status": "stopped", **_facts(total)},
        f"stopped; {_words(total)} in {total.transactions} transactions",
    )


async def _relay(options: argparse.Namespace) -> Posted:
    """Check that everything is there, then post."""
    network = network_of(options)
    account = signer_of(options, network)
    spool = Spool(options.spool)
    spool.require(network.chain_id, network.deployment)
    async with Gateway(network) as gateway:
        if not options.once:
            policy = await Allocator(gateway).policy()
            if options.wait > (most := min(policy.commit_seconds, policy.reveal_seconds) / 2):
                raise WaitTooLong(f"--wait {options.wait:g}, expected at most {most:g}: half of the shortest phase")
        with KeyLock(account.address, network.chain_id):
            relay = Relay(gateway, account, spool, options.most)
            await relay.require_coin()
            if options.once:
                return await empty(relay)
            teller = _Teller(options.json, spool, account.address, network.chain_id)
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            try:
                teller.write("running")
                await serve(relay, options.wait, stop, teller.tell)
            finally:
                teller.write("stopped")
            return teller.total


class _Teller:
    """Says what a relayer does, and keeps the sum where 'qcrs relay status' finds it."""

    def __init__(self, as_json: bool, spool: Spool, address: str, chain_id: int) -> None:
        self._as_json, self._spool = as_json, spool
        self._who = {
            "pid": os.getpid(), "startedTicks": start_time(os.getpid()), "address": address, "chainId": chain_id,
        }  # fmt: skip
        self.total, self._fault = Posted(), ""

    def tell(self, news: Posted | QcrsError) -> None:
        """Say what a batch came to, or what is in the way."""
        if isinstance(news, Posted):
            self.total, self._fault = self.total + news, ""
            line = json.dumps({"event": "posted", **_facts(news)}) if self._as_json else f"posted {_words(news)}"
            print(line, flush=True)
        else:
            self._fault = f"{type(news).__name__}: {news}"
            print(f"qcrs: {self._fault}; tried again", file=sys.stderr, flush=True)
        self.write("running")

    def write(self, status: str) -> None:
        """Write the state file; a full disk stops no relayer."""
        facts = {**_facts(self.total), "fault": self._fault, "updatedAt": int(time.time())}
        try:
            self._spool.write_state({"status": status, **self._who, **facts})
        except OSError as error:
            logging.getLogger(__name__).warning("cannot say how things stand: %s", error)


def _status(options: argparse.Namespace) -> int:
    spool = Spool(options.spool)
    spool.require_folder()
    census = spool.census()
    state = spool.read_state() or {"status": "never started", "pid": 0}
    if state.get("status") == "running" and not _runs(state):
        state["status"] = "ended without a word"
    waiting = {
        "commits": census.commits,
        "reveals": census.reveals,
        "oldestSeconds": round(census.oldest_seconds, 1),
    }
    lines = [f"{key:13} {value}" for key, value in state.items() if key != "startedTicks"]
    age = f", the oldest for {census.oldest_seconds:.0f} s" if census.commits + census.reveals else ""
    lines.append(f"{'waiting':13} {census.commits} commits, {census.reveals} reveals{age}")
    emit(options, {**state, "waiting": waiting}, "\n".join(lines))
    return 0 if state.get("status") == "running" else 1


def _runs(state: dict[str, Any]) -> bool:
    # The spool may be others' to write to: what stands there need not be numbers.
    pid, ticks = state.get("pid"), state.get("startedTicks")
    return isinstance(pid, int) and (ticks is None or isinstance(ticks, int)) and is_running(pid, ticks)


def _facts(posted: Posted) -> dict[str, Any]:
    return {
        "commits": posted.commits,
        "reveals": posted.reveals,
        "skipped": posted.skipped,
        "gas": posted.gas,
        "transactions": posted.transactions,
        "transaction": posted.transaction,
    }


def _words(posted: Posted) -> str:
    skipped = f", {posted.skipped} too late" if posted.skipped else ""
    return f"{posted.commits} commits and {posted.reveals} reveals{skipped} ({posted.gas:,} gas)"
