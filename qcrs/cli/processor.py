"""``qcrs processor``: the registry."""

import argparse
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from qcrs.chain.contracts import ProcessorBonds, Reserved
from qcrs.chain.keys import load_keystore
from qcrs.cli import certify as certifying
from qcrs.cli.options import (
    add_network,
    add_signer,
    coins_or_none,
    command,
    emit,
    processor_id,
    run_with_client,
    table,
    whole,
)
from qcrs.cli.processor_identity import add_identity_verbs
from qcrs.cli.processor_service import add_service_verbs
from qcrs.config import NodeConfig
from qcrs.crypto.identity import IdentityInvalid
from qcrs.errors import QcrsError
from qcrs.identities import ProcessorUnkeyed
from qcrs.model.processor import ProcessorStatus
from qcrs.sdk import provider
from qcrs.sdk.certification import certificate_of, measured_processors
from qcrs.sdk.client import Client
from qcrs.sdk.enrolment import load_keys
from qcrs.sdk.keyed import daemon_door
from qcrs.sdk.market import MISSED_BEATS, Candidate, Market

GWEI = 10**9


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
    register.add_argument(
        "--fund", type=coins_or_none, metavar="COIN", help="give the daemon as much as it lacks of this, for gas"
    )
    certifying.add_arguments(verbs)
    declare = command(
        verbs, "declare", _declare, "declare a processor's capability anew, before its certificate runs out"
    )
    declare.add_argument("--config", type=Path, required=True, help="the node.toml of its daemon")
    identity_verbs = add_identity_verbs(verbs)
    declare.add_argument(
        "--quantum-volume-log2", type=whole(0, 10), metavar="N", help="claim this one instead of the calibration's"
    )
    for verb in (show, declare, *identity_verbs):
        verb.add_argument("id", type=processor_id)
    for verb in (listing, show, register, declare, *identity_verbs):
        add_network(verb)
    for verb in (register, declare, identity_verbs[-1], *add_service_verbs(verbs)):
        add_signer(verb, "lab-1")


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        market = await client.market()
        measured = await measured_processors(client.gateway)
        value = [
            _value(candidate, market) | {"measured": measured.get(candidate.processor)}
            for candidate in market.candidates
        ]
        headings = [
            "id", "status", "measured", "available", "class", "qubits", "free", "leased", "held", "price (gwei)", "org",
            "accepted", "outliers", "silent",
        ]  # fmt: skip
        rows = [
            [
                str(v["id"]), v["status"], {True: "yes", False: "no", None: "-"}[v["measured"]],
                _availability(v), str(v["noiseClass"]), str(v["qubits"]),
                str(v["freeQubits"]), str(v["leasedQubits"]), str(v["heldQubits"]), _price(v),
                str(v["organisation"]), str(v["accepted"]), str(v["outliers"]), str(v["silent"]),
            ]
            for v in value
        ]  # fmt: skip
        emit(options, value, table(headings, rows))

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        market = await client.market()
        found = [candidate for candidate in market.candidates if candidate.processor == options.id]
        if not found:
            raise ProcessorNotRegistered(f"there is no processor {options.id}; see 'qcrs processor list'")
        capability = await client.registry.capability(options.id)
        value = _value(found[0], market)
        value["reservationRate"] = str(await Reserved(client.gateway).rate(options.id))
        value["operator"] = await client.registry.operator(options.id)
        value["daemon"] = await client.registry.daemon(options.id)
        value["bond"] = str(await ProcessorBonds(client.gateway).amount(options.id))
        try:
            identity = await client.sealer.identities.of(options.id)
            value["identityVersion"], value["keys"] = identity.document.version, "ML-DSA-65, X-Wing"
        except (ProcessorUnkeyed, IdentityInvalid) as error:
            value["identityVersion"], value["keys"] = None, f"none: {error}"
        if capability is not None:
            plain = capability.model_dump(by_alias=True)
            value["capability"] = {k: "0x" + v.hex() if isinstance(v, bytes) else v for k, v in plain.items()}
        value["certificate"] = await certificate_of(client.gateway, options.id)
        told = {f"certificate {key}": item for key, item in (value["certificate"] or {}).items()}
        told.pop("certificate figures", None)  # beside the capability
        rows = {**value, **_marked(value.get("capability", {}), value["certificate"] or {}), **told}
        for nested in ("capability", "certificate"):
            rows.pop(nested, None)
        emit(options, value, "\n".join(f"{key:25} {item}" for key, item in rows.items()))

    run_with_client(options, work, signs=False)


def _marked(capability: dict, certificate: dict) -> dict[str, str]:
    """Return a capability in which each figure says whether it was measured, or is its operator's word."""
    figures, claimed = certificate.get("figures", {}), certificate.get("claimed", [])
    marks = {name: f" (measured; claimed {pair['claimed']})" for name, pair in figures.items()}
    marks |= dict.fromkeys(claimed, " (claimed)")
    return {name: f"{item}{marks.get(name, '')}" for name, item in capability.items()}


def _value(candidate: Candidate, market: Market) -> dict:
    standing, terms, now = candidate.standing, candidate.terms, market.now
    alive = now - standing.last_beat_at <= MISSED_BEATS * market.heartbeat_seconds
    certified = standing.status is ProcessorStatus.Certified and standing.expires_at > now
    offered = standing.offered
    return {
        "id": candidate.processor,
        "status": standing.status.name,
        "available": certified and standing.bonded and alive and not standing.draining,
        "bonded": standing.bonded,
        "draining": standing.draining,
        "offered": offered,
        "price": str(terms.price if offered else market.price),
        "minimum": str(terms.minimum if offered else 0),
        "offerExpiresAt": terms.offer_expires_at if offered else None,
        "offerExpired": offered and terms.offer_expires_at <= now,
        "freeQubits": candidate.free,
        "heldQubits": standing.held_qubits,
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


def _availability(value: dict) -> str:
    return "draining" if value["draining"] else "yes" if value["available"] else "no"


def _price(value: dict) -> str:
    return "expired" if value["offerExpired"] else f"{int(value['price']) / GWEI:g}"


def _register(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon, keys = load_keystore(config.keystore, config.password_file), load_keys(config)
    identity = options.config.with_name("identity.json")

    async def work(client: Client) -> None:
        # Before, for a daemon that registers by a hash key installs it first.
        lacking = (options.fund or 0) - await client.gateway.balance(daemon.address)
        if lacking > 0:
            await client.gateway.transfer(client.signer, daemon.address, lacking)
        processor = await provider.register(
            client.gateway, client.signer, daemon, config.calibration, identity, keys, client.store,
            partial(daemon_door, config, client.gateway, daemon),
        )  # fmt: skip
        emit(
            options,
            {"id": processor, "daemon": daemon.address},
            f"processor {processor} registered; it now needs a 'qcrs processor challenge {processor}' by the "
            f"certification role, which 'qcrs processor prove {processor} --config {options.config}' answers, then "
            f"'qcrs processor certify {processor}' by that role, and 'qcrs processor bond {processor}'",
        )

    run_with_client(options, work)


def _declare(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon, keys = load_keystore(config.keystore, config.password_file), load_keys(config)

    async def work(client: Client) -> None:
        serves = await client.registry.processor_of(daemon.address)
        if serves != options.id:
            raise DaemonOfAnother(
                f"the daemon of {options.config} serves {f'processor {serves}' if serves else 'no processor'}, "
                f"not {options.id}; name the configuration of {options.id}'s own"
            )
        await provider.declare(
            client.gateway,
            client.signer,
            options.id,
            config.calibration,
            daemon.address,
            keys,
            client.store,
            options.quantum_volume_log2,
        )
        emit(
            options,
            {"id": options.id},
            f"capability of processor {options.id} declared; it now needs 'qcrs processor certify {options.id}' by the "
            "certification role",
        )

    run_with_client(options, work)
