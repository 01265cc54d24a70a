"""A requester's client: submit circuits, drive them to their verdict, fetch counts.

The client can drive its own computation from end to end when no daemon keeps: every step but the processors' own is
open to anyone.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.contracts import Allocator, Members, Registry
from qcrs.chain.gateway import ChainUnreachable, Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.computation import ComputationStatus
from qcrs.model.records import Request, Standing
from qcrs.model.story import Stories, Story
from qcrs.rules.digest import keccak
from qcrs.rules.keeping import arguments_of, step_due
from qcrs.sdk.gold import Documents
from qcrs.sdk.gold_rounds import Accuser
from qcrs.sdk.result import Result, result_of, step_of
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import Circuit, FeeTooLow, NotAMember, best_class, cap_of, capacity, shots_per_replica
from qcrs.store import Store

log = logging.getLogger(__name__)

INLINE_BYTES = 1024  # longer circuits go to the store: call data is dearer than a file
DEFAULT_DEADLINE_SECONDS = 3600
TICK_SECONDS = 0.5
STEP_PAUSE_SECONDS = 1.5
MARKET_SECONDS = 5.0  # what is on offer changes by human hands


class ComputationUnknown(QcrsError):
    """There is no computation with this id."""


class Client:
    """One requester on one chain.

    Args:
        gateway: Connected. account: Who submits and pays. secrets: Where disclosure secrets are kept.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount | None, secrets: Secrets, store: Store) -> None:
        self.gateway, self.account, self.secrets, self.store = gateway, account, secrets, store
        self.allocator, self.registry = Allocator(gateway), Registry(gateway)
        self.gold_documents = Documents(secrets.path.with_name("gold"))
        self._accuser = Accuser(gateway, store, self.gold_documents)
        self._disclose_seconds: int | None = None
        # Two submissions at once must not both count on the same available balance.
        self._purse = asyncio.Lock()
        self._seen_market: tuple[int, list[Standing]] = (0, [])
        self._market_until = 0.0

    async def submit(
        self,
        circuit: Circuit,
        shots: int,
        replicas: int = 3,
        max_fee: int | None = None,
        deadline_seconds: int = DEFAULT_DEADLINE_SECONDS,
        noise_class: int | None = None,
        replica_cap: int | None = None,
        trust: int = 0,
        gold_secret: bytes | None = None,
    ) -> Story:
        """Lock the fee and queue *circuit*; return the story so far.

        Args:
            shots: In all; replicas split them, with at least 4,096 each.
            max_fee: Most wei to lock; whatever is quoted by default.
            noise_class: Where to run; the fitting class with most processors by default.
            replica_cap: Replicas that escalation may reach; by default one escalation when there are processors for
                it. Their price is locked and returns when they are not needed.
            trust: The agreeing processors' credibility must exceed 1 - 1/trust; 0 asks for none.
            gold_secret: The last secret of the computation, when it binds gold rounds (see ``qcrs.sdk.gold``).

        Raises:
            ReplicasOutOfRange, ShotsOutOfRange, NoCapacity, NotAMember, FeeTooLow: Before any money moves.
            ContractRefused: The contract says no; nothing is locked.
        """
        account = self.signer
        each = shots_per_replica(shots, replicas)
        organisation, standings = await self._market()
        if organisation == 0:
            raise NotAMember(
                f"account {account.address} belongs to no organisation of the consortium; have its admin invite it"
            )
        if noise_class is None:
            noise_class = best_class(standings, organisation, circuit.qubits, replicas)
        if gold_secret is not None:
            replica_cap = replicas  # who joined later would know the gold rounds
        elif replica_cap is None:
            replica_cap = cap_of(replicas, capacity(standings, organisation, circuit.qubits).get(noise_class, 0))
        quote = await self.allocator.quote(circuit.qubits, each, replicas, replica_cap)
        if max_fee is not None and max_fee < quote:
            raise FeeTooLow(
                f"maximum fee is {max_fee} wei; up to {replica_cap} x {each} shots of {circuit.qubits} qubits lock "
                f"{quote} wei"
            )
        payload = circuit.text.encode()
        digest = keccak(payload)
        if len(payload) > INLINE_BYTES:
            await asyncio.to_thread(self.store.put, payload)
            payload = b""
        request = Request(
            circuit_digest=digest,
            secret_commitment=self.secrets.create(gold_secret),
            deadline_at=int(self.gateway.now) + deadline_seconds,
            shots=each,
            replicas=replicas,
            noise_class=noise_class,
            qubits=circuit.qubits,
            outcome_bits=circuit.outcome_bits,
            replica_cap=replica_cap,
            gold=gold_secret is not None,
            trust=trust,
            max_fee=quote if max_fee is None else max_fee,
            payload=payload,
            payload_uri="",
        )
        async with self._purse:
            available, _ = await self.allocator.balance(account.address)
            value = max(0, quote - available)
            receipt = await self.gateway.send(
                account, "ComputationAllocator", "submit", request.to_chain(), value=value
            )
        event = receipt.event("ComputationSubmitted")
        stories = Stories()
        story = stories.apply(event.name, event.arguments, event.block)
        if story is None:
            raise AssertionError("a submission without its event")
        return story

    async def choose_class(self, qubits: int, replicas: int) -> int:
        """Return the noise class with most independent, certified processors of at least *qubits* qubits.

        Raises:
            NoCapacity: None has enough for *replicas*.
        """
        organisation, standings = await self._market()
        return best_class(standings, organisation, qubits, replicas)

    async def _market(self) -> tuple[int, list[Standing]]:
        """Return the account's organisation (0 without one) and all processors, as of some seconds ago at most."""
        if time.monotonic() >= self._market_until:
            organisation = 0
            if self.account is not None:
                organisation = await Members(self.gateway).organisation_of(self.account.address)
            count = await self.registry.count()
            standings = await asyncio.gather(*(self.registry.standing(i) for i in range(1, count + 1)))
            self._seen_market = organisation, list(standings)
            # A refusal for want of membership or processors is looked at anew each time.
            self._market_until = time.monotonic() + (MARKET_SECONDS if organisation else 0)
        return self._seen_market

    async def story(self, computation: int) -> Story:
        """Return the story of *computation* so far.

        Raises:
            ComputationUnknown: There is none with this id.
        """
        return (await self._history(computation))[0]

    async def stories(self) -> list[Story]:
        """Return the stories of all computations, by id."""
        stories = Stories()
        for event in await self.gateway.logs(self.gateway.network.deployed_at):
            stories.apply(event.name, event.arguments, event.block)
        return list(stories.by_id.values())

    async def drive(
        self,
        computation: int,
        observe: Callable[[Story, Event | None], None] = lambda *_: None,
        since: int | None = None,
    ) -> Story:
        """See *computation* to its end, taking every step that is due, and return its story.

        Args:
            observe: Called with the story at the start and after each of its events.
            since: Block of its submission, when known; logs are read from there.
        """
        async with self.gateway.subscribe(computation) as messages:
            story, events = await self._history(computation, since)
            stories = Stories()
            stories.by_id[computation] = story
            seen = max((event.block, event.log_index) for event in events)
            observe(story, None)
            tried: dict[tuple, float] = {}
            async for event in _ticking(messages):
                if isinstance(event, Event) and (event.block, event.log_index) > seen:
                    seen = (event.block, event.log_index)
                    if event.arguments.get("computation") == computation:
                        stories.apply(event.name, event.arguments, event.block)
                        observe(story, event)
                if story.ended:
                    return story
                await self._step(story, tried)
        raise ChainUnreachable(f"{self.gateway.network.ws_url} ended the subscription")

    async def result(self, computation: int) -> Result:
        """Return what *computation* has come to so far.

        Raises:
            ComputationUnknown: There is none with this id.
            HistogramUnavailable: It is accepted and its counts cannot be had.
        """
        story, events = await self._history(computation)
        gas: dict[str, int] = {}
        transactions = {event.transaction: step for event in events if (step := step_of(event.name))}
        for transaction, step in transactions.items():
            receipt = await self.gateway.request("eth_getTransactionReceipt", transaction)
            gas[step] = gas.get(step, 0) + int(receipt["gasUsed"], 16)
        gas["total"] = sum(gas.values())
        blocks = (events[0].block, events[-1].block)
        begun, ended = [
            int(
                (await self.gateway.request("eth_getBlockByNumber", hex(block), False))["timestamp"],
                16,
            )
            for block in blocks
        ]
        return await asyncio.to_thread(result_of, story, self.store, gas, float(ended - begun))

    async def cancel(self, computation: int) -> None:
        """Withdraw *computation* before any allocation.

        Raises:
            ContractRefused: It is somebody else's, or too late.
        """
        account = self.signer
        await self.gateway.simulate(account, "ComputationAllocator", "cancel", computation)
        await self.gateway.send(account, "ComputationAllocator", "cancel", computation)

    async def _history(self, computation: int, since: int | None = None) -> tuple[Story, list[Event]]:
        first = self.gateway.network.deployed_at if since is None else since
        events = await self.gateway.logs_of(computation, first)
        stories = Stories()
        for event in events:
            stories.apply(event.name, event.arguments, event.block)
        if computation not in stories.by_id:
            raise ComputationUnknown(f"there is no computation {computation} on chain {self.gateway.network.chain_id}")
        return stories.by_id[computation], events

    async def _step(self, story: Story, tried: dict[tuple, float]) -> None:
        """Take the step that is due, if any.

        Args:
            tried: When each step of each round was last tried; its event may still be on its way.
        """
        if self.account is None:
            return
        if self._disclose_seconds is None:
            self._disclose_seconds = (await self.allocator.policy()).disclose_seconds
        step = step_due(story, self.gateway.now, self._disclose_seconds)
        call = None if step is None else (*step.value, *arguments_of(step, story))
        value = 0
        if story.status is ComputationStatus.Committed:
            secret = self.secrets.behind(story.pending_secret)
            if secret is not None:
                call = ("ResultVerifier", "disclose", story.computation, secret)
        elif story.status is ComputationStatus.Revealing and story.request.gold and not story.gold_closed:
            due = await self._accuser.next_call(story)
            if due is not None:
                call, value = ("GoldRounds", due.function, *due.arguments), due.value
        if call is None:
            return
        key = (call[1], story.attempt, len(story.duties), len(story.gold_scored))
        if time.monotonic() - tried.get(key, float("-inf")) >= STEP_PAUSE_SECONDS:
            # Retried while processors are busy: looked at first then, so that waiting costs nothing. Other steps are
            # not: a simulation runs at the latest block's time, which may lag behind a deadline.
            look_first = key in tried and call[1] == "allocate"
            await self._try(self.account, *call, value=value, look_first=look_first)
            tried[key] = time.monotonic()

    async def _try(
        self, account: LocalAccount, contract: str, function: str, *arguments, value: int, look_first: bool
    ) -> None:
        """Send a step that another may have taken first: refusals are races, and the story goes on either way.

        The step's event says that it was taken; without one it is tried again after a pause.
        """
        try:
            if look_first:
                await self.gateway.simulate(account, contract, function, *arguments)
            await self.gateway.post(account, contract, function, *arguments, value=value)
        except ContractRefused as error:
            log.info("step=%s computation=%s %s", function, arguments[0], error)

    @property
    def signer(self) -> LocalAccount:
        """The account that acts.

        Raises:
            NotAMember: This client only reads.
        """
        if self.account is None:
            raise NotAMember("no account to act with; name one of the network file with --as, or give --keystore")
        return self.account


async def _ticking(messages: AsyncIterator) -> AsyncIterator[Event | int | None]:
    """Yield at once, then each message, and None whenever half a second passes without one."""
    yield None
    pending = asyncio.ensure_future(anext(messages))
    try:
        while True:
            await asyncio.wait({pending}, timeout=TICK_SECONDS)
            if not pending.done():
                yield None
                continue
            yield pending.result()
            pending = asyncio.ensure_future(anext(messages))
    finally:
        pending.cancel()
