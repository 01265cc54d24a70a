"""How the suite comes onto a chain: one plan, whoever carries it out.

Every contract's address follows from the deployer and its nonce, so the whole plan, with the circular references
between contracts, is known before the first transaction. ``qcrs deploy``, the Brownie script and the tests each walk
the same steps with their own means.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import rlp
from eth_hash.auto import keccak
from eth_utils import to_checksum_address

from qcrs.chain.codec import CONTRACTS, Interface
from qcrs.chain.governance import Governance
from qcrs.model.motion import BODIES, CONSTITUTION
from qcrs.model.records import CertificationTerms, Policy
from qcrs.rules.commitment import BEACON_BYTES

ORDER = CONTRACTS

RESOURCE_ALLOCATION = 1
PROCESSOR_CERTIFICATION = 2
QUANTUM_SECURITY = 3
DISPUTE_RESOLUTION = 4
VERIFICATION_STANDARDS = 5

# Contracts that append to the audit trail, in the order of its constructor; the bodies do as well.
RECORDERS = (
    "Consortium",
    "ProcessorRegistry",
    "ComputationAllocator",
    "Disputes",
    "Reservations",
    "Channels",
    "EntanglementCoordinator",
)

# Of AccessManager: whoever has it sets roles and the functions that belong to them.
ADMINISTRATION = 0

# Which body holds which role where there are bodies.
HOLDERS: Mapping[int, str] = {
    RESOURCE_ALLOCATION: "QuantumResourceAllocationCommittee",
    PROCESSOR_CERTIFICATION: "ProcessorCertificationAuthority",
    QUANTUM_SECURITY: "QuantumSecurityWorkingGroup",
    DISPUTE_RESOLUTION: "DisputeResolutionCouncil",
    VERIFICATION_STANDARDS: "VerificationStandardsBoard",
}
NOBODY = "0x" + "00" * 20

# Which role may call which privileged function.
PRIVILEGES: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    RESOURCE_ALLOCATION: {
        "Consortium": ("setWeight", "grantQuota"),
        "ComputationAllocator": ("setMarket", "disburse"),
    },
    PROCESSOR_CERTIFICATION: {
        "Consortium": ("admit", "expel"),
        "HashKeys": ("proposeRecovery",),
        "ProcessorRegistry": ("certify",),
        "Certifications": ("setTerms",),
    },
    QUANTUM_SECURITY: {
        "ProcessorRegistry": ("suspend", "requireHashKeys"),
        "ComputationAllocator": ("pause", "resume"),
    },
    DISPUTE_RESOLUTION: {"Disputes": ("rule",)},
    VERIFICATION_STANDARDS: {"ComputationAllocator": ("setStandards",)},
}

GWEI = 10**9
ETHER = 10**18
DEFAULT_POLICY = Policy(
    price_per_qubit_shot=10 * GWEI,
    commit_seconds=120,
    disclose_seconds=60,
    reveal_seconds=60,
    challenge_seconds=3600,
    response_seconds=300,
    minimum_bond=ETHER // 2,
    slash=ETHER // 10,
)
DEFAULT_CERTIFICATION_TERMS = CertificationTerms(
    fee=ETHER // 500,
    stake=ETHER // 10,
    deposit=ETHER // 10,
    window_seconds=120,
    answer_seconds=600,
    valid_seconds=30 * 86_400,
    cadence_seconds=86_400,
    surprise_ppm=50_000,
    tolerance_ppm=20_000,
    drift_ppm=500_000,
)


@dataclass(frozen=True)
class SuiteSettings:
    """What a deployment decides.

    Attributes:
        roles: Account that holds each role, for devnets and tests; empty with *governance*.
        governance: The bodies that hold the roles, and the Constitution over them, which ends the deployer's powers.
        policy: First prices, windows and bonds.
        keeper_bounty: Wei for whoever enforces a deadline or settles.
        heartbeat_seconds: Longest time between a processor's heartbeats.
        genesis_entropy: First value of the beacon, 24 bytes.
        certification_terms: First prices, windows and shares of benchmarks.
    """

    roles: Mapping[int, str] = field(default_factory=dict)
    policy: Policy = DEFAULT_POLICY
    governance: Governance | None = None
    keeper_bounty: int = ETHER // 1000
    heartbeat_seconds: int = 30
    genesis_entropy: bytes = field(default=keccak(b"QCRS genesis")[:BEACON_BYTES])
    certification_terms: CertificationTerms = DEFAULT_CERTIFICATION_TERMS


@dataclass(frozen=True)
class Deploy:
    """Create *contract* with *arguments*; it will have *address*."""

    contract: str
    arguments: tuple
    address: str


@dataclass(frozen=True)
class Invoke:
    """Call *function* of *contract* with *arguments*."""

    contract: str
    function: str
    arguments: tuple


def created_address(deployer: str, nonce: int) -> str:
    """Return the address of the contract that *deployer* creates with *nonce* (the EVM's CREATE rule)."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(deployer[2:]), nonce]))[12:])


def addresses_of(deployer: str, nonce: int, settings: SuiteSettings | None = None) -> dict[str, str]:
    """Return the suite's addresses when *deployer* starts the plan at *nonce*, with the bodies that *settings* have."""
    names = (*ORDER, *(BODIES if settings is not None and settings.governance else ()))
    return {name: created_address(deployer, nonce + offset) for offset, name in enumerate(names)}


def plan(
    deployer: str, nonce: int, settings: SuiteSettings, interfaces: Mapping[str, Interface]
) -> Iterator[Deploy | Invoke]:
    """Yield the steps, to be carried out by *deployer* alone, in order, from *nonce* on.

    Raises:
        GovernanceInvalid: The bodies cannot be founded so; nothing was yielded.
    """
    at, governance = addresses_of(deployer, nonce, settings), settings.governance
    policy = settings.policy.to_chain()
    wiring = (
        at["Authority"],
        at["AuditTrail"],
        at["Consortium"],
        at["ProcessorRegistry"],
        at["Bonds"],
        at["ResultVerifier"],
        at["Challenges"],
        at["Disputes"],
    )
    recorders = (
        *(at[name] for name in RECORDERS),
        tuple(at.get(body, NOBODY) for body in BODIES),
    )
    arguments = {
        "Authority": (deployer,),
        "AuditTrail": recorders,
        "Consortium": (at["Authority"], at["AuditTrail"], at["ComputationAllocator"], at["HashKeys"]),
        "HashKeys": (at["Authority"], [] if governance is None else governance.founders()),
        "ProcessorRegistry": (
            at["Authority"],
            at["AuditTrail"],
            at["Consortium"],
            at["ComputationAllocator"],
            at["Bonds"],
            at["Reservations"],
            at["Certifications"],
            at["HashKeys"],
            settings.heartbeat_seconds,
        ),
        "Bonds": (at["ComputationAllocator"], at["ProcessorRegistry"], at["Challenges"], at["Disputes"]),
        "Approval": (),
        "Regulation": (),
        "Waiting": (),
        "Recovery": (),
        "ComputationAllocator": (wiring, settings.keeper_bounty, settings.genesis_entropy, policy),
        "Records": (at["ComputationAllocator"],),
        "GoldRounds": (at["ComputationAllocator"], at["Disputes"]),
        "ResultVerifier": (at["ComputationAllocator"], at["GoldRounds"], at["ReportRelay"]),
        "Challenges": (at["AuditTrail"], at["ComputationAllocator"]),
        "Disputes": (at["Authority"], at["AuditTrail"], at["ComputationAllocator"], at["GoldRounds"]),
        "ResultDelivery": (at["ComputationAllocator"], at["Bonds"]),
        "ReportRelay": (at["ResultVerifier"], at["ComputationAllocator"], at["ProcessorRegistry"]),
        "Reservations": (at["AuditTrail"], at["Consortium"], at["ComputationAllocator"]),
        "Certifications": (
            at["Authority"],
            at["ComputationAllocator"],
            at["GoldRounds"],
            settings.certification_terms.to_chain(),
        ),
        "Channels": (
            at["AuditTrail"],
            at["Consortium"],
            at["ComputationAllocator"],
            at["EntanglementCoordinator"],
        ),
        "EntanglementCoordinator": (
            at["AuditTrail"],
            at["Consortium"],
            at["ComputationAllocator"],
            at["Channels"],
        ),
    }
    for name in ORDER:
        yield Deploy(name, arguments[name], at[name])
    if governance is not None:
        for body, founding in governance.foundations(at, settings.policy, interfaces):
            yield Deploy(body, founding, at[body])
    for role, targets in PRIVILEGES.items():
        for contract, functions in targets.items():
            selectors = [interfaces[contract].selector(function) for function in functions]
            yield Invoke("Authority", "setTargetFunctionRole", (at[contract], selectors, role))
        holder = settings.roles[role] if governance is None else at[HOLDERS[role]]
        yield Invoke("Authority", "grantRole", (role, holder, 0))
    if governance is not None:
        # From here on the deployer is an account like any other.
        yield Invoke("Authority", "grantRole", (ADMINISTRATION, at[CONSTITUTION], 0))
        yield Invoke("Authority", "renounceRole", (ADMINISTRATION, deployer))
