"""Who takes part: the laboratories and researchers of a devnet, and what any organisation chooses."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from qcrs.chain.action import act
from qcrs.chain.contracts import Members
from qcrs.chain.deployment import ETHER
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.chain.network import Account
from qcrs.config import NodeConfig
from qcrs.model.organisation import Screen
from qcrs.quantum.calibration import Calibration, bundled_names, bundled_path
from qcrs.quantum.capability import capability_of
from qcrs.sdk import bonding, certification, provider
from qcrs.sdk.authority import Authority
from qcrs.sdk.enrolment import PossessionUnproven, load_keys, prove, require_admissible
from qcrs.sdk.provider import NodeFiles
from qcrs.store import Store

BOND = 5 * ETHER
DAEMON_FUNDS = 20 * ETHER
LEAST_QUBITS = 20
LABORATORIES = (
    "Aachen", "Bristol", "Chicago", "Delft", "Espoo", "Fukuoka", "Geneva", "Haifa", "Innsbruck", "Jena", "Kyoto",
    "Lund", "Madrid", "Nice", "Oslo", "Prague", "Quito", "Riga", "Sydney", "Turku",
)  # fmt: skip

_FIELDS = ("Theory", "Chemistry", "Materials", "Optics", "Biology", "Climate")


def comparable_calibrations() -> list[str]:
    """Return the bundled calibrations of the best populated noise class, by size and name.

    Small devices come first since they are quicker to simulate; those below 20 qubits are left out, so that every
    processor of a devnet fits the same circuits.
    """
    by_class: dict[int, list[tuple[int, str]]] = {}
    for name in bundled_names():
        facts = capability_of(Calibration.bundled(name))
        if facts.qubits >= LEAST_QUBITS:
            by_class.setdefault(facts.noise_class, []).append((facts.qubits, name))
    return [name for _, name in sorted(max(by_class.values(), key=len))]


async def found(
    gateway: Gateway,
    network_file: Path,
    nodes: Path,
    operator: LocalAccount,
    authority: Authority,
    operators: Sequence[LocalAccount],
    processors: int,
    weights: Sequence[int],
    progress: Callable[[str], None],
) -> dict[int, str]:
    """Admit the organisations and register, certify and bond their processors, each of which scores others' benchmarks.

    Args:
        nodes: Directory in which each node gets one of its own.
        operator: Who funds the daemons. authority: Who admits and certifies. operators: Owners of the processors, in
            turn.
        weights: Fair-share weights of those that only submit.

    Returns:
        The calibration snapshot of each processor, by id.
    """
    installed: dict[int, str] = {}
    accounts = gateway.network.accounts
    shares = [1] * len(operators) + list(weights)
    progress(f"admitting {len(shares)} organisations")
    for account, weight in zip(accounts[1 : 1 + len(shares)], shares, strict=True):
        await provider.admit(authority, account.organisation, account.address, weight)
    devices, store, secret = comparable_calibrations(), Store(gateway.network.store), os.urandom(32)
    for number in range(processors):
        owner, device = operators[number % len(operators)], devices[number % len(devices)]
        progress(f"registering processor {number + 1} of {processors}: {device}")
        files = NodeFiles(nodes / node_name(number))
        daemon = provider.init_node(files.directory, network_file, bundled_path(device))
        await gateway.transfer(operator, daemon.address, DAEMON_FUNDS)
        keys = load_keys(NodeConfig.read(files.config))
        processor = await provider.register(gateway, owner, daemon, bundled_path(device), files.identity, keys, store)
        with suppress(PossessionUnproven):  # leaves the challenge
            await require_admissible(gateway, store, processor, secret)
        await prove(gateway, store, processor, keys)
        await provider.certify(gateway, authority, processor, store, secret)
        await bonding.bond(gateway, owner, processor, BOND)
        await certification.enlist(gateway, owner, daemon, processor)
        installed[processor] = device
    return installed


def node_name(number: int) -> str:
    """Return what the daemon of processor *number*, counted from 0, is called."""
    return f"lab-{number + 1}"


def named_accounts(
    operator: LocalAccount,
    operators: Sequence[LocalAccount],
    researchers: Sequence[LocalAccount],
    delegates: Sequence[LocalAccount] = (),
) -> list[Account]:
    """Return the accounts of a devnet's network file: operator, laboratories, researchers, delegates to committees."""

    def account(name: str, organisation: str, key: LocalAccount) -> Account:
        return Account(
            name=name,
            address=key.address,
            organisation=organisation,
            private_key="0x" + bytes(key.key).hex(),
        )

    labs = [
        account(node_name(number), f"{_city(number)} Quantum Laboratory", key) for number, key in enumerate(operators)
    ]
    institutes = [
        account("researcher" + (f"-{number}" if number > 1 else ""), f"{_FIELDS[(number - 1) % len(_FIELDS)]} Institute"
                + (f" {number}" if number > len(_FIELDS) else ""), key)
        for number, key in enumerate(researchers, 1)
    ]  # fmt: skip
    seats = [account(f"delegate-{number}", "", key) for number, key in enumerate(delegates, 1)]
    return [account("operator", "", operator), *labs, *institutes, *seats]


def _city(number: int) -> str:
    city = LABORATORIES[number % len(LABORATORIES)]
    return city if number < len(LABORATORIES) else f"{city} {number // len(LABORATORIES) + 1}"


async def choose_screen(
    gateway: Gateway, admin: LocalAccount, screen: Screen, organisations: Sequence[int]
) -> list[int]:
    """Have *organisations*, and no others, on the list of the admin's own, then choose *screen*; return the list.

    Raises:
        ContractRefused: The account is nobody's admin.
    """
    own = await Members(gateway).organisation_of(admin.address)
    listed: set[int] = set()
    for event in await gateway.logs(gateway.network.deployed_at, names=["OrganisationListed"]):
        if event["organisation"] == own:
            (listed.add if event["listed"] else listed.discard)(event["other"])
    wanted = set(organisations)
    for others, on in ((wanted - listed, True), (listed - wanted, False)):
        if others:
            await act(gateway, admin, "Consortium", "list", sorted(others), on)
    await act(gateway, admin, "Consortium", "chooseScreen", int(screen))
    return sorted(wanted)
