"""``qcrs job deliver``: tell a consumer contract how a computation ended."""

import argparse

from qcrs.cli.options import add_network, add_signer, command, computation_id, emit, run_with_client
from qcrs.sdk.client import Client
from qcrs.sdk.delivery import Delivered, Deliverer


def add_verb(verbs: argparse._SubParsersAction) -> None:
    """Add this verb to those of ``qcrs job``."""
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
