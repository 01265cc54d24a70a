"""``qcrs processor challenge``, ``prove`` and ``rekey``: the post-quantum keys of a processor."""

import argparse
import asyncio
from functools import partial
from pathlib import Path

from qcrs.chain.keys import load_keystore
from qcrs.cli.options import command, emit, run_with_client
from qcrs.config import NodeConfig, home
from qcrs.crypto.keys import Keys
from qcrs.identities import ProcessorUnkeyed
from qcrs.sdk.client import Client
from qcrs.sdk.enrolment import admission_secret, leave_challenge, load_keys, prove, rekey
from qcrs.sdk.keyed import daemon_door


def add_identity_verbs(verbs: argparse._SubParsersAction) -> tuple[argparse.ArgumentParser, ...]:
    """Add the verbs, without the flags that they share with others; only the last one signs."""
    asking = command(
        verbs, "challenge", _challenge, "leave a challenge by which a processor proves its X-Wing key, before 'certify'"
    )
    proof = command(verbs, "prove", _prove, "answer the challenge by which a processor proves its X-Wing key")
    renewal = command(
        verbs, "rekey", _rekey, "give a processor new post-quantum keys, or its first; drain it, stop its daemon before"
    )
    for verb in (proof, renewal):
        verb.add_argument("--config", type=Path, required=True, help="the node.toml of its daemon")
    return asking, proof, renewal


def _challenge(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        secret = await asyncio.to_thread(admission_secret, home() / "admission-secret")
        await leave_challenge(client.gateway, client.store, options.id, secret)
        line = f"challenge left for processor {options.id}; its operator answers it with 'qcrs processor prove'"
        emit(options, {"id": options.id}, line)

    run_with_client(options, work, signs=False)


def _prove(options: argparse.Namespace) -> int | None:
    keys = _keys_of(options)

    async def work(client: Client) -> int:
        answered = await prove(client.gateway, client.store, options.id, keys)
        line = f"answered {answered} challenges; certify again" if answered else "nothing to answer: certify first"
        emit(options, {"id": options.id, "answered": answered}, line)
        return 0 if answered else 1

    return run_with_client(options, work, signs=False)


def _rekey(options: argparse.Namespace) -> None:
    config = NodeConfig.read(options.config)
    daemon = load_keystore(config.keystore, config.password_file)

    async def work(client: Client) -> None:
        identity = await rekey(
            client.gateway, client.store, client.signer, daemon, options.id, options.config,
            partial(daemon_door, config, client.gateway, daemon),
        )  # fmt: skip
        version = identity.document.version
        emit(
            options,
            {"id": options.id, "version": version, "digest": "0x" + identity.digest.hex()},
            f"processor {options.id} has new keys, identity version {version}, and is suspended until it is certified "
            "again: start its daemon anew, declare its capability, and have it certified",
        )

    run_with_client(options, work)


def _keys_of(options: argparse.Namespace) -> Keys:
    keys = load_keys(NodeConfig.read(options.config))
    if keys is None:
        raise ProcessorUnkeyed(f"{options.config} names no keys; make them with 'qcrs processor rekey {options.id}'")
    return keys
