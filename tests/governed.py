"""A consortium whose roles are held by committees, and what their members do.

``GovernedWorld`` deploys the suite by the same plan as ``World``, with the five committees and the Constitution in the
place of accounts. Members act through ``TestDoor``, which asks for no signature; that the door of hash keys does is
tested with it.
"""

from dataclasses import dataclass
from typing import Any

from qcrs.chain.governance import Body, Governance, Tempo
from qcrs.model.motion import BODIES, COMMITTEES, CONSTITUTION, MotionStatus
from qcrs.rules.digest import keccak
from tests.evm import Chain, Contract, Receipt
from tests.scenario import ETHER, World, account, capability

DAY = 86_400
TEMPO = Tempo(voting_seconds=3 * DAY, delay_seconds=40 * DAY, execution_seconds=14 * DAY)
REASON, URI = keccak(b"because"), "ipfs://because"
SIZE, QUORUM = 5, 3

ALLOCATION, CERTIFICATION, SECURITY, STANDARDS, COUNCIL = COMMITTEES


def members_of(body: str, size: int = SIZE) -> tuple[str, ...]:
    """Return the first members of a committee."""
    return tuple(account(f"{body} {seat}") for seat in range(size))


@dataclass(frozen=True)
class Call:
    """What a motion is about."""

    target: str
    data: bytes


class GovernedWorld(World):
    """The suite under its bodies."""

    def __init__(self, chain: Chain | None = None, processors: int = 0, **changes: Any) -> None:
        self.chain = chain or Chain()
        self._changes = changes
        builder = account("builder of the door")
        self.chain.fund(builder, ETHER)
        self.door = self.chain.deploy("TestDoor", sender=builder)
        super().__init__(self.chain, processors)

    def _rulers(self) -> dict[str, Any]:
        committees = {name: Body(members_of(name), QUORUM) for name in COMMITTEES}
        founding = {"committees": committees, "tempo": TEMPO, **self._changes}
        return {"governance": Governance(**founding, door=self.door.address)}

    def _deploy(self) -> None:
        super()._deploy()
        self.bodies = {name: self.contracts[name] for name in BODIES}
        self.constitution = self.bodies[CONSTITUTION]
        self.committee, self.certifier, self.security, self.board, self.council = (
            self.contracts[name].address for name in COMMITTEES
        )

    def admit(self, name: str, weight: int = 1) -> int:
        self.decide(CERTIFICATION, "Consortium", "admit", name, account(name), weight)
        return self.consortium.organisationCount()

    def certify(self, processor: int, **changes: Any) -> int:
        operator = self.registry.operatorOf(processor)
        declared = capability(self.chain.now + 365 * DAY, **changes).to_chain()
        version = self.registry.declareCapability(processor, declared, "", sender=operator).result
        self.decide(CERTIFICATION, "ProcessorRegistry", "certify", processor, version)
        return version

    # --- motions ---

    def through(self, member: str, target: Contract, function: str, *arguments: Any) -> Receipt:
        """Let *member* call through the door."""
        data = target.interface.encode_call(function, arguments)
        receipt = self.door.perform(member, target.address, data, sender=member)
        return Receipt(target.interface.decode_result(function, receipt.result), receipt.events)

    def call(self, contract: str, function: str, *arguments: Any) -> Call:
        """Return the call of a function of the suite."""
        target = self.contracts[contract]
        return Call(target.address, target.interface.encode_call(function, arguments))

    def propose(self, body: str, call: Call, seat: int = 0) -> int:
        """Let the member in *seat* propose *call*; returns the motion."""
        arguments = (call.target, call.data, REASON, URI)
        return self.through(self.member(body, seat), self.bodies[body], "propose", *arguments).result

    def vote(self, body: str, motion: int, seat: int, in_favour: bool = True) -> Receipt:
        """Let the member in *seat* vote."""
        digest = self.motion(body, motion)["digest"]
        return self.through(self.member(body, seat), self.bodies[body], "vote", motion, digest, in_favour)

    def carry(self, body: str, call: Call) -> int:
        """Have *body* carry a motion for *call*; returns the motion."""
        motion = self.propose(body, call)
        for seat in range(1, self.bodies[body].quorum()):
            self.vote(body, motion, seat)
        return motion

    def execute(self, body: str, motion: int, call: Call) -> Receipt:
        """Execute a motion as a stranger, as soon as it is due."""
        self.chain.warp(max(self.chain.now, self.motion(body, motion)["executableAt"]))
        return self.bodies[body].execute(motion, call.target, call.data, sender=self.stranger)

    def decide(self, body: str, contract: str, function: str, *arguments: Any) -> Receipt:
        """Have *body* decide a call and carry it out."""
        call = self.call(contract, function, *arguments)
        return self.execute(body, self.carry(body, call), call)

    def amend(self, call: Call, bodies: int = 4) -> int:
        """Have the first *bodies* committees bring *call* before the Constitution; returns its motion."""
        first, *others = list(COMMITTEES)[:bodies]
        self.decide(first, CONSTITUTION, "propose", call.target, call.data, REASON, URI)
        motion = self.constitution.motionCount()
        digest = self.motion(CONSTITUTION, motion)["digest"]
        for body in others:
            self.decide(body, CONSTITUTION, "vote", motion, digest, True)
        return motion

    def member(self, body: str, seat: int) -> str:
        """Return the address of the member in *seat*."""
        return self.bodies[body].members()[seat]

    def motion(self, body: str, motion: int) -> dict[str, Any]:
        """Return the record of a motion."""
        return self.bodies[body].motionOf(motion)

    def status_of(self, body: str, motion: int) -> MotionStatus:
        """Return where a motion stands."""
        return MotionStatus(self.motion(body, motion)["status"])


class Docket(GovernedWorld):
    """The Quantum Security Working Group of five, three of whom carry a motion, and a target that no role guards."""

    def __init__(self, chain: Chain | None = None) -> None:
        super().__init__(chain)
        self.target = self.chain.deploy("RestlessTarget", sender=self.keeper)
        self.body = self.bodies[SECURITY]

    def counting(self) -> Call:
        """Return a call that the target counts."""
        return self.calling("count")

    def calling(self, function: str, *arguments) -> Call:
        """Return a call of the target."""
        return Call(self.target.address, self.target.interface.encode_call(function, arguments))

    def annulling(self, motion: int) -> Call:
        """Return the body's call to itself that annuls *motion*."""
        return self.call(SECURITY, "annul", motion)
