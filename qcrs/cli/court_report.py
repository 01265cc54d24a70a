"""What ``qcrs challenge`` and ``qcrs dispute`` say of what is at stake, and of where it went."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qcrs.chain.gateway import Receipt
from qcrs.cli.options import Progress, emit
from qcrs.model.challenge import ChallengeStatus
from qcrs.sdk.challenge import Demand, Penalty, penalties_in
from qcrs.sdk.client import Client
from qcrs.sdk.court import Stakes, stakes_of

ETHER = 10**18


async def tell_stakes(client: Client, computation: int, processor: int, progress: Progress) -> Stakes:
    """Say on standard error what a fault would cost and bring, and return it."""
    stakes = await stakes_of(client.gateway, computation, processor)
    progress(
        f"a proven fault costs processor {processor} up to {coin(stakes.penalty)}: first what the requester is owed, "
        f"of the rest half for whoever proves it, up to {coin(stakes.reward)}"
    )
    return stakes


def emit_sent(options: argparse.Namespace, receipt: Receipt, value: dict[str, Any]) -> None:
    """Print what a transaction did, and where the coin went that it moved."""
    penalties = penalties_in(receipt)
    ended = [event for event in receipt.events if event.name == "ChallengeEnded"]
    status = ChallengeStatus(ended[0]["status"]) if ended else None
    value = {
        "sent": True,
        **value,
        **({"status": status.name} if status else {}),
        "penalties": [penalty.to_json() for penalty in penalties],
        "gas": receipt.gas_used,
    }
    lines = [line for penalty in penalties for line in _divided(penalty)]
    lines += [
        f"challenge {event['challenge']} {ChallengeStatus(event['status']).name}: of its bond "
        f"{coin(event['returned'])} to the challenger, {coin(event['compensation'])} to the operator"
        for event in ended
    ]
    emit(options, value, "\n".join([*(lines or ["leaves shown; more are due"]), f"{receipt.gas_used:,} gas"]))


def _divided(penalty: Penalty) -> Sequence[str]:
    return (
        f"job {penalty.computation}, seat {penalty.index}: {penalty.fault.name} proven against processor "
        f"{penalty.processor}; {coin(penalty.slashed)} slashed",
        f"  {coin(penalty.restitution)} to the requester, {coin(penalty.reward)} to the challenger, "
        f"{coin(penalty.bounty)} to the keeper, {coin(penalty.endowment)} to the treasury",
    )


def pretty(demand: Demand) -> str:
    """Return *demand* for people."""
    lines = [
        f"challenge {demand.challenge}  {demand.status.name}",
        f"job {demand.computation}, seat {demand.index}: processor {demand.processor}, demanded by {demand.challenger}",
        f"bond {coin(demand.bond)}; {demand.shown} leaves shown",
    ]
    if demand.status is ChallengeStatus.Open:
        lines.append(f"the next leaves are due by {moment(demand.deadline_at)}")
    else:
        lines.append(
            f"of the bond {coin(demand.returned)} went to the challenger, {coin(demand.compensation)} to the operator"
        )
    return "\n".join(lines)


def coin(wei: int) -> str:
    """Return *wei* in coin."""
    return f"{wei / ETHER:.6f} coin"


def moment(timestamp: int) -> str:
    """Return a unix time as the local clock shows it."""
    return datetime.fromtimestamp(timestamp).isoformat(sep=" ", timespec="seconds")
