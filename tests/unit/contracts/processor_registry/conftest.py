"""A registry of its own whose allocator and bonds are accounts, to call what only those may."""

from dataclasses import dataclass

import pytest
from eth_hash.auto import keccak

from qcrs.chain.deployment import created_address
from qcrs.model.records import Standing
from tests.evm import Contract, artifacts
from tests.scenario import World, account, capability, hardware_of

HEARTBEAT_SECONDS = 30
ALLOCATOR = account("allocator")
BONDS = account("bonds")
RESERVATIONS = account("reservations")
CERTIFICATIONS = account("certifications")
SHOTS = 4_096
COUNTER_MAXIMUM = {
    "accepted": 2**24 - 1,
    "outliers": 2**16 - 1,
    "silent": 2**8 - 1,
    "refused": 2**16 - 1,
    "failed": 2**16 - 1,
}


@dataclass
class Roster:
    """A registry and the processors that were put on it."""

    world: World
    registry: Contract

    def add(self, organisation_name: str, **changes) -> int:
        """Register, certify, bond and beat a processor; the organisation is admitted if new."""
        operator = account(organisation_name)
        if self.world.consortium.organisationOf(operator) == 0:
            self.world.admit(organisation_name)
        name = f"roster {self.registry.processorCount() + 1}"
        digest = keccak(name.encode())
        signature = self.world.sign_registration(name, operator, digest, verifyingContract=self.registry.address)
        processor = self.registry.register(account(name), digest, hardware_of(name), signature, sender=operator).result
        declared = capability(self.world.chain.now + 86_400, **changes).to_chain()
        self.registry.declareCapability(processor, declared, "", sender=operator)
        self.registry.certify(processor, 1, sender=self.world.deployer)
        self.registry.setBonded(processor, True, sender=BONDS)
        self.beat(processor)
        return processor

    def beat(self, *processors: int) -> None:
        """Let *processors*, or all, beat."""
        for processor in processors or range(1, self.registry.processorCount() + 1):
            self.registry.heartbeat(processor, sender=self.registry.daemonOf(processor))

    def standing(self, processor: int) -> Standing:
        """Return a processor's hot record."""
        return Standing.from_chain(self.registry.standingOf(processor))

    def lease(self, seed=bytes(32), count=1, qubits=2, requester=0, tried=(), on_duty=()):
        """Draw as the allocator, in turn; returns processors."""
        asked = 1 << 16 | qubits << 24 | 1 << 40 | SHOTS << 72 | requester << 120
        return self.registry.appoint(seed, asked, count, 0, list(tried), list(on_duty), sender=ALLOCATOR).result

    def release(self, processors, fates, qubits=2):
        """Release as the allocator."""
        return self.registry.release(processors, fates, qubits, sender=ALLOCATOR)

    def reconsider(self, processor, was, fate):
        """Correct how an assignment ended, as the allocator."""
        return self.registry.reconsider(processor, was, fate, sender=ALLOCATOR)

    def set_counter(self, processor, counter, value):
        """Write a counter where the compiler keeps it."""
        layout = artifacts()["ProcessorRegistry"].storage_layout
        field = next(item for item in layout["storage"] if item["label"] == "_roster")
        members = layout["types"][field["type"]]["members"]
        mapping = next(item for item in members if item["label"] == "standings")
        struct = layout["types"][layout["types"][mapping["type"]]["value"]]
        member = next(item for item in struct["members"] if item["label"] == counter)
        key = processor.to_bytes(32, "big") + (int(field["slot"]) + int(mapping["slot"])).to_bytes(32, "big")
        slot = int.from_bytes(keccak(key), "big") + int(member["slot"])
        shift, chain = 8 * member["offset"], self.world.chain
        word = chain.storage(self.registry.address, slot)
        word = word & ~(COUNTER_MAXIMUM[counter] << shift) | value << shift
        chain.put_storage(self.registry.address, slot, word)
        assert getattr(self.standing(processor), counter) == value


def empty_roster(world, heartbeat_seconds):
    """Return a roster whose roles the deployer holds."""
    chain, deployer = world.chain, world.deployer
    registry = created_address(deployer, chain.nonce(deployer) + 1)
    trail = chain.deploy("AuditTrail", *[registry] * 7, [registry] * 6, sender=deployer)
    arguments = (
        world.authority.address,
        trail.address,
        world.consortium.address,
        ALLOCATOR,
        BONDS,
        RESERVATIONS,
        CERTIFICATIONS,
        world.hash_keys.address,
        heartbeat_seconds,
    )
    return Roster(world, chain.deploy("ProcessorRegistry", *arguments, sender=deployer))


@pytest.fixture
def roster(world):
    """An empty roster."""
    return empty_roster(world, HEARTBEAT_SECONDS)


@pytest.fixture
def patient_roster(world):
    """An empty roster on which nobody falls silent during a test, for those with many processors."""
    return empty_roster(world, 3_600)
