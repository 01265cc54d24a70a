"""What a daemon knows of queues, reservations and drains, by events."""

import pytest

from qcrs.daemon.lookout import Lookout
from qcrs.daemon.outlook import Outlook, read_wish
from qcrs.model.reservation import ReservationStatus
from tests.unit.qcrs.daemon.test_duties import NOW, _line

ME, OTHER = "0xAb", "0xCd"


def allocated(keeper, bounty=1):
    return "ComputationAllocated", {"keeper": keeper, "bounty": bounty}


def test_whoever_allocated_last_leads_in_its_class():
    lookout, story = Lookout(ME), _line((3, 10))[3]
    lookout.note(*allocated(ME.lower()), story, NOW)
    assert (lookout.leading, lookout.moved) == ({1}, {1: NOW})
    lookout.note(*allocated(OTHER, bounty=0), story, NOW)  # a replacement, which is not of the queue
    assert lookout.leading == {1}
    lookout.note(*allocated(OTHER), story, NOW + 1)
    assert (lookout.leading, lookout.moved) == (set(), {1: NOW + 1})


@pytest.mark.parametrize("event", ["AssignmentEnded", "ReservationClosed", "OfferMade", "ProcessorDrained"])
def test_lack_of_processors_is_forgotten_when_there_may_be_some(event):
    lookout = Lookout(ME)
    lookout.refuse(3)
    assert lookout.unplaced() == {3}
    lookout.note("HeartbeatReceived", {}, None, NOW)
    assert lookout.unplaced() == {3}
    lookout.note(event, {}, None, NOW)
    assert lookout.unplaced() == set()
    assert lookout.freed_at == NOW


def test_lack_of_processors_is_believed_longer_each_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("qcrs.daemon.lookout.time.monotonic", lambda: clock[0])
    lookout, waits = Lookout(ME), []
    for _ in range(6):
        lookout.refuse(3)
        began = clock[0]
        while lookout.unplaced():
            clock[0] += 1
        waits.append(clock[0] - began)
    assert waits == [4, 8, 16, 32, 64, 64]


GRANTED = {
    "reservation": 9, "requester": OTHER, "organisation": 2, "processors": [1, 4], "qubits": 5, "startsAt": 10,
    "endsAt": 20, "escrow": 7,
}  # fmt: skip


def test_reservations_of_the_own_processor_are_followed_to_their_end():
    outlook = Outlook(ME, 1)
    assert outlook.take("ReservationGranted", {**GRANTED, "reservation": 8, "processors": [2, 4]}, 1, NOW) is False
    assert outlook.take("ReservationGranted", GRANTED, 1, NOW) is True
    assert set(outlook.bookings.by_id) == {9}
    outlook.take("ReservationPrepared", {"reservation": 9}, 1, NOW)
    outlook.take("ReservationBegun", {"reservation": 9}, 1, NOW)
    assert outlook.bookings.by_id[9].status is ReservationStatus.Active
    assert outlook.engaged() == 1
    outlook.take("ReservationClosed", {"reservation": 9, "status": 4}, 1, NOW)
    assert outlook.engaged() == 0


def test_drain_of_the_own_processor_is_noticed():
    outlook = Outlook(ME, 1)
    outlook.take("ProcessorDrained", {"processor": 2, "draining": True}, 1, NOW)
    assert outlook.draining is False
    assert outlook.take("ProcessorDrained", {"processor": 1, "draining": True}, 1, NOW) is True
    assert outlook.draining is True


def test_word_of_the_processors_keeper_is_read(tmp_path):
    path = tmp_path / "drain"
    assert read_wish(path) is None
    for text, wish in (("drain\n", True), ("resume\n", False), ("nonsense", None)):
        path.write_text(text)
        assert read_wish(path) is wish
