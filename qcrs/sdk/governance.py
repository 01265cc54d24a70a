"""Bodies and their motions: who sits where, what is proposed, and the steps from a proposal to its execution."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.call import Call, Calls
from qcrs.chain.codec import Event
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.motion import BODIES, COMMITTEES, CONSTITUTION, MotionStatus
from qcrs.rules.digest import keccak

# How a member acts: takes a gateway, who acts, the address to be called, and the call data. See Keyring.
Acts = Callable[[Gateway, LocalAccount, str, bytes], Awaitable[Receipt]]

# What people call the bodies, beside their full names.
SHORT = dict(zip(("allocation", "certification", "security", "standards", "council"), COMMITTEES, strict=True))
SHORT["constitution"] = CONSTITUTION
NO_REASON = bytes(32)


class BodiesMissing(QcrsError):
    """The suite was deployed without bodies: plain accounts hold the roles."""


class BodyUnknown(QcrsError):
    """No body is called so."""


class MotionUnknown(QcrsError):
    """The body has no such motion."""


class QuorumMissing(QcrsError):
    """Fewer members are at hand than carry a motion."""


@dataclass(frozen=True)
class Body:
    """A body as it is composed now.

    Attributes:
        delay_seconds: Before a motion is executed, where the body's table does not waive it.
    """

    name: str
    title: str
    members: Sequence[str]
    quorum: int
    term: int
    voting_seconds: int
    delay_seconds: int
    execution_seconds: int
    motions: int


@dataclass(frozen=True)
class Motion:
    """A motion, with what the log says of it.

    Attributes:
        in_favour, against: Members, in the order in which they voted.
        voting_ends_at, executable_at, lapses_at: Unix seconds; the latter two 0 until it is carried.
    """

    body: str
    id: int
    status: MotionStatus
    call: Call
    proposer: str
    reason: bytes
    uri: str
    digest: bytes
    in_favour: Sequence[str]
    against: Sequence[str]
    outdated: bool
    voting_ends_at: int
    executable_at: int
    lapses_at: int

    def next_step(self, now: float) -> str | None:
        """Return what can be done about it at *now*, in words; None when it has ended."""
        if self.status is MotionStatus.Open:
            if self.outdated or now > self.voting_ends_at:
                return "anyone can end it: 'qcrs committee expire'"
            return "members vote: 'qcrs committee vote'"
        if self.status is MotionStatus.Carried:
            if now > self.lapses_at:
                return "anyone can end it: 'qcrs committee expire'"
            if now < self.executable_at:
                return f"it can be executed in {self.executable_at - int(now)} s"
            return "anyone can execute it: 'qcrs committee execute'"
        return None


class Governance:
    """The bodies of one suite.

    Args:
        act: How members' calls are signed and sent: through the door of hash keys, by a ``Keyring``.

    Raises:
        BodiesMissing: The suite has none.
    """

    def __init__(self, gateway: Gateway, act: Acts) -> None:
        missing = [name for name in BODIES if name not in gateway.addresses]
        if missing:
            raise BodiesMissing(
                "this network's roles are held by plain accounts, as on a devnet; whoever holds one acts at once, as "
                "in 'qcrs processor certify'"
            )
        self._gateway, self._through_door = gateway, act
        self.calls = Calls(gateway.interfaces, gateway.addresses)

    async def body(self, name: str) -> Body:
        """Return a body, by its name or what people call it.

        Raises:
            BodyUnknown: There is none.
        """
        name = body_of(name)
        read = self._gateway.call
        tempo = await read(name, "tempo")
        return Body(
            name=name,
            title=await read(name, "title"),
            members=await read(name, "members"),
            quorum=await read(name, "quorum"),
            term=await read(name, "term"),
            voting_seconds=tempo["votingSeconds"],
            delay_seconds=tempo["delaySeconds"],
            execution_seconds=tempo["executionSeconds"],
            motions=await read(name, "motionCount"),
        )

    async def motions(self, body: str) -> list[Motion]:
        """Return all motions of a body, in order."""
        name = body_of(body)
        told = await self._told(name)
        term = await self._gateway.call(name, "term")
        return [await self._motion(name, event, told, term) for event in told if event.name == "MotionProposed"]

    async def motion(self, body: str, motion: int) -> Motion:
        """Return one motion.

        Raises:
            MotionUnknown: There is none with this id.
        """
        name = body_of(body)
        told = await self._told(name)
        for event in told:
            if event.name == "MotionProposed" and event["motion"] == motion:
                return await self._motion(name, event, told, await self._gateway.call(name, "term"))
        raise MotionUnknown(f"motion {motion} of {name}: there is none; 'qcrs committee list' tells of all")

    async def propose(
        self, account: LocalAccount, body: str, call: Call, reason: bytes = NO_REASON, uri: str = ""
    ) -> Receipt:
        """Propose *call*, which is the proposer's vote for it.

        Args:
            reason: Digest of what *uri* leads to.
        """
        return await self._act(account, body, "propose", call.target, call.data, reason, uri)

    async def vote(self, account: LocalAccount, body: str, motion: int, in_favour: bool = True) -> Receipt:
        """Vote on a motion, for good."""
        known = await self.motion(body, motion)
        return await self._act(account, body, "vote", motion, known.digest, in_favour)

    async def withdraw(self, account: LocalAccount, body: str, motion: int) -> Receipt:
        """Take back an open motion; its proposer only."""
        return await self._act(account, body, "withdraw", motion)

    async def execute(self, account: LocalAccount, body: str, motion: int) -> Receipt:
        """Carry out what a body has decided, when it is due; any account."""
        call = (await self.motion(body, motion)).call
        return await self._send(account, body, "execute", motion, call.target, call.data)

    async def expire(self, account: LocalAccount, body: str, motion: int) -> Receipt:
        """End a motion whose time is over; any account."""
        return await self._send(account, body, "expire", motion)

    async def decide(self, members: Sequence[LocalAccount], body: str, call: Call) -> Receipt:
        """Have *members* propose, carry and execute *call*, in one transaction more than their quorum.

        For bodies whose members are at one place, as on a devnet, and for calls without delay.

        Raises:
            QuorumMissing: There are fewer members than carry a motion.
        """
        quorum = (await self.body(body)).quorum
        if len(members) < quorum:
            raise QuorumMissing(f"{body_of(body)}: expected {quorum} members to carry a motion; found {len(members)}")
        proposed = (await self.propose(members[0], body, call)).event("MotionProposed")
        for member in members[1:quorum]:
            await self._act(member, body, "vote", proposed["motion"], proposed["digest"], True)
        return await self._send(members[0], body, "execute", proposed["motion"], call.target, call.data)

    async def _act(self, account: LocalAccount, body: str, function: str, *arguments: Any) -> Receipt:
        name = body_of(body)
        data = self._gateway.interfaces[name].encode_call(function, arguments)
        return await self._through_door(self._gateway, account, self._gateway.addresses[name], data)

    async def _send(self, account: LocalAccount, body: str, function: str, *arguments: Any) -> Receipt:
        return await act(self._gateway, account, body_of(body), function, *arguments)

    async def _told(self, name: str) -> list[Event]:
        first = self._gateway.network.deployed_at
        events = await self._gateway.logs(first, names=("MotionProposed", "MotionVoted"))
        return [event for event in events if event.contract == name]

    async def _motion(self, name: str, proposed: Event, told: Sequence[Event], term: int) -> Motion:
        id_ = proposed["motion"]
        record = await self._gateway.call(name, "motionOf", id_)
        votes = [event for event in told if event.name == "MotionVoted" and event["motion"] == id_]
        return Motion(
            body=name,
            id=id_,
            status=MotionStatus(record["status"]),
            call=self.calls.read(proposed["target"], proposed["data"]),
            proposer=proposed["proposer"],
            reason=proposed["reason"],
            uri=proposed["uri"],
            digest=record["digest"],
            in_favour=[vote["member"] for vote in votes if vote["inFavour"]],
            against=[vote["member"] for vote in votes if not vote["inFavour"]],
            outdated=record["term"] != term,
            voting_ends_at=record["votingEndsAt"],
            executable_at=record["executableAt"],
            lapses_at=record["lapsesAt"],
        )


def body_of(name: str) -> str:
    """Return the contract's name of a body that people call *name*.

    Raises:
        BodyUnknown: None is called so.
    """
    full = SHORT.get(name, name)
    if full not in BODIES:
        raise BodyUnknown(f"body {name!r}: expected one of {', '.join(SHORT)}")
    return full


def reason_of(content: bytes) -> bytes:
    """Return the digest by which a motion binds the *content* of its reason."""
    return keccak(content)
