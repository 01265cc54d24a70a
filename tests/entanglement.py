"""Links and channels in few words: what their ends do, with digests and counts from ``qcrs.rules``."""

import random
from collections.abc import Mapping
from typing import Any

from eth_hash.auto import keccak

from qcrs.chain.deployment import ETHER
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.rules import link_test
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
