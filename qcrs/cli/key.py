"""``qcrs key``: the hash key of an account, beside its ECDSA key."""

import argparse
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qcrs.cli.options import add_network, add_signer, address, command, emit, run_with_client
from qcrs.sdk import key_care
from qcrs.sdk.client import Client
from qcrs.sdk.key_care import KeyState
from qcrs.sdk.keyring import HASH_KEYS, Keyring

NEXT_STEP = "once a recovery is proposed and seven days have passed without objection: 'qcrs key recover --finish'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    new = command(
        verbs, "new", _new, "make a founder's hash key, before there is a chain",
        description="Make the hash key with which a member of a committee is founded, and print its commitment for the "
        "file that 'qcrs deploy --bodies' reads. The key serves one suite alone, the first that it acts in. Never copy "
        "it.",
    )  # fmt: skip
    new.add_argument("--account", required=True, type=address, metavar="ADDRESS", help="the founder's")
    new.add_argument(
        "--folder", required=True, type=Path, metavar="DIR",
        help=f"where the network file will be; the key is put into {HASH_KEYS!r} in it",
    )  # fmt: skip
    install = command(
        verbs, "install", _install, "make an account's first hash key, for good",
        description="Make a hash key and install it. From then on the account registers, declares, offers, drains, "
        "retires, sets rates, takes back bond and balance, and acts for its organisation by both of its keys; commands "
        "see to that by themselves. Keys are in the folder 'hash-keys' beside the network file. Never restore that "
        "folder from a backup: rotate instead.",
    )  # fmt: skip
    show = command(verbs, "show", _show, "show what the chain has of an account's hash key")
    rotate = command(verbs, "rotate", _rotate, "replace an account's hash key by a new one")
    recover = command(
        verbs, "recover", _recover, "ask for a new hash key when the present one is lost",
        description="Make a new key and say what the Processor Certification Authority has to propose; with --finish, "
        "put it in force after the seven days in which the present key can object.",
    )  # fmt: skip
    recover.add_argument("--finish", action="store_true", help="put the new key in force")
    refuse = command(verbs, "object", _object, "end a recovery that the present key's holder has not asked for")
    for verb in (install, show, rotate, recover, refuse):
        add_network(verb)
        add_signer(verb, "lab-1")


def _new(options: argparse.Namespace) -> None:
    key = Keyring(options.folder / HASH_KEYS).new(options.account)
    commitment = "0x" + key.commitment.hex()
    lines = [
        f"hash key     {key.path}",
        f"account      {options.account}",
        f"commitment   {commitment}",
        f'under "keys" in the file of bodies: "{options.account}": "{commitment}"',
        f"put the network file of the suite into {options.folder}; 'qcrs key show' then has the same commitment",
    ]
    emit(options, {"account": options.account, "commitment": commitment, "file": str(key.path)}, "\n".join(lines))


def _install(options: argparse.Namespace) -> None:
    async def work(client: Client) -> KeyState:
        return await key_care.install(client.gateway, client.gateway.keyring, client.signer)

    _run(options, work, "installed")


def _rotate(options: argparse.Namespace) -> None:
    async def work(client: Client) -> KeyState:
        return await key_care.rotate(client.gateway, client.gateway.keyring, client.signer)

    _run(options, work, "rotated")


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> KeyState:
        return await key_care.state_of(client.gateway, client.signer.address)

    _run(options, work)


def _recover(options: argparse.Namespace) -> None:
    if options.finish:

        async def work(client: Client) -> KeyState:
            return await key_care.finish_recovery(client.gateway, client.gateway.keyring, client.signer)

        _run(options, work, "recovered")
        return

    async def ask(client: Client) -> None:
        account = client.signer.address
        asked = await key_care.request_recovery(client.gateway, client.gateway.keyring, account)
        commitment, possession = ("0x" + part.hex() for part in asked)
        call = f"HashKeys proposeRecovery account={account} commitment={commitment} possession={possession}"
        value = {"account": account, "commitment": commitment, "possession": possession}
        emit(options, value, f"a member proposes: qcrs committee propose certification {call}\n{NEXT_STEP}")

    run_with_client(options, ask)


def _object(options: argparse.Namespace) -> None:
    async def work(client: Client) -> KeyState:
        await key_care.object_to(client.gateway, client.gateway.keyring, client.signer)
        return await key_care.state_of(client.gateway, client.signer.address)

    _run(options, work, "kept; the recovery is over")


def _run(options: argparse.Namespace, work: Callable[[Client], Coroutine[Any, Any, KeyState]], done: str = "") -> None:
    """Carry out *work* and tell how things stand afterwards."""

    async def told(client: Client) -> None:
        state = await work(client)
        lines = [f"{key:12} {value}" for key, value in _rows(state).items()]
        emit(options, _value(state), "\n".join([f"hash key {done}", *lines] if done else lines))

    run_with_client(options, told)


def _value(state: KeyState) -> dict[str, Any]:
    recovery = state.recovery
    return {
        "account": state.account,
        "commitment": None if state.word.is_empty else "0x" + state.word.commitment.hex(),
        "nextLeaf": state.word.next_leaf,
        "leavesLeft": state.left,
        "heeding": list(state.heeding),
        "deaf": list(state.deaf),
        "recovery": recovery and {"commitment": "0x" + recovery.commitment.hex(), "opensAt": recovery.opens_at},
    }


def _rows(state: KeyState) -> dict[str, str]:
    """Return what to tell people, by heading."""
    if state.word.is_empty:
        return {"account": state.account, "hash key": "none; 'qcrs key install' gives it one"}
    rows = {
        "account": state.account,
        "hash key": "0x" + state.word.commitment.hex(),
        "leaves left": str(state.left),
        "processors": ", ".join(map(str, state.heeding)) or "none",
    }
    if state.deaf:
        listed = ", ".join(map(str, state.deaf))
        rows["still open"] = f"{listed} know of no key; 'qcrs key install' again tells them"
    if state.recovery is not None:
        opens = datetime.fromtimestamp(state.recovery.opens_at, UTC).isoformat(sep=" ", timespec="minutes")
        rows["recovery"] = (
            f"to 0x{state.recovery.commitment.hex()} from {opens} on; if nobody here asked for it: 'qcrs key object'"
        )
    return rows
