"""How a processor comes to its keys and its identity document, proves them, and is admitted with them."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.config import NodeConfig, password
from qcrs.crypto.admission import answer, challenge, require_possession, require_unique
from qcrs.crypto.identity import Document, Identity, IdentityInvalid, canonical_json, issue, rotate
from qcrs.crypto.keys import Keys, OpeningKey, SigningKey
from qcrs.crypto.keystore import CHOSEN_COST, RANDOM_COST, public_of, read_key, write_key, write_private
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.identities import Identities, ProcessorUnkeyed
from qcrs.model.records import Capability
from qcrs.quantum.calibration import Calibration
from qcrs.rules.digest import keccak
from qcrs.sdk.keyed import consent
from qcrs.store import Store
from qcrs.vault import Vault

REGISTRY = "ProcessorRegistry"
SAME_HARDWARE = bytes(32)  # what a daemon signs in place of its digest when an identity follows another


class PossessionUnproven(QcrsError):
    """A processor has not shown yet that it possesses the key in its identity document."""


class CapabilityUnsigned(QcrsError):
    """A capability was not declared by whoever has the processor's key."""


def make_keys(signing: Path, opening: Path, secret: str, cost: int) -> Keys:
    """Draw the post-quantum keys of a processor and keep them in two files, encrypted with the password *secret*.

    Args:
        cost: Of scrypt.

    Raises:
        KeyFileInvalid: One of the files is there already.
    """
    keys = Keys(SigningKey.create(), OpeningKey.create())
    write_key(signing, keys.signing, secret, cost)
    write_key(opening, keys.opening, secret, cost)
    return keys


def load_keys(config: NodeConfig) -> Keys | None:
    """Return the post-quantum keys of a node; None when it was made before there were any.

    Raises:
        KeyFileInvalid: They cannot be read. PasswordMissing: Nobody said the password.
    """
    if config.signing_key is None or config.opening_key is None:
        return None
    secret = password(config.password_file)
    return Keys(read_key(SigningKey, config.signing_key, secret), read_key(OpeningKey, config.opening_key, secret))


def device_descriptor(calibration: Calibration, serial: str) -> dict[str, Any]:
    """Return what is said of a simulated device; *serial* tells it from others of one calibration."""
    return {
        "name": calibration.name,
        "source": calibration.source,
        "qubits": len(calibration.qubits),
        "serial": serial,
    }


def first_identity(gateway: Gateway, operator: str, daemon: str, calibration: Calibration, keys: Keys) -> Identity:
    """Return the first identity of a processor.

    The device is a simulated one, and several processors may be simulated from one calibration: a serial number tells
    them apart, as it does real devices.
    """
    device = canonical_json(device_descriptor(calibration, os.urandom(16).hex()))
    document = Document(
        chain_id=gateway.network.chain_id, registry=gateway.addresses[REGISTRY], operator=operator, daemon=daemon,
        signing_key=keys.signing.public, sealing_key=keys.opening.public, hardware_digest=keccak(device),
    )  # fmt: skip
    return issue(document, keys.signing)


async def rekey(
    gateway: Gateway, store: Store, operator: LocalAccount, daemon: LocalAccount, processor: int, config: Path,
    door: Callable[[], Door] | None = None,
) -> Identity:  # fmt: skip
    """Give *processor* new keys, or its first, and have its operator tell the registry; return the new identity.

    The new keys are in the node's directory before anything is sent, and its configuration names them afterwards: run
    again after it was interrupted, this goes on where it stopped. The processor is suspended by it until it is
    certified again, and its daemon must be started anew.

    Args:
        door: Makes that of the daemon, which attests by its hash key if it has one.

    Raises:
        ProcessorUnkeyed: The node has not got the present keys, which have to vouch for the new ones.
        IdentityInvalid: The present identity is false. ContractRefused: The operator does not own the processor.
    """
    config = config.resolve()
    node = NodeConfig.read(config)
    try:
        present = await Identities(gateway, store).of(processor)
    except ProcessorUnkeyed:
        present = None
        await asyncio.to_thread(_publish_unkeyed, store, config.with_name("identity.json"))
    if present is not None and _is_left(config, node, present):
        _adopt(config, node, present)
        return present
    identity = _next_identity(gateway, config, node, present, operator.address, daemon.address)
    await asyncio.to_thread(store.put, identity.content)
    proof = await consent(gateway, operator.address, daemon, door, identity.digest, SAME_HARDWARE, processor)
    await act(gateway, operator, REGISTRY, "updateIdentity", processor, identity.digest, proof)
    _adopt(config, node, identity)
    return identity


def _next_identity(
    gateway: Gateway, config: Path, node: NodeConfig, present: Identity | None, operator: str, daemon: str
) -> Identity:
    """Return the identity that follows *present*, or the first, with keys that are on disk."""
    before, secret = load_keys(node), password(node.password_file)
    if present is not None and (before is None or before.signing.public != present.document.signing_key):
        raise ProcessorUnkeyed(
            f"{config} does not name the keys of identity version {present.document.version}, which have to sign"
        )
    paths = _key_files(config, 1 if present is None else present.document.version + 1)
    if all(path.exists() for path in paths):
        keys = Keys(read_key(SigningKey, paths[0], secret), read_key(OpeningKey, paths[1], secret))
    else:
        keys = make_keys(*paths, secret, _cost_of(node))
    if present is None or before is None:
        return first_identity(gateway, operator, daemon, Calibration.read(node.calibration), keys)
    return rotate(present, before.signing, keys.signing, keys.opening.public, present.document.hash_key)


def _key_files(config: Path, version: int) -> tuple[Path, Path]:
    return config.with_name(f"signing-key-{version}.json"), config.with_name(f"opening-key-{version}.json")


def _is_left(config: Path, node: NodeConfig, present: Identity) -> bool:
    """Return whether the registry has *present* of an earlier run that did not come to name its keys."""
    signing, _ = _key_files(config, present.document.version)
    named = node.signing_key == signing
    return not named and signing.exists() and public_of(signing) == present.document.signing_key


def _adopt(config: Path, node: NodeConfig, identity: Identity) -> None:
    signing, opening = _key_files(config, identity.document.version)
    config.with_name("identity.json").write_bytes(identity.content)
    node.model_copy(update={"signing_key": signing, "opening_key": opening}).write(config)


def _publish_unkeyed(store: Store, path: Path) -> None:
    """Put the document of a processor that was registered without keys where others see that it had none."""
    if path.exists():
        store.put(path.read_bytes())


def _cost_of(node: NodeConfig) -> int:
    """Return what the node's password deserves: what its other keys cost to open."""
    params = json.loads(node.keystore.read_text())["crypto"]["kdfparams"]
    return RANDOM_COST if params["n"] <= RANDOM_COST else CHOSEN_COST


async def prove(gateway: Gateway, store: Store, processor: int, keys: Keys) -> int:
    """Answer the challenges that are left for *processor*; return how many there were for its key.

    Raises:
        ProcessorUnkeyed, IdentityInvalid: Its present identity is not one that can be proven.
    """
    identity = await Identities(gateway, store).of(processor)
    vault, answered = Vault(store, gateway.network.deployment), 0
    for sealed in await asyncio.to_thread(lambda: list(vault.challenges(identity.digest))):
        try:
            opened = answer(sealed, identity.digest, keys.opening)
        except IdentityInvalid:
            continue  # anybody may leave anything there
        await asyncio.to_thread(vault.post_answer, identity.digest, opened)
        answered += 1
    return answered


async def leave_challenge(gateway: Gateway, store: Store, processor: int, secret: bytes) -> None:
    """Leave a challenge that only the possessor of the X-Wing key of *processor* can answer.

    Args:
        secret: Of the admitting party: see ``admission_secret``.

    Raises:
        ProcessorUnkeyed, IdentityInvalid: Its present identity is not one that can be proven.
    """
    identity = await Identities(gateway, store).of(processor)
    vault = Vault(store, gateway.network.deployment)
    await asyncio.to_thread(vault.post_challenge, identity.digest, challenge(identity, secret))


def admission_secret(path: Path) -> bytes:
    """Return the secret from which an admitting party makes its challenges, kept at *path*; drawn at first."""
    if not path.exists():
        write_private(path, os.urandom(32).hex() + "\n")
    return bytes.fromhex(path.read_text().strip())


async def require_admissible(gateway: Gateway, store: Store, processor: int, secret: bytes) -> str:
    """Check, before *processor* is certified, that its keys are its own; return in words what was checked.

    A processor without keys is let pass, and said to be so: it gets no encrypted circuits.

    Args:
        secret: Of the admitting party: see ``admission_secret``.

    Raises:
        IdentityInvalid: Its identity does not stand for it, or others have its keys or its device.
        PossessionUnproven: It has not answered the challenge, which has been left for it.
        CapabilityUnsigned: Its newest capability was declared by somebody else.
    """
    identities, vault = Identities(gateway, store), Vault(store, gateway.network.deployment)
    try:
        identity = await identities.of(processor)
    except ProcessorUnkeyed as error:
        return f"without post-quantum keys: {error}"
    require_unique(identity, await identities.others(processor))
    answers = await asyncio.to_thread(lambda: list(vault.answers(identity.digest)))
    if not _is_proven(identity, secret, answers):
        await leave_challenge(gateway, store, processor, secret)
        raise PossessionUnproven(
            f"processor {processor} has still to prove that it possesses its X-Wing key: a challenge is left for it, "
            "which its operator answers with 'qcrs processor prove'; then certify again"
        )
    _, newest = await gateway.call(REGISTRY, "versionsOf", processor)
    record = Capability.from_chain(await gateway.call(REGISTRY, "capabilityOf", processor, newest))
    daemon = await Registry(gateway).daemon(processor)
    key = identity.document.signing_key
    if not await asyncio.to_thread(vault.is_capability_signed, key, daemon, record_bytes(record)):
        raise CapabilityUnsigned(
            f"capability version {newest} of processor {processor} is not signed by its ML-DSA-65 key; its operator "
            "declares it again with 'qcrs processor declare'"
        )
    return f"identity version {identity.document.version} checked: keys possessed, nobody else's, capability signed"


def _is_proven(identity: Identity, secret: bytes, answers: list[bytes]) -> bool:
    for answered in answers:
        try:
            require_possession(identity, secret, answered)
        except IdentityInvalid:
            continue
        return True
    return False


def record_bytes(capability: Capability) -> bytes:
    """Return what of *capability* is signed: all of it."""
    fields = capability.model_dump(by_alias=True)
    return canonical_json({name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()})
