"""Carrying out the deployment plan over a gateway."""

from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from qcrs.chain.artifacts import linked, load_bytecode
from qcrs.chain.codec import code_of
from qcrs.chain.deployment import Deploy, SuiteSettings, plan
from qcrs.chain.gateway import Gateway
from qcrs.chain.network import Network
from qcrs.errors import QcrsError


class DeploymentDiverged(QcrsError):
    """A contract did not get the address that the plan had computed; another transaction came between."""


async def deploy_suite(
    rpc_url: str,
    ws_url: str,
    deployer: LocalAccount,
    settings: SuiteSettings,
    store: str,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Network, dict[str, int]]:
    """Deploy the suite and return where it is, and the gas of each contract.

    Raises:
        ChainUnreachable: Nobody answers. DeploymentDiverged: The deployer was used by somebody else meanwhile.
        ContractRefused, TransactionRefused: A step failed; nothing is half-usable, deploy again.
    """
    blank = Network(rpc_url=rpc_url, ws_url=ws_url, chain_id=0, genesis="", contracts={}, deployed_at=0, store=store)
    probe = Gateway(blank)
    try:
        chain_id = int(await probe.request("eth_chainId"), 16)
        nonce = await probe.nonce(deployer.address)
        deployed_at = await probe.block_number()
        genesis = await probe.genesis()
    finally:
        await probe.close()
    steps = list(plan(deployer.address, nonce, settings, probe.interfaces))
    contracts = {step.contract: step.address for step in steps if isinstance(step, Deploy)}
    facts = {"chain_id": chain_id, "genesis": genesis, "contracts": contracts, "deployed_at": deployed_at}
    network = blank.model_copy(update=facts)
    gas = await _walk(network, deployer, steps, progress)
    return network, gas


async def _walk(
    network: Network, deployer: LocalAccount, steps: list, progress: Callable[[str], None]
) -> dict[str, int]:
    gateway = Gateway(network)
    gas: dict[str, int] = {}
    try:
        await gateway.look()
        for step in steps:
            if not isinstance(step, Deploy):
                await gateway.send(deployer, step.contract, step.function, *step.arguments)
                continue
            progress(step.contract)
            arguments = gateway.interfaces[step.contract].encode_constructor(step.arguments)
            code = linked(load_bytecode(code_of(step.contract)), network.contracts) + arguments
            address, receipt = await gateway.create(deployer, code)
            if address.lower() != step.address.lower():
                raise DeploymentDiverged(f"{step.contract} is at {address}, expected {step.address}; deploy again")
            gas[step.contract] = receipt.gas_used
    finally:
        await gateway.close()
    return gas
