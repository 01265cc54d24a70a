"""Making a node is safe to interrupt, and registering goes on where it stopped."""

import asyncio
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from qcrs.chain.devnet import MNEMONIC
from qcrs.chain.keys import create_keystore, devnet_account
from qcrs.quantum.calibration import Calibration, bundled_names, bundled_path
from qcrs.sdk.provider import NodeDirectoryTaken, NodeFiles, init_node, register

CALIBRATION = bundled_path(bundled_names()[0])
OPERATOR, DAEMON = devnet_account(MNEMONIC, 0), devnet_account(MNEMONIC, 1)


class Chain:
    """A registry that remembers what was sent to it."""

    def __init__(self, processor=0, operator=OPERATOR.address, newest=0):
        self.answers = {"processorOf": processor, "operatorOf": operator, "versionsOf": (0, newest)}
        self.network = SimpleNamespace(chain_id=1337)
        self.addresses = {"ProcessorRegistry": "0x" + "11" * 20}
        self.now = 1_700_000_000.0
        self.sent = []

    async def call(self, contract, function, *arguments, **_):
        return self.answers[function]

    async def send(self, account, contract, function, *arguments, value=0):
        self.sent.append((function, arguments))
        return SimpleNamespace(event=lambda name: {"processor": 7})


def registered(chain, tmp_path):
    processor = asyncio.run(register(chain, OPERATOR, DAEMON, CALIBRATION, tmp_path / "identity.json"))
    return processor, [function for function, _ in chain.sent]


def test_processor_is_registered_and_declared(tmp_path):
    chain = Chain()
    assert registered(chain, tmp_path) == (7, ["register", "declareCapability"])
    assert chain.sent[-1][1][-1] == f"calibration:{Calibration.read(CALIBRATION).name}"


def test_interrupted_registration_goes_on_with_the_declaration(tmp_path):
    assert registered(Chain(processor=3), tmp_path) == (3, ["declareCapability"])


@pytest.mark.parametrize("taken", [{"operator": "0x" + "22" * 20}, {"newest": 1}])
def test_finished_or_foreign_registration_is_left_to_the_contract_to_refuse(taken, tmp_path):
    assert registered(Chain(processor=3, **taken), tmp_path)[1][0] == "register"


def test_node_that_cannot_be_gets_no_key(tmp_path):
    with pytest.raises(ValidationError, match="at least 1"):
        init_node(tmp_path / "node", tmp_path / "network.json", CALIBRATION, workers=0)
    assert not (tmp_path / "node").exists()


def test_interrupted_making_names_what_to_remove(tmp_path):
    files = NodeFiles(tmp_path)
    create_keystore(files.keystore, files.password)
    files.keystore.unlink()
    with pytest.raises(NodeDirectoryTaken, match=f"Remove {files.password} if"):
        init_node(tmp_path, tmp_path / "network.json", CALIBRATION)
    files.password.unlink()
    init_node(tmp_path, tmp_path / "network.json", CALIBRATION)
    assert files.config.exists()
