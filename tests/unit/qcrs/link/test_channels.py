"""Pairs for two ends."""

import asyncio

import pytest

from qcrs.errors import QcrsError
from qcrs.link.errors import (
    AccountMismatch,
    ChannelMismatch,
    FrameInvalid,
    PairsUnknown,
    TooMany,
    WaitTimedOut,
)
from qcrs.link.file import ServiceLimits
from qcrs.link.talked import OpenChannel
from qcrs.link.wire import Purpose
from qcrs.quantum.entanglement.errors import OutOfReach, PairTooOld, PairUsed
from qcrs.quantum.entanglement.pairs import Equipment
from tests.linked import link_file, on_link

ALL = 2**256 - 1


class Chain:
    """A chain that waits for pairs, and notes what it is told; *faults* are raised first, one a herald."""

    def __init__(self, faults=(), mismatch=False):
        self.heralded, self.asked, self._faults, self._mismatch = [], [], list(faults), mismatch

    async def require_heralding(self, channel, attempt, ends, pairs):
        self.asked.append((channel, attempt, ends, pairs))
        if self._mismatch:
            raise ChannelMismatch(f"channel {channel}: Requested, expected Heralding")

    async def require_open(self, channel, ends):
        return OpenChannel(channel, 1, 10_000, 0)

    async def herald(self, channel, attempt, root):
        if self._faults:
            raise self._faults.pop(0)
        self.heralded.append((channel, attempt, root))


async def prepared(first, second, pairs=512, purpose=Purpose.Test, attempt=1):
    return await asyncio.gather(
        first.prepare(9, attempt, 4, pairs, purpose), second.prepare(9, attempt, 3, pairs, purpose)
    )


def test_pairs_are_made_when_both_ends_have_asked_and_heralded_once():
    chain = Chain()

    async def work(url, first, second):
        made = await prepared(first, second)
        again = await first.prepare(9, 1, 4, 512)
        return made, again

    (one, other), again = on_link(work, 3, 4, chain=chain)
    assert (one.end, other.end) == (0, 1)
    assert one.root == other.root == again.root
    assert chain.heralded == [(9, 1, one.root)]
    assert chain.asked == [(9, 1, (3, 4), 512)]


def test_one_end_alone_gets_nothing():
    async def work(url, first, second):
        await first.prepare(9, 1, 4, 512, wait=0.1)

    with pytest.raises(WaitTimedOut, match=r"waits for processor 4 \(member 1\) after 0.1 s"):
        on_link(work, 3, 4)


def test_ends_that_ask_for_different_numbers_are_told():
    async def work(url, first, second):
        await asyncio.gather(first.prepare(9, 1, 4, 512, wait=1), second.prepare(9, 1, 3, 256, wait=1))

    with pytest.raises(AccountMismatch, match="256, expected 512"):
        on_link(work, 3, 4)


def test_a_stranger_cannot_have_the_pairs():
    async def work(url, first, second, stranger):
        await prepared(first, second)
        await stranger.measure(9, 1, 4, [ALL] * 2, [0] * 2)

    with pytest.raises(PairsUnknown):
        on_link(work, 3, 4, 5)


@pytest.mark.parametrize("purpose", [Purpose.Test, Purpose.Key])
def test_ends_agree_where_they_measure_alike(purpose):
    async def work(url, first, second):
        await prepared(first, second, purpose=purpose)
        one = await first.measure(9, 1, 4, [ALL] * 2, [0b1100, ALL], purpose)
        other = await second.measure(9, 1, 3, [ALL] * 2, [0b1010, ALL], purpose)
        return one, other

    one, other = on_link(work, 3, 4)
    assert one[1] == other[1]
    same = ALL ^ 0b0110
    assert one[0] & same == other[0] & same
    assert 180 < sum(word.bit_count() for word in one) < 332


def test_only_positions_that_are_asked_for_are_measured():
    async def work(url, first, second):
        await prepared(first, second)
        parts = [await first.measure(9, 1, 4, [mask, mask], [0, 0]) for mask in (0xFF, 0xFF00, 0)]
        with pytest.raises(PairUsed):
            await first.measure(9, 1, 4, [0x1FF, 0], [0, 0])
        whole = await second.measure(9, 1, 3, [0xFFFF] * 2, [0, 0])
        return parts, whole

    parts, whole = on_link(work, 3, 4)
    assert [low | high for low, high in zip(parts[0], parts[1], strict=True)] == whole
    assert parts[2] == [0, 0]


def test_the_same_question_gets_the_same_answer():
    async def work(url, first, second):
        await prepared(first, second)
        answers = [await first.measure(9, 1, 4, [ALL] * 2, [7, 7]) for _ in range(2)]
        with pytest.raises(PairUsed):
            await first.measure(9, 1, 4, [ALL] * 2, [8, 7])
        return answers

    one, again = on_link(work, 3, 4)
    assert one == again


def test_words_must_fit_the_pairs():
    async def work(url, first, second):
        await prepared(first, second)
        await first.measure(9, 1, 4, [ALL], [0, 0])

    with pytest.raises(FrameInvalid, match="1 words of positions and 2 of bases, expected 2 for 512"):
        on_link(work, 3, 4)


def test_another_attempt_has_pairs_of_its_own():
    async def work(url, first, second):
        one = await prepared(first, second)
        other = await prepared(first, second, attempt=2)
        await first.measure(9, 1, 4, [ALL] * 2, [0, 0])
        await first.measure(9, 2, 4, [ALL] * 2, [0, 0])
        return one[0].root, other[0].root

    one, other = on_link(work, 3, 4)
    assert one != other


def test_a_processor_has_no_pairs_with_itself():
    async def work(url, first):
        await first.prepare(9, 1, 3, 512)

    with pytest.raises(FrameInvalid, match="the peer is processor 3 itself"):
        on_link(work, 3)


def test_pairs_that_waited_too_long_are_gone():
    async def work(url, first, second):
        await prepared(first, second)
        await asyncio.sleep(0.15)
        await first.measure(9, 1, 4, [ALL] * 2, [0, 0])

    file = link_file(0.97, minimum_fidelity_ppm=900_000, memory_milliseconds=1000)
    with pytest.raises(PairTooOld):
        on_link(work, 3, 4, file=file)


def test_slow_source_is_said_to_be_slow():
    async def work(url, first, second):
        await prepared(first, second)

    slow = link_file(0.97, minimum_fidelity_ppm=960_000, memory_milliseconds=1000, rate=1000)
    with pytest.raises(OutOfReach):
        on_link(work, 3, 4, file=slow)
    with pytest.raises(TooMany, match="expected at most 1 s"):
        on_link(work, 3, 4, file=link_file(rate=100, service=ServiceLimits(wait_seconds=1)))


def test_channel_that_the_chain_knows_otherwise_gets_no_pairs():
    async def work(url, first, second):
        return await asyncio.gather(first.prepare(9, 1, 4, 512), second.prepare(9, 1, 3, 512), return_exceptions=True)

    chain = Chain(mismatch=True)
    assert [type(error) for error in on_link(work, 3, 4, chain=chain)] == [ChannelMismatch] * 2
    assert chain.heralded == []


def test_chain_that_was_away_is_told_later_of_the_same_pairs():
    class Away(QcrsError):
        """The chain is away."""

    chain = Chain(faults=[Away("chain away")])

    async def work(url, first, second):
        failed = await asyncio.gather(first.prepare(9, 1, 4, 512), second.prepare(9, 1, 3, 512), return_exceptions=True)
        made = await prepared(first, second)
        return failed, made[0], (await first.describe())["pairs"]

    failed, made, pairs = on_link(work, 3, 4, chain=chain)
    assert all("chain away" in str(error) for error in failed)
    assert chain.heralded == [(9, 1, made.root)]
    assert pairs == 512


def test_the_chain_hears_of_tests_alone():
    chain = Chain()
    on_link(lambda url, first, second: prepared(first, second, purpose=Purpose.Key), 3, 4, chain=chain)
    assert chain.heralded == chain.asked == []


def test_pairs_for_keys_that_did_not_come_are_not_counted():
    slow = link_file(rate=1000, memory_milliseconds=100, minimum_fidelity_ppm=900_000)

    async def work(url, first, second):
        with pytest.raises(OutOfReach):
            await prepared(first, second, pairs=2048, purpose=Purpose.Key)
        return await first.usage(9, 1)

    assert on_link(work, 3, 4, chain=Chain(), file=slow) == 0


def test_test_equipment_is_named_in_everything():
    async def work(url, first, second):
        return (await prepared(first, second))[0].label, first.label, (await first.describe())["descriptor"]

    file = link_file(equipment=Equipment(intercept_ppm=250_000))
    for text in on_link(work, 3, 4, file=file):
        assert "test equipment: intercept-resend 250000 ppm" in text


def test_channels_of_one_processor_are_limited():
    async def work(url, first):
        for channel in range(3):
            with pytest.raises(WaitTimedOut):
                await first.prepare(channel, 1, 4, 256, wait=0.01)
        await first.prepare(3, 1, 4, 256, wait=0.01)

    with pytest.raises(TooMany, match="channels of processor 3: expected at most 3"):
        on_link(work, 3, file=link_file(service=ServiceLimits(held=3)))
