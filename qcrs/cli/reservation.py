"""``qcrs reservation``: processors for a time, and circuits run on them interactively."""

import argparse
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.contracts import Reserved
from qcrs.cli.job_circuits import circuit_of
from qcrs.cli.job_report import bars
from qcrs.cli.options import (
    add_network,
    add_signer,
    coins_or_none,
    command,
    emit,
    processor_id,
    run_with_client,
    seconds,
    table,
    when,
    whole,
)
from qcrs.model.booking import Booking
from qcrs.sdk import reservation as desk
from qcrs.sdk.client import Client
from qcrs.sdk.quote import coin
from qcrs.sdk.result import bitstrings

UNVERIFIED = "UNVERIFIED: the word of the processor's daemon, which signed it; nobody compared it with anything"
_reservation_id = whole(1, 2**64 - 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    rate = command(verbs, "rate", _rate, "say what a qubit-second of a processor costs (its operator)")
    rate.add_argument("processor", type=processor_id)
    rate.add_argument("coin", type=coins_or_none, help="coin a qubit-second; 0 takes no further reservations")
    reserve = command(
        verbs, "reserve", _reserve, "reserve processors, all or none",
        description="Reserve qubits of one or several processors for a time. The price of all is paid at once, with "
        "two keepers' bounties; it comes back when the reservation cannot begin in time.",
    )  # fmt: skip
    reserve.add_argument("processors", type=processor_id, nargs="+", metavar="PROCESSOR")
    reserve.add_argument("--qubits", type=whole(1, 255), required=True, help="of each processor")
    reserve.add_argument("--start", type=whole(1), default=600, metavar="SECONDS", help="from now (600)")
    reserve.add_argument("--duration", type=whole(1, 8 * 3600), default=1800, metavar="SECONDS", help="(1800)")
    reserve.add_argument(
        "--max-rate", type=coins_or_none, metavar="COIN", help="most coin a qubit-second; what they ask by default"
    )
    listing = command(verbs, "list", _list, "list reservations")
    listing.add_argument("--last", type=whole(1), default=20, help="how many of the newest (20)")
    show = command(verbs, "show", _show, "show one reservation")
    cancel = command(verbs, "cancel", _act("cancel", "cancelled and refunded"), "withdraw one not yet prepared")
    finish = command(verbs, "finish", _act("finish", "finished; operators are paid"), "end one, early if it is yours")
    run = command(
        verbs, "run", _run, "run a circuit on the processors of an active reservation",
        description="Run a circuit at once on processors that you have reserved. It goes through the consortium's "
        "store, signed by you, and the counts come back signed by each processor's daemon. They are not verified by "
        "others.",
    )  # fmt: skip
    run.add_argument("id", type=_reservation_id)
    run.add_argument("file", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    run.add_argument("--shots", type=whole(1, 65_535), default=1024, help="on each processor (1024)")
    run.add_argument("--processor", type=processor_id, action="append", default=[], help="only on this one; repeatable")
    run.add_argument("--patience", type=seconds, default=120.0, metavar="SECONDS", help="wait for answers (120)")
    for verb in (show, cancel, finish):
        verb.add_argument("id", type=_reservation_id)
    for verb in (rate, reserve, listing, show, cancel, finish, run):
        add_network(verb)
    add_signer(rate, "lab-1")
    for verb in (reserve, cancel, finish, run):
        add_signer(verb, "researcher")


def _rate(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await act(client.gateway, client.signer, desk.CONTRACT, "setRate", options.processor, options.coin)
        value = {"processor": options.processor, "rate": str(options.coin)}
        line = f"processor {options.processor}: {coin(options.coin)} coin a qubit-second"
        emit(options, value, line if options.coin else f"processor {options.processor} takes no reservations")

    run_with_client(options, work)


def _reserve(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        gateway = client.gateway
        start = int(gateway.now) + options.start
        most = options.max_rate
        if most is None:
            most = max([await Reserved(gateway).rate(processor) for processor in options.processors])
        window = (start, start + options.duration)
        number, price = await desk.reserve(gateway, client.signer, options.processors, options.qubits, window, most)
        value = {"id": number, "price": str(price), "startsAt": window[0], "endsAt": window[1]}
        emit(options, value, f"reservation {number}: {when(start)} for {options.duration} s, {coin(price)} coin")

    run_with_client(options, work)


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        last = await Reserved(client.gateway).count()
        numbers = range(max(1, last - options.last + 1), last + 1)
        bookings = [await desk.booking_of(client.gateway, number) for number in numbers]
        rows = [
            [
                str(b.reservation), b.status.name, _names(b), str(b.qubits), when(b.starts_at), when(b.ends_at),
                b.requester[:10],
            ]
            for b in bookings
        ]  # fmt: skip
        headings = ["id", "status", "processors", "qubits", "from", "until", "requester"]
        emit(options, [_value(booking) for booking in bookings], table(headings, rows))

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        value = _value(await desk.booking_of(client.gateway, options.id))
        emit(options, value, "\n".join(f"{key:14} {item}" for key, item in value.items()))

    run_with_client(options, work, signs=False)


def _act(function: str, done: str):
    def verb(options: argparse.Namespace) -> None:
        async def work(client: Client) -> None:
            await desk.booking_of(client.gateway, options.id)
            await act(client.gateway, client.signer, desk.CONTRACT, function, options.id)
            booking = await desk.booking_of(client.gateway, options.id)
            emit(options, _value(booking), f"reservation {options.id} {done}")

        run_with_client(options, work)

    return verb


def _run(options: argparse.Namespace) -> int:
    circuit = circuit_of(options.file)

    async def work(client: Client) -> int:
        results = await desk.run(
            client.gateway, client.signer, client.store, options.id, circuit, options.shots, options.processor,
            options.patience,
        )  # fmt: skip
        value = [
            {
                "processor": result.processor,
                "verified": False,
                "daemon": result.daemon,
                "refusal": result.refusal.name if result.counts is None else None,
                "counts": None if result.counts is None else bitstrings(result.counts, circuit.outcome_bits),
            }
            for result in results
        ]
        lines = [UNVERIFIED]
        for entry in value:
            lines.append(f"processor {entry['processor']}  " + (entry["refusal"] or f"{options.shots} shots"))
            lines += bars(entry["counts"]) if entry["counts"] else []
        emit(options, value, "\n".join(lines))
        return 0 if all(entry["counts"] for entry in value) else 1

    return run_with_client(options, work)


def _value(booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.reservation,
        "status": booking.status.name,
        "requester": booking.requester,
        "organisation": booking.organisation,
        "processors": list(booking.processors),
        "qubits": booking.qubits,
        "startsAt": booking.starts_at,
        "endsAt": booking.ends_at,
        "escrow": str(booking.escrow),
    }


def _names(booking: Booking) -> str:
    return " ".join(map(str, booking.processors))
