"""The life of a certification in few words: a pool of certifiers, their salts, and what they say.

``Trials`` enlists the processors of a ``World``; ``Trial`` is one certification and plays its daemons, with the digests
of ``qcrs.rules.certifying``.
"""

from dataclasses import dataclass, field
from typing import Any

from qcrs.model.certification import CertificationStatus
from qcrs.model.records import Capability, Certification, Certifier, Measured
from qcrs.rules import certifying
from qcrs.rules.digest import keccak
from tests.evm import CHAIN_ID, Receipt
from tests.scenario import NOISE_CLASS, QUBITS, Node, World, account, capability

DAY = 86_400
CHAIN = 16
GOOD = Measured(
    qubits=QUBITS,
    quantum_volume_log2=5,
    noise_class=NOISE_CLASS,
    two_qubit_error_ppm=11_000,
    readout_error_ppm=14_000,
    layer_fidelity_ppm=840_000,
    t1_nanoseconds=110_000,
    t2_nanoseconds=80_000,
    circuits=200,
    shots=40_000,
    heavy_outputs=31_000,
    mirror_ppm=900_000,
)


def report_of(measured: Measured) -> bytes:
    """Return a digest that stands for a certifier's evidence."""
    return keccak(repr(measured).encode())


@dataclass
class Trials:
    """The contract of certifications and its certifiers.

    Attributes:
        roots: Secret of each certifier's chain of salts, by processor.
    """

    world: World
    roots: dict[int, bytes] = field(default_factory=dict)

    @property
    def contract(self):
        return self.world.certifications

    @property
    def terms(self) -> dict[str, int]:
        return self.contract.terms()

    def enlist(self, *nodes: Node) -> None:
        """Put *nodes* into the pool."""
        for node in nodes:
            root = self.roots.setdefault(node.id, keccak(f"salts of {node.id}".encode()))
            tip = certifying.chain_of(root, CHAIN)[-1]
            self.contract.enlist(node.id, tip, sender=node.operator, value=self.terms["stake"])

    def applicant(self, name: str = "applicant", bonded: bool = True, **changes: Any) -> tuple[Node, int]:
        """Return a processor of a new organisation with a claim, not certified, and the claim's version."""
        organisation = self.world.admit(name)
        operator = account(name)
        self.world.chain.fund(operator, 1_000 * 10**18)
        self.world.holders.add(operator)
        processor = self.world.register(operator, f"{name} daemon")
        node = Node(processor, organisation, operator, account(f"{name} daemon"))
        self.world.nodes.append(node)
        if bonded:
            self.world.bond(processor)
        return node, self.claim(node, **changes)

    def claim(self, node: Node, **changes: Any) -> int:
        """Declare a capability of *node*; return its version."""
        expires_at = changes.pop("expires_at", self.world.chain.now + 365 * DAY)
        declared = capability(expires_at, **changes).to_chain()
        return self.world.registry.declareCapability(node.id, declared, "", sender=node.operator).result

    def request(self, node: Node, version: int) -> "Trial":
        """Have *node* benchmarked for a version."""
        price = self.contract.requestPriceOf(node.id)
        receipt = self.contract.request(node.id, version, sender=node.operator, value=price)
        return Trial(self, receipt.result, node)

    def surprise(self, node: Node, by: str | None = None, value: int = 0) -> "Trial":
        """Have *node* benchmarked that the running epoch draws."""
        by = by or self.world.keeper
        return Trial(self, self.contract.surprise(node.id, sender=by, value=value).result, node)

    def held(self) -> int:
        """Return the wei that the contract owes."""
        count = self.contract.certificationCount()
        escrows = sum(self.contract.certificationOf(id_)[0]["escrow"] for id_ in range(1, count + 1))
        reserves = sum(self.contract.reserveOf(node.id) for node in self.world.nodes)
        stakes = sum(self.contract.certifierOf(id_)["stake"] for id_ in self.contract.certifiers())
        return escrows + reserves + stakes

    def require_balanced(self) -> None:
        """Check that the contract's coin is what it owes, and that nobody sits on nothing."""
        assert self.held() == self.world.chain.balance(self.contract.address)
        seated = set()
        for id_ in range(1, self.contract.certificationCount() + 1):
            record, seats = self.contract.certificationOf(id_)
            if CertificationStatus.Convened <= record["status"] <= CertificationStatus.Scoring:
                seated |= set(seats)
        busy = {id_ for id_ in self.contract.certifiers() if self.contract.certifierOf(id_)["busy"]}
        assert busy == seated


@dataclass
class Trial:
    """One certification."""

    trials: Trials
    id: int
    node: Node

    @property
    def contract(self):
        return self.trials.contract

    @property
    def world(self) -> World:
        return self.trials.world

    @property
    def record(self) -> Certification:
        return Certification.from_chain(self.contract.certificationOf(self.id)[0])

    @property
    def status(self) -> CertificationStatus:
        return self.record.status

    @property
    def seats(self) -> list[Node]:
        """Who sits, in order."""
        return [self.world.node(id_) for id_ in self.contract.certificationOf(self.id)[1]]

    @property
    def claim(self) -> Capability:
        return Capability.from_chain(self.world.registry.capabilityOf(self.node.id, self.record.version))

    def certifier(self, seat: int) -> Certifier:
        """Return what the pool knows of who sits at *seat*."""
        return Certifier.from_chain(self.contract.certifierOf(self.seats[seat].id))

    def wait(self) -> "Trial":
        """Let the phase's deadline pass."""
        self.world.chain.warp(max(self.world.chain.now, self.record.deadline_at + 1))
        return self

    def convene(self, by: str | None = None) -> "Trial":
        """Draw the certifiers, when that needs no turn of the beacon any more."""
        self.wait()
        self.contract.convene(self.id, sender=by or self.world.keeper)
        return self

    def salt(self, seat: int) -> bytes:
        """Return the salt that is next at *seat*."""
        root = self.trials.roots[self.seats[seat].id]
        salt = certifying.next_salt(root, self.certifier(seat).tip, CHAIN)
        assert salt is not None
        return salt

    def reveal_salt(self, seat: int, salt: bytes | None = None) -> Receipt:
        """Open the salt of *seat*."""
        return self.contract.revealSalt(self.id, seat, salt or self.salt(seat), sender=self.seats[seat].daemon)

    def challenge(self) -> "Trial":
        """Draw, and open all salts."""
        if self.status is CertificationStatus.Requested:
            self.convene()
        for seat in range(3):
            self.reveal_salt(seat)
        return self

    def answer(self, digest: bytes = keccak(b"counts"), by: str | None = None) -> Receipt:
        """Commit to counts."""
        return self.contract.answer(self.id, digest, sender=by or self.node.daemon)

    def commitment(self, seat: int, measured: Measured) -> bytes:
        """Return what *seat* commits to."""
        return certifying.commitment_of(
            CHAIN_ID, self.contract.address, self.id, self.record.round, self.seats[seat].id,
            measured, report_of(measured), keccak(b"salt %d" % seat),
        )  # fmt: skip

    def commit(self, seat: int, measured: Measured = GOOD) -> Receipt:
        """Commit to scores."""
        return self.contract.commitScores(
            self.id, seat, self.commitment(seat, measured), sender=self.seats[seat].daemon
        )

    def reveal(self, seat: int, measured: Measured = GOOD, salt: bytes | None = None) -> Receipt:
        """Open scores."""
        salt = salt or keccak(b"salt %d" % seat)
        return self.contract.revealScores(
            self.id, seat, measured.to_chain(), report_of(measured), salt, sender=self.seats[seat].daemon
        )

    def to_scoring(self, *scores: Measured) -> "Trial":
        """Bring it to where *scores*, one a seat, or good ones, are to be revealed."""
        if self.status < CertificationStatus.Challenged:
            self.challenge()
        self.answer()
        for seat, measured in enumerate(scores or (GOOD,) * 3):
            self.commit(seat, measured)
        return self

    def finish(self, *scores: Measured) -> Receipt:
        """Bring it to the decision; return the last reveal."""
        scores = scores or (GOOD,) * 3
        self.to_scoring(*scores)
        receipts = [self.reveal(seat, measured) for seat, measured in enumerate(scores)]
        return receipts[-1]

    def enforce(self, by: str | None = None) -> Receipt:
        """End a phase that is overdue."""
        return self.contract.enforce(self.id, sender=by or self.world.keeper)
