"""Gas of allocation in consortia of 10 to 10,000 processors and with queues up to 10,000 long, every transaction real.

On Anvil, since ten thousand processors take fifty thousand transactions; gas is the same on every chain of these rules.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from _node import NodeChain
from eth_hash.auto import keccak

from qcrs.chain.deployment import ETHER
from qcrs.model.processor import ProcessorStatus
from tests.job import Job
from tests.scenario import Node, World, account, capability, hardware_of

SIZES = (10, 100, 1_000, 10_000)
QUEUES = (10, 100, 1_000, 10_000)
QUBITS = 27
ASKED = 5
MOST_ORGANISATIONS = 250
REQUESTERS = 100
SAMPLES = 6
HEARTBEAT_SECONDS = 30 * 86_400  # nobody lapses meanwhile
SAMPLED = ("submit", "allocate", "settle", "heartbeat")


@dataclass
class Field:
    """A consortium of *size* processors on a chain of its own."""

    size: int
    chain: NodeChain = field(default_factory=NodeChain)

    def __post_init__(self) -> None:
        self.world = World(self.chain, processors=0, heartbeat_seconds=HEARTBEAT_SECONDS)
        self.world.holders.clear()  # books are balanced elsewhere; here are too many holders
        self.chain.fund(self.world.requester, 10**9 * ETHER)
        self._populate()
        self._requesters()

    def _populate(self) -> None:
        world = self.world
        count = min(self.size, MOST_ORGANISATIONS)
        operators = [account(f"operator {number}") for number in range(count)]
        for operator in operators:
            self.chain.fund(operator, 10**6 * ETHER)
        names = [f"operator {number}" for number in range(count)]
        self.chain.pour(
            [
                (world.consortium, "admit", (name, operator, 1), world.certifier, 0)
                for name, operator in zip(names, operators, strict=True)
            ]
        )
        daemons = {account(f"daemon {number}"): operators[number % count] for number in range(self.size)}
        digest = keccak(b"identity")
        calls: list[tuple] = []
        for number, (daemon, operator) in enumerate(daemons.items()):
            signature = world.sign_registration(f"daemon {number}", operator, digest)
            hardware = hardware_of(f"daemon {number}")
            calls.append((world.registry, "register", (daemon, digest, hardware, signature), operator, 0))
        self.chain.pour(calls)
        # Those of one sender come in order; who of several is first, only the chain knows.
        declared = capability(self.chain.now + 365 * 86_400, qubits=QUBITS).to_chain()
        calls = []
        for daemon, operator in daemons.items():
            processor = world.registry.processorOf(daemon)
            organisation = world.consortium.organisationOf(operator)
            world.nodes.append(Node(processor, organisation, operator, daemon))
            calls += [
                (world.registry, "declareCapability", (processor, declared, ""), operator, 0),
                (world.bonds, "bond", (processor,), operator, 2 * ETHER),
            ]
        self.chain.pour(calls)
        self.chain.pour([(world.registry, "certify", (node.id, 1), world.certifier, 0) for node in world.nodes])
        self.beat()

    def _requesters(self) -> None:
        world = self.world
        self.requesters = [account(f"member {number}") for number in range(REQUESTERS)]
        calls = []
        for number, requester in enumerate(self.requesters):
            self.chain.fund(requester, 10**6 * ETHER)
            calls.append((world.consortium, "admit", (f"member {number}", requester, 1), world.certifier, 0))
        self.chain.pour(calls)
        deposit = [(world.allocator, "deposit", (), requester, 10**5 * ETHER) for requester in self.requesters]
        keeper = [(world.allocator, "depositFor", (world.keeper,), world.requester, ETHER)]
        paid = [
            (world.allocator, "depositFor", (o,), world.requester, ETHER) for o in {n.operator for n in world.nodes}
        ]
        self.chain.pour(deposit + keeper + paid)
        for node in world.nodes[:1]:
            assert world.status(node.id) is ProcessorStatus.Certified

    def beat(self) -> None:
        """Let every processor be heard of now."""
        world = self.world
        self.chain.pour([(world.registry, "heartbeat", (node.id,), node.daemon, 0) for node in world.nodes])

    def submit(self, number: int, **changes: Any) -> Job:
        """Submit a computation of requester *number* out of what it has deposited."""
        requester = self.requesters[number % REQUESTERS]
        request = self.world.request(qubits=ASKED, **changes)
        receipt = self.world.allocator.submit(request.to_chain(), sender=requester)
        return Job(self.world, receipt.result, request)

    def fill(self, percent: int) -> None:
        """Lease all qubits of *percent* of the processors."""
        world, replicas = self.world, 16 if self.size >= 1_000 else 3
        wanted = self.size * percent // 100 // replicas
        request = world.request(qubits=QUBITS, replicas=replicas, replica_cap=replicas)
        calls = [
            (world.allocator, "submit", (request.to_chain(),), self.requesters[number % REQUESTERS], 0)
            for number in range(wanted)
        ]
        first = world.allocator.computationCount() + 1
        self.chain.pour(calls)
        waiting = {id_: world.records.computationOf(id_)["place"] for id_ in range(first, first + wanted)}
        order = sorted(waiting, key=lambda id_: (waiting[id_], id_))
        self.chain.pour([(world.allocator, "allocate", (id_,), world.keeper, 0) for id_ in order], gas=4_000_000)

    def lengthen(self, length: int) -> None:
        """Let computations wait until the queue is *length* long."""
        world = self.world
        request = world.request(qubits=ASKED)
        missing = length - world.allocator.queueOf(1)[1]
        calls = [
            (world.allocator, "submit", (request.to_chain(),), self.requesters[number % REQUESTERS], 0)
            for number in range(missing)
        ]
        self.chain.pour(calls)

    def sample(self, **changes: Any) -> dict[str, list[int]]:
        """Return the gas of some whole computations, and of heartbeats, by step."""
        gas: dict[str, list[int]] = {step: [] for step in SAMPLED}
        for number in range(SAMPLES):
            world = self.world
            world.beat(world.nodes[number % self.size])
            gas["heartbeat"].append(self.chain.gas)
            job = self.submit(number, **changes)
            gas["submit"].append(self.chain.gas)
            world.allocator.allocate(job.id, sender=world.keeper)
            gas["allocate"].append(self.chain.gas)
            job.commit_all().disclose().reveal_all()
            job.settle()
            gas["settle"].append(self.chain.gas)
        return gas

    def sample_waiting(self) -> dict[str, list[int]]:
        """Return the gas of submissions and allocations while many wait."""
        gas: dict[str, list[int]] = {"submit": [], "allocate": []}
        world = self.world
        waiting = self._in_turn(SAMPLES)
        for number in range(SAMPLES):
            self.submit(number)
            gas["submit"].append(self.chain.gas)
            world.allocator.allocate(waiting[number], sender=world.keeper)
            gas["allocate"].append(self.chain.gas)
        return gas

    def _in_turn(self, count: int) -> list[int]:
        world = self.world
        ids = range(1, world.allocator.computationCount() + 1)
        places = {}
        for id_ in ids:
            record = world.records.computationOf(id_)
            if record["status"] == 1 and record["tried"] == 0:
                places[id_] = record["place"]
        return sorted(places, key=lambda id_: (places[id_], id_))[:count]


def measured(progress: Any = print) -> dict[str, Any]:
    """Return the median gas of each step, by number of processors, when most are full, and by length of the queue."""
    figures: dict[str, Any] = {"sizes": {}, "full": {}, "queues": {}}
    for size in SIZES:
        progress(f"{size:,} processors")
        here = Field(size)
        try:
            for _ in range(2):
                here.sample()  # whatever is written for the first time is written
            figures["sizes"][size] = {step: median(gas) for step, gas in here.sample().items()}
            if size == max(SIZES):
                for length in QUEUES:
                    progress(f"{length:,} waiting")
                    with here.chain.undone():
                        here.lengthen(length)
                        figures["queues"][length] = {s: median(gas) for s, gas in here.sample_waiting().items()}
            here.fill(80)
            here.beat()
            figures["full"][size] = {step: median(gas) for step, gas in here.sample().items()}
        finally:
            here.chain.close()
    return figures
