"""``qcrs processor bond``, ``offer``, ``drain``, ``retire`` and their opposites: a processor in service."""

import argparse
from datetime import UTC, datetime
from typing import Any

from qcrs.chain.action import act
from qcrs.cli.options import (
    add_network,
    address,
    coins,
    coins_or_none,
    command,
    emit,
    processor_id,
    run_with_client,
    whole,
)
from qcrs.sdk import bonding
from qcrs.sdk.client import Client
from qcrs.sdk.quote import coin

ETHER, GWEI = 10**18, 10**9


def add_service_verbs(verbs: argparse._SubParsersAction) -> tuple[argparse.ArgumentParser, ...]:
    """Add the verbs, without the flags that say who acts."""
    bond = command(verbs, "bond", _bond, "lock coin behind a processor, so that it can be drawn")
    bond.add_argument("--amount", type=coins, default="5", metavar="COIN", help="how much (5)")
    unbond = command(verbs, "unbond", _unbond, "take a processor out of the draw; later, take its bond back")
    unbond.add_argument("--to", type=address, metavar="ADDRESS", help="who gets the bond (the operator)")
    offer = command(
        verbs, "offer", _offer, "ask for a price instead of the policy's",
        description="Ask for PRICE coin a qubit-shot. It is drawn for computations whose requesters bid as much, and "
        "is paid what they bid. When the offer expires nothing is drawn on it any more.",
    )  # fmt: skip
    withdraw = command(verbs, "withdraw-offer", _withdraw_offer, "ask the policy's price again")
    drain = command(
        verbs, "drain", _drain, "have a processor finish what is leased and take nothing new, until 'resume'",
        description="Have a processor finish what is leased and take nothing new. 'qcrs node drain' does the same by "
        "the daemon's key, and what was last asked of the daemon there holds.",
    )  # fmt: skip
    resume = command(verbs, "resume", _resume, "have a drained processor take work again")
    retire = command(verbs, "retire", _retire, "take a processor out for good; unbond it to have its bond back")
    service = bond, unbond, offer, withdraw, drain, resume, retire
    for verb in service:
        verb.add_argument("id", type=processor_id)
        add_network(verb)
    offer.add_argument("price", type=coins, metavar="PRICE", help="coin a qubit-shot")
    offer.add_argument("--minimum", type=coins_or_none, default="0", metavar="COIN", help="least for a computation (0)")
    offer.add_argument("--expires", type=whole(1), default=30 * 24 * 3600, metavar="SECONDS", help="from now (30 days)")
    return service


def _bond(options: argparse.Namespace) -> None:
    amount = options.amount

    async def work(client: Client) -> None:
        await bonding.bond(client.gateway, client.signer, options.id, amount)
        emit(
            options,
            {"id": options.id, "bonded": str(amount)},
            f"{amount / ETHER:.6f} coin locked behind {options.id}",
        )

    run_with_client(options, work)


def _unbond(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        to = options.to or client.signer.address
        free_at = await bonding.unbond(client.gateway, client.signer, options.id, to)
        value = {"id": options.id, "freeAt": free_at}
        if free_at is None:
            emit(options, value, f"bond of processor {options.id} sent to {to}")
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
        await _act(client, "offer", *offer)
        value = {
            "id": options.id, "price": str(options.price), "minimum": str(options.minimum), "expiresAt": expires_at,
        }  # fmt: skip
        until = datetime.fromtimestamp(expires_at, UTC).isoformat(sep=" ", timespec="minutes")
        line = f"processor {options.id} asks {options.price / GWEI:g} gwei a qubit-shot until {until}"
        emit(options, value, line + (f", and {coin(options.minimum)} coin at least" if options.minimum else ""))

    run_with_client(options, work)


def _withdraw_offer(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await _act(client, "withdrawOffer", options.id)
        emit(options, {"id": options.id, "offered": False}, f"processor {options.id} asks the policy's price")

    run_with_client(options, work)


def _drain(options: argparse.Namespace) -> None:
    _set_draining(options, True, "finishes what is leased and takes nothing new")


def _resume(options: argparse.Namespace) -> None:
    _set_draining(options, False, "takes work again")


def _set_draining(options: argparse.Namespace, draining: bool, told: str) -> None:
    async def work(client: Client) -> None:
        await _act(client, "drain", options.id, draining)
        emit(options, {"id": options.id, "draining": draining}, f"processor {options.id} {told}")

    run_with_client(options, work)


def _retire(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await _act(client, "retire", options.id)
        emit(options, {"id": options.id, "status": "Retired"}, f"processor {options.id} is retired, for good")

    run_with_client(options, work)


async def _act(client: Client, function: str, *arguments: Any) -> None:
    await act(client.gateway, client.signer, "ProcessorRegistry", function, *arguments)
