"""A small consortium, and the life of a computation in few words.

``World`` deploys the suite by the same plan as ``qcrs deploy``: six organisations, five of which
own one processor each that is bonded, certified and alive. ``Job`` submits a computation and plays
its processors, with histograms and digests from ``qcrs.rules``, as the daemons do.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_hash.auto import keccak

from qcrs.chain.deployment import (
    DISPUTE_RESOLUTION,
    ETHER,
    PROCESSOR_CERTIFICATION,
    QUANTUM_SECURITY,
    RESOURCE_ALLOCATION,
    VERIFICATION_STANDARDS,
    Deploy,
    SuiteSettings,
    plan,
)
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import VERDICTS
from qcrs.model.organisation import Priority
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Capability, Request, Standing
from qcrs.model.reservation import ReservationStatus
from qcrs.rules import commitment
from tests.evm import CHAIN_ID, Chain, Contract, Receipt, interfaces
from tests.job import MINIMUM_SHOTS, Job
from tests.purse import Purse

NOISE_CLASS = 1
QUBITS = 20
CIRCUIT = b"OPENQASM 3.0; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
MARKET = ("pricePerQubitShot", "commitSeconds", "discloseSeconds", "revealSeconds")
STANDARDS = ("challengeSeconds", "responseSeconds", "minimumBond", "slash")
NOBODY = "0x" + "00" * 20


def account(name: str) -> str:
    """Return the address of the person or daemon called *name*."""
    return Account.from_key(keccak(name.encode())).address.lower()


def hardware_of(daemon: str) -> bytes:
    """Return the digest of the device that the daemon called *daemon* serves."""
    return keccak(f"hardware of {daemon}".encode())


@dataclass(frozen=True)
class Node:
    """A registered processor and who stands behind it."""

    id: int
    organisation: int
    operator: str
    daemon: str


def capability(expires_at: int, **changes: Any) -> Capability:
    """Return a plausible capability of ``QUBITS`` qubits, with *changes*."""
    return replace_fields(
        Capability(
            qubits=QUBITS,
            quantum_volume_log2=5,
            noise_class=NOISE_CLASS,
            profile=1,
            two_qubit_error_ppm=9_000,
            readout_error_ppm=12_000,
            layer_fidelity_ppm=850_000,
            clops=3_000,
            measured_at=expires_at - 86_400,
            expires_at=expires_at,
            t1_nanoseconds=120_000,
            t2_nanoseconds=90_000,
            coupling_map_digest=keccak(b"coupling map"),
            calibration_digest=keccak(b"calibration"),
        ),
        **changes,
    )


def round_seconds(world: "World") -> int:
    """Return how long one commit-reveal round may take under the policy in force."""
    policy = world.policy
    return policy["commitSeconds"] + policy["discloseSeconds"] + policy["revealSeconds"]


def replace_fields(record: Any, **changes: Any) -> Any:
    """Return *record* with *changes*, without checking them: tests send nonsense too."""
    return record.model_copy(update=changes)


class World:
    """The suite on a fresh chain, its accounts and its processors."""

    deployer = account("deployer")
    committee = account("resource allocation committee")
    certifier = account("processor certification authority")
    security = account("quantum security working group")
    council = account("dispute resolution council")
    board = account("verification standards board")
    requester = account("requester")
    keeper = account("keeper")
    stranger = account("stranger")

    def __init__(
        self, chain: Chain | None = None, processors: int = 5, heartbeat_seconds: int = 30, **settings: Any
    ) -> None:
        self.chain = chain or Chain()
        self.holders: set[str] = {self.requester, self.keeper, self.stranger}
        bodies = (self.committee, self.certifier, self.security, self.council, self.board)
        for person in (self.deployer, *bodies, *self.holders):
            self.chain.fund(person, 1_000 * ETHER)
        self.settings = SuiteSettings(heartbeat_seconds=heartbeat_seconds, **self._rulers(), **settings)
        self.contracts: dict[str, Contract] = {}
        self._deploy()
        self.nodes: list[Node] = []
        self.requesters = self.admit("requester")
        for _ in range(processors):
            self.enrol()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what is done within, on the chain and in what is known here of it."""
        nodes, holders = list(self.nodes), set(self.holders)
        with self.chain.undone():
            yield
        self.nodes, self.holders = nodes, holders

    def _rulers(self) -> dict[str, Any]:
        """Return the settings that say who holds which role: here, plain accounts."""
        return {
            "roles": {
                RESOURCE_ALLOCATION: self.committee,
                PROCESSOR_CERTIFICATION: self.certifier,
                QUANTUM_SECURITY: self.security,
                DISPUTE_RESOLUTION: self.council,
                VERIFICATION_STANDARDS: self.board,
            }
        }

    def _deploy(self) -> None:
        for step in plan(self.deployer, self.chain.nonce(self.deployer), self.settings, interfaces()):
            if isinstance(step, Deploy):
                created = self.chain.deploy(step.contract, *step.arguments, sender=self.deployer)
                assert created.address == step.address.lower()
                self.contracts[step.contract] = created
            else:
                target = self.contracts[step.contract]
                self.chain.send(target, step.function, *step.arguments, sender=self.deployer)
        self.authority = self.contracts["Authority"]
        self.trail = self.contracts["AuditTrail"]
        self.consortium = self.contracts["Consortium"]
        self.hash_keys = self.contracts["HashKeys"]
        self.registry = self.contracts["ProcessorRegistry"]
        self.allocator = self.contracts["ComputationAllocator"]
        self.bonds = self.contracts["Bonds"]
        self.records = self.contracts["Records"]
        self.gold_rounds = self.contracts["GoldRounds"]
        self.verifier = self.contracts["ResultVerifier"]
        self.challenges = self.contracts["Challenges"]
        self.disputes = self.contracts["Disputes"]
        self.delivery = self.contracts["ResultDelivery"]
        self.relay = self.contracts["ReportRelay"]
        self.reservations = self.contracts["Reservations"]
        self.certifications = self.contracts["Certifications"]
        self.channels = self.contracts["Channels"]
        self.coordinator = self.contracts["EntanglementCoordinator"]

    # --- people and processors ---

    def admit(self, name: str, weight: int = 1) -> int:
        """Admit the organisation *name*, whose admin is the account of the same name."""
        return self.consortium.admit(name, account(name), weight, sender=self.certifier).result

    def register(self, operator: str, name: str, hardware: bytes | None = None) -> int:
        """Register a processor of *operator* with the daemon *name*, on a device of its own or on *hardware*."""
        digest, hardware = keccak(name.encode()), hardware or hardware_of(name)
        signature = self.sign_registration(name, operator, digest, hardware)
        return self.registry.register(account(name), digest, hardware, signature, sender=operator).result

    def sign_registration(
        self, daemon: str, operator: str, digest: bytes, hardware: bytes | None = None, **domain: Any
    ) -> bytes:
        """Return the registration signature of the daemon called *daemon*."""
        typed = self._registration(account(daemon), operator, digest, hardware or hardware_of(daemon), **domain)
        return bytes(Account.sign_message(typed, keccak(daemon.encode())).signature)

    def registration_digest(self, operator: str, daemon: str, digest: bytes, hardware: bytes) -> bytes:
        """Return the EIP-712 digest that a daemon signs to be registered."""
        typed = self._registration(daemon, operator, digest, hardware)
        return keccak(b"\x19" + typed.version + typed.header + typed.body)

    def _registration(
        self, daemon: str, operator: str, digest: bytes, hardware: bytes, **domain: Any
    ) -> SignableMessage:
        return encode_typed_data(
            domain_data={
                "name": "QCRS ProcessorRegistry",
                "version": "1",
                "chainId": CHAIN_ID,
                "verifyingContract": self.registry.address,
                **domain,
            },
            message_types={
                "ProcessorRegistration": [
                    {"name": "operator", "type": "address"},
                    {"name": "daemon", "type": "address"},
                    {"name": "identityDigest", "type": "bytes32"},
                    {"name": "hardwareDigest", "type": "bytes32"},
                ]
            },
            message_data={
                "operator": operator,
                "daemon": daemon,
                "identityDigest": digest,
                "hardwareDigest": hardware,
            },
        )

    def certify(self, processor: int, **changes: Any) -> int:
        """Declare and certify a capability; returns its version."""
        operator = self.registry.operatorOf(processor)
        declared = capability(self.chain.now + 365 * 86_400, **changes).to_chain()
        version = self.registry.declareCapability(processor, declared, "", sender=operator).result
        self.registry.certify(processor, version, sender=self.certifier)
        return version

    def bond(self, processor: int, wei: int | None = None) -> None:
        """Bond *processor* with the minimum, or with *wei*."""
        operator = self.registry.operatorOf(processor)
        wei = self.policy["minimumBond"] if wei is None else wei
        self.bonds.bond(processor, sender=operator, value=wei)

    def enrol(self, organisation: int | None = None, **changes: Any) -> Node:
        """Add a processor that can be drawn, of a new organisation or of *organisation*."""
        number = len(self.nodes) + 1
        if organisation is None:
            operator = account(f"operator {number}")
            organisation = self.admit(f"operator {number}")
        else:
            operator = self.consortium.organisations(organisation)["admin"]
        self.holders.add(operator)
        self.chain.fund(operator, 1_000 * ETHER)
        processor = self.register(operator, f"daemon {number}")
        self.certify(processor, **changes)
        self.bond(processor)
        node = Node(processor, organisation, operator, account(f"daemon {number}"))
        self.nodes.append(node)
        self.beat(node)
        return node

    def enrol_until(self, count: int) -> None:
        """Make the number of processors *count*."""
        while len(self.nodes) < count:
            self.enrol()

    def beat(self, *nodes: Node) -> None:
        """Let *nodes*, or all, say that they are alive."""
        for node in nodes or self.nodes:
            self.registry.heartbeat(node.id, sender=node.daemon)

    def node(self, processor: int) -> Node:
        """Return the node of a processor id."""
        return next(node for node in self.nodes if node.id == processor)

    # --- what the contracts know ---

    @property
    def policy(self) -> dict[str, int]:
        """The policy in force."""
        return self.allocator.policy()

    @property
    def bounty(self) -> int:
        """The keeper's bounty in wei."""
        return self.settings.keeper_bounty

    def set_policy(self, policy: Mapping[str, int]) -> Receipt:
        """Put *policy*, by Solidity's names, into force: each body sets what differs of its own."""
        present, receipt = self.policy, None
        for function, body, names in (("setMarket", self.committee, MARKET), ("setStandards", self.board, STANDARDS)):
            if any(policy[name] != present[name] for name in names):
                values = [policy[name] for name in names]
                receipt = getattr(self.allocator, function)(*values, sender=body)
        assert receipt is not None, "the policy is in force already"
        return receipt

    def standing(self, processor: int) -> Standing:
        """Return a processor's hot record."""
        return Standing.from_chain(self.registry.standingOf(processor))

    def status(self, processor: int) -> ProcessorStatus:
        """Return a processor's status."""
        return self.standing(processor).status

    def available(self, holder: str) -> int:
        """Return the free money of *holder* in wei."""
        return self.allocator.balanceOf(holder)[0]

    def locked(self, holder: str) -> int:
        """Return the locked money of *holder* in wei."""
        return self.allocator.balanceOf(holder)[1]

    def purse(self, *holders: str) -> Purse:
        """Remember what *holders*, the treasury under ``treasury``, own now."""
        return Purse(self, holders or tuple(sorted(self.holders)))

    def estate(self, *holders: str) -> Purse:
        """Remember what *holders* own now, the bonds of their processors included."""
        return Purse(self, holders or tuple(sorted(self.holders)), with_bonds=True)

    def require_balanced(self) -> None:
        """Check that the books match the contract's coin, and what is locked has a reason."""
        accounts = [self.allocator.balanceOf(holder) for holder in sorted(self.holders)]
        booked = sum(available + locked for available, locked in accounts) + self.allocator.treasury()
        records = [self.records.computationOf(id_) for id_ in range(1, self.allocator.computationCount() + 1)]
        for noise_class in {record["noiseClass"] for record in records}:
            booked += self.bounty * self.allocator.queueOf(noise_class)[1]
        assert booked == self.chain.balance(self.allocator.address)
        bonds = sum(self.bonds.bondOf(node.id) for node in self.nodes)
        assert bonds == self.chain.balance(self.bonds.address)
        held = [self.reservations.reservationOf(id_)[0] for id_ in range(1, self.reservations.reservationCount() + 1)]
        assert sum(r["escrow"] for r in held) == self.chain.balance(self.reservations.address)
        escrows = sum(record["escrow"] for record in records if record["status"] not in VERDICTS)
        assert sum(locked for _, locked in accounts) == escrows

    def require_leases(self) -> None:
        """Check that each processor's leased qubits are those of its assignments on duty and of its reservations."""
        leased = dict.fromkeys((node.id for node in self.nodes), 0)
        for id_ in range(1, self.allocator.computationCount() + 1):
            qubits = self.records.computationOf(id_)["qubits"]
            for a in self.records.assignmentsOf(id_):
                if a["status"] in (
                    AssignmentStatus.Assigned,
                    AssignmentStatus.Committed,
                    AssignmentStatus.Revealed,
                ):
                    leased[a["processor"]] += qubits
        for id_ in range(1, self.reservations.reservationCount() + 1):
            reservation, processors = self.reservations.reservationOf(id_)
            if reservation["status"] == ReservationStatus.Active:
                for processor in processors:
                    leased[processor] += reservation["qubits"]
        assert leased == {node.id: self.standing(node.id).leased_qubits for node in self.nodes}

    # --- computations ---

    def request(self, **changes: Any) -> Request:
        """Return a sound request, with *changes*; it escalates only if they say so."""
        changes.setdefault("replica_cap", changes.get("replicas", 3))
        return replace_fields(
            Request(
                circuit_digest=keccak(CIRCUIT),
                secret_commitment=commitment.of_secret(Job.secrets[0]),
                deadline_at=self.chain.now + 3_600,
                shots=MINIMUM_SHOTS,
                replicas=3,
                noise_class=NOISE_CLASS,
                qubits=2,
                outcome_bits=2,
                replica_cap=3,
                gold=False,
                trust=0,
                priority=Priority.Routine,
                depth_class=1,
                profile=1,
                quantum_volume_log2=0,
                two_qubit_error_ppm=0,
                price=self.settings.policy.price_per_qubit_shot,
                max_fee=2**96 - 1,
                payload=CIRCUIT,
            ),
            **changes,
        )

    def quote(self, request: Request) -> int:
        """Return what *request* costs at most."""
        r = request
        return self.allocator.quote(r.price, r.qubits, r.shots, r.replicas, r.replica_cap)

    def submit(self, requester: str | None = None, **changes: Any) -> "Job":
        """Submit a computation, sending exactly its quote."""
        request = self.request(**changes)
        requester = requester or self.requester
        fee = self.quote(request)
        receipt = self.allocator.submit(request.to_chain(), sender=requester, value=fee)
        return Job(self, receipt.result, request)
