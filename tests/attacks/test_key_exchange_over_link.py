"""Who listens on a link, forges or changes what passes over it, or answers for another: there is no key then.

Real letters over a real link; its pairs are emulated, so whoever runs it has seen every outcome, and no test here can
speak against that.
"""

import asyncio
import json

import pytest

from qcrs.crypto.keys import SIGNATURE_BYTES
from qcrs.daemon import conversation, talks
from qcrs.quantum.entanglement.pairs import Equipment
from qcrs.rules.invitation import Invitation, Talk
from tests.linked import Contracts, chain_of, link_file
from tests.talks import CHANNEL, NUMBER, PAIRS, gateway, keys_of, known, talk


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(talks, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(conversation, "LETTER_SECONDS", 2.0)


def tapped(share, **equipment):
    return link_file(0.97, Equipment(intercept_ppm=round(1e6 * share), **equipment))


async def asked(pair, **terms):
    report = await pair.ask(**terms)
    await pair.settled(2)
    return report, pair.kept(1), pair.kept(2)


def keyless(paths):
    return not any("key" in json.loads(path.read_text()) for path in paths)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_an_eavesdropper_on_the_link_raises_the_alarm_at_both_ends_and_there_is_no_key(tmp_path, share):
    report, *kept = talk(asked, tmp_path, file=tapped(share))
    assert report["alarm"] == "EavesdropperSuspected"
    assert "keyDigest" not in report
    assert f"intercept-resend {round(1e6 * share)} ppm" in report["label"]
    assert [[json.loads(path.read_text())["alarm"] for path in paths] for paths in kept] == [[report["alarm"]]] * 2
    assert keyless(kept[0] + kept[1])


def test_keys_beyond_what_a_channel_has_left_are_refused_by_its_link_and_said_so(tmp_path):
    """Sessions took half of its pairs; a key of as many as the other half has is made, and not one more."""
    contracts = Contracts()
    contracts.open(CHANNEL, (2, 1), capacity=2 * PAIRS, used=PAIRS)

    async def twice(pair):
        first, again = await pair.ask(), await pair.ask(number=NUMBER + 1)
        await pair.settled(2)
        return first, again, pair.kept(2)

    first, again, kept = talk(twice, tmp_path, file=link_file(0.97), chain=chain_of(contracts))
    assert "keyDigest" in first
    assert again["error"] == "PairsExceeded"
    assert f"sessions took {PAIRS} pairs and keys and reports {PAIRS} since test 1" in again["message"]
    assert len(kept) == 1


@pytest.mark.parametrize("asker", [1, 2])
def test_a_channel_that_bears_any_errors_stops_nobody_and_gives_no_key(tmp_path, asker):
    """Who asks for a channel says how many errors its test bears; more than half are no terms for a key."""

    async def work(pair):
        report = await pair.ask(processor=asker)
        await pair.settled(3 - asker)
        clients = [end.links.client for end in pair.ends.values()]
        return report, pair.kept(1), pair.kept(2), (await clients[0].describe())["pairs"]

    report, *kept, pairs = talk(work, tmp_path, seconds=20, everything=known(error_ppm=600_000))
    assert report["error"] == "TermsInvalid"
    assert "tolerated 600000 ppm" in report["message"]
    assert kept == [[], []]
    assert pairs == 0


def test_sparing_what_it_takes_for_tests_does_not_help_an_eavesdropper(tmp_path):
    """All pairs measured in X are tested, and bases are drawn when it has already chosen."""
    report, *kept = talk(asked, tmp_path, file=tapped(0.6, spares_guesses=True))
    assert report["alarm"] == "EavesdropperSuspected"
    assert keyless(kept[0] + kept[1])


def test_an_eavesdropper_on_every_pair_leaves_no_chsh(tmp_path):
    report = talk(lambda pair: pair.ask(Talk.Chsh, pairs=20_000), tmp_path, file=tapped(1.0))
    assert report["s"] < 2
    assert "intercept-resend" in report["label"]


@pytest.mark.parametrize("kind", Talk)
def test_an_impostor_that_answers_for_the_other_end_is_refused(tmp_path, kind):
    """It has the processor's login, but not its ML-DSA-65 key."""

    async def work(pair):
        return await pair.ask(kind), pair.kept(1)

    report, kept = talk(work, tmp_path, keys={2: keys_of(3)})
    assert report["error"] == "MessageRefused"
    assert "the other end did not sign" in report["message"]
    assert kept == []


def test_an_impostor_that_invites_is_not_answered(tmp_path, caplog):
    report, _, kept = talk(asked, tmp_path, keys={1: keys_of(3)})
    assert report["error"] == "WaitTimedOut"
    assert "invitation refused: not signed by processor 1" in caplog.text
    assert kept == []


@pytest.mark.parametrize("place", ["body", "signature", "cut", "of another place"])
@pytest.mark.parametrize("number", range(4))
def test_a_letter_that_was_changed_on_its_way_ends_it_at_both_ends(tmp_path, number, place):
    async def work(pair):
        client, seen = pair.ends[1].links.client, []
        fetch = client.fetch

        async def changed(*arguments):
            letter = await fetch(*arguments)
            seen.append(letter)
            if len(seen) <= number:
                return letter
            at = {"body": 8, "signature": -1}.get(place)
            if place == "cut":
                return letter[:-1]
            if at is None:
                return seen[number - 1] if number else letter[::-1]
            return letter[:at] + bytes([letter[at] ^ 1]) + letter[at:][1:]

        client.fetch = changed
        return await asked(pair)

    report, *kept = talk(work, tmp_path)
    assert report["error"] == "MessageRefused"
    assert kept == [[], []]


def test_an_invitation_is_answered_once(tmp_path, caplog):
    """Also by a daemon that has been started again, and when it is left under another name."""

    async def work(pair):
        first = await asked(pair)
        vault, until = pair.ends[1].vault, int(pair.ends[1].gateway.now) + 3
        (content,) = vault.invitations(CHANNEL, 0, 2**33)
        pair.ends[2]._judged.clear()
        vault.post_invitation(CHANNEL, until, content)
        await asyncio.sleep(0.3)
        return first, pair.kept(2), dict(pair.ends[2].going)

    first, kept, going_on = talk(work, tmp_path)
    assert "keyDigest" in first[0]
    assert f"number {NUMBER} was answered before" in caplog.text
    assert len(kept) == 1
    assert going_on == {}


BY_HAND = {
    "stale": ({"until": -1}, "good until"),
    "of far ahead": ({"until": 10_000}, "good until"),
    "to another": ({"peer": 3}, "channel, test, asker and peer"),
    "of another": ({"asker": 3}, "channel, test, asker and peer"),
    "over another channel": ({"channel": 6}, "channel, test, asker and peer"),
    "of an earlier test": ({"attempt": 2}, "channel, test, asker and peer"),
    "for too many pairs": ({"pairs": 2**20}, "pairs: Input should be less than or equal to 131072"),
    "for a short key": ({"bits": 64}, "a key of 64 bits"),
    "for another deployment": ({}, "not signed by processor 1"),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_invitation_that_is_signed_but_amiss_is_refused(tmp_path, caplog, name):
    changes, words = BY_HAND[name]
    scope = gateway()
    fields = {"talk": Talk.Key, "channel": CHANNEL, "attempt": 1, "asker": 1, "peer": 2, "number": 9,
              "nonce": "00" * 32, "pairs": 4_096, "bits": 128}  # fmt: skip
    invitation = Invitation.model_construct(**{**fields, **changes, "until": int(scope.now) + changes.get("until", 20)})
    chain = 1 if name == "for another deployment" else scope.network.chain_id

    async def work(pair):
        signature = keys_of(1).signing.sign(invitation.digest(chain, scope.addresses["Channels"]), talks.PURPOSE)
        pair.ends[1].vault.post_invitation(CHANNEL, int(scope.now) + 20, invitation.content + signature)
        while "invitation refused" not in caplog.text:
            await asyncio.sleep(0.02)
        return dict(pair.ends[2].going), pair.kept(2)

    assert talk(work, tmp_path, seconds=10) == ({}, [])
    assert words in caplog.text


def test_rubbish_in_the_box_holds_nobody_up(tmp_path):
    async def work(pair):
        vault, until = pair.ends[1].vault, int(pair.ends[1].gateway.now) + 5
        for content in (b"", b"{}", b"\xff" * 10_000, b"[" * 9_999, b"{" + b" " * SIGNATURE_BYTES):
            vault.post_invitation(CHANNEL, until, content)
        return await pair.ask()

    assert "keyDigest" in talk(work, tmp_path)


def test_settings_that_were_not_drawn_are_no_report(tmp_path, monkeypatch):
    """With one setting for all pairs shared randomness is as good."""
    monkeypatch.setattr(conversation.secrets, "randbits", lambda bits: 0)
    report = talk(lambda pair: pair.ask(Talk.Chsh), tmp_path, everything=known())
    assert report["error"] == "MessageRefused"
    assert "pairs in each two settings: [16384, 0, 0, 0]" in report["message"]


def test_nobody_but_the_other_end_can_cut_a_conversation_short(tmp_path, caplog):
    """What is going on makes way for an invitation of the other end: for a new one that it has signed."""

    async def work(pair):
        vault, scope = pair.ends[1].vault, gateway()
        asked_for = asyncio.create_task(pair.ask(pairs=8_192))
        while not pair.ends[2].going:
            await asyncio.sleep(0.02)
        (content,) = vault.invitations(CHANNEL, 0, 2**33)
        until = int(scope.now) + 20
        vault.post_invitation(CHANNEL, until + 1, content)
        new = Invitation.read(content[:-SIGNATURE_BYTES]).model_copy(update={"number": 9}).content
        vault.post_invitation(CHANNEL, until, new + content[-SIGNATURE_BYTES:])
        while "not signed by processor 1" not in caplog.text:
            await asyncio.sleep(0.02)
        going_on = [len(end.going) for end in pair.ends.values()]
        return going_on, await asked_for

    going_on, report = talk(work, tmp_path, file=link_file(0.97, rate=4_000))
    assert going_on == [1, 1]
    assert "error" not in report
