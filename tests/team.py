"""Sessions in few words: what their members do, with digests from ``qcrs.rules``."""

from collections.abc import Mapping, Sequence
from typing import Any

from eth_hash.auto import keccak

from qcrs.chain.deployment import ETHER
from qcrs.model.session import SessionStatus
from qcrs.rules import commitment, count_sketch, session_digest
from tests.entanglement import Lab
from tests.evm import CHAIN_ID, Receipt

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
