"""What the bodies of a consortium are founded with: members and their keys, quorums, times, and what needs no delay."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from qcrs.chain.codec import Interface
from qcrs.chain.keys import address_of
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
_COMMITMENT = "the commitment of its hash key, 0x and 48 hexadecimal digits"


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
        committees: Each by the name of its contract.
        quorum: Committees that carry a motion of the Constitution.
        development: Whether less than a majority, one vote even, may carry a motion, and delays may be short. Only for
            chains on which nothing is worth anything.
        door: Address of the contract through which members propose and vote, if it is not the suite's own HashKeys.
        keys: Commitment of each founder's hash key, by address: in force from the start, or whoever steals a founder's
            ECDSA key gives it one.

    Raises:
        GovernanceInvalid: A committee is missing or unknown.
    """

    committees: Mapping[str, Body]
    tempo: Tempo = field(default_factory=Tempo)
    quorum: int = 4
    development: bool = False
    door: str | None = None
    keys: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.committees) != set(COMMITTEES):
            found = ", ".join(sorted(self.committees)) or "none"
            raise GovernanceInvalid(f"committees: expected {', '.join(COMMITTEES)}; found {found}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the bodies that a JSON file names.

        It has ``committees``, by the name of each ``members`` and ``quorum``; and, if they are not to be the defaults,
        ``tempo`` (``votingSeconds``, ``delaySeconds``, ``executionSeconds``), ``quorum`` of the Constitution, and
        ``development``. Without the latter it has ``keys``, too: the commitment of each member's hash key, by address.

        Raises:
            GovernanceInvalid: The file is none of this kind.
        """
        try:
            return _File.model_validate_json(path.read_bytes()).governance()
        except FileNotFoundError as error:
            raise GovernanceInvalid(f"no file of bodies at {path}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise GovernanceInvalid(f"{path} is not a file of bodies: {where}: {first['msg']}") from error

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

    def founders(self) -> list[tuple[str, bytes]]:
        """Return who has a hash key from the start, as HashKeys takes it.

        Raises:
            GovernanceInvalid: A member has none, and this is no development; or a key is nobody's, or two accounts'.
        """
        seats = {member: name for name, body in self.committees.items() for member in body.members}
        keyless = [member for member in seats if member not in self.keys]
        if keyless and not self.development and self.door is None:
            raise GovernanceInvalid(
                f"keys: {keyless[0]} of {seats[keyless[0]]} has none, and who steals its ECDSA key could give it one; "
                f"expected {_COMMITMENT}, as 'qcrs key new --account {keyless[0]}' prints it"
            )
        holders: dict[bytes, str] = {}
        for account, commitment in self.keys.items():
            if account not in seats:
                raise GovernanceInvalid(f"keys: expected accounts of members; found {account}, which has no seat")
            if commitment in holders:
                raise GovernanceInvalid(
                    f"keys: {holders[commitment]} and {account} have both 0x{commitment.hex()}; expected a key for each"
                )
            holders[commitment] = account
        return list(self.keys.items())

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
                self.door or at["HashKeys"],
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


def _read_commitment(text: str) -> bytes:
    if not re.fullmatch("0x[0-9a-fA-F]{48}", text) or not int(text, 16):
        raise ValueError(f"expected {_COMMITMENT}, got {text!r}")
    return bytes.fromhex(text[2:])


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Tempo(_Part):
    voting_seconds: int = Tempo.voting_seconds
    delay_seconds: int = Tempo.delay_seconds
    execution_seconds: int = Tempo.execution_seconds


class _Body(_Part):
    members: tuple[Annotated[str, AfterValidator(address_of)], ...]
    quorum: int


class _File(_Part):
    committees: dict[str, _Body]
    tempo: _Tempo = _Tempo()
    quorum: int = 4
    development: bool = False
    keys: dict[str, Annotated[str, AfterValidator(_read_commitment)]] = {}

    def governance(self) -> Governance:
        committees = {name: Body(body.members, body.quorum) for name, body in self.committees.items()}
        tempo = Tempo(**self.tempo.model_dump())
        keys: dict[str, bytes] = {}
        for text, commitment in self.keys.items():
            account = address_of(text)
            if account in keys:
                raise GovernanceInvalid(f"keys: {account} has two; expected one")
            keys[account] = commitment
        governance = Governance(committees, tempo, self.quorum, self.development, keys=keys)
        governance.founders()
        return governance


def longest_computation_seconds(policy: Policy) -> int:
    """Return how long a computation can take from its submission until its verdict stands.

    It is allocated by its deadline at the latest; then come a round, and the time to challenge the verdict.
    """
    round_seconds = policy.commit_seconds + policy.disclose_seconds + policy.reveal_seconds
    return MAX_DEADLINE_SECONDS + round_seconds + policy.challenge_seconds
