"""``qcrs ledger``: the consortium's money."""

import argparse

from qcrs.chain.action import act
from qcrs.cli.options import add_network, add_signer, address, coins, command, emit, run_with_client, table
from qcrs.sdk.client import Client
from qcrs.sdk.ledger import read_ledger

ETHER = 10**18


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    show = command(verbs, "show", _show, "show every balance, and whether the books balance")
    deposit = command(verbs, "deposit", _deposit, "add to an account's available balance")
    deposit.add_argument("amount", type=coins, metavar="COIN")
    withdraw = command(verbs, "withdraw", _withdraw, "send available balance to its owner, or to another account")
    withdraw.add_argument("amount", type=coins, nargs="?", metavar="COIN", help="all that is available by default")
    withdraw.add_argument("--to", type=address, metavar="ADDRESS", help="who gets it (its owner)")
    for verb in (show, deposit, withdraw):
        add_network(verb)
    for verb in (deposit, withdraw):
        add_signer(verb, "researcher")


def _show(options: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        ledger = await read_ledger(client.gateway)
        names = {a.address.lower(): a.name for a in client.gateway.network.accounts}
        value = {
            "balanced": ledger.balanced,
            "held": str(ledger.held),
            "treasury": str(ledger.treasury),
            "queued": str(ledger.queued),
            "accounts": [
                {
                    "address": h,
                    "name": names.get(h.lower(), ""),
                    "available": str(a),
                    "locked": str(x),
                }
                for h, (a, x) in ledger.accounts.items()
            ],
        }
        rows = [
            [names.get(h.lower(), h), f"{a / ETHER:.6f}", f"{x / ETHER:.6f}"] for h, (a, x) in ledger.accounts.items()
        ]
        rows.append(["treasury", f"{ledger.treasury / ETHER:.6f}", "-"])
        rows.append(["bounties in queues", f"{ledger.queued / ETHER:.6f}", "-"])
        verdict = "the books balance" if ledger.balanced else "THE BOOKS DO NOT BALANCE"
        emit(
            options,
            value,
            table(["account", "available", "locked"], rows)
            + f"\n\nheld by the contract: {ledger.held / ETHER:.6f}; {verdict}",
        )
        return 0 if ledger.balanced else 1

    return run_with_client(options, work, signs=False)


def _deposit(options: argparse.Namespace) -> None:
    amount = options.amount

    async def work(client: Client) -> None:
        await client.gateway.send(client.account, "ComputationAllocator", "deposit", value=amount)
        emit(options, {"deposited": str(amount)}, f"deposited {amount / ETHER:.6f}")

    run_with_client(options, work)


def _withdraw(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        available, _ = await client.allocator.balance(client.account.address)
        amount = available if options.amount is None else options.amount
        to = options.to or client.account.address
        await act(client.gateway, client.account, "ComputationAllocator", "withdrawTo", to, amount)
        emit(options, {"withdrawn": str(amount), "to": to}, f"withdrew {amount / ETHER:.6f} to {to}")

    run_with_client(options, work)
