"""The relayer's loop: what it waits for, what it waits out, and what ends it."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.gateway import ChainUnreachable, Receipt, TransactionRefused, WrongChain
from qcrs.chain.report import RevealReport
from qcrs.chain.spool import Spool
from qcrs.sdk import relay as module
from qcrs.sdk.relay import NoCoinForGas, Posted, Relay, empty, serve

ACCOUNT = SimpleNamespace(address="0x" + "11" * 20)


def report(index):
    return RevealReport(computation=1, index=index, counts_root=bytes(32), salt=bytes(32), sketch=[index])


class Gateway:
    """A chain that takes every report, unless told otherwise.

    Attributes:
        refused: Indices that would be refused. tried: Indices looked at. sent: Indices by transaction.
        faults: What the next requests raise. wei: Of every account.
    """

    def __init__(self):
        self.refused, self.tried, self.sent, self.faults, self.wei = set(), [], [], [], 1
        self.connections = 0
        self.interfaces = {}

    async def call(self, contract, function, commits, signatures, reveals, sender):
        self.tried.append(reveals[0][1])
        return int(reveals[0][1] not in self.refused)

    async def send(self, account, contract, function, commits, signatures, reveals):
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append([reveal[1] for reveal in reveals])
        return Receipt(f"0x{len(self.sent)}", 1, 10, [])

    async def balance(self, address):
        return self.wei

    async def connect(self):
        self.connections += 1
        if self.faults and isinstance(self.faults[0], WrongChain):
            raise self.faults.pop(0)

    async def look(self):
        """Learn nothing."""


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.001, 0.001))


def served(relay, spool, until, gather=0.0, on_news=lambda news: None):
    """Serve until the news satisfy *until*; return them."""
    news = []

    async def work():
        stop = asyncio.Event()

        def tell(item):
            news.append(item)
            on_news(item)
            if until(news):
                stop.set()

        async with asyncio.timeout(30):
            await serve(relay, gather, stop, tell)

    asyncio.run(work())
    return news


def test_no_more_than_the_most_go_together(gateway, spool):
    for index in range(5):
        spool.put(report(index))
    total = asyncio.run(empty(Relay(gateway, ACCOUNT, spool, most=2)))
    assert [len(batch) for batch in gateway.sent] == [2, 2, 1]
    assert (total, total.transactions, total.transaction) == (Posted(reveals=5, gas=30), 3, "0x3")
    assert list(spool.folder.glob("*.json")) == []


def test_relayer_goes_on_after_each_batch(gateway, spool):
    spool.put(report(0))
    news = served(
        Relay(gateway, ACCOUNT, spool), spool, lambda news: len(news) == 2,
        on_news=lambda _: spool.put(report(1)),
    )  # fmt: skip
    assert news == [Posted(reveals=1, gas=10)] * 2
    assert gateway.sent == [[0], [1]]


def test_reports_that_come_while_others_wait_go_with_them(gateway, spool, monkeypatch):
    spool.put(report(0))
    sleep = module._sleep

    async def sleep_and_put(stop, seconds):
        if seconds == 9:
            spool.put(report(1))
            seconds = 0.001
        await sleep(stop, seconds)

    monkeypatch.setattr(module, "_sleep", sleep_and_put)
    served(Relay(gateway, ACCOUNT, spool), spool, len, gather=9)
    assert sorted(gateway.sent[0]) == [0, 1]


@pytest.mark.parametrize(
    "fault", [ChainUnreachable("gone"), TransactionRefused("busy"), TransactionRefused("insufficient funds for gas")]
)
def test_faults_that_pass_are_told_and_waited_out(gateway, spool, fault):
    spool.put(report(0))
    gateway.faults = [fault, fault]
    news = served(Relay(gateway, ACCOUNT, spool), spool, lambda news: isinstance(news[-1], Posted))
    assert news[-1] == Posted(reveals=1, gas=10)
    expected = NoCoinForGas if "funds" in str(fault) else type(fault)
    assert [type(item) for item in news[:-1]] == [expected] * 2
    assert gateway.connections == 2


def test_another_chain_ends_it(gateway, spool):
    spool.put(report(0))
    gateway.faults = [ChainUnreachable("gone"), WrongChain("another")]
    with pytest.raises(WrongChain):
        served(Relay(gateway, ACCOUNT, spool), spool, lambda news: False)
    assert len(list(spool.folder.glob("*.json"))) == 1


def test_report_that_would_be_refused_is_looked_at_less_and_less(gateway, spool, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(module, "RETRY_SECONDS", (1.0, 3.0))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    spool.put(report(0))
    gateway.refused = {0}
    relay, looks = Relay(gateway, ACCOUNT, spool), []
    for second in range(13):
        clock[0] = second + 0.5
        before = len(gateway.tried)
        assert asyncio.run(relay.collect()) == []
        if len(gateway.tried) > before:
            looks.append(second)
    assert looks == [0, 1, 3, 6, 9, 12]


def test_report_that_was_replaced_is_looked_at_right_away(gateway, spool, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", (1000.0, 1000.0))
    spool.put(report(0))
    gateway.refused = {0}
    relay = Relay(gateway, ACCOUNT, spool)
    for _ in range(2):
        assert asyncio.run(relay.collect()) == []
    assert gateway.tried == [0]
    gateway.refused = set()
    spool.put(report(0).model_copy(update={"sketch": [5]}))
    assert len(asyncio.run(relay.collect())) == 1


def test_account_without_coin_is_refused(gateway, spool):
    relay = Relay(gateway, ACCOUNT, spool)
    asyncio.run(relay.require_coin())
    gateway.wei = 0
    with pytest.raises(NoCoinForGas, match=ACCOUNT.address):
        asyncio.run(relay.require_coin())
