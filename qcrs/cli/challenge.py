"""``qcrs challenge``: prove that an answer is false, or make its processor show it."""

import argparse

from qcrs.cli.court_report import coin, emit_sent, moment, pretty, tell_stakes
from qcrs.cli.options import (
    Progress,
    add_network,
    add_signer,
    command,
    computation_id,
    emit,
    run_with_client,
    table,
    whole,
)
from qcrs.model.challenge import Fault
from qcrs.sdk.accusation import NothingContradicts
from qcrs.sdk.challenge import CONTRACT, Challenger, demands_in, record_of
from qcrs.sdk.client import Client
from qcrs.sdk.court import answered_seat, events_of
from qcrs.sdk.result import HistogramUnavailable

seat = whole(0, 255)
challenge_id = whole(1, 2**64 - 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    parser.description = (
        "Until a verdict's challenge window ends, anyone may show that an answer behind it is false. A seat is an "
        "assignment's index in 'qcrs job show ID'. Every verb looks first: what the contract would refuse is not "
        "sent, and costs nothing."
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in (*_accusing(verbs), *_following(verbs)):
        add_network(verb)


def _accusing(verbs: argparse._SubParsersAction) -> list[argparse.ArgumentParser]:
    """Add the verbs that name a computation's seats."""
    prove = command(
        verbs, "prove", _prove, "prove that an answer's histogram contradicts what was revealed of it",
        description="Fetch the histogram behind an answer from the store, look for what contradicts the number of "
        "shots or the revealed sketch, and post the proof. It takes no bond. Exit code 1: nothing contradicts, or "
        "there is no histogram to look at, and nothing was sent; 'qcrs challenge demand' makes its processor show it.",
    )  # fmt: skip
    demand = command(
        verbs, "demand", _demand, "demand that a processor shows the whole histogram behind an answer",
        description="Put up a bond of one slash for the histogram behind an answer to be shown on the chain. A "
        "processor that stays silent, or shows what contradicts its answer, is slashed, and the bond returns with a "
        "reward. One that shows what it revealed costs you the bond: half goes to its operator, half is burned.",
    )  # fmt: skip
    copy = command(
        verbs, "copy", _copy, "prove that two answers of one round share shots",
        description="Prove that two answers are nearer to each other than independent ones come. In a computation's "
        "first round both are at fault; later the higher seat, which may have seen the other. It takes no bond.",
    )  # fmt: skip
    copy.add_argument("id", type=computation_id, metavar="ID")
    copy.add_argument("seat", type=seat, metavar="SEAT")
    copy.add_argument("other_seat", type=seat, metavar="SEAT")
    replay = command(
        verbs, "replay", _replay, "prove that an answer repeats an earlier one",
        description="Prove that an answer has the root of an earlier one: of a lower seat of the same computation, of "
        "the same processor in an earlier computation, or of anyone's that was settled before this processor was "
        "drawn. It takes no bond.",
    )  # fmt: skip
    replay.add_argument("id", type=computation_id, metavar="ID")
    replay.add_argument("seat", type=seat, metavar="SEAT", help="whose answer repeats the other")
    replay.add_argument("other", type=computation_id, metavar="OTHER", help="the earlier computation, or ID itself")
    replay.add_argument("other_seat", type=seat, metavar="SEAT", help="the seat there whose answer it is")
    for verb in (prove, demand):
        verb.add_argument("id", type=computation_id, metavar="ID")
        verb.add_argument("seat", type=seat, metavar="SEAT", help="its assignment whose answer is false")
    for verb in (prove, demand, copy, replay):
        add_signer(verb, "researcher")
    return [prove, demand, copy, replay]


def _following(verbs: argparse._SubParsersAction) -> list[argparse.ArgumentParser]:
    """Add the verbs that name a demand."""
    answer = command(
        verbs, "answer", _answer, "show the histogram that is demanded",
        description="Show the leaves that are due, from the histogram in the store. Daemons do so by themselves; "
        "anyone may do it for them. What contradicts the answer is a proven fault, whoever shows it.",
    )  # fmt: skip
    enforce = command(
        verbs, "enforce", _enforce, "punish a demand that was not answered in time",
        description="After the deadline, have the silent processor slashed. Anyone may; it pays the keeper's bounty.",
    )  # fmt: skip
    drop = command(
        verbs, "drop", _drop, "end a demand whose answer was disproven otherwise",
        description="Return the challenger's bond when the answer fell for another reason. Anyone may.",
    )  # fmt: skip
    listing = command(verbs, "list", _list, "list all demands and all proven faults")
    show = command(verbs, "show", _show, "show one demand: deadline, leaves shown, what became of the bond")
    for verb in (answer, enforce, drop, show):
        verb.add_argument("challenge", type=challenge_id, metavar="CHALLENGE")
    for verb in (enforce, drop):
        add_signer(verb, "researcher")
    add_signer(answer, "lab-1")
    return [answer, enforce, drop, listing, show]


def _prove(options: argparse.Namespace) -> int | None:
    progress = Progress(options.json)

    async def work(client: Client) -> int | None:
        story, challenger = await client.story(options.id), _challenger(client)
        try:
            shown = await challenger.search(story, options.seat)
        except (NothingContradicts, HistogramUnavailable) as error:
            value = {"sent": False, "contradiction": None, "reason": str(error)}
            emit(options, value, f"nothing was sent: {error}")
            return 1
        progress(f"{shown.fault.name}: {shown.words}")
        stakes = await tell_stakes(client, options.id, answered_seat(story, options.seat).processor, progress)
        receipt = await challenger.prove(story, options.seat, shown)
        value = {"contradiction": shown.words, "stakes": stakes.to_json()}
        emit_sent(options, receipt, value)
        return None

    return run_with_client(options, work)


def _demand(options: argparse.Namespace) -> int | None:
    progress = Progress(options.json)

    async def work(client: Client) -> None:
        story = await client.story(options.id)
        processor = answered_seat(story, options.seat).processor
        stakes = await tell_stakes(client, options.id, processor, progress)
        progress(
            f"the bond is {coin(stakes.bond)}: lost if the histogram is as revealed, returned with a reward if not"
        )
        receipt = await _challenger(client).demand(story, options.seat, stakes.bond)
        event = receipt.event("HistogramDemanded")
        value = {
            "sent": True,
            "challenge": event["challenge"],
            "deadlineAt": event["deadlineAt"],
            "bond": str(event["bond"]),
            "stakes": stakes.to_json(),
            "gas": receipt.gas_used,
        }
        emit(
            options,
            value,
            f"challenge {event['challenge']}: processor {processor} has until {moment(event['deadlineAt'])} to show "
            f"its histogram; {coin(event['bond'])} put up. Follow it with 'qcrs challenge show {event['challenge']}', "
            f"and after silence 'qcrs challenge enforce {event['challenge']}'",
        )

    return run_with_client(options, work)


def _copy(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        story = await client.story(options.id)
        accused = answered_seat(story, max(options.seat, options.other_seat)).processor
        stakes = await tell_stakes(client, options.id, accused, Progress(options.json))
        receipt = await _challenger(client).copy(story, options.seat, options.other_seat)
        emit_sent(options, receipt, {"stakes": stakes.to_json()})

    return run_with_client(options, work)


def _replay(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        story, other = await client.story(options.id), await client.story(options.other)
        accused = answered_seat(story, options.seat).processor
        stakes = await tell_stakes(client, options.id, accused, Progress(options.json))
        receipt = await _challenger(client).replay(story, options.seat, other, options.other_seat)
        emit_sent(options, receipt, {"stakes": stakes.to_json()})

    return run_with_client(options, work)


def _answer(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        record = await record_of(client.gateway, options.challenge)
        story = await client.story(record["computation"])
        emit_sent(options, await _challenger(client).answer(options.challenge, story), {})

    return run_with_client(options, work)


def _enforce(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        record = await record_of(client.gateway, options.challenge)
        stakes = await tell_stakes(client, record["computation"], record["processor"], Progress(options.json))
        receipt = await _challenger(client).enforce(options.challenge)
        emit_sent(options, receipt, {"stakes": stakes.to_json()})

    return run_with_client(options, work)


def _drop(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        await record_of(client.gateway, options.challenge)
        emit_sent(options, await _challenger(client).drop(options.challenge), {})

    return run_with_client(options, work)


def _list(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        events = await events_of(client.gateway, CONTRACT)
        demands = list(demands_in(events).values())
        faults = [event for event in events if event.name == "FaultProven"]
        value = {
            "demands": [demand.to_json() for demand in demands],
            "faults": [
                {
                    "computation": event["computation"],
                    "seat": event["index"],
                    "processor": event["processor"],
                    "fault": Fault(event["fault"]).name,
                    "challenger": event["challenger"],
                }
                for event in faults
            ],
        }
        rows = [
            [str(d.challenge), str(d.computation), str(d.index), str(d.processor), d.status.name, moment(d.deadline_at)]
            for d in demands
        ]
        proven = [[str(e["computation"]), str(e["index"]), str(e["processor"]), Fault(e["fault"]).name] for e in faults]
        emit(
            options,
            value,
            table(["challenge", "job", "seat", "processor", "status", "deadline"], rows)
            + "\n\n"
            + table(["job", "seat", "processor", "proven fault"], proven),
        )

    return run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        await record_of(client.gateway, options.challenge)
        demand = demands_in(await events_of(client.gateway, CONTRACT))[options.challenge]
        emit(options, demand.to_json(), pretty(demand))

    return run_with_client(options, work, signs=False)


def _challenger(client: Client) -> Challenger:
    return Challenger(client.gateway, client.signer, client.store)
