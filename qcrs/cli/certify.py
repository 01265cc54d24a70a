"""``qcrs processor``'s verbs about benchmarks: certify, enlist, delist, history."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qcrs.chain.keys import load_keystore
from qcrs.cli.options import add_network, add_signer, command, emit, processor_id, run_with_client, table
from qcrs.config import NodeConfig, home
from qcrs.model.certification import CertificationStatus
from qcrs.model.records import Certification
from qcrs.sdk import certification, provider
from qcrs.sdk.authority import of_account
from qcrs.sdk.certification import Outcome
from qcrs.sdk.client import Client
from qcrs.sdk.enrolment import admission_secret
from qcrs.sdk.history import read_history
from qcrs.sdk.quote import coin


def add_arguments(verbs: Any) -> None:
    """Add the verbs to those of ``qcrs processor``."""
    certify = command(
        verbs, "certify", _certify, "have a processor's newest capability measured, or approve it by the role",
        description="With --measure, the operator has the newest capability benchmarked, and this waits for the "
        "outcome: circuits that nobody knew before, scored by three certifiers. Without it, the certification role "
        "approves what was declared, and nothing is measured.",
    )  # fmt: skip
    certify.add_argument("--measure", action="store_true", help="have it benchmarked; by its operator")
    certify.add_argument("--no-wait", action="store_true", help="with --measure: do not wait for the outcome")
    enlist = command(verbs, "enlist", _enlist, "make a processor a certifier, for a stake")
    enlist.add_argument("--config", type=Path, required=True, help="the node.toml of its daemon")
    delist = command(verbs, "delist", _delist, "take a certifier out of the pool, and its stake back")
    history = command(verbs, "history", _history, "what a processor has done, and what its conduct weighs after each")
    for verb in (certify, enlist, delist, history):
        verb.add_argument("id", type=processor_id)
        add_network(verb)
    add_signer(certify, "operator")
    for verb in (enlist, delist):
        add_signer(verb, "lab-1")


def _certify(options: argparse.Namespace) -> int | None:
    if options.measure:
        return _measure(options)

    async def work(client: Client) -> None:
        secret = await asyncio.to_thread(admission_secret, home() / "admission-secret")
        authority = of_account(client.gateway, client.signer)
        checked = await provider.certify(client.gateway, authority, options.id, client.store, secret)
        value = {"id": options.id, "status": "Certified", "checked": checked}
        emit(options, value, f"processor {options.id} certified, unmeasured ({checked})")

    run_with_client(options, work)
    return None


def _measure(options: argparse.Namespace) -> int:
    ended: list[Certification] = []

    async def work(client: Client) -> None:
        id_, price = await certification.request(client.gateway, client.signer, options.id)
        line = f"benchmark {id_} of processor {options.id} requested for {coin(price)} coin, part of which comes back"
        if options.no_wait:
            emit(options, {"certification": id_, "price": str(price)}, line)
            return
        if not options.json:
            print(line, flush=True)
        async for record in certification.watch(client.gateway, id_):
            ended[:] = [record]
            if not options.json:
                print(f"  round {record.round}: {record.status.name}", flush=True)
        value = {"certification": id_, "price": str(price), "status": ended[0].status.name}
        found = await certification.outcome_of(client.gateway, id_)
        line = f"benchmark {id_}: {ended[0].status.name}"
        if found is None:
            emit(options, value, line)
        else:
            emit(options, value | found.to_json(), f"{line}\n{_told(found)}")

    run_with_client(options, work)
    return 0 if not ended or ended[0].status is CertificationStatus.Certified else 1


def _told(found: Outcome) -> str:
    """Return what was measured beside what was claimed."""
    figures = table(["", "claimed", "measured"], [[name, str(a), str(b)] for name, (a, b) in found.figures.items()])
    if found.lacks:
        return f"{figures}\nnot enough: {'; '.join(found.lacks)}"
    return f"{figures}\nwhat was measured takes effect, be it better or worse; speed and coupling map stay as claimed"


def _enlist(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon = load_keystore(config.keystore, config.password_file)

    async def work(client: Client) -> None:
        stake = await certification.enlist(client.gateway, client.signer, daemon, options.id)
        line = f"processor {options.id} is a certifier; {coin(stake)} coin are at stake"
        emit(options, {"id": options.id, "stake": str(stake)}, line)

    run_with_client(options, work)


def _delist(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await certification.delist(client.gateway, client.signer, options.id)
        line = f"processor {options.id} is no certifier any more; its stake is in its operator's balance"
        emit(options, {"id": options.id}, line)

    run_with_client(options, work)


def _history(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        lines = await read_history(client.gateway, options.id)
        value = [
            {
                "block": line.block, "at": line.at, "what": line.what, "computation": line.computation or None,
                "weight": line.weight, "conduct": dict(line.conduct),
            }
            for line in lines
        ]  # fmt: skip
        rows = [
            [
                datetime.fromtimestamp(line.at, UTC).isoformat(sep=" ", timespec="seconds"), line.what,
                str(line.computation or ""), str(line.weight),
            ]
            for line in lines
        ]  # fmt: skip
        emit(options, value, table(["when (UTC)", "what", "computation", "weight"], rows))

    run_with_client(options, work, signs=False)
