"""``qcrs job subscribe`` and ``deliver``: have a consumer contract told how a computation ended, and tell it."""

import argparse
import math

from qcrs.chain.action import act
from qcrs.cli.options import (
    add_network,
    add_signer,
    address,
    command,
    computation_id,
    emit,
    number,
    run_with_client,
    whole,
)
from qcrs.sdk.client import Client
from qcrs.sdk.delivery import COVERAGE_UNIT, Delivered, Deliverer

# Rounded up: outcomes make up no less than was asked for.
share = number(
    "a share above 0 and up to 1", lambda value: 0 < value <= 1, lambda value: math.ceil(value * COVERAGE_UNIT)
)


def add_verb(verbs: argparse._SubParsersAction) -> None:
    """Add these verbs to those of ``qcrs job``."""
    subscribe = command(
        verbs, "subscribe", _subscribe, "have a consumer contract told how a computation ends (its requester, once)",
        description="Name the contract that is to be told how your computation ends: 'qcrs job deliver', by anyone, "
        "calls its onResult. With --coverage it is told the outcomes instead, by onOutcomes. A computation can have "
        "one subscription of each kind.",
    )  # fmt: skip
    subscribe.add_argument("id", type=computation_id)
    subscribe.add_argument("--consumer", required=True, type=address, metavar="ADDRESS", help="the contract to call")
    subscribe.add_argument("--gas", required=True, type=whole(1, 2**32 - 1), metavar="N", help="gas that its call gets")
    subscribe.add_argument(
        "--after-challenges", action="store_true",
        help="wait until the verdict can no longer be challenged and no case is open; sooner, it may be overturned",
    )  # fmt: skip
    subscribe.add_argument(
        "--coverage", type=share, metavar="SHARE",
        help="deliver the most frequent outcomes, until they make up this share of all shots, such as 0.5",
    )  # fmt: skip
    add_network(subscribe)
    add_signer(subscribe, "researcher")
    deliver = command(
        verbs, "deliver", _deliver, "tell a consumer contract how a computation ended",
        description="Tell the contract that subscribed to a computation's result how it ended, with the proof that "
        "ResultDelivery asks for. Anyone may, at the cost of the gas. Exit code 1: the contract did not take it, and "
        "it can be tried again.",
    )  # fmt: skip
    deliver.add_argument("id", type=computation_id)
    deliver.add_argument("--outcomes", action="store_true", help="deliver the outcomes instead of the result")
    add_network(deliver)
    add_signer(deliver, "researcher")


def _subscribe(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        function, arguments = "subscribe", [options.id, options.consumer, options.gas, options.after_challenges]
        if options.coverage is not None:
            function, arguments = "subscribeToOutcomes", [*arguments, options.coverage]
        receipt = await act(client.gateway, client.signer, "ResultDelivery", function, *arguments)
        what = "its result" if options.coverage is None else f"outcomes that make up {options.coverage / 100:.2f} %"
        value = {
            "id": options.id,
            "consumer": options.consumer,
            "gasLimit": options.gas,
            "afterChallenges": options.after_challenges,
            "coverage": options.coverage,
            "gas": receipt.gas_used,
        }
        flag = " --outcomes" if options.coverage else ""
        emit(
            options,
            value,
            f"{options.consumer} is to be told {what}; once job {options.id} has ended, anyone runs 'qcrs job deliver "
            f"{options.id}{flag}'",
        )

    return run_with_client(options, work)


def _deliver(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int | None:
        story = await client.story(options.id)
        deliverer = Deliverer(client.gateway, client.signer, client.store)
        delivered = await (deliverer.deliver_outcomes(story) if options.outcomes else deliverer.deliver(story))
        emit(options, _to_json(delivered), _pretty(delivered))
        return None if delivered.taken else 1

    return run_with_client(options, work)


def _to_json(delivered: Delivered) -> dict[str, object]:
    return {
        "id": delivered.computation,
        "consumer": delivered.consumer,
        "taken": delivered.taken,
        "gas": delivered.gas,
    }


def _pretty(delivered: Delivered) -> str:
    end = "told" if delivered.taken else "did not take it; try again once it is mended"
    return f"job {delivered.computation}: {delivered.consumer} {end} ({delivered.gas:,} gas)"
