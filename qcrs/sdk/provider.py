"""What organisations and providers do: admit, register, declare, certify."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import RANDOM_COST, LocalAccount, create_account, create_keystore
from qcrs.config import NodeConfig, cores
from qcrs.crypto.identity import canonical_json
from qcrs.crypto.keys import Keys
from qcrs.crypto.keystore import CHOSEN_COST
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.model.records import Capability
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.capability import capability_of
from qcrs.rules.digest import keccak
from qcrs.sdk.authority import Authority
from qcrs.sdk.enrolment import device_descriptor, first_identity, make_keys, record_bytes, require_admissible
from qcrs.sdk.keyed import consent
from qcrs.store import Store
from qcrs.vault import Vault

FLAT_PROFILE = 1
CERTIFICATE_SECONDS = 30 * 24 * 3600


class NodeDirectoryTaken(QcrsError):
    """The directory already holds a node; keys and journals are never overwritten."""


@dataclass(frozen=True)
class NodeFiles:
    """The files of one node, all in one directory."""

    directory: Path

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.directory / "node.toml"

    @property
    def keystore(self) -> Path:
        """The daemon's key."""
        return self.directory / "keystore.json"

    @property
    def password(self) -> Path:
        """The key's password."""
        return self.directory / "password"

    @property
    def signing_key(self) -> Path:
        """The processor's ML-DSA-65 key."""
        return self.directory / "signing-key.json"

    @property
    def opening_key(self) -> Path:
        """The processor's X-Wing key."""
        return self.directory / "opening-key.json"

    @property
    def identity(self) -> Path:
        """The identity document, whose digest the registry keeps."""
        return self.directory / "identity.json"

    @property
    def state(self) -> Path:
        """How the daemon says things stand."""
        return state_path(self.directory / "journal.sqlite")

    @property
    def log(self) -> Path:
        """What the daemon writes when it runs in the background."""
        return self.directory / "daemon.log"


def state_path(journal: Path) -> Path:
    """Return where a daemon with *journal* says how things stand."""
    return journal.with_name("state.json")


def init_node(
    directory: Path, network: Path, calibration: Path, workers: int | None = None, secret: str | None = None,
    password_file: Path | None = None,
) -> LocalAccount:  # fmt: skip
    """Make a node's keys and configuration in *directory* and return its daemon account.

    Args:
        workers: Circuits to run at once; as many as this machine has cores by default.
        secret: The password of all keys, which is not kept; by default one is drawn and kept beside them, readable by
            the owner alone. password_file: Where *secret* is, if it is in a file.

    Raises:
        NodeDirectoryTaken: There is a node already.
        CalibrationInvalid: The calibration file is not one.
    """
    files = NodeFiles(directory)
    if files.config.exists():
        raise NodeDirectoryTaken(f"{directory} already holds a node; choose another directory")
    lone = [str(path) for path in _key_files(files) if path.exists()]
    if lone:
        raise NodeDirectoryTaken(
            f"{directory} holds a key but no {files.config.name}: making a node there was interrupted, or the "
            f"configuration was lost. Remove {' and '.join(lone)} if the key holds no coin and no processor, or choose "
            "another directory"
        )
    Calibration.read(calibration)
    config = NodeConfig(
        network=network.resolve(),
        keystore=Path(files.keystore.name),
        password_file=Path(files.password.name) if password_file is None else password_file.resolve(),
        calibration=calibration.resolve(),
        journal=Path("journal.sqlite"),
        signing_key=Path(files.signing_key.name),
        opening_key=Path(files.opening_key.name),
        workers=cores() if workers is None else workers,
    )
    directory.mkdir(parents=True, exist_ok=True)
    if secret is None:
        daemon, cost = create_keystore(files.keystore, files.password), RANDOM_COST
        secret = files.password.read_text().rstrip("\n")
    else:
        cost = CHOSEN_COST
        daemon = create_account(files.keystore, secret, cost)
    make_keys(files.signing_key, files.opening_key, secret, cost)
    config.write(files.config)  # last: a directory with a configuration has everything
    return daemon


def _key_files(files: NodeFiles) -> tuple[Path, ...]:
    return files.keystore, files.password, files.signing_key, files.opening_key


def unkeyed_document(operator: str, daemon: str, calibration: Calibration) -> bytes:
    """Return the identity document of a processor without post-quantum keys: who operates what."""
    document = {"schemaVersion": 1, "operator": operator, "daemon": daemon, "hardware": _hardware(daemon, calibration)}
    return canonical_json(document)


def hardware_digest(daemon: str, calibration: Calibration) -> bytes:
    """Return the digest of the identity document's part that describes the hardware."""
    return keccak(canonical_json(_hardware(daemon, calibration)))


def _hardware(daemon: str, calibration: Calibration) -> dict[str, Any]:
    # An emulated device is one of many of the same name, and has no serial number but its daemon's.
    return device_descriptor(calibration, daemon.lower())


def capability_record(calibration: Calibration, content: bytes, expires_at: int) -> Capability:
    """Return what the operator declares of a processor with *calibration*.

    Args:
        content: The calibration file's bytes. expires_at: End of validity, unix seconds.
    """
    facts = capability_of(calibration)
    return Capability(
        qubits=min(facts.qubits, 255),
        quantum_volume_log2=facts.quantum_volume_log2,
        noise_class=facts.noise_class,
        profile=FLAT_PROFILE,
        two_qubit_error_ppm=facts.two_qubit_error_ppm,
        readout_error_ppm=facts.readout_error_ppm,
        layer_fidelity_ppm=facts.layer_fidelity_ppm,
        clops=0,  # not measured: nothing here times a device
        measured_at=facts.measured_at,
        expires_at=expires_at,
        t1_nanoseconds=facts.t1_nanoseconds,
        t2_nanoseconds=facts.t2_nanoseconds,
        coupling_map_digest=keccak(facts.coupling_map),
        calibration_digest=keccak(content),
    )


async def admit(authority: Authority, name: str, admin: str, weight: int = 1) -> int:
    """Admit an organisation and return its id. Needs the Processor Certification Authority's role."""
    receipt = await authority("Consortium", "admit", name, admin, weight)
    return receipt.event("OrganisationAdmitted")["organisation"]


async def register(
    gateway: Gateway,
    operator: LocalAccount,
    daemon: LocalAccount,
    calibration_path: Path,
    identity_path: Path,
    keys: Keys | None = None,
    store: Store | None = None,
    door: Callable[[], Door] | None = None,
) -> int:
    """Register a processor and declare its capability; return its id. It still has to be certified and bonded.

    Run again after it was interrupted between its two transactions, it goes on with the second.

    Args:
        keys: The post-quantum keys of its identity; None for a processor that gets no encrypted circuits.
        store: Where its identity is published, if it has keys.
        door: Makes that of the daemon, which attests by its hash key where the operator or the registry asks for it.

    Raises:
        ContractRefused: The operator is no member, or the daemon serves another processor.
        HashKeyMissing: The registry requires hash keys, and the operator has none.
    """
    calibration = Calibration.read(calibration_path)
    processor = await _undeclared(gateway, operator, daemon)
    if processor == 0:
        document = unkeyed_document(operator.address, daemon.address, calibration)
        hardware = hardware_digest(daemon.address, calibration)
        if keys is not None:
            identity = first_identity(gateway, operator.address, daemon.address, calibration, keys)
            document, hardware = identity.content, identity.document.hardware_digest
        identity_path.write_bytes(document)
        if store is not None:
            await asyncio.to_thread(store.put, document)
        digest = keccak(document)
        proof = await consent(gateway, operator.address, daemon, door, digest, hardware)
        arguments = (daemon.address, digest, hardware, proof)
        receipt = await gateway.send(operator, "ProcessorRegistry", "register", *arguments)
        processor = receipt.event("ProcessorRegistered")["processor"]
    await declare(gateway, operator, processor, calibration_path, daemon.address, keys, store)
    return processor


async def _undeclared(gateway: Gateway, operator: LocalAccount, daemon: LocalAccount) -> int:
    """Return the processor that *operator* registered for *daemon* without declaring anything; 0 when none."""
    registry = Registry(gateway)
    processor = await registry.processor_of(daemon.address)
    if processor == 0 or (await registry.operator(processor)).lower() != operator.address.lower():
        return 0
    _, newest = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    return 0 if newest else processor


async def declare(
    gateway: Gateway, operator: LocalAccount, processor: int, calibration_path: Path, daemon: str,
    keys: Keys | None = None, store: Store | None = None, quantum_volume_log2: int | None = None,
) -> None:  # fmt: skip
    """Declare what *processor* can do, for 30 days from now. It still has to be certified.

    Args:
        daemon: Its daemon's account. keys, store: With them the record is signed and the calibration file published.
        quantum_volume_log2: To claim a smaller volume than the calibration foretells.

    Raises:
        ContractRefused: The operator does not own the processor.
    """
    calibration = Calibration.read(calibration_path)
    capability = capability_record(calibration, calibration_path.read_bytes(), int(gateway.now) + CERTIFICATE_SECONDS)
    if quantum_volume_log2 is not None:
        capability = capability.model_copy(update={"quantum_volume_log2": quantum_volume_log2})
    if keys is not None and store is not None:
        await asyncio.to_thread(store.put, calibration_path.read_bytes())
        vault = Vault(store, gateway.network.deployment)
        await asyncio.to_thread(vault.sign_capability, keys.signing, daemon, record_bytes(capability))
    uri = f"calibration:{calibration.name}"  # a path of this machine would tell others nothing, and stay for ever
    await gateway.send(operator, "ProcessorRegistry", "declareCapability", processor, capability.to_chain(), uri)


async def certify(gateway: Gateway, authority: Authority, processor: int, store: Store, secret: bytes) -> str:
    """Approve a processor's newest capability; return what was checked. Needs the Certification Authority's role.

    Nothing is measured: approval is the role holder's word. Its keys are checked.

    Args:
        secret: Of the authority: see ``qcrs.sdk.enrolment.admission_secret``.

    Raises:
        IdentityInvalid, PossessionUnproven, CapabilityUnsigned: Of a processor with keys, before anything is sent.
    """
    checked = await require_admissible(gateway, store, processor, secret)
    _, newest = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    await authority("ProcessorRegistry", "certify", processor, newest)
    return checked
