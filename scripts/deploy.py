"""Put the contracts on Brownie's network: ``brownie run scripts/deploy.py --network development``.

Walks the same plan as ``qcrs deploy`` with Brownie's accounts and containers. In ``brownie
console`` it is ``run('deploy')``, which returns the contracts by name. Elsewhere than on a
development chain, name an account of ``brownie accounts``: ``brownie run scripts/deploy.py main
NAME --network NETWORK``.

The network file goes to ``$QCRS_NETWORK``, or to ``build/brownie-network.json``.
"""

import os
from pathlib import Path

from brownie import accounts, network, project, web3

from qcrs.chain.codec import Interface, code_of
from qcrs.chain.deploy import DeploymentDiverged
from qcrs.chain.deployment import (
    DISPUTE_RESOLUTION,
    ORDER,
    PROCESSOR_CERTIFICATION,
    QUANTUM_SECURITY,
    RESOURCE_ALLOCATION,
    VERIFICATION_STANDARDS,
    Deploy,
    SuiteSettings,
    plan,
)
from qcrs.chain.network import Account, Network
from qcrs.cli.options import table
from qcrs.model.motion import BODIES

BUILD = Path(__file__).resolve().parents[1] / "build"
ROLES = (RESOURCE_ALLOCATION, PROCESSOR_CERTIFICATION, QUANTUM_SECURITY, DISPUTE_RESOLUTION, VERIFICATION_STANDARDS)


def main(account=None):
    """Deploy, write the network file, print what was made, and return the contracts by name.

    Args:
        account: A name that ``brownie accounts`` knows; the first unlocked account by default.
    """
    deployer = accounts.load(account) if account else accounts[0]
    deployed_at = network.chain.height
    contracts = deploy(deployer, SuiteSettings(dict.fromkeys(ROLES, deployer.address)))
    path = Path(os.environ.get("QCRS_NETWORK") or BUILD / "brownie-network.json")
    network_file(contracts, deployer, deployed_at).write(path)
    gas = {name: contract.tx.gas_used for name, contract in contracts.items()}
    rows = [[name, contract.address, f"{gas[name]:,}"] for name, contract in contracts.items()]
    print("\n" + table(["contract", "address", "gas"], rows))
    print(f"\n{sum(gas.values()):,} gas for the contracts; network file {path}")
    return contracts


def deploy(deployer, settings):
    """Carry out the plan as *deployer* and return Brownie's contracts by name.

    Raises:
        DeploymentDiverged: The deployer was used by somebody else meanwhile; deploy again.
    """
    (loaded,) = project.get_loaded_projects()
    names = (*ORDER, *(BODIES if settings.governance else ()))
    containers = {name: loaded[code_of(name)] for name in names}
    interfaces = {name: Interface(name, container.abi) for name, container in containers.items()}
    made = {}
    for step in plan(deployer.address, deployer.nonce, settings, interfaces):
        if not isinstance(step, Deploy):
            function = getattr(made[step.contract], step.function)
            function(*step.arguments, {"from": deployer})
            continue
        contract = deployer.deploy(containers[step.contract], *step.arguments)
        if contract.address != step.address:
            raise DeploymentDiverged(f"{step.contract} is at {contract.address}, expected {step.address}; deploy again")
        made[step.contract] = contract
    return made


def network_file(contracts, deployer, deployed_at):
    """Return the connection facts of *contracts* on Brownie's active network.

    Brownie knows one endpoint. The WebSocket one is taken to be at the same place, as it is with
    Ganache; correct the file where it is not.
    """
    endpoint = web3.provider.endpoint_uri
    return Network(
        rpc_url=endpoint.replace("ws", "http", 1) if endpoint.startswith("ws") else endpoint,
        ws_url=endpoint.replace("http", "ws", 1) if endpoint.startswith("http") else endpoint,
        chain_id=network.chain.id,
        genesis="0x" + bytes(web3.eth.get_block(0)["hash"]).hex(),
        contracts={name: contract.address for name, contract in contracts.items()},
        deployed_at=deployed_at,
        store=str(BUILD / "brownie-store"),
        accounts=[Account(name="operator", address=deployer.address)],
    )
