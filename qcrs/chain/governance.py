"""What the bodies of a consortium are founded with: members, quorums, times, and what needs no delay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from qcrs.chain.codec import Interface
from qcrs.errors import QcrsError
from qcrs.model.motion import BODIES, COMMITTEES, CONSTITUTION
from qcrs.model.records import Policy

DAY = 86_400
MAX_DEADLINE_SECONDS = 30 * DAY  # of Admission: how long a computation may wait for processors

# What a body calls as soon as it has decided. All else waits until no computation runs that began under other terms.
PROMPT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "QuantumResourceAllocationCommittee": {"Consortium": ("setWeight", "grantQuota")},
    "ProcessorCertificationAuthority": {"Consortium": ("admit", "expel"), "ProcessorRegistry": ("certify",)},
    "QuantumSecurityWorkingGroup": {
        "ProcessorRegistry": ("suspend",),
        "ComputationAllocator": ("pause", "resume"),
    },
    "DisputeResolutionCouncil": {"Disputes": ("rule",)},
    "VerificationStandardsBoard": {},
}
# Of the Constitution: what it decides has a delay of its own.
CONSTITUTIONAL = ("propose", "vote", "withdraw")


class GovernanceInvalid(QcrsError):
    """The bodies cannot be founded like this."""


@dataclass(frozen=True)
class Tempo:
    """How long a body takes, in seconds: as the contracts have it."""

    voting_seconds: int = 3 * DAY
    delay_seconds: int = 31 * DAY
    execution_seconds: int = 14 * DAY

    def to_chain(self) -> tuple[int, int, int]:
        """Return the struct as the contract takes it."""
        return self.voting_seconds, self.delay_seconds, self.execution_seconds


@dataclass(frozen=True)
class Body:
    """One committee: addresses of its members, in the order of their seats, and the votes that carry a motion."""

    members: tuple[str, ...]
    quorum: int


@dataclass(frozen=True)
class Governance:
    """The five committees and the Constitution over them.

    Attributes:
        door: Address of the contract of hash keys, through which members propose and vote.
        committees: Each by the name of its contract.
        quorum: Committees that carry a motion of the Constitution.
        development: Whether less than a majority, one vote even, may carry a motion, and delays may be short. Only for
            chains on which nothing is worth anything.

    Raises:
        GovernanceInvalid: A committee is missing or unknown.
    """

    door: str
    committees: Mapping[str, Body]
    tempo: Tempo = field(default_factory=Tempo)
    quorum: int = 4
    development: bool = False

    def __post_init__(self) -> None:
        if set(self.committees) != set(COMMITTEES):
            found = ", ".join(sorted(self.committees)) or "none"
            raise GovernanceInvalid(f"committees: expected {', '.join(COMMITTEES)}; found {found}")

    def require_delay(self, policy: Policy) -> None:
        """Hold the delay to be longer than the longest computation.

        Raises:
            GovernanceInvalid: It is not, and this is no development.
        """
        longest = longest_computation_seconds(policy)
        if not self.development and self.tempo.delay_seconds <= longest:
            raise GovernanceInvalid(
                f"delay: expected more than {longest} s, which the longest computation takes under this policy; found "
                f"{self.tempo.delay_seconds} s"
            )

    def foundations(
        self, at: Mapping[str, str], policy: Policy, interfaces: Mapping[str, Interface]
    ) -> Iterator[tuple[str, tuple]]:
        """Yield each body's name with its constructor's arguments.

        Args:
            at: Where the suite will be, the bodies included. policy: First one in force.
        """
        self.require_delay(policy)
        for name, title in COMMITTEES.items():
            prompt = {**PROMPT[name], CONSTITUTION: CONSTITUTIONAL}
            waivers = [
                (at[contract], interfaces[contract].selector(function))
                for contract, functions in prompt.items()
                for function in functions
            ]
            body = self.committees[name]
            foundation = (
                title,
                at["AuditTrail"],
                at["Authority"],
                self.door,
                at[CONSTITUTION],
                self.development,
                list(body.members),
                body.quorum,
                self.tempo.to_chain(),
                waivers,
            )
            yield name, (foundation,)
        bodies = [at[name] for name in BODIES if name != CONSTITUTION]
        yield CONSTITUTION, (at["AuditTrail"], bodies, self.quorum, self.tempo.to_chain())


def longest_computation_seconds(policy: Policy) -> int:
    """Return how long a computation can take from its submission until its verdict stands.

    It is allocated by its deadline at the latest; then come a round, and the time to challenge the verdict.
    """
    round_seconds = policy.commit_seconds + policy.disclose_seconds + policy.reveal_seconds
    return MAX_DEADLINE_SECONDS + round_seconds + policy.challenge_seconds
