"""A requester's client: submit circuits, drive them to their verdict, fetch counts.

The client can drive its own computation from end to end when no daemon keeps: every step but the processors' own is
open to anyone.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.codec import Event
from qcrs.chain.contracts import Allocator, Registry
from qcrs.chain.gateway import ChainUnreachable, Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.organisation import Priority
from qcrs.model.records import Request
from qcrs.model.story import Stories, Story
from qcrs.sdk.drive import Driver
from qcrs.sdk.following import Calls, follow
from qcrs.sdk.gold import Documents
from qcrs.sdk.gold_rounds import Accuser
from qcrs.sdk.market import Market, read_market
from qcrs.sdk.quote import Quote, need_of, quote_of
from qcrs.sdk.result import Result, result_of, step_of
from qcrs.sdk.sealing import Sealer
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.submission import request_of, require_keys
from qcrs.sdk.terms import MAX_BATCH, MIN_SHOTS, BatchOutOfRange, Circuit, Conditions, NotAMember
from qcrs.store import Store

ALLOCATOR = "ComputationAllocator"
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
        self._accuser = Accuser(gateway, store, self.gold_documents, lambda story: self.sealer.disclose(story))
        # Two submissions at once must not both count on the same available balance.
        self._purse = asyncio.Lock()
        self._seen_market: Market | None = None
        self._market_until = 0.0

    async def quote(self, circuit: Circuit, shots: int, conditions: Conditions, golds: bool = False) -> Quote:
        """Return what running *circuit* would take, and who could run it; see ``qcrs.sdk.quote.quote_of``."""
        return quote_of(await self.market(), circuit, shots, conditions, golds)

    async def submit(
        self, circuit: Circuit, shots: int, replicas: int = 3, *, gold_secret: bytes | None = None, **conditions: Any
    ) -> Story:
        """Pay the quote and queue *circuit*; return the story so far.

        Args:
            shots: In all; replicas split them, with at least 4,096 each.
            gold_secret: The last secret of the computation, when it binds gold rounds (see ``qcrs.sdk.gold``).
            conditions: Fields of ``Conditions``.

        Raises:
            ReplicasOutOfRange, ShotsOutOfRange, NoCapacity, NotAMember, FeeTooLow: Before any money moves.
            ContractRefused: The contract says no; nothing is taken.
        """
        asked = Conditions(replicas=replicas, **conditions)
        quote = await self.quote(circuit, shots, asked, golds=gold_secret is not None)
        return await self.order(quote, asked, gold_secret)

    async def order(self, quote: Quote, conditions: Conditions, gold_secret: bytes | None = None) -> Story:
        """Submit what *quote* was given for."""
        request = await self._request(quote, conditions, gold_secret)
        receipt = await self._send("submit", request.to_chain(), quote.total, conditions)
        return _stories_of(receipt)[0]

    async def order_many(self, quotes: Sequence[Quote], conditions: Conditions) -> list[Story]:
        """Submit what *quotes* were given for in one transaction, all or none.

        Raises:
            BatchOutOfRange: They are too many.
        """
        if not 1 <= len(quotes) <= MAX_BATCH:
            raise BatchOutOfRange(f"{len(quotes)} computations; expected 1 to {MAX_BATCH} in one submission")
        requests = [(await self._request(quote, conditions, None)).to_chain() for quote in quotes]
        total = sum(quote.total for quote in quotes)
        return _stories_of(await self._send("submitMany", requests, total, conditions))

    async def _request(self, quote: Quote, conditions: Conditions, gold_secret: bytes | None) -> Request:
        if not conditions.plain:
            await require_keys(self.sealer, await self.market(), quote, conditions)
        made = asyncio.to_thread(request_of, quote, conditions, gold_secret, self.secrets, self.sealer, self.store)
        return (await made).model_copy(update={"deadline_at": int(self.gateway.now) + conditions.deadline_seconds})

    async def _send(self, function: str, requests: Any, total: int, conditions: Conditions) -> Receipt:
        account = self.signer
        async with self._purse:
            available, _ = await self.allocator.balance(account.address)
            value = max(0, total - available)
            if function == "submitMany" or conditions.priority is not Priority.Routine:
                # More can be in the way: what is refused so costs nothing.
                await self.gateway.simulate(account, ALLOCATOR, function, requests, value=value)
            return await self.gateway.send(account, ALLOCATOR, function, requests, value=value)

    @cached_property
    def sealer(self) -> Sealer:
        """What keeps this requester's circuits secret."""
        return Sealer(self.gateway, self.store, self.secrets)

    async def choose_class(self, qubits: int, replicas: int, conditions: Conditions | None = None) -> int:
        """Return the noise class with most independent, certified processors of at least *qubits* qubits.

        Args:
            conditions: What else is asked of them, and for what price.

        Raises:
            NoCapacity: None has enough for *replicas*.
        """
        market, asked = await self.market(), conditions or Conditions()
        price = market.price if asked.price is None else asked.price
        return market.best_class(need_of(asked, qubits, MIN_SHOTS), price, replicas)

    async def market(self) -> Market:
        """Return who could run circuits, as of some seconds ago at most."""
        if self._seen_market is None or time.monotonic() >= self._market_until:
            self._seen_market = await read_market(self.gateway, self.account.address if self.account else None)
            # A refusal for want of membership is looked at anew each time.
            self._market_until = time.monotonic() + (MARKET_SECONDS if self._seen_market.organisation else 0)
        return self._seen_market

    async def story(self, computation: int) -> Story:
        """Return the story of *computation* so far.

        Raises:
            ComputationUnknown: There is none with this id.
        """
        return (await self.history(computation))[0]

    async def stories(self) -> list[Story]:
        """Return the stories of all computations, by id."""
        return list(Stories.told_by(await self.gateway.logs(self.gateway.network.deployed_at)).by_id.values())

    async def drive(
        self,
        computation: int,
        observe: Callable[[Story, Event | None], None] = lambda *_: None,
        since: int | None = None,
        notice: Callable[[str], None] = lambda _: None,
        enough: Callable[[Story], bool] = lambda _: False,
    ) -> Story:
        """See *computation* to its end, taking every step that is due, and return its story.

        Args:
            observe: Called with the story at the start and after each of its events.
            since: Block of its submission, when known; logs are read from there.
            notice: Told in words what it waits for.
            enough: Whether to leave it alone from now on, though it has not ended.
        """
        async with self.gateway.subscribe(computation) as messages:
            story, events = await self.history(computation, since)
            stories = Stories()
            stories.by_id[computation] = story
            await self._follow(messages, stories, [computation], events, Calls(observe, notice, enough))
        return story

    async def let_in(
        self, computation: int, since: int | None = None, notice: Callable[[str], None] = lambda _: None
    ) -> Story:
        """Stay until processors have been drawn for *computation* and can read its circuit; return its story.

        A circuit that goes in clear needs nobody to stay.
        """
        return await self.drive(computation, since=since, notice=notice, enough=self.sealer.has_served)

    async def drive_many(
        self,
        computations: Collection[int],
        observe: Callable[[Story, Event | None], None] = lambda *_: None,
        since: int | None = None,
        notice: Callable[[str], None] = lambda _: None,
        enough: Callable[[Story], bool] = lambda _: False,
    ) -> list[Story]:
        """See *computations* to their ends with one subscription and at one pace, and return their stories.

        Args:
            As for ``drive``; since: Block of the first submission.
        """
        async with self.gateway.subscribe() as messages:
            first = self.gateway.network.deployed_at if since is None else since
            events = await self.gateway.logs(first)
            stories = Stories.told_by(events)
            unknown = [number for number in computations if number not in stories.by_id]
            if unknown:
                raise self._unknown(unknown[0])
            await self._follow(messages, stories, computations, events, Calls(observe, notice, enough))
        return [stories.by_id[number] for number in computations]

    async def _follow(
        self,
        messages: AsyncGenerator[Event | int, None],
        stories: Stories,
        computations: Collection[int],
        events: Sequence[Event],
        calls: Calls,
    ) -> None:
        driver = None
        if self.account:
            driver = Driver(self.gateway, self.account, self.secrets, self._accuser, calls.notice, self.sealer)
        if not await follow(messages, stories, computations, events, driver, calls):
            raise ChainUnreachable(f"{self.gateway.network.ws_url} ended the subscription")

    async def result(self, computation: int) -> Result:
        """Return what *computation* has come to so far.

        Raises:
            ComputationUnknown: There is none with this id.
            HistogramUnavailable: It is accepted and its counts cannot be had.
        """
        story, events = await self.history(computation)
        gas: dict[str, int] = {}
        transactions = {event.transaction: step for event in events if (step := step_of(event.name))}
        for transaction, step in transactions.items():
            receipt = await self.gateway.request("eth_getTransactionReceipt", transaction)
            gas[step] = gas.get(step, 0) + int(receipt["gasUsed"], 16)
        gas["total"] = sum(gas.values())
        times = await self.times((events[0].block, events[-1].block))
        seconds = float(times[events[-1].block] - times[events[0].block])
        signatures = await self.sealer.signatures(story)
        return await asyncio.to_thread(result_of, story, self.store, gas, seconds, signatures)

    async def times(self, blocks: Iterable[int]) -> dict[int, int]:
        """Return the time of each of *blocks*, unix seconds."""
        found = {}
        for block in sorted(set(blocks)):
            header = await self.gateway.request("eth_getBlockByNumber", hex(block), False)
            found[block] = int(header["timestamp"], 16)
        return found

    async def cancel(self, computation: int) -> None:
        """Withdraw *computation* before any allocation.

        Raises:
            ContractRefused: It is somebody else's, or too late.
        """
        await act(self.gateway, self.signer, ALLOCATOR, "cancel", computation)

    async def history(self, computation: int, since: int | None = None) -> tuple[Story, list[Event]]:
        """Return the story of *computation* so far and the events that tell it, since block *since* when that is known.

        Raises:
            ComputationUnknown: There is none with this id.
        """
        first = self.gateway.network.deployed_at if since is None else since
        events = await self.gateway.logs_of(computation, first)
        stories = Stories.told_by(events)
        if computation not in stories.by_id:
            raise self._unknown(computation)
        return stories.by_id[computation], events

    def _unknown(self, computation: int) -> ComputationUnknown:
        return ComputationUnknown(f"there is no computation {computation} on chain {self.gateway.network.chain_id}")

    @property
    def signer(self) -> LocalAccount:
        """The account that acts.

        Raises:
            NotAMember: This client only reads.
        """
        if self.account is None:
            raise NotAMember("no account to act with; name one of the network file with --as, or give --keystore")
        return self.account


def _stories_of(receipt: Receipt) -> list[Story]:
    """Return the stories that begin in a submission's *receipt*."""
    stories = Stories.told_by(receipt.events)
    if not stories.by_id:
        raise AssertionError("a submission without its event")
    return list(stories.by_id.values())
