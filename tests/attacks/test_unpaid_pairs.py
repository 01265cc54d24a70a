"""Daemons that leave out their checks and ask a link for pairs that the chain gives them no right to."""

import asyncio

import pytest

from qcrs.link.errors import ChannelMismatch, PairsExceeded, SessionUnready
from qcrs.link.talked import Talked
from qcrs.link.wire import Purpose
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.quantum.entanglement.errors import HeraldFailed, ProgramFailed
from tests.entangled import fragment, gate, ghz, herald, measure, pair, relayed, teledata
from tests.linked import Contracts, chain_of, link_file, on_link

SHOTS = 100
PAIR = (3, 4)
S = ChannelStatus


def contracts(**changes):
    """Return a chain on which session 1 of processors 3 and 4 has taken a pair a shot of channel 5."""
    chain = Contracts()
    chain.open(5, PAIR, **changes)
    chain.arm(1, PAIR, {5: SHOTS})
    return chain


async def run(clients, fragments, members=PAIR, session=1, shots=SHOTS):
    return await asyncio.gather(
        *(one.run(session, members, own, shots) for one, own in zip(clients, fragments, strict=True)),
        return_exceptions=True,
    )


def attempt(chain, fragments=None, members=PAIR, session=1, shots=SHOTS, file=None):
    """Return what each member gets: its bits, or an error."""

    async def work(url, *clients):
        return await run(clients, fragments or teledata(), members, session, shots)

    return on_link(work, *members, chain=chain_of(chain), file=file)


def refused(found, kind, match):
    for error in found:
        assert isinstance(error, kind), error
        assert match in str(error)


def test_a_session_that_has_taken_its_pairs_gets_them():
    assert all(len(own.table()) == SHOTS for own in attempt(contracts()))


@pytest.mark.parametrize("status", [s for s in SessionStatus if s not in (SessionStatus.Armed, SessionStatus.Running)])
def test_a_session_that_has_taken_no_pairs_or_is_over_gets_none(status):
    chain = contracts()
    chain.arm(1, PAIR, {}, status)
    refused(attempt(chain), SessionUnready, f"session 1: {status.name}")


def test_a_session_that_the_chain_does_not_know_gets_none():
    refused(attempt(contracts(), session=2), SessionUnready, "session 2: Unset, of processors none")


def test_others_do_not_run_on_the_pairs_of_a_session():
    refused(attempt(contracts(), members=(3, 6)), SessionUnready, "of processors 3, 4; expected Armed or Running, of 3")


@pytest.mark.parametrize("status", [S.Failed, S.Expired, S.Cancelled, S.Unset])
def test_a_channel_that_has_ended_gives_no_pairs(status):
    refused(attempt(contracts(status=int(status))), ChannelMismatch, f"channel 5: {status.name}, expected Open")


def test_pairs_that_are_too_old_are_not_given():
    chain = contracts()
    chain.now = chain.channels[5]["phaseEndsAt"] + 1
    refused(attempt(chain), ChannelMismatch, "channel 5: its pairs are too old since 2000, it is 2001")


@pytest.mark.parametrize("change", [{"link": 8}, {"second": 9}])
def test_a_channel_of_another_link_or_of_others_gives_no_pairs(change):
    refused(attempt(contracts(**change)), ChannelMismatch, "channel 5")


def test_a_test_that_is_asked_for_since_takes_no_pairs_away():
    """Or either end could have the others look absent."""
    chain = contracts()
    chain.channels[5] |= {"status": int(S.Requested), "attempt": 2, "used": 0, "phaseEndsAt": 0}
    assert all(len(own.table()) == SHOTS for own in attempt(chain))


def test_a_program_that_needs_more_pairs_than_were_taken_is_not_run():
    more = attempt(contracts(), shots=SHOTS + 1)
    refused(more, PairsExceeded, "ask for 101 raw pairs, of those that it took on the chain of channel 5 100 are left")
    refused(attempt(contracts(), teledata(rounds=1)), PairsExceeded, "ask for 200 raw pairs")


def test_members_without_a_channel_get_no_pairs():
    chain = Contracts()
    for channel, ends in ((5, (3, 4)), (6, (3, 5))):
        chain.open(channel, ends)
    chain.arm(1, (3, 4, 5, 6), {5: SHOTS, 6: SHOTS})
    found = attempt(chain, ghz(4), (3, 4, 5, 6))
    refused(found, ChannelMismatch, "session 1: members 0 and 3 share pairs, and it took none of a channel between")


def test_a_session_is_not_run_twice_over_on_the_same_pairs():
    """A live session after the run finds nothing left."""

    async def work(url, *clients):
        first = await run(clients, teledata())
        members = await asyncio.gather(*(one.open_live(1, PAIR, 3, 3) for one in clients))
        live = (member.act(pair(0, 1 - member.member)) for member in members)
        return first, await asyncio.gather(*live, return_exceptions=True)

    first, live = on_link(work, *PAIR, chain=chain_of(contracts()))
    assert all(len(own.table()) == SHOTS for own in first)
    refused(live, PairsExceeded, "ask for 1 raw pairs, of those that it took on the chain of channel 5 0 are left")


def test_a_live_session_has_to_be_one_on_the_chain():
    async def work(url, *clients):
        opening = (one.open_live(2, PAIR, 3, 3) for one in clients)
        return await asyncio.gather(*opening, return_exceptions=True)

    refused(on_link(work, *PAIR, chain=chain_of(contracts())), SessionUnready, "session 2: Unset")


def test_what_was_refused_can_be_asked_for_again():
    chain = contracts()
    chain.arm(1, PAIR, {}, SessionStatus.Forming)

    async def work(url, *clients):
        refused(await run(clients, teledata()), SessionUnready, "Forming")
        chain.arm(1, PAIR, {5: SHOTS})
        return await run(clients, teledata())

    assert all(len(own.table()) == SHOTS for own in on_link(work, *PAIR, chain=chain_of(chain)))


def test_heralds_that_choose_outcomes_run_out_of_pairs():
    """A member that lets shots count by what it has measured begins more of them than there are pairs for."""
    rigged = [
        fragment(me, 2, 2, [pair(0, 1 - me), measure(0, 0), *([gate("h", 1), measure(1, 1)] if me else ()),
                            herald(1 - me, 1)], ((0, me),))
        for me in (0, 1)
    ]  # fmt: skip
    refused(attempt(contracts(), rigged), ProgramFailed, f"{SHOTS} shots begun, of which")


def test_pairs_that_are_purified_end_to_end_do_with_what_was_taken_for_heralds_that_fail():
    members, file = (3, 4, 5), link_file(0.95)
    chain = Contracts()
    for channel, ends in ((5, (3, 4)), (6, (4, 5))):
        chain.open(channel, ends)
    chain.arm(1, members, {5: 3 * SHOTS, 6: 3 * SHOTS})  # two a shot are used, and one shot in seven fails
    assert all(len(own.table()) == SHOTS for own in attempt(chain, relayed(rounds=1), members, file=file))


def test_live_shots_of_which_heralds_fail_use_pairs_up():
    async def work(url, *clients):
        members = await asyncio.gather(*(one.open_live(1, PAIR, 2, 2) for one in clients))
        steps = ((pair(0, 1), gate("x", 1), measure(1, 1), herald(1, 1)), (pair(0, 0), measure(1, 1), herald(0, 1)))
        found = []
        for _ in range(SHOTS + 1):
            acts = (one.act(*own, restart=True) for one, own in zip(members, steps, strict=True))
            found.append(await asyncio.gather(*acts, return_exceptions=True))
        return found

    *failed, last = on_link(work, *PAIR, chain=chain_of(contracts()))
    assert all(isinstance(error, HeraldFailed) for both in failed for error in both)
    refused(last, PairsExceeded, "ask for 1 raw pairs")


def talked(chain, *talks):
    """Return what becomes of *talks*, each a number, a purpose and how many pairs, one after the other."""

    async def work(url, first, second):
        found = []
        for number, purpose, pairs in talks:
            both = first.prepare(5, number, 4, pairs, purpose), second.prepare(5, number, 3, pairs, purpose)
            found.append(await asyncio.gather(*both, return_exceptions=True))
        return found, await first.usage(5, chain.channels[5]["attempt"])

    return on_link(work, *PAIR, chain=chain_of(chain))


def open_channel(**changes):
    chain = Contracts()
    chain.open(5, PAIR, **changes)
    return chain


@pytest.mark.parametrize("purpose", [Purpose.Key, Purpose.Chsh])
def test_keys_and_reports_do_not_use_more_than_sessions_have_left(purpose):
    found, used = talked(open_channel(capacity=1_000, used=400), (11, purpose, 512), (12, purpose, 100))
    assert [one.pairs for one in found[0]] == [512, 512]
    refused(found[1], PairsExceeded, "took 400 pairs and keys and reports 512 since test 1, 100 more are asked")
    assert used == 512


def test_other_numbers_of_conversations_do_not_make_a_channel_larger():
    talks = [(number, Purpose.Key, 256) for number in range(1, 6)]
    found, used = talked(open_channel(capacity=1_000), *talks)
    assert [isinstance(both[0], PairsExceeded) for both in found] == [False, False, False, True, True]
    assert used == 768


def test_a_link_that_is_started_again_gives_no_more_of_a_channel_than_there_is(tmp_path):
    chain = open_channel(capacity=1_000)

    async def work(url, first, second):
        both = first.prepare(5, 9, 4, 600, Purpose.Key), second.prepare(5, 9, 3, 600, Purpose.Key)
        return await asyncio.gather(*both, return_exceptions=True), await first.usage(5, 1)

    found = []
    for _ in range(2):
        with Talked(tmp_path / "link.talked.db", "genesis/verifier") as talked:
            found.append(on_link(work, *PAIR, chain=chain_of(chain), talked=talked))
    (made, used), (more, still) = found
    assert [one.pairs for one in made] == [600, 600]
    refused(more, PairsExceeded, "keys and reports 600 since test 1, 600 more are asked")
    assert used == still == 600


def test_sessions_are_not_run_on_pairs_that_keys_have_used():
    chain = open_channel(capacity=1_000)

    async def work(url, first, second):
        await asyncio.gather(*(one.prepare(5, 9, peer, 950, Purpose.Key) for one, peer in ((first, 4), (second, 3))))
        chain.arm(1, PAIR, {5: SHOTS})
        return await run((first, second), teledata())

    refused(on_link(work, *PAIR, chain=chain_of(chain)), PairsExceeded, "took 100 pairs and keys and reports 950")


def test_another_test_gives_keys_new_pairs():
    chain = open_channel(capacity=1_000)

    async def work(url, first, second):
        for number in (1, 2):
            both = ((first, 4), (second, 3))
            await asyncio.gather(*(one.prepare(5, number, peer, 950, Purpose.Key) for one, peer in both))
            chain.channels[5]["attempt"] += 1
        return [await first.usage(5, attempt) for attempt in (1, 2, 3)]

    assert on_link(work, *PAIR, chain=chain_of(chain)) == [950, 950, 0]


@pytest.mark.parametrize(
    "change",
    [{"link": 8}, {"second": 9}, {"phaseEndsAt": 999}] + [{"status": int(s)} for s in ChannelStatus if s is not S.Open],
)
def test_keys_need_an_open_channel_of_their_ends(change):
    [found], used = talked(open_channel(**change), (11, Purpose.Key, 256))
    refused(found, ChannelMismatch, "channel 5")
    assert used == 0
