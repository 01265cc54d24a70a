"""``qcrs organisation``: who belongs to the consortium, and how its computations take their turns."""

import argparse
from datetime import UTC, datetime

from qcrs.chain.action import act
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
from qcrs.model.organisation import Screen
from qcrs.sdk import membership, provider
from qcrs.sdk.authority import of_account
from qcrs.sdk.client import Client
from qcrs.sdk.reader import untimed
from qcrs.sdk.shares import shares_of

_weight = whole(1, 2**16)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, "list all organisations")
    admit = command(verbs, "admit", _admit, "admit an organisation (certification role)")
    admit.add_argument("name")
    admit.add_argument(
        "--admin", required=True, metavar="ADDRESS", type=address, help="its first account, which invites others"
    )
    admit.add_argument("--weight", type=_weight, default=1, help="its relative claim on capacity (1)")
    invite = command(verbs, "invite", _invite, "invite an account into the caller's organisation (its admin)")
    invite.add_argument("address", type=address)
    join = command(verbs, "join", _join, "accept an invitation (the invited account)")
    join.add_argument("id", type=organisation_id)
    order, screen, quota, weight, shares = _add_turns(verbs)
    for verb in (listing, admit, invite, join, order, screen, quota, weight, shares):
        add_network(verb)
    for verb in (admit, quota, weight):
        add_signer(verb, "operator")
    for verb in (invite, join, order, screen):
        add_signer(verb, "researcher")


def _add_turns(verbs: argparse._SubParsersAction) -> tuple[argparse.ArgumentParser, ...]:
    """Add the verbs about the turns that computations take."""
    order = command(verbs, "order", _order, "choose the order among the organisation's own computations (its admin)")
    order.add_argument("order", choices=("fifo", "shortest"), help="as submitted, or shorter ones before longer ones")
    screen = command(verbs, "screen", _screen, "choose who may run the organisation's computations (its admin)")
    screen.add_argument("screen", choices=[screen.name.lower() for screen in Screen])
    screen.add_argument(
        "organisations", type=organisation_id, nargs="*", metavar="ORGANISATION",
        help="all that are to be on the list; what was on it before is taken off",
    )  # fmt: skip
    quota = command(
        verbs, "quota", _quota, "show or grant cost units a day beyond routine priority (allocation role)",
        description="Show what is left of an organisation's quota, or grant one; a flag left out grants nothing. Cost "
        "units are qubits x shots x replicas x depth class; what is not used in a day expires.",
    )  # fmt: skip
    quota.add_argument("id", type=organisation_id)
    quota.add_argument("--elevated", type=whole(0, 2**56 - 1), metavar="UNITS", help="a day at priority elevated")
    quota.add_argument("--critical", type=whole(0, 2**56 - 1), metavar="UNITS", help="a day at priority critical")
    weight = command(verbs, "weight", _set_weight, "set an organisation's fair-share weight (allocation role)")
    weight.add_argument("id", type=organisation_id)
    weight.add_argument("weight", type=_weight)
    shares = command(
        verbs, "shares", _shares, "compare what each has been served with what its weight entitles it to",
        description="From the chain's events: what each organisation asked for, was served and waits for, in cost "
        "units, and its share of what was served against weighted max-min fairness at the weights of now.",
    )  # fmt: skip
    shares.add_argument("--noise-class", type=whole(1, 255), help="of this class only")
    shares.add_argument("--from-block", type=whole(0), metavar="BLOCK", help="of what was submitted since this block")
    return order, screen, quota, weight, shares


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        members = Members(client.gateway)
        records = {i: await members.organisation(i) for i in range(1, await members.count() + 1)}
        value = [{"id": i, **record.model_dump(by_alias=True)} for i, record in records.items()]
        rows = [
            [
                str(i), r.name, "yes" if r.admitted else "expelled", str(r.weight),
                "shortest" if r.shortest_first else "fifo", r.screen.name, r.admin,
            ]
            for i, r in records.items()
        ]  # fmt: skip
        emit(options, value, table(["id", "name", "admitted", "weight", "order", "screen", "admin"], rows))

    run_with_client(options, work, signs=False)


def _admit(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        authority = of_account(client.gateway, client.signer)
        organisation = await provider.admit(authority, options.name, options.admin, options.weight)
        emit(options, {"id": organisation, "name": options.name}, f"{options.name} admitted as {organisation}")

    run_with_client(options, work)


def _invite(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, "Consortium", "invite", options.address)
        emit(options, {"invited": options.address}, f"{options.address} may now join")

    run_with_client(options, work)


def _join(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, "Consortium", "join", options.id)
        emit(options, {"joined": options.id}, f"{client.signer.address} joined organisation {options.id}")

    run_with_client(options, work)


def _order(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        shortest = options.order == "shortest"
        await act(client.gateway, client.signer, "Consortium", "chooseOrder", shortest)
        told = "shorter ones may take the place of longer ones" if shortest else "they are served as submitted"
        emit(options, {"order": options.order}, f"order {options.order}: {told}")

    run_with_client(options, work)


def _screen(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        screen = Screen[options.screen.capitalize()]
        listed = await membership.choose_screen(client.gateway, client.signer, screen, options.organisations)
        names = ", ".join(map(str, listed)) or "none"
        emit(options, {"screen": screen.name, "listed": listed}, f"screen {screen.name}; on the list: {names}")

    run_with_client(options, work)


def _quota(options: argparse.Namespace) -> None:
    grants = options.elevated is not None or options.critical is not None

    async def work(client: Client) -> None:
        if grants:
            granted = (options.id, options.elevated or 0, options.critical or 0)
            await act(client.gateway, client.signer, "Consortium", "grantQuota", *granted)
        elevated, critical, renews_at = await Members(client.gateway).quota(options.id)
        value = {"id": options.id, "elevatedLeft": elevated, "criticalLeft": critical, "renewsAt": renews_at}
        until = datetime.fromtimestamp(renews_at, UTC).isoformat(sep=" ", timespec="minutes")
        line = f"organisation {options.id} has left, until {until}: {elevated} units elevated, {critical} critical"
        emit(options, value, line)

    run_with_client(options, work, signs=grants)


def _set_weight(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, "Consortium", "setWeight", options.id, options.weight)
        emit(
            options, {"id": options.id, "weight": options.weight}, f"organisation {options.id}: weight {options.weight}"
        )

    run_with_client(options, work)


def _shares(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        gateway, members = client.gateway, Members(client.gateway)
        records = {i: await members.organisation(i) for i in range(1, await members.count() + 1)}
        first = gateway.network.deployed_at if options.from_block is None else options.from_block
        weights = {i: record.weight for i, record in records.items()}
        accounts = shares_of(untimed(await gateway.logs(first)), weights, options.noise_class)
        total = sum(account.served for account in accounts.values()) or 1
        value = [
            {
                "id": i, "name": records[i].name, "weight": weights[i], "asked": a.asked, "served": a.served,
                "waiting": a.waiting, "share": a.served / total, "entitled": float(a.entitled / total),
            }
            for i, a in sorted(accounts.items())
        ]  # fmt: skip
        rows = [
            [
                str(v["id"]), v["name"], str(v["weight"]), str(v["asked"]), str(v["served"]), str(v["waiting"]),
                f"{100 * v['share']:.1f}", f"{100 * v['entitled']:.1f}",
            ]
            for v in value
        ]  # fmt: skip
        emit(
            options, value, table(["id", "name", "weight", "asked", "served", "waiting", "share %", "entitled %"], rows)
        )

    run_with_client(options, work, signs=False)
