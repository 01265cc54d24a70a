"""``qcrs committee``: bodies, their motions, and what members do with them."""

import argparse
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from qcrs.cli.options import add_network, add_signer, command, emit, run_with_client, table, when, whole
from qcrs.model.motion import BODIES
from qcrs.sdk.client import Client
from qcrs.sdk.governance import NO_REASON, SHORT, Governance, Motion, reason_of

_motion_id = whole(1, 2**64 - 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, "list bodies, or the motions of one")
    show = command(verbs, "show", _show, "show one motion, with what it calls, in words")
    propose = command(
        verbs, "propose", _propose, "propose a call to a body (its members)",
        description="Propose that a body call a function, with its arguments by name: 'qcrs committee propose security "
        "ProcessorRegistry suspend processor=3 reason=0x...'. Lists and structs are JSON lists; a contract's name "
        "stands for its address. To propose counts as the proposer's vote.",
    )  # fmt: skip
    propose.add_argument("body", choices=_NAMES, metavar="BODY", help=", ".join(SHORT))
    propose.add_argument("contract")
    propose.add_argument("function")
    propose.add_argument("arguments", nargs="*", metavar="NAME=VALUE")
    propose.add_argument("--reason", type=Path, metavar="FILE", help="why; the motion binds the file's digest")
    propose.add_argument("--uri", default="", help="where the reason can be read")
    propose.add_argument("--dry-run", action="store_true", help="only show what would be proposed")
    vote = command(verbs, "vote", _vote, "vote on a motion, for good (members)")
    vote.add_argument("--against", action="store_true", help="vote against it")
    withdraw = command(verbs, "withdraw", _act("withdraw"), "take back an open motion (its proposer)")
    execute = command(verbs, "execute", _act("execute"), "carry out a motion that is due (anyone)")
    expire = command(verbs, "expire", _act("expire"), "end a motion whose time is over (anyone)")
    listing.add_argument("body", nargs="?", choices=_NAMES, metavar="BODY", help=", ".join(SHORT))
    for verb in (show, vote, withdraw, execute, expire):
        verb.add_argument("body", choices=_NAMES, metavar="BODY", help=", ".join(SHORT))
        verb.add_argument("motion", type=_motion_id)
    for verb in (listing, show, propose, vote, withdraw, execute, expire):
        add_network(verb)
    for verb in (propose, vote, withdraw, execute, expire):
        add_signer(verb, "operator")


_NAMES = (*SHORT, *BODIES)


def _run(
    options: argparse.Namespace, work: Callable[[Client, Governance], Coroutine[Any, Any, None]], signs: bool = True
) -> None:
    """Connect, and give *work* the bodies, whose members act by the hash keys beside the network file."""

    async def with_bodies(client: Client) -> None:
        await work(client, Governance(client.gateway, client.gateway.keyring))

    run_with_client(options, with_bodies, signs)


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client, governance: Governance) -> None:
        if options.body is None:
            await _bodies(options, governance)
            return
        motions = await governance.motions(options.body)
        rows = [
            [str(m.id), m.status.name, f"{len(m.in_favour)}:{len(m.against)}", when(m.voting_ends_at), str(m.call)]
            for m in motions
        ]
        value = [_value(motion, client.gateway.now) for motion in motions]
        emit(options, value, table(["motion", "status", "votes", "vote until", "call"], rows))

    _run(options, work, signs=False)


async def _bodies(options: argparse.Namespace, governance: Governance) -> None:
    bodies = [await governance.body(name) for name in BODIES]
    rows = [[b.title, str(len(b.members)), str(b.quorum), str(b.motions), str(b.delay_seconds)] for b in bodies]
    value = [
        {
            "name": b.name,
            "title": b.title,
            "members": list(b.members),
            "quorum": b.quorum,
            "term": b.term,
            "votingSeconds": b.voting_seconds,
            "delaySeconds": b.delay_seconds,
            "executionSeconds": b.execution_seconds,
            "motions": b.motions,
        }
        for b in bodies
    ]
    emit(options, value, table(["body", "members", "quorum", "motions", "delay s"], rows))


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client, governance: Governance) -> None:
        motion = await governance.motion(options.body, options.motion)
        body = await governance.body(options.body)
        value = {**_value(motion, client.gateway.now), "quorum": body.quorum}
        lines = [
            f"{body.title}, motion {motion.id}: {motion.status.name}",
            f"call         {motion.call}",
            f"proposer     {motion.proposer}",
            f"reason       0x{motion.reason.hex()} {motion.uri}".rstrip(),
            f"in favour    {len(motion.in_favour)} of {body.quorum} needed: {', '.join(motion.in_favour)}",
            f"against      {', '.join(motion.against) or 'nobody'}",
            f"vote until   {when(motion.voting_ends_at)}",
        ]
        if motion.executable_at:
            lines.append(f"executable   {when(motion.executable_at)} to {when(motion.lapses_at)}")
        if value["next"] is not None:
            lines.append(f"next         {value['next']}")
        emit(options, value, "\n".join(lines))

    _run(options, work, signs=False)


def _propose(options: argparse.Namespace) -> None:
    texts = dict(_pair(text) for text in options.arguments)
    reason = NO_REASON if options.reason is None else reason_of(options.reason.read_bytes())

    async def work(client: Client, governance: Governance) -> None:
        call = governance.calls.write(options.contract, options.function, texts)
        if options.dry_run:
            emit(options, {"body": options.body, "call": call.to_json()}, f"would propose {call}")
            return
        receipt = await governance.propose(client.signer, options.body, call, reason, options.uri)
        number = receipt.event("MotionProposed")["motion"]
        motion = await governance.motion(options.body, number)
        line = f"motion {number} of {options.body}: {call}; {motion.status.name.lower()}"
        emit(options, _value(motion, client.gateway.now), line)

    _run(options, work, signs=not options.dry_run)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _vote(options: argparse.Namespace) -> None:
    async def work(client: Client, governance: Governance) -> None:
        await governance.vote(client.signer, options.body, options.motion, not options.against)
        await _tell(options, client, governance)

    _run(options, work)


def _act(function: str):
    def act(options: argparse.Namespace) -> None:
        async def work(client: Client, governance: Governance) -> None:
            await getattr(governance, function)(client.signer, options.body, options.motion)
            await _tell(options, client, governance)

        _run(options, work)

    return act


async def _tell(options: argparse.Namespace, client: Client, governance: Governance) -> None:
    motion = await governance.motion(options.body, options.motion)
    value = _value(motion, client.gateway.now)
    then = "" if value["next"] is None else f"; {value['next']}"
    line = f"motion {motion.id} of {options.body}: {motion.status.name.lower()}{then}"
    emit(options, value, line)


def _value(motion: Motion, now: float) -> dict[str, Any]:
    return {
        "body": motion.body,
        "id": motion.id,
        "status": motion.status.name,
        "call": motion.call.to_json(),
        "words": str(motion.call),
        "proposer": motion.proposer,
        "reason": "0x" + motion.reason.hex(),
        "uri": motion.uri,
        "digest": "0x" + motion.digest.hex(),
        "inFavour": list(motion.in_favour),
        "against": list(motion.against),
        "votingEndsAt": motion.voting_ends_at,
        "executableAt": motion.executable_at,
        "lapsesAt": motion.lapses_at,
        "next": motion.next_step(now),
    }
