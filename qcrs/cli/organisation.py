"""``qcrs organisation``: who belongs to the consortium."""

import argparse

from qcrs.chain.contracts import Members
from qcrs.cli.options import (
    add_network,
    add_signer,
    address,
    command,
    emit,
    organisation_id,
    run_with_client,
    table,
    whole,
)
from qcrs.sdk import provider
from qcrs.sdk.client import Client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, "list all organisations")
    admit = command(verbs, "admit", _admit, "admit an organisation (certification role)")
    admit.add_argument("name")
    admit.add_argument(
        "--admin", required=True, metavar="ADDRESS", type=address, help="its first account, which invites others"
    )
    admit.add_argument("--weight", type=whole(1, 2**32 - 1), default=1, help="its relative claim on capacity (1)")
    invite = command(verbs, "invite", _invite, "invite an account into the caller's organisation (its admin)")
    invite.add_argument("address", type=address)
    join = command(verbs, "join", _join, "accept an invitation (the invited account)")
    join.add_argument("id", type=organisation_id)
    for verb in (listing, admit, invite, join):
        add_network(verb)
    add_signer(admit, "operator")
    for verb in (invite, join):
        add_signer(verb, "researcher")


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        members = Members(client.gateway)
        records = {i: await members.organisation(i) for i in range(1, await members.count() + 1)}
        value = [{"id": i, **record.model_dump(by_alias=True)} for i, record in records.items()]
        rows = [
            [str(i), r.name, "yes" if r.admitted else "expelled", str(r.weight), r.admin] for i, r in records.items()
        ]
        emit(options, value, table(["id", "name", "admitted", "weight", "admin"], rows))

    run_with_client(options, work, signs=False)


def _admit(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        organisation = await provider.admit(client.gateway, client.signer, options.name, options.admin, options.weight)
        emit(options, {"id": organisation, "name": options.name}, f"{options.name} admitted as {organisation}")

    run_with_client(options, work)


def _invite(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.gateway.simulate(client.signer, "Consortium", "invite", options.address)
        await client.gateway.send(client.signer, "Consortium", "invite", options.address)
        emit(options, {"invited": options.address}, f"{options.address} may now join")

    run_with_client(options, work)


def _join(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.gateway.simulate(client.signer, "Consortium", "join", options.id)
        await client.gateway.send(client.signer, "Consortium", "join", options.id)
        emit(options, {"joined": options.id}, f"{client.signer.address} joined organisation {options.id}")

    run_with_client(options, work)
