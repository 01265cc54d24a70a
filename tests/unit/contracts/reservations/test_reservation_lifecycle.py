"""Every step in every status, and any sequence of steps at any time."""

from functools import partial

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from qcrs.model.reservation import SOURCES, ReservationStatus
from tests.attempt import attempt
from tests.evm import refused

from .conftest import HOUR, Agenda

LEADS_TO = {
    "prepare": ReservationStatus.Prepared,
    "begin": ReservationStatus.Active,
    "finish": ReservationStatus.Ended,
    "lapse": ReservationStatus.Lapsed,
    "cancel": ReservationStatus.Cancelled,
}


def bring_to(agenda, status):
    """Return the id of a reservation in *status*; its start is far ahead where that can be."""
    if status is ReservationStatus.Unset:
        return 99
    id_ = agenda.book()
    requester = agenda.world.requester
    if status in (ReservationStatus.Prepared, ReservationStatus.Active, ReservationStatus.Ended):
        agenda.prepare(id_)
    if status in (ReservationStatus.Active, ReservationStatus.Ended):
        agenda.begin(id_)
    if status is ReservationStatus.Ended:
        agenda.contract.finish(id_, sender=requester)
    if status is ReservationStatus.Cancelled:
        agenda.contract.cancel(id_, sender=requester)
    if status is ReservationStatus.Lapsed:
        agenda.warp(agenda.record(id_)["startsAt"] + agenda.round)
        agenda.contract.lapse(id_, sender=requester)
    return id_


@pytest.mark.parametrize("status", list(ReservationStatus))
@pytest.mark.parametrize("step", LEADS_TO)
def test_reservation_moves_only_along_its_edges(agenda, status, step):
    id_, to = bring_to(agenda, status), LEADS_TO[step]
    if status in SOURCES[to]:
        if step == "begin":
            agenda.warp(agenda.record(id_)["startsAt"])
        elif step == "prepare":
            agenda.warp(agenda.record(id_)["startsAt"] - agenda.round)
        elif step == "lapse":
            agenda.warp(agenda.record(id_)["startsAt"] + agenda.round)
        getattr(agenda.contract, step)(id_, sender=agenda.world.requester)
        assert agenda.status(id_) is to
    elif step == "cancel" and status is ReservationStatus.Unset:
        with refused("CallerNotReserver"):
            agenda.contract.cancel(id_, sender=agenda.world.requester)
    else:
        allowed = sum(1 << source for source in SOURCES[to])
        with refused("UnexpectedReservationStatus", id=id_, actual=status, allowed=allowed):
            getattr(agenda.contract, step)(id_, sender=agenda.world.requester)
        assert agenda.status(id_) is status


STEPS = st.lists(
    st.tuples(
        st.sampled_from("reserve reserve keep keep begin finish lapse cancel wait wait work settle".split()),
        st.integers(0, 10**6),
        st.integers(1, 20),
        st.sets(st.integers(1, 5), min_size=1, max_size=4),
    ),
    min_size=5,
    max_size=40,
)


def next_milestone(agenda, skipped):
    """Return a coming moment at which something becomes possible or no longer is: the soonest but *skipped*."""
    moments = set()
    for id_ in range(1, agenda.contract.reservationCount() + 1):
        record, round_ = agenda.record(id_), agenda.round
        starts_at, ends_at = record["startsAt"], record["endsAt"]
        moments |= {starts_at - round_, starts_at, starts_at + round_, ends_at}
    coming = sorted(moment for moment in moments if moment > agenda.world.chain.now)
    return coming[min(skipped, len(coming) - 1)] if coming else agenda.world.chain.now


def take(agenda, jobs, kind, pick, qubits, processors):
    """Take one step of *kind*, if it can be taken."""
    world = agenda.world
    ids = agenda.contract.reservationCount()
    if kind == "reserve":
        starts_at = world.chain.now + 1 + pick % (3 * HOUR)
        attempt(lambda: agenda.reserve(sorted(processors), qubits, starts_at, duration=1 + pick % HOUR))
    elif kind == "wait":
        agenda.warp(next_milestone(agenda, pick % 3))
    elif kind == "keep":
        for step in ("prepare", "begin"):
            for id_ in range(1, ids + 1):
                attempt(partial(getattr(agenda.contract, step), id_, sender=world.keeper))
    elif kind == "work":
        job = world.submit(qubits=qubits)
        if attempt(job.allocate):
            jobs.append(job)
        else:
            world.allocator.cancel(job.id, sender=world.requester)
    elif kind == "settle" and jobs:
        attempt(lambda: jobs.pop().commit_all().disclose().reveal_all().settle())
    elif kind in LEADS_TO and ids:
        caller = world.requester if pick % 3 else world.keeper
        attempt(lambda: getattr(agenda.contract, kind)(1 + pick % ids, sender=caller))


@pytest.mark.usefixtures("agenda")
def test_reservations_keep_coin_and_qubits_whatever_happens(_built_world):  # noqa: PT019 (hypothesis undoes it itself)
    world, reached = _built_world, set()

    @given(steps=STEPS)
    @settings(max_examples=100, deadline=None, derandomize=True)
    def play(steps):
        with world.chain.undone():
            agenda, jobs = Agenda(world), []
            for step in steps:
                take(agenda, jobs, *step)
                agenda.require_sound()
            world.require_balanced()
            ids = range(1, agenda.contract.reservationCount() + 1)
            reached.update(agenda.status(id_) for id_ in ids)

    play()
    assert reached == set(ReservationStatus) - {ReservationStatus.Unset}
