"""Registration with hash keys: of operator and daemon, as it must be once the registry requires them."""

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, registration_digest, sign_registration
from qcrs.door import Door

__all__ = ["register_keyed"]


async def register_keyed(
    gateway: Gateway,
    operator: LocalAccount,
    operator_door: Door,
    daemon: LocalAccount,
    daemon_door: Door,
    identity_digest: bytes,
    hardware_digest: bytes,
) -> int:
    """Register *daemon* as a processor of *operator*, both by both of their keys, and return its id.

    Args:
        identity_digest: Of the identity document. hardware_digest: Of its descriptor of the device.

    Raises:
        ContractRefused: The registry refused it.
    """
    registry, chain_id = gateway.addresses["ProcessorRegistry"], gateway.network.chain_id
    facts = (chain_id, registry, operator.address, identity_digest, hardware_digest)
    ecdsa = sign_registration(daemon, *facts)
    digest = registration_digest(daemon.address, *facts)
    consent = ecdsa + await daemon_door.attest(registry, digest)
    await operator_door.send("ProcessorRegistry", "register", daemon.address, identity_digest, hardware_digest, consent)
    return await Registry(gateway).processor_of(daemon.address)
