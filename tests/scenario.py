"""A small consortium, and the life of a computation in few words.

``World`` deploys the suite by the same plan as ``qcrs deploy``: six organisations, five of which
own one processor each that is bonded, certified and alive. ``Job`` submits a computation and plays
its processors, with histograms and digests from ``qcrs.rules``, as the daemons do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from qcrs.chain.deployment import (
    ETHER,
    PROCESSOR_CERTIFICATION,
    QUANTUM_SECURITY,
    RESOURCE_ALLOCATION,
    Deploy,
    SuiteSettings,
    plan,
)
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Assignment, Capability, Computation, Request, Standing
from qcrs.rules import commitment, count_sketch, histogram
from qcrs.rules.audit_trail import leaf_of
from tests.evm import CHAIN_ID, Chain, Contract, Receipt, interfaces

NOISE_CLASS = 1
QUBITS = 20
MINIMUM_SHOTS = 4096
CIRCUIT = b"OPENQASM 3.0; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
NOBODY = "0x" + "00" * 20

Counts = Mapping[int, int]


def account(name: str) -> str:
    """Return the address of the person or daemon called *name*."""
    return Account.from_key(keccak(name.encode())).address.lower()


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


def trail_leaves(chain: Chain) -> list[bytes]:
    """Return the leaves of all audit entries so far, from their events."""
    return [
        leaf_of(e["index"], Decision(e["decision"]), e["subject"], e["recorder"], e["digest"])
        for e in chain.log
        if e.name == "EntryAppended"
    ]


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
    requester = account("requester")
    keeper = account("keeper")
    stranger = account("stranger")

    def __init__(self) -> None:
        self.chain = Chain()
        self.holders: set[str] = {self.requester, self.keeper, self.stranger}
        for person in (self.deployer, self.committee, self.certifier, self.security, *self.holders):
            self.chain.fund(person, 1_000 * ETHER)
        self.settings = SuiteSettings(
            roles={
                RESOURCE_ALLOCATION: self.committee,
                PROCESSOR_CERTIFICATION: self.certifier,
                QUANTUM_SECURITY: self.security,
            }
        )
        self.contracts: dict[str, Contract] = {}
        self._deploy()
        self.nodes: list[Node] = []
        self.requesters = self.admit("requester")
        for _ in range(5):
            self.enrol()

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
        self.registry = self.contracts["ProcessorRegistry"]
        self.allocator = self.contracts["ComputationAllocator"]
        self.verifier = self.contracts["ResultVerifier"]

    # --- people and processors ---

    def admit(self, name: str, weight: int = 1) -> int:
        """Admit the organisation *name*, whose admin is the account of the same name."""
        return self.consortium.admit(name, account(name), weight, sender=self.certifier).result

    def register(self, operator: str, name: str) -> int:
        """Register a processor of *operator* whose daemon is the account *name*."""
        digest = keccak(name.encode())
        signature = self.sign_registration(name, operator, digest)
        return self.registry.register(account(name), digest, signature, sender=operator).result

    def sign_registration(self, daemon: str, operator: str, digest: bytes, **domain: Any) -> bytes:
        """Return the registration signature of the daemon called *daemon*."""
        typed = encode_typed_data(
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
                ]
            },
            message_data={
                "operator": operator,
                "daemon": account(daemon),
                "identityDigest": digest,
            },
        )
        return bytes(Account.sign_message(typed, keccak(daemon.encode())).signature)

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
        self.allocator.bond(processor, wei, sender=operator, value=wei)

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

    def purse(self, *holders: str) -> "Purse":
        """Remember what *holders*, the treasury under ``treasury``, own now."""
        return Purse(self, holders or tuple(sorted(self.holders)))

    def require_balanced(self) -> None:
        """Check that the books match the contract's coin, and what is locked has a reason."""
        accounts = [self.allocator.balanceOf(holder) for holder in sorted(self.holders)]
        booked = sum(available + locked for available, locked in accounts) + self.allocator.treasury()
        assert booked == self.chain.balance(self.allocator.address)
        bonds = sum(self.allocator.bondOf(node.id) for node in self.nodes)
        count = self.allocator.computationCount()
        escrows = sum(self.allocator.computationOf(id_)["escrow"] for id_ in range(1, count + 1))
        assert sum(locked for _, locked in accounts) == bonds + escrows

    def require_leases(self) -> None:
        """Check that each processor's leased qubits are those of its assignments on duty."""
        leased = dict.fromkeys((node.id for node in self.nodes), 0)
        for id_ in range(1, self.allocator.computationCount() + 1):
            qubits = self.allocator.computationOf(id_)["qubits"]
            for a in self.allocator.assignmentsOf(id_):
                if a["status"] in (
                    AssignmentStatus.Assigned,
                    AssignmentStatus.Committed,
                    AssignmentStatus.Revealed,
                ):
                    leased[a["processor"]] += qubits
        assert leased == {node.id: self.standing(node.id).leased_qubits for node in self.nodes}

    # --- computations ---

    def request(self, **changes: Any) -> Request:
        """Return a sound request, with *changes*."""
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
                max_fee=2**96 - 1,
                payload=CIRCUIT,
                payload_uri="",
            ),
            **changes,
        )

    def submit(self, requester: str | None = None, **changes: Any) -> "Job":
        """Submit a computation, sending exactly its quote."""
        request = self.request(**changes)
        requester = requester or self.requester
        fee = self.allocator.quote(request.qubits, request.shots, request.replicas)
        receipt = self.allocator.submit(request.to_chain(), sender=requester, value=fee)
        return Job(self, receipt.result, request)


class Purse:
    """What holders owned at one moment, to ask later by how much they grew."""

    def __init__(self, world: World, holders: Sequence[str]) -> None:
        self._world, self._holders = world, holders
        self._before = self._owned()

    def gains(self) -> dict[str, int]:
        """Return by how many wei each holder and ``treasury`` changed; zeros left out."""
        return {key: wei - self._before[key] for key, wei in self._owned().items() if wei != self._before[key]}

    def _owned(self) -> dict[str, int]:
        owned = {holder: sum(self._world.allocator.balanceOf(holder)) for holder in self._holders}
        return owned | {"treasury": self._world.allocator.treasury()}


def honest(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return what an honest replica measures of a GHZ state: like the others, never equal."""
    zeros = shots // 2 + 7 * index
    return {0: zeros, (1 << outcome_bits) - 1: shots - zeros}


def rogue(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return a wrong but peaked answer that agrees with no other."""
    outcome = 1 + index % ((1 << outcome_bits) - 2)
    return {outcome: shots}


def noise(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return counts that noise alone gives: the same for each outcome, give or take *index*."""
    outcomes = 1 << outcome_bits
    counts = dict.fromkeys(range(outcomes), shots // outcomes)
    counts[0] += index + shots % outcomes
    counts[1] -= index
    return counts


@dataclass
class Job:
    """One computation and its processors' answers."""

    world: World
    id: int
    request: Request
    counts: dict[int, Counts] = field(default_factory=dict)

    secrets = commitment.secret_chain(keccak(b"last secret")[:24], 3)

    @property
    def record(self) -> Computation:
        """The computation's record."""
        return Computation.from_chain(self.world.allocator.computationOf(self.id))

    @property
    def status(self) -> ComputationStatus:
        """Where the computation stands."""
        return self.record.status

    @property
    def assignments(self) -> list[Assignment]:
        """The assignments, in order."""
        return [Assignment.from_chain(a) for a in self.world.allocator.assignmentsOf(self.id)]

    @property
    def fates(self) -> list[AssignmentStatus]:
        """The assignments' statuses, in order."""
        return [a.status for a in self.assignments]

    @property
    def fee(self) -> int:
        """What was locked at submission."""
        return self.world.allocator.quote(self.request.qubits, self.request.shots, self.request.replicas)

    @property
    def pay(self) -> int:
        """Wei that each paid replica earns."""
        return (self.fee - 2 * self.world.bounty) // self.request.replicas

    def indices(self, *statuses: AssignmentStatus) -> list[int]:
        """Return the assignments that are in one of *statuses*."""
        return [index for index, fate in enumerate(self.fates) if fate in statuses]

    def node(self, index: int) -> Node:
        """Return the node behind assignment *index*."""
        return self.world.node(self.world.allocator.dutyOf(self.id, index)[1]["processor"])

    def operator(self, index: int) -> str:
        """Return the operator behind assignment *index*."""
        return self.node(index).operator

    # --- steps ---

    def allocate(self) -> "Job":
        """Let all processors beat, then draw."""
        self.world.beat()
        self.world.allocator.allocate(self.id, sender=self.world.keeper)
        return self

    def salt(self, index: int) -> bytes:
        """Return the salt of assignment *index*."""
        return keccak(b"salt" + self.id.to_bytes(8, "big") + bytes([index]))

    def root(self, index: int) -> bytes:
        """Return the counts root of assignment *index*."""
        return histogram.counts_root(self.counts[index])

    def commitment(self, index: int) -> bytes:
        """Return what assignment *index* commits to."""
        return commitment.of_result(
            CHAIN_ID,
            self.world.verifier.address,
            self.id,
            self.record.attempt,
            self.node(index).id,
            self.root(index),
            self.salt(index),
        )

    def sketch(self, index: int) -> list[int]:
        """Return the wire sketch of assignment *index* under the running seed."""
        seed = self.world.allocator.seedOf(self.id)
        return count_sketch.sketch_of(self.counts[index], self.request.outcome_bits, seed)

    def commit(self, index: int, counts: Counts | None = None) -> Receipt:
        """Let assignment *index* commit to *counts*, an honest answer unless told otherwise."""
        self.counts[index] = counts or honest(index, self.request.outcome_bits, self.request.shots)
        return self.world.verifier.commit(self.id, index, self.commitment(index), sender=self.node(index).daemon)

    def commit_all(self, answers: Mapping[int, Counts] | None = None) -> "Job":
        """Let all who still owe a commit do so."""
        for index in self.indices(AssignmentStatus.Assigned):
            self.commit(index, (answers or {}).get(index))
        return self

    def refuse(self, index: int, code: int = 1) -> Receipt:
        """Let assignment *index* refuse."""
        return self.world.verifier.refuse(self.id, index, code, sender=self.node(index).daemon)

    def disclose(self) -> "Job":
        """Let the requester disclose the running round's secret."""
        secret = self.secrets[self.record.attempt - 1]
        self.world.verifier.disclose(self.id, secret, sender=self.request_account)
        return self

    def reveal(self, index: int) -> Receipt:
        """Let assignment *index* reveal what it committed to."""
        return self.world.verifier.reveal(
            self.id,
            index,
            self.root(index),
            self.salt(index),
            self.sketch(index),
            sender=self.node(index).daemon,
        )

    def reveal_all(self, *but: int) -> "Job":
        """Let all who have committed reveal, *but* some."""
        for index in self.indices(AssignmentStatus.Committed):
            if index not in but:
                self.reveal(index)
        return self

    def settlement(self) -> tuple[list[bytes], list[bytes], list[int]]:
        """Return the roots, salts and sketches of all that revealed."""
        indices = self.indices(AssignmentStatus.Revealed)
        sketches = [word for index in indices for word in self.sketch(index)]
        return [self.root(i) for i in indices], [self.salt(i) for i in indices], sketches

    def settle(self) -> Receipt:
        """Let the keeper settle."""
        return self.world.verifier.settle(self.id, *self.settlement(), sender=self.world.keeper)

    @property
    def request_account(self) -> str:
        """The requester."""
        return self.record.requester

    def end_phase(self) -> "Job":
        """Let the running phase's deadline pass."""
        self.world.chain.warp(self.record.phase_ends_at + 1)
        return self

    def to_revealing(self, answers: Mapping[int, Counts] | None = None) -> "Job":
        """Bring a queued computation to where reveals are due."""
        return self.allocate().commit_all(answers).disclose()

    def to_settled(self, answers: Mapping[int, Counts] | None = None) -> Receipt:
        """Bring a queued computation to its verdict."""
        return self.to_revealing(answers).reveal_all().settle()
