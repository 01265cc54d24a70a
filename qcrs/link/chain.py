"""What a link knows of the chain, and tells it: whose daemon is whose, which channels wait, that pairs are there.

What daemons say of channels and sessions it does not believe: a daemon that leaves out its own checks gets nothing.
"""

from typing import Any

from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.link.allowance import Ends, Taken
from qcrs.link.errors import ChannelMismatch, LinkFileInvalid, SessionUnbound, SessionUnready
from qcrs.link.file import LinkFile
from qcrs.link.pace import Pace
from qcrs.link.talked import OpenChannel
from qcrs.model.channel import ENDED, ChannelStatus
from qcrs.model.session import SessionStatus

CHANNELS = "Channels"
COORDINATOR = "EntanglementCoordinator"
# Of what members ask for: two that make up sessions have the chain read for each. A session takes some three reads.
READS_A_SECOND, READS_AT_ONCE = 100.0, 300
_NOBODY = "0x" + "00" * 20


class LinkChain:
    """The chain side of link number *link*, whose operator is *account*.

    Trusted with nothing that the chain does not check: heralding for another's link reverts.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, link: int) -> None:
        self._gateway, self._account, self.link = gateway, account, link
        self._reads = Pace(READS_A_SECOND, READS_AT_ONCE)

    async def daemon_of(self, processor: int) -> str | None:
        """Return the account with which *processor* acts; None when there is no such processor."""
        try:
            daemon = await Registry(self._gateway).daemon(processor)
        except ContractRefused:
            return None  # it says that there is none; a chain that is away says nothing
        return daemon if daemon != _NOBODY else None

    async def require_heralding(self, channel: int, attempt: int, ends: tuple[int, ...], pairs: int) -> None:
        """Check that *channel* waits for *pairs* of this link between *ends*, for its test number *attempt*.

        Raises:
            ChannelMismatch: It does not; also when its pairs were heralded already, and are not held any more.
        """
        record = await self._record(channel)
        expected = {"link": self.link, "attempt": attempt, "ends": tuple(ends), "pairs": pairs}
        found = {
            "link": record["link"],
            "attempt": record["attempt"],
            "ends": tuple(sorted((record["first"], record["second"]))),
            "pairs": record["pairs"],
        }
        if found != expected:
            raise ChannelMismatch(f"channel {channel}: on chain {found}, asked for {expected}")
        status = ChannelStatus(record["status"])
        if status is not ChannelStatus.Heralding:
            raise ChannelMismatch(f"channel {channel}: {status.name}, expected Heralding")

    async def herald(self, channel: int, attempt: int, root: bytes) -> None:
        """Say that the pairs are there."""
        try:
            await self._gateway.send(self._account, CHANNELS, "herald", channel, root)
        except QcrsError:
            # A transaction whose receipt was lost may have been mined.
            record = await self._record(channel)
            if (record["status"], record["attempt"]) != (ChannelStatus.Committing, attempt):
                raise

    async def require_open(self, channel: int, ends: tuple[int, ...]) -> OpenChannel:
        """Return what *channel* of this link has, which is open between *ends* now.

        Raises:
            ChannelMismatch: It is not.
        """
        record = await self._record(channel)
        self._require_between(channel, record, ends)
        status = ChannelStatus(record["status"])
        if status is not ChannelStatus.Open:
            raise ChannelMismatch(f"channel {channel}: {status.name}, expected Open")
        self._require_young(channel, record)
        return OpenChannel(channel, record["attempt"], record["capacity"], record["used"])

    async def taken(self, session: int, members: tuple[int, ...]) -> dict[Ends, list[Taken]]:
        """Return the pairs that *session* of *members* has taken of channels of this link, by two of its members.

        The contract takes them of open channels only, when all have joined. A channel of which another test is asked
        for since is no reason to refuse: either end could so have the others look absent.

        Raises:
            SessionUnready: It has taken none, or is another's, or over. ChannelMismatch: A channel has ended since.
        """
        record, found = await self._call(COORDINATOR, "sessionOf", session)
        status = SessionStatus(record["status"])
        if tuple(found) != tuple(members) or status not in (SessionStatus.Armed, SessionStatus.Running):
            raise SessionUnready(
                f"session {session}: {status.name}, of processors {', '.join(map(str, found)) or 'none'}; expected "
                f"Armed or Running, of {', '.join(map(str, members))}"
            )
        taken: dict[Ends, list[Taken]] = {}
        for use in await self._call(COORDINATOR, "usesOf", session):
            channel, of = await self._used(use["channel"], members)
            taken.setdefault(of, []).append(Taken(channel, use["pairs"]))
        return taken

    async def _used(self, channel: int, members: tuple[int, ...]) -> tuple[OpenChannel, Ends]:
        record = await self._record(channel)
        ends = (record["first"], record["second"])
        if not set(ends) <= set(members):
            raise ChannelMismatch(f"channel {channel}: between processors {ends}, expected two of {members}")
        self._require_between(channel, record, ends)
        status = ChannelStatus(record["status"])
        if status in ENDED or status is ChannelStatus.Unset:
            raise ChannelMismatch(f"channel {channel}: {status.name}, expected Open")
        if status is ChannelStatus.Open:
            self._require_young(channel, record)
        first, second = sorted(map(members.index, ends))
        return OpenChannel(channel, record["attempt"], record["capacity"], record["used"]), (first, second)

    def _require_between(self, channel: int, record: dict[str, Any], ends: tuple[int, ...]) -> None:
        found = (record["link"], tuple(sorted((record["first"], record["second"]))))
        expected = (self.link, tuple(sorted(ends)))
        if found != expected:
            raise ChannelMismatch(
                f"channel {channel}: over link {found[0]} between processors {found[1]}, expected link {expected[0]} "
                f"and processors {expected[1]}"
            )

    def _require_young(self, channel: int, record: dict[str, Any]) -> None:
        if self._gateway.now > record["phaseEndsAt"]:
            raise ChannelMismatch(
                f"channel {channel}: its pairs are too old since {record['phaseEndsAt']}, it is {self._gateway.now:.0f}"
            )

    async def require_bound(self, session: int) -> None:
        """Check that all members are bound to what they measured, so that none can fit it to what others did.

        Raises:
            SessionUnbound: They are not.
        """
        record, _ = await self._call(COORDINATOR, "sessionOf", session)
        if record["phase"] < record["phases"] or record["phases"] == 0:
            raise SessionUnbound(
                f"session {session}: at the barrier of phase {record['phase']}, expected {record['phases']}, the last"
            )

    async def _call(self, contract: str, function: str, number: int) -> Any:
        await self._reads.turn()
        return await self._gateway.call(contract, function, number)

    async def _record(self, channel: int) -> dict[str, Any]:
        return await self._call(CHANNELS, "channelOf", channel)


async def find_link(gateway: Gateway, file: LinkFile) -> int:
    """Return the number under which the link of *file* was opened, last if more than once.

    Raises:
        LinkFileInvalid: Its operator has opened no link with this descriptor.
    """
    opened = [
        event.arguments["link"]
        for event in await gateway.logs(gateway.network.deployed_at, names=("LinkOpened",))
        if event.arguments["descriptorDigest"] == file.digest
        and event.arguments["operator"].lower() == file.operator.lower()
    ]
    if not opened:
        raise LinkFileInvalid(
            f"{file.operator} has opened no link with descriptor 0x{file.digest.hex()} on this chain: open it first"
        )
    return opened[-1]
