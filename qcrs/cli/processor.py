"""``qcrs processor``: the registry."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from qcrs.chain.contracts import ProcessorBonds
from qcrs.chain.keys import load_keystore
from qcrs.cli.options import (
    add_network,
    add_signer,
    coins,
    coins_or_none,
    command,
    emit,
    processor_id,
    run_with_client,
    table,
)
from qcrs.config import NodeConfig
from qcrs.errors import QcrsError
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing
from qcrs.sdk import provider
from qcrs.sdk.client import Client

ETHER = 10**18


class ProcessorNotRegistered(QcrsError):
    """There is no processor with this id."""


class DaemonOfAnother(QcrsError):
    """The node's configuration is not that of the processor."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, "list all processors")
    show = command(verbs, "show", _show, "show one processor: standing, capability, money")
    register = command(verbs, "register", _register, "register a node's processor and declare its capability")
    register.add_argument("--config", type=Path, required=True, help="the node.toml that 'qcrs node init' wrote")
    register.add_argument("--fund", type=coins_or_none, metavar="COIN", help="send this to the daemon for gas")
    certify = command(verbs, "certify", _certify, "approve a processor's newest capability (certification role)")
    bond = command(verbs, "bond", _bond, "lock coin behind a processor, so that it can be drawn")
    bond.add_argument("--amount", type=coins, default="5", metavar="COIN", help="how much (5)")
    unbond = command(verbs, "unbond", _unbond, "take a processor out of the draw; later, take its bond back")
    declare = command(
        verbs, "declare", _declare, "declare a processor's capability anew, before its certificate runs out"
    )
    declare.add_argument("--config", type=Path, required=True, help="the node.toml of its daemon")
    for verb in (show, declare, certify, bond, unbond):
        verb.add_argument("id", type=processor_id)
    for verb in (listing, show, register, declare, certify, bond, unbond):
        add_network(verb)
    for verb in (register, declare, bond, unbond):
        add_signer(verb, "lab-1")
    add_signer(certify, "operator")


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        standings = {
            processor: await client.registry.standing(processor)
            for processor in range(1, await client.registry.count() + 1)
        }
        interval = await client.registry.heartbeat_seconds()
        now = client.gateway.now
        value = [_value(processor, standing, now, interval) for processor, standing in standings.items()]
        headings = [
            "id",
            "status",
            "available",
            "class",
            "qubits",
            "leased",
            "org",
            "accepted",
            "outliers",
            "silent",
        ]
        rows = [
            [
                str(v["id"]), v["status"], "yes" if v["available"] else "no", str(v["noiseClass"]), str(v["qubits"]),
                str(v["leasedQubits"]), str(v["organisation"]), str(v["accepted"]), str(v["outliers"]),
                str(v["silent"]),
            ]
            for v in value
        ]  # fmt: skip
        emit(options, value, table(headings, rows))

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        standing = await client.registry.standing(options.id)
        if standing.status is ProcessorStatus.Unset:
            raise ProcessorNotRegistered(f"there is no processor {options.id}; see 'qcrs processor list'")
        capability = await client.registry.capability(options.id)
        value = _value(options.id, standing, client.gateway.now, await client.registry.heartbeat_seconds())
        value["operator"] = await client.registry.operator(options.id)
        value["daemon"] = await client.registry.daemon(options.id)
        value["bond"] = str(await ProcessorBonds(client.gateway).amount(options.id))
        if capability is not None:
            plain = capability.model_dump(by_alias=True)
            value["capability"] = {k: "0x" + v.hex() if isinstance(v, bytes) else v for k, v in plain.items()}
        rows = {**value, **value.get("capability", {})}
        rows.pop("capability", None)
        emit(options, value, "\n".join(f"{key:20} {item}" for key, item in rows.items()))

    run_with_client(options, work, signs=False)


def _value(processor: int, standing: Standing, now: float, interval: int) -> dict:
    alive = now - standing.last_beat_at <= 2 * interval
    certified = standing.status is ProcessorStatus.Certified and standing.expires_at > now
    return {
        "id": processor,
        "status": standing.status.name,
        "available": certified and standing.bonded and alive,
        "bonded": standing.bonded,
        "noiseClass": standing.noise_class,
        "qubits": standing.qubits,
        "leasedQubits": standing.leased_qubits,
        "organisation": standing.organisation,
        "lastBeatAt": standing.last_beat_at,
        "expiresAt": datetime.fromtimestamp(standing.expires_at, UTC).isoformat(),
        "accepted": standing.accepted,
        "outliers": standing.outliers,
        "silent": standing.silent,
        "refused": standing.refused,
    }


def _register(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon = load_keystore(config.keystore, config.password_file)
    identity = options.config.with_name("identity.json")

    async def work(client: Client) -> None:
        processor = await provider.register(client.gateway, client.signer, daemon, config.calibration, identity)
        if options.fund:
            await client.gateway.transfer(client.signer, daemon.address, options.fund)
        emit(
            options,
            {"id": processor, "daemon": daemon.address},
            f"processor {processor} registered; it now needs 'qcrs processor certify {processor}' by the certification "
            f"role, and 'qcrs processor bond {processor}'",
        )

    run_with_client(options, work)


def _declare(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon = load_keystore(config.keystore, config.password_file)

    async def work(client: Client) -> None:
        serves = await client.registry.processor_of(daemon.address)
        if serves != options.id:
            raise DaemonOfAnother(
                f"the daemon of {options.config} serves {f'processor {serves}' if serves else 'no processor'}, "
                f"not {options.id}; name the configuration of {options.id}'s own"
            )
        await provider.declare(client.gateway, client.signer, options.id, config.calibration)
        emit(
            options,
            {"id": options.id},
            f"capability of processor {options.id} declared; it now needs 'qcrs processor certify {options.id}' by the "
            "certification role",
        )

    run_with_client(options, work)


def _certify(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await provider.certify(client.gateway, client.signer, options.id)
        emit(options, {"id": options.id, "status": "Certified"}, f"processor {options.id} certified")

    run_with_client(options, work)


def _bond(options: argparse.Namespace) -> None:
    amount = options.amount

    async def work(client: Client) -> None:
        await provider.bond(client.gateway, client.signer, options.id, amount)
        emit(
            options,
            {"id": options.id, "bonded": str(amount)},
            f"{amount / ETHER:.6f} coin locked behind {options.id}",
        )

    run_with_client(options, work)


def _unbond(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        free_at = await provider.unbond(client.gateway, client.signer, options.id)
        value = {"id": options.id, "freeAt": free_at}
        if free_at is None:
            emit(options, value, f"bond of processor {options.id} sent to {client.signer.address}")
            return
        when = datetime.fromtimestamp(free_at).isoformat(sep=" ", timespec="seconds")
        emit(
            options,
            value,
            f"processor {options.id} is out of the draw; its answers can be challenged until {when}, then run this "
            "again to take the bond back ('processor bond' puts it into the draw again)",
        )

    run_with_client(options, work)
