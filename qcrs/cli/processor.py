"""``qcrs processor``: the registry."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from qcrs.chain.contracts import ProcessorBonds, Reserved
from qcrs.chain.keys import load_keystore
from qcrs.cli import certify as certifying
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
    whole,
)
from qcrs.cli.processor_identity import add_identity_verbs
from qcrs.config import NodeConfig
from qcrs.crypto.identity import IdentityInvalid
from qcrs.errors import QcrsError
from qcrs.model.processor import ProcessorStatus
from qcrs.sdk import provider
from qcrs.sdk.certification import certificate_of, measured_processors
from qcrs.sdk.client import Client
from qcrs.sdk.enrolment import load_keys
from qcrs.sdk.identities import ProcessorUnkeyed
from qcrs.sdk.market import MISSED_BEATS, Candidate, Market
from qcrs.sdk.quote import coin

ETHER, GWEI = 10**18, 10**9


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
    certifying.add_arguments(verbs)
    bond = command(verbs, "bond", _bond, "lock coin behind a processor, so that it can be drawn")
    bond.add_argument("--amount", type=coins, default="5", metavar="COIN", help="how much (5)")
    unbond = command(verbs, "unbond", _unbond, "take a processor out of the draw; later, take its bond back")
    declare = command(
        verbs, "declare", _declare, "declare a processor's capability anew, before its certificate runs out"
    )
    declare.add_argument("--config", type=Path, required=True, help="the node.toml of its daemon")
    identity_verbs = add_identity_verbs(verbs)
    declare.add_argument(
        "--quantum-volume-log2", type=whole(0, 10), metavar="N", help="claim this one instead of the calibration's"
    )
    offer = command(
        verbs, "offer", _offer, "ask for a price instead of the policy's",
        description="Ask for PRICE coin a qubit-shot. It is drawn for computations whose requesters bid as much, and "
        "is paid what they bid. When the offer expires nothing is drawn on it any more.",
    )  # fmt: skip
    withdraw = command(verbs, "withdraw-offer", _withdraw_offer, "ask the policy's price again")
    for verb in (show, declare, *identity_verbs, bond, unbond, offer, withdraw):
        verb.add_argument("id", type=processor_id)
    offer.add_argument("price", type=coins, metavar="PRICE", help="coin a qubit-shot")
    offer.add_argument("--minimum", type=coins_or_none, default="0", metavar="COIN", help="least for a computation (0)")
    offer.add_argument("--expires", type=whole(1), default=30 * 24 * 3600, metavar="SECONDS", help="from now (30 days)")
    for verb in (listing, show, register, declare, *identity_verbs, bond, unbond, offer, withdraw):
        add_network(verb)
    for verb in (register, declare, identity_verbs[-1], bond, unbond, offer, withdraw):
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
        processor = await provider.register(
            client.gateway, client.signer, daemon, config.calibration, identity, keys, client.store
        )
        if options.fund:
            await client.gateway.transfer(client.signer, daemon.address, options.fund)
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


def _offer(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        expires_at = int(client.gateway.now) + options.expires
        offer = (options.id, options.price, options.minimum, expires_at)
        await client.gateway.simulate(client.signer, "ProcessorRegistry", "offer", *offer)
        await client.gateway.send(client.signer, "ProcessorRegistry", "offer", *offer)
        value = {
            "id": options.id, "price": str(options.price), "minimum": str(options.minimum), "expiresAt": expires_at,
        }  # fmt: skip
        until = datetime.fromtimestamp(expires_at, UTC).isoformat(sep=" ", timespec="minutes")
        line = f"processor {options.id} asks {options.price / GWEI:g} gwei a qubit-shot until {until}"
        emit(options, value, line + (f", and {coin(options.minimum)} coin at least" if options.minimum else ""))

    run_with_client(options, work)


def _withdraw_offer(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.gateway.simulate(client.signer, "ProcessorRegistry", "withdrawOffer", options.id)
        await client.gateway.send(client.signer, "ProcessorRegistry", "withdrawOffer", options.id)
        emit(options, {"id": options.id, "offered": False}, f"processor {options.id} asks the policy's price")

    run_with_client(options, work)
