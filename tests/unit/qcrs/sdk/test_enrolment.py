"""A node's keys are made once and opened by its password; a processor is admitted with keys that are its own."""

import asyncio
import json
import stat
from types import SimpleNamespace

import pytest
from pydantic.alias_generators import to_camel

from qcrs.chain.devnet import MNEMONIC
from qcrs.chain.keys import create_keystore, devnet_account, load_keystore
from qcrs.config import NodeConfig, PasswordMissing
from qcrs.crypto.identity import Check, IdentityInvalid
from qcrs.crypto.keystore import RANDOM_COST, KeyFileInvalid, public_of
from qcrs.identities import Identities, ProcessorUnkeyed
from qcrs.model.records import Capability
from qcrs.quantum.calibration import bundled_names, bundled_path
from qcrs.rules.digest import keccak
from qcrs.sdk import enrolment, provider
from qcrs.sdk.enrolment import (
    CapabilityUnsigned,
    PossessionUnproven,
    admission_secret,
    load_keys,
    prove,
    rekey,
    require_admissible,
)
from qcrs.sdk.provider import NodeDirectoryTaken, NodeFiles, declare, init_node, register
from qcrs.store import Store
from qcrs.vault import Vault

CALIBRATION = bundled_path(bundled_names()[0])
SECRET = bytes(32)
CHEAP_COST = 2**13


class Chain:
    """A registry that tells of what is sent to it."""

    def __init__(self, folder):
        store = str(folder / "store")
        self.network = SimpleNamespace(chain_id=1337, deployment="g/v", deployed_at=0, store=store)
        self.addresses = {"ProcessorRegistry": "0x" + "11" * 20}
        self.now, self.events, self.capabilities, self.daemons = 1_700_000_000.0, [], {}, {}
        self.refusal = None

    async def call(self, contract, function, *arguments):
        capabilities = self.capabilities.get(arguments[0], [])
        return {
            "processorOf": lambda: 0,
            "versionsOf": lambda: (0, len(capabilities)),
            "capabilityOf": lambda: capabilities[arguments[1] - 1],
            "daemonOf": lambda: self.daemons[arguments[0]],
        }[function]()

    async def simulate(self, account, contract, function, *arguments, value=0):
        if self.refusal:
            raise self.refusal

    async def send(self, account, contract, function, *arguments, value=0):
        if function == "register":
            number = len(self.daemons) + 1
            self.daemons[number] = arguments[0]
            self.tell(
                "ProcessorRegistered",
                number,
                operator=account.address,
                daemon=arguments[0],
                identityDigest=arguments[1],
            )
            return SimpleNamespace(event=lambda name: {"processor": number})
        if function == "declareCapability":
            names = (to_camel(name) for name in Capability.model_fields)
            declared = dict(zip(names, arguments[1], strict=True))
            self.capabilities.setdefault(arguments[0], []).append(declared)
        if function == "updateIdentity":
            self.tell("IdentityUpdated", arguments[0], identityDigest=arguments[1])
        return None

    def tell(self, name, processor, **arguments):
        told = {"processor": processor, **arguments}
        self.events.append(SimpleNamespace(name=name, arguments=told, block=len(self.events)))

    async def block_number(self):
        return len(self.events) - 1

    async def logs(self, first, last, names):
        return [event for event in self.events if first <= event.block <= last and event.name in names]


class Lab:
    """A node of one operator."""

    def __init__(self, chain, folder, number=0, keyed=True):
        self.chain, self.store, self.operator = chain, Store(chain.network.store), devnet_account(MNEMONIC, number)
        self.files = NodeFiles(folder / f"node-{number}")
        self.daemon = init_node(self.files.directory, folder / "network.json", CALIBRATION)
        self.processor = asyncio.run(
            register(
                chain, self.operator, self.daemon, CALIBRATION, self.files.identity,
                self.keys if keyed else None, self.store,
            )
        )  # fmt: skip

    @property
    def keys(self):
        return load_keys(NodeConfig.read(self.files.config))

    def prove(self):
        return asyncio.run(prove(self.chain, self.store, self.processor, self.keys))

    def admit(self):
        return asyncio.run(require_admissible(self.chain, self.store, self.processor, SECRET))

    def admitted(self):
        with pytest.raises(PossessionUnproven, match="qcrs processor prove"):
            self.admit()
        assert self.prove() == 1
        return self.admit()

    def rekey(self):
        return asyncio.run(rekey(self.chain, self.store, self.operator, self.daemon, self.processor, self.files.config))

    def declare(self, keys=None):
        chosen = keys or self.keys
        asyncio.run(
            declare(self.chain, self.operator, self.processor, CALIBRATION, self.daemon.address, chosen, self.store)
        )

    @property
    def identity(self):
        return asyncio.run(Identities(self.chain, self.store).of(self.processor))


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """What a chosen password costs is checked where keys are written; here it would only take long."""
    monkeypatch.setattr(provider, "CHOSEN_COST", CHEAP_COST)


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def test_node_has_all_its_keys_in_private_files(tmp_path):
    files = NodeFiles(tmp_path / "node")
    daemon = init_node(files.directory, tmp_path / "network.json", CALIBRATION)
    config = NodeConfig.read(files.config)
    keys = load_keys(config)
    assert load_keystore(config.keystore, config.password_file).address == daemon.address
    for path, key in ((files.signing_key, keys.signing), (files.opening_key, keys.opening)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text())["kdf"]["cost"] == RANDOM_COST
        assert key.seed.hex() not in path.read_text()


@pytest.mark.parametrize("name", ["signing_key", "opening_key", "keystore", "password"])
def test_keys_of_a_node_are_never_overwritten(tmp_path, name):
    files = NodeFiles(tmp_path)
    getattr(files, name).write_text("mine")
    with pytest.raises(NodeDirectoryTaken, match=getattr(files, name).name):
        init_node(tmp_path, tmp_path / "network.json", CALIBRATION)
    assert getattr(files, name).read_text() == "mine"


def test_chosen_password_is_stretched_and_kept_nowhere(tmp_path, monkeypatch):
    files = NodeFiles(tmp_path / "node")
    init_node(files.directory, tmp_path / "network.json", CALIBRATION, secret="correct horse")
    assert not files.password.exists()
    assert not [path for path in files.directory.iterdir() if "correct horse" in path.read_text()]
    assert json.loads(files.signing_key.read_text())["kdf"]["cost"] == CHEAP_COST
    assert json.loads(files.keystore.read_text())["crypto"]["kdfparams"]["n"] == CHEAP_COST
    config = NodeConfig.read(files.config)
    monkeypatch.delenv("QCRS_PASSWORD", raising=False)
    with pytest.raises(PasswordMissing, match="QCRS_PASSWORD is not set"):
        load_keys(config)
    monkeypatch.setenv("QCRS_PASSWORD", "wrong")
    with pytest.raises(KeyFileInvalid, match="does not open"):
        load_keys(config)
    monkeypatch.setenv("QCRS_PASSWORD", "correct horse")
    assert load_keys(config).signing.public


def test_password_in_a_file_elsewhere_opens_all_keys(tmp_path):
    password_file = tmp_path / "secret"
    password_file.write_text("from a file\n")
    files = NodeFiles(tmp_path / "node")
    init_node(
        files.directory, tmp_path / "network.json", CALIBRATION, secret="from a file", password_file=password_file
    )
    config = NodeConfig.read(files.config)
    assert config.password_file == password_file
    assert load_keys(config).opening.public
    assert load_keystore(config.keystore, config.password_file)


def test_node_from_before_there_were_keys_has_none(tmp_path):
    files = NodeFiles(tmp_path)
    create_keystore(files.keystore, files.password)
    config = NodeConfig(
        network=tmp_path / "n", keystore=files.keystore, password_file=files.password, calibration=CALIBRATION,
        journal=tmp_path / "j",
    )  # fmt: skip
    config.write(files.config)
    assert load_keys(NodeConfig.read(files.config)) is None


def test_processor_is_admitted_once_it_has_proven_its_keys(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    assert "identity version 1 checked" in lab.admitted()
    assert keccak(lab.files.identity.read_bytes()) == lab.identity.digest


def test_challenge_made_by_the_applicant_admits_nobody(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    with pytest.raises(PossessionUnproven):
        asyncio.run(require_admissible(chain, lab.store, lab.processor, b"\1" * 32))
    assert lab.prove() == 1  # another party's challenge
    with pytest.raises(PossessionUnproven):
        lab.admit()


def test_junk_among_challenges_and_answers_is_passed_over(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    vault = Vault(lab.store, chain.network.deployment)
    vault.post_challenge(lab.identity.digest, b"junk")
    vault.post_answer(lab.identity.digest, b"junk")
    assert "identity version 1 checked" in lab.admitted()


def test_clone_of_a_device_or_of_keys_is_not_admitted(chain, tmp_path):
    """Another operator registers the first one's keys for a processor of its own; it was given them."""
    lab = Lab(chain, tmp_path)
    accomplice = Lab(chain, tmp_path, number=1)
    for name in ("signing_key", "opening_key"):
        getattr(accomplice.files, name).write_bytes(getattr(lab.files, name).read_bytes())
    accomplice.files.password.write_bytes(lab.files.password.read_bytes())
    chain.events.pop()
    accomplice.processor = asyncio.run(
        register(chain, accomplice.operator, accomplice.daemon, CALIBRATION, accomplice.files.identity, accomplice.keys,
                 accomplice.store)
    )  # fmt: skip
    with pytest.raises(IdentityInvalid, match="has the same signing key") as caught:
        accomplice.admit()
    assert caught.value.check is Check.Unique


def test_copied_document_is_not_admitted_for_another_operator(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    thief = devnet_account(MNEMONIC, 5)
    daemon = devnet_account(MNEMONIC, 6)
    asyncio.run(chain.send(thief, "ProcessorRegistry", "register", daemon.address, lab.identity.digest, b""))
    with pytest.raises(IdentityInvalid) as caught:
        asyncio.run(require_admissible(chain, lab.store, 2, SECRET))
    assert caught.value.check is Check.Operator


def test_capability_that_another_declared_is_not_admitted(chain, tmp_path):
    lab, other = Lab(chain, tmp_path), Lab(chain, tmp_path, number=1)
    lab.admitted()
    chain.now += 10
    lab.declare(keys=other.keys)
    with pytest.raises(CapabilityUnsigned, match="capability version 2 of processor 1"):
        lab.admit()
    lab.declare()
    assert "capability signed" in lab.admit()


def test_processor_without_keys_is_let_pass_and_said_to_be_so(chain, tmp_path):
    lab = Lab(chain, tmp_path, keyed=False)
    assert "without post-quantum keys" in lab.admit()
    with pytest.raises(ProcessorUnkeyed):
        lab.prove()


def test_rotation_needs_the_old_key_and_a_new_proof(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    lab.admitted()
    before, first = lab.keys, lab.identity
    second = lab.rekey()
    assert lab.identity == second
    assert second.document.previous == first.digest
    assert second.document.hardware_digest == first.document.hardware_digest
    assert lab.keys.signing.public == second.document.signing_key != before.signing.public
    with pytest.raises(PossessionUnproven):
        lab.admit()
    assert lab.prove() == 1
    with pytest.raises(CapabilityUnsigned):
        lab.admit()
    lab.declare()
    assert "identity version 2 checked" in lab.admit()
    assert lab.rekey().document.version == 3


def test_rotation_that_is_refused_leaves_the_node_as_it_was(chain, tmp_path):
    lab = Lab(chain, tmp_path)
    before = lab.files.config.read_text()
    chain.refusal = RuntimeError("the registry says no")
    with pytest.raises(RuntimeError):
        lab.rekey()
    assert lab.files.config.read_text() == before
    assert lab.identity.document.version == 1
    drawn = public_of(lab.files.directory / "signing-key-2.json")
    chain.refusal = None
    assert lab.rekey().document.signing_key == drawn  # what was drawn is used, not overwritten


def test_rotation_that_was_interrupted_after_it_was_sent_goes_on(chain, tmp_path, monkeypatch):
    lab = Lab(chain, tmp_path)
    before = lab.files.config.read_text()
    monkeypatch.setattr(enrolment, "_adopt", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        lab.rekey()
    monkeypatch.undo()
    assert lab.identity.document.version == 2
    assert lab.files.config.read_text() == before
    assert lab.rekey().document.version == 2
    assert lab.keys.signing.public == lab.identity.document.signing_key
    assert lab.rekey().document.version == 3


def test_rotation_without_the_present_keys_is_refused(chain, tmp_path):
    lab, other = Lab(chain, tmp_path), Lab(chain, tmp_path, number=1)
    for name in ("signing_key", "opening_key", "password"):
        getattr(lab.files, name).write_bytes(getattr(other.files, name).read_bytes())
    with pytest.raises(ProcessorUnkeyed, match="version 1, which have to sign"):
        lab.rekey()


def test_processor_without_keys_gets_its_first(chain, tmp_path):
    lab = Lab(chain, tmp_path, keyed=False)
    assert lab.rekey().document.version == 1
    assert lab.keys.signing.public == lab.identity.document.signing_key
    lab.declare()
    assert "identity version 1 checked" in lab.admitted()


def test_admission_secret_is_drawn_once_and_private(tmp_path):
    path = tmp_path / "home" / "admission-secret"
    secret = admission_secret(path)
    assert admission_secret(path) == secret
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
