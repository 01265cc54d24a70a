"""Bodies on a real chain: deployed by the plan, driven by the SDK and the command line, and audited.

Members act through the door of hash keys, each by a key of its own that it had before there was a chain.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import HashKeys
from qcrs.chain.deploy import deploy_suite
from qcrs.chain.deployment import SuiteSettings
from qcrs.chain.devnet import MNEMONIC, start_chain, stop_group
from qcrs.chain.gateway import Gateway
from qcrs.chain.governance import Body, Governance, Tempo
from qcrs.chain.keys import devnet_account
from qcrs.chain.network import Account, Network
from qcrs.cli import main
from qcrs.crypto.leaf_key import LeafKeyInvalid
from qcrs.model.motion import COMMITTEES, CONSTITUTION, MotionStatus
from qcrs.sdk import audit, governance
from qcrs.sdk.governance import QuorumMissing
from qcrs.sdk.keyring import HASH_KEYS, PASSWORD, Keyring

DAY = 86_400
MEMBERS = 3
TEMPO = Tempo(voting_seconds=DAY, delay_seconds=2 * DAY, execution_seconds=DAY)


@dataclass
class Bodies:
    """A suite under its bodies, each of three members, two of whom carry a motion.

    Attributes:
        members: The same three people in each body, as in a consortium of few.
    """

    network: Network
    path: Path
    members: list[LocalAccount]

    def work(self, task: Callable) -> object:
        """Return what *task* makes of a connection and the bodies."""

        async def connected():
            with closing(Keyring(self.path.with_name(HASH_KEYS))) as keyring:
                async with Gateway(self.network) as gateway:
                    return await task(gateway, governance.Governance(gateway, keyring))

        return asyncio.run(connected())


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bodies")
    chain = start_chain(directory)
    try:
        yield asyncio.run(_founded(chain, directory))
    finally:
        stop_group(chain.pid)


async def _founded(chain, directory: Path) -> Bodies:
    deployer, *members = (devnet_account(MNEMONIC, number) for number in range(1 + MEMBERS))
    body = Body(tuple(member.address for member in members), 2)
    (directory / HASH_KEYS).mkdir()
    (directory / HASH_KEYS / PASSWORD).write_text("of all members' keys")
    keys = {member.address: Keyring(directory / HASH_KEYS).new(member.address).commitment for member in members}
    founding = Governance(dict.fromkeys(COMMITTEES, body), TEMPO, development=True, keys=keys)
    settings = SuiteSettings(governance=founding)
    network, gas = await deploy_suite(chain.rpc_url, chain.ws_url, deployer, settings, str(directory / "store"))
    assert set(gas) == set(network.contracts) > set(COMMITTEES) | {CONSTITUTION}
    accounts = [
        Account(name=f"member-{seat}", address=member.address, private_key="0x" + member.key.hex().removeprefix("0x"))
        for seat, member in enumerate(members)
    ]
    network = network.model_copy(update={"accounts": accounts})
    network.write(directory / "network.json")
    return Bodies(network, directory / "network.json", members)


@pytest.fixture
def command(bodies, monkeypatch, capsys):
    """Runs the command line in this process; returns the code and what it printed as JSON."""
    monkeypatch.setenv("QCRS_NETWORK", str(bodies.path))

    def run(*arguments: str, as_: int | None = 0) -> tuple[int, dict]:
        signer = [] if as_ is None else ["--as", f"member-{as_}"]
        code = main(["committee", *arguments, "--json", *signer])
        return code, json.loads(capsys.readouterr().out.splitlines()[0])

    return run


def test_body_decides_in_as_many_transactions_as_it_has_votes_and_one(bodies):
    async def task(gateway, bodies_):
        call = bodies_.calls.write(
            "Consortium", "admit", {"name": "Delft", "admin": bodies.members[2].address, "weight": "3"}
        )
        before = await gateway.block_number()
        receipt = await bodies_.decide(bodies.members, "certification", call)
        return receipt, await gateway.block_number() - before, await gateway.call("Consortium", "organisationCount")

    receipt, transactions, count = bodies.work(task)
    assert receipt.event("OrganisationAdmitted")["name"] == "Delft"
    assert (transactions, count) == (3, 1)


def test_decide_says_how_many_members_it_lacks(bodies):
    async def task(gateway, bodies_):
        call = bodies_.calls.write("ComputationAllocator", "resume", {"reason": "0x" + "00" * 32})
        with pytest.raises(QuorumMissing, match="expected 2 members to carry a motion; found 1"):
            await bodies_.decide(bodies.members[:1], "security", call)

    bodies.work(task)


def test_deployer_and_members_alone_are_refused(bodies):
    async def task(gateway, bodies_):
        for account in (devnet_account(MNEMONIC, 0), bodies.members[0]):
            with pytest.raises(ContractRefused) as caught:
                await gateway.simulate(account, "Consortium", "admit", "Lab", account.address, 1)
            assert caught.value.name == "AccessManagedUnauthorized"
            with pytest.raises(ContractRefused) as caught:
                await gateway.simulate(account, "Authority", "grantRole", 1, account.address, 0)
            assert caught.value.name == "AccessManagerUnauthorizedAccount"

    bodies.work(task)


def test_command_line_takes_a_motion_from_proposal_to_execution(command):
    reason = "0x" + "07" * 32
    call = ("ComputationAllocator", "pause", "length=2", f"reason={reason}")
    code, proposed = command("propose", "security", *call)
    assert (code, proposed["status"]) == (0, "Open")
    assert proposed["words"] == f"ComputationAllocator.pause(length=2, reason={reason})"
    number = str(proposed["id"])
    code, voted = command("vote", "security", number, as_=1)
    assert (code, voted["status"], len(voted["inFavour"])) == (0, "Carried", 2)
    assert voted["next"] == "anyone can execute it: 'qcrs committee execute'"
    code, executed = command("execute", "security", number, as_=2)
    assert (code, executed["status"], executed["next"]) == (0, "Executed", None)
    code, shown = command("show", "security", number, as_=None)
    assert (code, shown["quorum"], shown["call"]["arguments"]) == (0, 2, {"length": "2", "reason": reason})
    code, listed = command("list", "security", as_=None)
    assert [motion["id"] for motion in listed] == [int(number)]
    code, everybody = command("list", as_=None)
    assert [body["title"] for body in everybody] == [*COMMITTEES.values(), CONSTITUTION]
    command("propose", "security", "ComputationAllocator", "resume", f"reason={reason}")
    command("vote", "security", str(int(number) + 1), as_=1)
    assert command("execute", "security", str(int(number) + 1))[1]["status"] == "Executed"


def test_command_line_says_what_is_wrong_with_a_proposal(command, bodies):
    for arguments, error, part in (
        (("Consortium", "admits"), "CallUnknown", "expected one of"),
        (("Nonesuch", "admit"), "CallUnknown", "Consortium"),
        (("Consortium", "expel"), "CallUnknown", "expected organisation (uint24); found none"),
        (("Consortium", "expel", "organisation=Delft"), "ArgumentInvalid", "a number of type uint24"),
        (("Consortium", "expel", "organisation=99999999999"), "ArgumentInvalid", "Consortium.expel"),
    ):
        code, told = command("propose", "certification", *arguments)
        assert (code, told["error"]) == (2, error)
        assert part in told["message"]
    code, told = command("vote", "council", "7")
    assert (code, told["error"]) == (2, "MotionUnknown")


def test_motion_of_a_committee_to_the_constitution_is_read_to_the_end(command, bodies):
    """What a member votes on is shown with the call within the call."""
    grant = bytes.fromhex("25c471a0") + bytes(96)
    code, proposed = command(
        "propose", "council", CONSTITUTION, "propose", "target=Authority", f"data=0x{grant.hex()}",
        "reason=0x" + "00" * 32, "uri=",
    )  # fmt: skip
    assert code == 0
    nobody = "0x" + "00" * 20
    assert f"data=[Authority.grantRole(roleId=0, account={nobody}, executionDelay=0)]" in proposed["words"]
    assert command("withdraw", "council", str(proposed["id"]))[1]["status"] == "Withdrawn"


def test_stolen_account_key_alone_neither_proposes_nor_votes(bodies):
    """The thief has a member's ECDSA key, and no leaf of its tree: neither straight nor by a key of its own.

    The member has been silent so far.
    """
    proposer, _, thief = bodies.members
    folder = bodies.path.with_name("stolen")

    async def task(gateway, bodies_):
        assert (await HashKeys(gateway).word(thief.address)).next_leaf == 0
        call = bodies_.calls.write("Consortium", "expel", {"organisation": "1"})
        receipt = await bodies_.propose(proposer, "certification", call)
        number = receipt.event("MotionProposed")["motion"]
        digest = (await bodies_.motion("certification", number)).digest
        body = governance.SHORT["certification"]
        for function, arguments in (
            ("propose", (call.target, call.data, bytes(32), "")),
            ("vote", (number, digest, True)),
        ):
            with pytest.raises(ContractRefused) as caught:
                await gateway.simulate(thief, body, function, *arguments)
            assert caught.value.name == "HashSignatureRequired"
        folder.mkdir()
        (folder / PASSWORD).write_text("the thief's")
        with closing(Keyring(folder)) as own, pytest.raises(LeafKeyInvalid, match="has no such key"):
            await own(gateway, thief, call.target, call.data)
        await bodies_.withdraw(proposer, "certification", number)

    bodies.work(task)


def test_motion_whose_time_is_over_is_ended_by_anyone(bodies):
    async def task(gateway, bodies_):
        call = bodies_.calls.write("ComputationAllocator", "resume", {"reason": "0x" + "00" * 32})
        receipt = await bodies_.propose(bodies.members[0], "security", call)
        number = receipt.event("MotionProposed")["motion"]
        await gateway.request("evm_increaseTime", DAY + 1)
        await gateway.request("evm_mine")
        await bodies_.expire(bodies.members[2], "security", number)
        return (await bodies_.motion("security", number)).status

    assert bodies.work(task) is MotionStatus.Rejected


def test_audit_recomputes_every_motion(bodies):
    async def task(gateway, _):
        return await audit.verify(gateway)

    report = bodies.work(task)
    assert report.holds, str(report.fault)
    assert report.checks["motion"] > 50
