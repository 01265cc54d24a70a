"""Links, channels and sessions in few words: what daemons do, with digests and counts from ``qcrs.rules``."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from eth_hash.auto import keccak

from qcrs.chain.deployment import ETHER
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.rules import commitment, count_sketch, link_test, session_digest
from tests.evm import CHAIN_ID, Receipt
from tests.scenario import World, account

PRICE = 1_000_000_000  # wei a pair
TERMS: Mapping[str, int] = {
    "pairs": 512,
    "errorPpm": 50_000,
    "fidelityPpm": 970_000,
    "capacity": 10_000,
    "lifetimeSeconds": 86_400,
    "windowSeconds": 600,
}
STAKE = 10 * ETHER
PURSE = ETHER
DIVIDED = 64  # of a channel's marks
LINK_OPERATOR = account("operator of the link")
REQUEST: Mapping[str, Any] = {
    "programDigest": keccak(b"program"),
    "secretCommitment": bytes(24),
    "phases": 2,
    "shots": 4096,
    "outcomeBits": 2,
    "fee": ETHER // 100,
    "deposit": ETHER // 50,
    "joinSeconds": 300,
    "phaseSeconds": 120,
    "reportSeconds": 180,
}
COUNTS = {0b00: 2040, 0b11: 2056}


class Lab:
    """A world with a link, and processors that have something in their purses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channels, self.coordinator = world.channels, world.coordinator
        self.admit(LINK_OPERATOR, "operator of the link")
        self.link = self.open_link()
        for node in world.nodes:
            self.channels.fund(node.id, sender=node.operator, value=PURSE)

    def admit(self, holder: str, name: str) -> None:
        """Let *holder* be an organisation's account, with coin."""
        self.world.chain.fund(holder, 1_000 * ETHER)
        self.world.holders.add(holder)
        self.world.consortium.admit(name, holder, 1, sender=self.world.certifier)

    def open_link(self, price: int = PRICE, stake: int = STAKE) -> int:
        """Open a link of the link's operator."""
        digests = keccak(b"descriptor"), keccak(b"endpoint")
        return self.channels.openLink(*digests, price, sender=LINK_OPERATOR, value=stake).result

    @property
    def margin(self) -> int:
        """What a deposit has beyond the price of the pairs, wei."""
        return 10 * self.world.bounty

    def purse(self, processor: int) -> int:
        """Return the free coin of *processor*."""
        return self.channels.purseOf(processor)

    def purses(self) -> dict[int, int]:
        """Return the free coin of each processor."""
        return {node.id: self.purse(node.id) for node in self.world.nodes}

    def stake(self) -> int:
        """Return the stake of the link."""
        return self.channels.linkOf(self.link)["stake"]

    def reserved(self) -> int:
        """Return what of that is behind channels."""
        return self.channels.linkOf(self.link)["reserved"]

    def test(self, first: int = 1, second: int = 2, **terms: int) -> "LinkUnderTest":
        """Return a channel between two processors that nobody has asked for yet."""
        return LinkUnderTest(self, (first, second), terms)

    def channel(self, first: int = 1, second: int = 2, **terms: int) -> int:
        """Return the id of a channel that is Open."""
        return self.test(first, second, **terms).to_open().id

    def require_balanced(self) -> None:
        """Check that the coin of both contracts is what they owe."""
        world = self.world
        owed = sum(self.purses().values())
        for link in range(1, self.channels.linkCount() + 1):
            record = self.channels.linkOf(link)
            assert record["reserved"] <= record["stake"]
            owed += record["stake"]
        for id_ in range(1, self.channels.channelCount() + 1):
            record = self.channels.channelOf(id_)
            fee = self.channels.linkOf(record["link"])["pricePerPair"] * record["pairs"]
            status, divided = ChannelStatus(record["status"]), record["marks"] & DIVIDED
            if status is ChannelStatus.Requested:
                owed += 2 * fee + self.margin
            elif ChannelStatus.Heralding <= status <= ChannelStatus.Open and not divided:
                owed += 3 * fee + 2 * self.margin
        assert world.chain.balance(self.channels.address) == owed
        assert world.chain.balance(self.coordinator.address) == sum(map(self.held_by, self.sessions()))

    def sessions(self) -> range:
        """Return the ids of all sessions."""
        return range(1, self.coordinator.sessionCount() + 1)

    def held_by(self, session: int) -> int:
        """Return the coin that a session holds: fees, and the deposits of those that have joined."""
        record, members = self.coordinator.sessionOf(session)
        group = self.coordinator.groupOf(record["group"])
        status = SessionStatus(record["status"])
        if status is SessionStatus.Forming:
            return group["fee"] * len(members) + group["deposit"] * record["present"].bit_count()
        if status in (SessionStatus.Armed, SessionStatus.Running, SessionStatus.Reporting, SessionStatus.Final):
            return (group["fee"] + group["deposit"]) * len(members)
        return 0


class LinkUnderTest:
    """One channel, through its test, played by two daemons and the link's operator.

    Attributes:
        flips: Words that end 1's outcomes differ by from end 0's, on all pairs.
    """

    def __init__(self, lab: Lab, ends: tuple[int, int], terms: Mapping[str, int]) -> None:
        self.lab, self.ends, self.terms = lab, ends, {**TERMS, **terms}
        self.contract, self.attempt, self.asker, self.id = lab.channels, 1, 0, 0
        rng = random.Random(repr((ends, sorted(terms.items()))))
        words = self.terms["pairs"] // link_test.WORD_BITS
        self.seeds, self.salts = [rng.randbytes(32), rng.randbytes(32)], [rng.randbytes(32), rng.randbytes(32)]
        self.measured = [rng.getrandbits(256) for _ in range(words)]
        self.flips = [0] * words

    def daemon(self, end: int) -> str:
        """Return the daemon of one end."""
        return self.lab.world.node(self.ends[end]).daemon

    @property
    def record(self) -> dict[str, Any]:
        """The channel's record."""
        return self.contract.channelOf(self.id)

    @property
    def status(self) -> ChannelStatus:
        """Where it stands."""
        return ChannelStatus(self.record["status"])

    @property
    def fee(self) -> int:
        """What the link asks, wei."""
        return PRICE * self.terms["pairs"]

    @property
    def deposit(self) -> int:
        """What each end puts down, wei."""
        return self.fee + self.lab.margin

    @property
    def seed(self) -> bytes:
        """The seed of the test."""
        return link_test.seed_of(CHAIN_ID, self.contract.address, self.id, self.attempt, *self.seeds)

    def opening(self, end: int) -> tuple[bytes, bytes, list[int]]:
        """Return what one end reveals."""
        flips = self.flips if end else [0] * len(self.flips)
        return self.seeds[end], self.salts[end], [a ^ b for a, b in zip(self.measured, flips, strict=True)]

    def commitment(self, end: int) -> bytes:
        """Return what one end commits to."""
        about = CHAIN_ID, self.contract.address, self.id, self.attempt, end
        return link_test.of_outcomes(*about, *self.opening(end))

    def err(self, errors: int, basis: int | None = None) -> "LinkUnderTest":
        """Let the ends disagree on exactly *errors* tested pairs, all of one basis if it is given."""
        positions = link_test.tested_positions(self.seed, self.terms["pairs"])
        wanted = [number for number, measured in positions.items() if basis in (None, measured)][:errors]
        assert len(wanted) == errors
        self.flips = [0] * len(self.flips)
        for number in wanted:
            self.flips[number // link_test.WORD_BITS] |= 1 << number % link_test.WORD_BITS
        return self

    def request(self, sender: str | None = None, value: int = 0) -> Receipt:
        """Ask for it, by the daemon of end 0."""
        terms = tuple(self.terms.values())
        arguments = self.lab.link, *self.ends, terms, link_test.of_seed(self.seeds[0])
        receipt = self.contract.request(*arguments, sender=sender or self.daemon(0), value=value)
        self.id = receipt.result
        return receipt

    def accept(self, sender: str | None = None, value: int = 0) -> Receipt:
        """Accept it, by the daemon of the end that has not asked."""
        end = 1 - self.asker
        commitment_ = link_test.of_seed(self.seeds[end])
        return self.contract.accept(self.id, commitment_, sender=sender or self.daemon(end), value=value)

    def cancel(self, sender: str | None = None) -> Receipt:
        """Withdraw it, by the daemon of the end that asked."""
        return self.contract.cancel(self.id, sender=sender or self.daemon(self.asker))

    def herald(self, sender: str = LINK_OPERATOR) -> Receipt:
        """Say that the pairs are there."""
        return self.contract.herald(self.id, keccak(b"pairs"), sender=sender)

    def commit(self, end: int, sender: str | None = None) -> Receipt:
        """Commit one end to its outcomes."""
        return self.contract.commit(self.id, end, self.commitment(end), sender=sender or self.daemon(end))

    def reveal(self, end: int, sender: str | None = None) -> Receipt:
        """Reveal the outcomes of one end."""
        other = link_test.of_seed(self.seeds[1 - end]), self.commitment(1 - end)
        return self.contract.reveal(self.id, end, self.opening(end), *other, sender=sender or self.daemon(end))

    def settle(self, sender: str | None = None) -> Receipt:
        """Have it recounted."""
        openings = self.opening(0), self.opening(1)
        return self.contract.settle(self.id, *openings, sender=sender or self.lab.world.keeper)

    def retest(self, end: int, sender: str | None = None, value: int = 0) -> Receipt:
        """Ask for another test by one end, with fresh seeds."""
        self.seeds = [keccak(seed) for seed in self.seeds]
        arguments = self.id, end, link_test.of_seed(self.seeds[end])
        receipt = self.contract.retest(*arguments, sender=sender or self.daemon(end), value=value)
        self.attempt, self.asker = self.attempt + 1, end
        return receipt

    def release(self, sender: str | None = None) -> Receipt:
        """Have what it holds divided before its end."""
        return self.contract.release(self.id, sender=sender or self.lab.world.stranger)

    def enforce(self, sender: str | None = None) -> Receipt:
        """Let the step be overdue, and enforce that."""
        self.late()
        return self.contract.enforce(self.id, sender=sender or self.lab.world.keeper)

    def late(self) -> None:
        """Let the step be overdue."""
        self.lab.world.chain.warp(max(self.lab.world.chain.now, self.record["phaseEndsAt"] + 1))

    def to_requested(self) -> "LinkUnderTest":
        """Ask for it."""
        self.request()
        return self

    def to_heralding(self) -> "LinkUnderTest":
        """Go on until the link's operator is to act."""
        self.to_requested().accept()
        return self

    def to_committing(self) -> "LinkUnderTest":
        """Go on until the ends are to commit."""
        self.to_heralding().herald()
        return self

    def to_revealing(self, *order: int, errors: int = 0) -> "LinkUnderTest":
        """Go on until the ends are to reveal; they commit in *order*, and disagree on *errors* tested pairs."""
        self.to_committing().err(errors)
        for end in order or (0, 1):
            self.commit(end)
        return self

    def to_open(self) -> "LinkUnderTest":
        """Pass the test."""
        self.to_revealing().settle()
        return self

    def to_failed(self) -> "LinkUnderTest":
        """Fail the test."""
        self.to_revealing(errors=self.terms["pairs"] // 4).settle()
        return self


def use(channel: int, pairs: int = 100) -> tuple[int, int]:
    """Return a use of a channel as the contract takes it."""
    return channel, pairs


class Team:
    """A group of runs, played by their members' daemons.

    Attributes:
        runs: Members, fragment digests and uses of each run. counts: The histogram of each run, by its number.
    """

    secret = b"a secret of 24 bytes...."

    def __init__(
        self,
        lab: Lab,
        *members: Sequence[int],
        uses: Mapping[int, Sequence[tuple[int, int]]] | None = None,
        **request: Any,
    ) -> None:
        self.lab, self.contract = lab, lab.coordinator
        secret = {"secretCommitment": commitment.of_secret(self.secret)}
        self.request = {**REQUEST, **secret, **request}
        self.runs = [
            (list(run), [keccak(f"fragment {processor}".encode()) for processor in run], list((uses or {}).get(i, ())))
            for i, run in enumerate(members or [(1, 2)])
        ]
        self.group = 0
        self.counts: dict[int, dict[int, int]] = {}

    # --- what it is made of ---

    @property
    def chain(self):
        """The chain that it is on."""
        return self.lab.world.chain

    def session(self, run: int = 0) -> int:
        """Return the id of a run."""
        return self.group + run

    def members(self, run: int = 0) -> list[int]:
        """Return the processors of a run."""
        return self.runs[run][0]

    def everybody(self, run: int = 0) -> range:
        """Return the indices of a run's members."""
        return range(len(self.members(run)))

    def daemon(self, index: int, run: int = 0) -> str:
        """Return the daemon of a member."""
        return self.lab.world.node(self.members(run)[index]).daemon

    def record(self, run: int = 0) -> dict[str, Any]:
        """Return the record of a run."""
        return self.contract.sessionOf(self.session(run))[0]

    def status(self, run: int = 0) -> SessionStatus:
        """Return where a run stands."""
        return SessionStatus(self.record(run)["status"])

    def record_of_group(self) -> dict[str, Any]:
        """Return the record of the group."""
        return self.contract.groupOf(self.group)

    @property
    def fees(self) -> int:
        """All fees, wei."""
        return self.request["fee"] * sum(len(members) for members, _, _ in self.runs)

    def result(self, run: int = 0) -> tuple[bytes, list[int]]:
        """Return the root and the sketch of a run."""
        counts = self.counts.get(run, COUNTS)
        root = keccak(repr(sorted(counts.items())).encode())
        rows, buckets = count_sketch.dimensions(self.request["outcomeBits"])
        sketch = [0] * (rows * buckets)
        for row in range(rows):
            for outcome, times in counts.items():
                sketch[row * buckets + outcome % buckets] += times
        return root, count_sketch.pack(sketch)

    def salt(self, index: int, run: int = 0) -> bytes:
        """Return a member's salt."""
        return keccak(f"salt {run} {index}".encode())

    def digest(self, index: int, run: int = 0) -> bytes:
        """Return what a member commits to at the last barrier."""
        root, _ = self.result(run)
        about = CHAIN_ID, self.contract.address, self.session(run), self.members(run)[index]
        return session_digest.of_result(*about, root, self.salt(index, run))

    # --- its steps ---

    def create(self, sender: str | None = None, value: int | None = None) -> Receipt:
        """Create it, by the requester, sending all fees."""
        value = self.fees if value is None else value
        arguments = tuple(self.request.values()), self.runs
        receipt = self.contract.create(*arguments, sender=sender or self.lab.world.requester, value=value)
        self.group = receipt.result
        return receipt

    def join(self, index: int, run: int = 0, sender: str | None = None, value: int = 0) -> Receipt:
        """Let a member join."""
        return self.contract.join(self.session(run), index, sender=sender or self.daemon(index, run), value=value)

    def arrive(self, index: int, phase: int, run: int = 0, sender: str | None = None) -> Receipt:
        """Let a member arrive at the barrier of *phase*."""
        digest = self.digest(index, run) if phase == self.request["phases"] else keccak(bytes([phase, index]))
        arguments = self.session(run), index, phase, digest
        return self.contract.arrive(*arguments, sender=sender or self.daemon(index, run))

    def disclose(self, secret: bytes | None = None) -> Receipt:
        """Disclose the requester's secret."""
        return self.contract.disclose(self.group, secret or self.secret, sender=self.lab.world.requester)

    def report(self, index: int, run: int = 0, sender: str | None = None) -> Receipt:
        """Let a member report its result."""
        root, sketch = self.result(run)
        arguments = self.session(run), index, root, self.salt(index, run), sketch
        return self.contract.report(*arguments, sender=sender or self.daemon(index, run))

    def conclude(self, sender: str | None = None, runs: Sequence[int] | None = None) -> Receipt:
        """Have the runs that are Final compared."""
        final = [run for run in range(len(self.runs)) if self.status(run) is SessionStatus.Final]
        results = [self.result(run) for run in (final if runs is None else runs)]
        roots, sketches = [root for root, _ in results], [word for _, sketch in results for word in sketch]
        return self.contract.conclude(self.group, roots, sketches, sender=sender or self.lab.world.keeper)

    def enforce(self, run: int = 0, sender: str | None = None) -> Receipt:
        """Let a run's step be overdue, and enforce that."""
        self.late(run)
        return self.contract.enforce(self.session(run), sender=sender or self.lab.world.keeper)

    def late(self, run: int = 0) -> None:
        """Let a run's step be overdue."""
        reporting = self.status(run) is SessionStatus.Reporting
        due = self.record_of_group()["phaseEndsAt"] if reporting else self.record(run)["phaseEndsAt"]
        self.chain.warp(max(self.chain.now, due + 1))

    # --- the way to each status ---

    def to_forming(self) -> "Team":
        """Create it."""
        self.create()
        return self

    def to_armed(self, *runs: int) -> "Team":
        """Let all members of *runs*, or of all runs, join."""
        if not self.group:
            self.to_forming()
        for run in runs or range(len(self.runs)):
            for index in self.everybody(run):
                self.join(index, run)
        return self

    def pass_barriers(self, *phases: int, run: int = 0) -> "Team":
        """Let all members of a run pass the barriers of *phases*."""
        for phase in phases:
            for index in self.everybody(run):
                self.arrive(index, phase, run)
        return self

    def to_running(self) -> "Team":
        """Let all runs pass the arming barrier."""
        self.to_armed()
        for run in range(len(self.runs)):
            self.pass_barriers(0, run=run)
        return self

    def to_reporting(self) -> "Team":
        """Let all runs pass all barriers."""
        self.to_running()
        for run in range(len(self.runs)):
            self.pass_barriers(*range(1, self.request["phases"] + 1), run=run)
        return self

    def to_final(self) -> "Team":
        """Let all runs report."""
        self.to_reporting()
        if self.request["outcomeBits"] > 8:
            self.disclose()
        for run in range(len(self.runs)):
            for index in self.everybody(run):
                self.report(index, run)
        return self

    def to_concluded(self) -> "Team":
        """Conclude it."""
        self.to_final().conclude()
        return self
