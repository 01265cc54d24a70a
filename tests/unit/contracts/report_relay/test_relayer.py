"""The relayer of ``qcrs.sdk.relay`` against the contract."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.report import SignedCommit
from qcrs.chain.spool import Spool
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.relay import MOST_ITEMS, Posted, Relay
from tests.bridge import Bridge


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path)


@pytest.fixture
def bridge(world):
    return Bridge(world)


@pytest.fixture
def post(world, bridge, spool):
    """Post once, as a stranger."""
    relay = Relay(bridge, SimpleNamespace(address=world.stranger), spool)
    return lambda: asyncio.run(relay.post())


def left(spool):
    return sorted(path.name for path in spool.folder.iterdir())


def test_relayer_brings_a_computation_to_its_verdict(world, office, spool, post):
    job = world.submit().allocate()
    for index in (2, 0, 1):
        spool.put(office.signed(job, index))
    assert post() == Posted(commits=3, gas=1)
    job.disclose()
    for index in (1, 2, 0):
        spool.put(office.reveal(job, index))
    assert post() == Posted(reveals=3, gas=1)
    assert left(spool) == []
    job.settle()
    assert job.status is ComputationStatus.Accepted


def test_relayer_sends_nothing_when_nothing_waits(bridge, post):
    assert post() == Posted()
    assert bridge.sent == []


def test_relayer_does_not_pay_for_what_would_be_refused(world, office, spool, bridge, post):
    job = world.submit().allocate()
    bad = office.signed(job, 0)
    spool.put(SignedCommit(bad.report, b"\1" * 65))
    spool.put(office.signed(job, 1, payee=world.stranger))
    assert post() == Posted()
    assert bridge.sent == []
    spool.put(office.signed(job, 2))
    assert post() == Posted(commits=1, gas=1)
    assert len(left(spool)) == 2


def test_relayer_keeps_what_comes_too_early(world, office, spool, post):
    job = world.submit().allocate()
    for index in range(3):
        spool.put(office.signed(job, index))
    post()
    job.disclose()
    reveals = [office.reveal(job, index) for index in range(3)]
    early = world.submit().allocate()
    early_report = office.reveal(job, 0).model_copy(update={"computation": early.id})
    for item in (*reveals, early_report):
        spool.put(item)
    assert post() == Posted(reveals=3, gas=1)
    assert len(left(spool)) == 1


def test_relayer_posts_no_seat_twice_in_a_batch(world, office, spool, post):
    """A daemon that signs two answers gets one in."""
    job = world.submit().allocate()
    spool.put(office.signed(job, 0))
    other = office.signed(job, 0, commitment=b"\1" * 24)
    spool.put(other).rename(spool.folder / "commit-again.json")
    spool.put(office.signed(job, 0))
    assert post() == Posted(commits=1, gas=1)
    assert post() == Posted()


def test_relayer_posts_a_full_spool_in_several_batches(world, office, spool, bridge, post):
    jobs = [world.submit(qubits=1).allocate() for _ in range(MOST_ITEMS // 3 + 1)]
    for job in jobs:
        for index in range(3):
            spool.put(office.signed(job, index))
    assert post() == Posted(commits=MOST_ITEMS, gas=1)
    assert post() == Posted(commits=3 * len(jobs) - MOST_ITEMS, gas=1)
    assert bridge.sent == ["relay", "relay"]
    assert {job.status for job in jobs} == {ComputationStatus.Committed}


def test_relayer_leaves_the_file_when_another_was_faster(world, office, spool, bridge, post, monkeypatch):
    job = world.submit().allocate()
    spool.put(office.signed(job, 0))
    spool.put(office.signed(job, 1))
    send = bridge.send

    async def send_late(*arguments):
        job.commit(0)
        return await send(*arguments)

    monkeypatch.setattr(bridge, "send", send_late)
    assert post() == Posted(commits=1, skipped=1, gas=1)
    assert left(spool) == [f"commit-{job.id}-0-1.json"]
