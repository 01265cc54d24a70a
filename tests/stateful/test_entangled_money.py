"""Channels and sessions under any order of steps: the coin of both contracts is always what they owe."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from tests.attempt import attempt
from tests.entanglement import Lab
from tests.team import Team, use

CHANNEL_STEPS = "accept cancel herald commit commit reveal reveal settle retest release enforce".split()
SESSION_STEPS = "join join join arrive arrive arrive arrive report report conclude enforce".split()
FAR = {0b01: 2040, 0b10: 2056}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["channel", "session", "test", "test", "work", *["onward"] * 8, "wait"]),
        st.integers(0, 10**6),
        st.booleans(),
    ),
    min_size=60,
    max_size=200,
)


def step_on(test):
    """Take the step that brings a channel nearer to be Open."""
    if test.status is ChannelStatus.Requested:
        test.accept()
    elif test.status is ChannelStatus.Heralding:
        test.herald()
    elif test.status is ChannelStatus.Committing:
        test.commit(test.record["marks"] & 1)
    elif test.status is ChannelStatus.Revealing:
        test.settle()


def work_on(team, run):
    """Take the step that brings a run nearer to its conclusion."""
    record, status = team.record(run), team.status(run)
    absent = next((index for index in team.everybody(run) if not record["present"] >> index & 1), 0)
    if status is SessionStatus.Forming:
        team.join(absent, run)
    elif status in (SessionStatus.Armed, SessionStatus.Running):
        team.arrive(absent, record["phase"], run)
    elif status is SessionStatus.Reporting:
        team.report(absent, run)
    elif status is SessionStatus.Final:
        team.conclude()


def take(lab, tests, teams, kind, pick, flag):
    """Take one step of *kind*, if it can be taken."""
    if kind == "channel":
        test = lab.test(1 + pick % 3, 4 + flag, capacity=150)
        attempt(test.request)
        tests.append(test)
    elif kind == "session":
        team = Team(lab, (1 + pick % 3, 4), (2 + pick % 3 if pick % 3 else 2, 5)) if flag else Team(lab, (1, 4))
        team.counts = {0: FAR} if pick % 5 == 0 else {}
        open_ = [t for t in tests if t.status is ChannelStatus.Open and set(t.ends) <= set(team.members())]
        team.runs[0][2][:] = [use(t.id) for t in open_[:1]]
        if len(teams) < 3 and attempt(team.create):
            teams.append(team)
    elif kind == "test" and tests:
        test, step = tests[pick % len(tests)], CHANNEL_STEPS[pick // 7 % len(CHANNEL_STEPS)]
        if step == "commit" and test.status is ChannelStatus.Committing and not test.record["marks"] & 3:
            test.err(60 * flag)
        ends = (pick // 3 % 2,) if step in ("commit", "reveal", "retest") else ()
        attempt(partial(getattr(test, step), *ends))
    elif kind == "work" and teams:
        team, step = teams[pick % len(teams)], SESSION_STEPS[pick // 7 % len(SESSION_STEPS)]
        run, index = pick // 3 % len(team.runs), pick // 11 % 2
        if step == "conclude":
            attempt(team.conclude)
        elif step == "enforce":
            attempt(partial(team.enforce, run) if pick % 4 == 0 else lambda: None)
        else:
            phase = (team.record(run)["phase"],) if step == "arrive" else ()
            attempt(partial(getattr(team, step), index, *phase, run))
    elif kind == "onward" and flag and teams:
        team = teams[pick % len(teams)]
        attempt(partial(work_on, team, pick // 3 % len(team.runs)))
    elif kind == "onward" and tests:
        attempt(partial(step_on, tests[pick % len(tests)]))
    elif kind == "wait":
        lab.world.chain.advance(1 + pick % 30)


@pytest.mark.usefixtures("lab")
def test_coin_is_what_is_owed_whatever_happens(_built_world):  # noqa: PT019 (hypothesis undoes it itself)
    world = _built_world
    reached: set[ChannelStatus] = set()
    ended: set[SessionStatus] = set()

    @given(steps=STEPS)
    @settings(max_examples=60, deadline=None, derandomize=True)
    def play(steps):
        with world.undone():
            lab, tests, teams = Lab.__new__(Lab), [], []
            lab.world, lab.channels, lab.coordinator, lab.link = world, world.channels, world.coordinator, 1
            for step in steps:
                take(lab, tests, teams, *step)
                lab.require_balanced()
            world.require_balanced()
            reached.update(test.status for test in tests)
            ended.update(team.status(run) for team in teams for run in range(len(team.runs)))

    play()
    assert reached > {ChannelStatus.Open, ChannelStatus.Failed, ChannelStatus.Expired}
    assert ended > {SessionStatus.Reporting, SessionStatus.Paid, SessionStatus.Cancelled}
