"""Ends of a channel talk over a link: keys and reports come of it, or nothing does."""

import asyncio
import json
import stat

import pytest

from qcrs.daemon import conversation, talks
from qcrs.daemon.errands import Errands
from qcrs.daemon.talks import ChannelBusy, ChannelNotOpen, TalkDropped
from qcrs.identities import ProcessorUnkeyed
from qcrs.model.channel import ChannelStatus
from qcrs.rules.invitation import InvitationRefused, Talk
from qcrs.wishes import Wish, Wishes
from tests.linked import link_file
from tests.talks import CHANNEL, NUMBER, end_of, known, talk


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(talks, "LOOK_SECONDS", 0.02)


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(conversation, "LETTER_SECONDS", 2.0)


def read(path):
    return json.loads(path.read_text())


def test_both_ends_keep_the_same_key_for_themselves_and_tell_its_digest_only(tmp_path, caplog):
    caplog.set_level("DEBUG")

    async def work(pair):
        report = await pair.ask(bits=256)
        await pair.settled(2)
        return report, [pair.kept(end) for end in (1, 2)]

    report, ((own,), (other,)) = talk(work, tmp_path, file=link_file(0.97))
    assert read(own)["key"] == read(other)["key"]
    assert report["length"] == 8 * len(bytes.fromhex(read(own)["key"])) >= 256
    assert read(own)["key"] not in json.dumps(report) + caplog.text
    assert caplog.text.count(report["keyDigest"]) == 2
    assert report["keyDigest"] == read(other)["keyDigest"]
    assert report["label"] == "link=emulated"
    assert report["epsilon"] == {"secret": "1e-10", "correct": "2^-64"}
    assert 0 < report["errors"] < report["tested"] * 0.045
    assert report["leak"] > 0
    for path in (own, other):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_two_keys_are_alike(tmp_path):
    async def work(pair):
        reports = [await pair.ask(number=number, processor=end) for number, end in ((1, 1), (2, 1), (3, 2))]
        await pair.settled(1)
        await pair.settled(2)
        return reports, pair.kept(1), pair.kept(2)

    reports, *kept = talk(work, tmp_path)
    assert len({report["keyDigest"] for report in reports}) == 3
    assert [len(files) for files in kept] == [3, 3]
    assert [read(one)["key"] for one in kept[0]] == [read(one)["key"] for one in kept[1]]


def test_chsh_says_how_far_beyond_shared_randomness_it_is_and_that_it_proves_nothing(tmp_path):
    report = talk(lambda pair: pair.ask(Talk.Chsh, pairs=20_000), tmp_path)
    assert abs(report["s"] - 2 * 2**0.5) < 5 * report["standardError"] < 0.15
    assert report["label"] == "link=emulated"
    assert "never a proof" in report["note"]
    assert "one classical bit" in report["note"]
    assert sum(report["ofSettings"]) == 20_000
    assert not list((tmp_path / "1" / "channel-keys").glob("*"))


def test_chsh_is_the_same_whoever_asks(tmp_path):
    report = talk(lambda pair: pair.ask(Talk.Chsh, processor=2, pairs=4_096), tmp_path)
    assert report["s"] > 2 + 5 * report["standardError"]


def test_too_few_pairs_are_an_alarm_that_both_ends_write_down_without_a_key(tmp_path):
    async def work(pair):
        report = await pair.ask(pairs=1_024)
        await pair.settled(2)
        return report, pair.kept(1) + pair.kept(2)

    report, files = talk(work, tmp_path)
    assert report["alarm"] == "NoKeyLeft"
    assert [read(path)["alarm"] for path in files] == ["NoKeyLeft"] * 2
    assert not any("key" in read(path) for path in files)


def test_one_conversation_a_channel_at_a_time(tmp_path):
    async def work(pair):
        first = asyncio.create_task(pair.ask())
        await asyncio.sleep(0)
        with pytest.raises(ChannelBusy, match=f"conversation {NUMBER} goes on; expected one at a time"):
            await pair.ask(number=NUMBER + 1)
        return await first

    assert "keyDigest" in talk(work, tmp_path)


@pytest.mark.usefixtures("hasty")
def test_nobody_comes_and_the_conversation_is_dropped(tmp_path):
    async def work(pair):
        return await pair.ask(), pair.kept(1)

    answer, kept = talk(work, tmp_path, serving=(1,))
    assert answer["error"] == "WaitTimedOut"
    assert "dropped, nothing is kept" in answer["message"]
    assert "waits for processor 2" in answer["message"]
    assert kept == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("letters", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("dying", [1, 2])
def test_an_end_dies_after_any_of_its_letters_and_neither_keeps_half_a_key(tmp_path, letters, dying):
    """What was begun is never taken up again: the daemon that is started anew says so."""

    async def work(pair):
        end = pair.ends[dying]
        client, died = end.links.client, asyncio.Event()
        post, sent = client.post, 0

        async def post_or_die(*arguments):
            nonlocal sent
            if sent == letters:
                died.set()
                await asyncio.Event().wait()
            sent += 1
            await post(*arguments)

        client.post = post_or_die
        asked = asyncio.create_task(pair.ask())
        await died.wait()
        await end.close()
        if dying == 1:
            asked.cancel()
            end.journal.close()
            pair.ends[1] = again = end_of(1, client, tmp_path)
            with pytest.raises(TalkDropped, match="the daemon was stopped; nothing is kept"):
                await pair.ask()
            await pair.settled(2)
            assert again.going == {}
        else:
            answer = await asked
            assert answer["error"] == "WaitTimedOut"
            assert "nothing is kept" in answer["message"]
        return pair.kept(1) + pair.kept(2)

    assert talk(work, tmp_path) == []


@pytest.mark.usefixtures("hasty")
def test_the_end_that_was_asked_says_when_it_may_be_alone_with_a_key(tmp_path, caplog):
    """Somebody has the last word: it is kept by the asked end first, so that what the asking one reports both have."""

    async def work(pair):
        client = pair.ends[2].links.client
        post, end = client.post, pair.ends[2]

        async def fail_when_kept(peer, topic, data):
            if pair.kept(2):
                raise OSError("the line is cut")
            await post(peer, topic, data)

        client.post = fail_when_kept
        answer = await pair.ask()
        await pair.settled(2)
        return answer, end.folder.path, pair.kept(1)

    answer, folder, own = talk(work, tmp_path)
    assert answer["error"] == "WaitTimedOut"
    assert own == []
    assert len(list(folder.glob("*.json"))) == 1
    assert "a key is kept here that the other end may not have" in caplog.text


def test_a_key_that_was_kept_before_the_daemon_was_stopped_is_reported_by_the_next(tmp_path):
    async def work(pair):
        first = await pair.ask()
        pair.ends[1].journal.close()
        pair.ends[1] = end_of(1, pair.ends[1].links.client, tmp_path)
        return first, await pair.ask()

    first, again = talk(work, tmp_path)
    assert again["keyDigest"] == first["keyDigest"]
    assert "key" not in again


def test_channels_that_are_not_open_or_not_the_own_are_refused(tmp_path):
    async def work(pair):
        with pytest.raises(ChannelNotOpen, match="no end of a channel 6"):
            await pair.ask(channel=6)
        pair.known = known(status=ChannelStatus.Committing)
        with pytest.raises(ChannelNotOpen, match="channel 5 is Committing"):
            await pair.ask()

    talk(work, tmp_path)


@pytest.mark.parametrize(
    ("terms", "words"),
    [({"pairs": 2**17 + 1}, "pairs: .*131072"), ({"pairs": 255}, "pairs: .*256"), ({"bits": 64}, "a key of 64 bits")],
)
def test_terms_beyond_the_limits_are_refused(tmp_path, terms, words):
    async def work(pair):
        with pytest.raises(InvitationRefused, match=words):
            await pair.ask(**terms)
        assert pair.ends[1].journal.kept(talks.TALK, CHANNEL, NUMBER) is None

    talk(work, tmp_path)


def test_a_processor_without_keys_talks_to_nobody(tmp_path):
    async def work(pair):
        pair.ends[1].keys = None
        with pytest.raises(ProcessorUnkeyed, match="qcrs processor rekey"):
            await pair.ask()

    talk(work, tmp_path)


def test_a_wish_is_answered_when_the_conversation_is_over_and_tells_the_chain_nothing(tmp_path):
    async def work(pair):
        wishes = Wishes(tmp_path / "wishes")
        errands = Errands(wishes, None, pair.ends[1])
        wishes.leave(Wish(NUMBER, "key", {"channel": CHANNEL, "pairs": 16_384, "bits": 128}))
        wishes.leave(Wish(NUMBER + 1, "chsh", {"channel": CHANNEL, "pairs": 4_096}))
        wishes.leave(Wish(NUMBER + 2, "chsh", {"channel": CHANNEL}))
        wishes.leave(Wish(NUMBER + 3, "key", {"channel": 2**70, "pairs": 4_096, "bits": 128}))
        told = []
        while wishes.answered(NUMBER) is None:
            told.append(await errands.run(pair.known, 1))
            await asyncio.sleep(0.02)
        return told, [wishes.answered(NUMBER + more) for more in range(4)]

    told, (key, busy, short, foreign) = talk(work, tmp_path)
    assert not any(told)
    assert "keyDigest" in key
    assert busy["error"] == "ChannelBusy"
    assert (short["error"], foreign["error"]) == ("ChannelBusy", "ChannelNotOpen")


@pytest.mark.usefixtures("hasty")
def test_a_slow_link_is_waited_for(tmp_path):
    report = talk(lambda pair: pair.ask(Talk.Chsh, pairs=4_096), tmp_path, file=link_file(rate=2_000))
    assert report["s"] > 2


def test_a_link_that_needs_longer_than_a_conversation_lasts_is_not_asked_for_pairs(tmp_path):
    """They would be used up for nothing."""

    async def work(pair):
        report = await pair.ask(Talk.Chsh, pairs=4_096)
        return report, (await pair.ends[1].links.client.describe())["pairs"]

    report, pairs = talk(work, tmp_path, file=link_file(rate=7))
    assert report["error"] == "LinkTooSlow"
    assert "4096 pairs at 7 a second, expected at most 3990, within 600 s" in report["message"]
    assert pairs == 0


def test_an_end_that_was_started_again_need_not_wait_for_the_other_to_give_up(tmp_path):
    async def work(pair):
        client = pair.ends[1].links.client
        post, client.post = client.post, lambda *_: asyncio.Event().wait()
        asked = asyncio.create_task(pair.ask())
        while not pair.ends[2].going:
            await asyncio.sleep(0.02)
        asked.cancel()
        await pair.ends[1].close()
        pair.ends[1].journal.close()
        client.post = post
        pair.ends[1] = end_of(1, client, tmp_path)
        return await asyncio.wait_for(pair.ask(number=NUMBER + 1), conversation.LETTER_SECONDS / 2)

    assert "keyDigest" in talk(work, tmp_path)


def test_of_two_ends_that_ask_at_once_one_makes_way(tmp_path):
    async def work(pair):
        asked = [asyncio.create_task(pair.ask(number=end, processor=end)) for end in (1, 2)]
        answers = await asyncio.wait_for(asyncio.gather(*asked), conversation.LETTER_SECONDS / 2)
        await pair.settled(2)
        return answers, pair.kept(1), pair.kept(2)

    (first, second), *kept = talk(work, tmp_path)
    assert "keyDigest" in first
    assert second["error"] == "TalkDropped"
    assert "the other end has asked for another" in second["message"]
    assert [len(files) for files in kept] == [1, 1]
