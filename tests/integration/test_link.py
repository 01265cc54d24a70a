"""Four processes and a link: what they share is entangled, and who dies is named."""

import pytest

from tests.integration.linked_processes import bits_of, crew

PATIENCE_SECONDS = 1.0


@pytest.fixture
def four(tmp_path):
    with crew(tmp_path) as members:
        yield members


def require_ghz(rows, shots):
    assert rows.shape == (shots, 4)
    assert set(rows.sum(axis=1)) == {0, 4}
    assert abs(rows[:, 0].mean() - 0.5) < 5 * 0.5 / shots**0.5


def test_ghz_of_four_processes_is_never_wrong(four):
    answers = four.order("batch", session=1, shots=10_000)
    require_ghz(bits_of(answers), 10_000)
    assert {answer["label"] for answer in answers} == {"link=emulated"}
    require_ghz(bits_of(four.order("live", session=2, shots=200, whole=False, wait=20)), 200)


def test_killed_process_is_named_by_the_barrier_and_to_those_who_wait_for_it(four):
    assert four.order("barrier", session=1, number=1, wait=20) == [{}] * 4
    four.processes[3].kill()
    four.processes[3].wait()
    left = (1, 2, 4)
    for answer in four.order("barrier", members=left, session=1, number=2, wait=PATIENCE_SECONDS):
        assert answer["error"] == "WaitTimedOut"
        assert "waits for processor 3 (member 2) after 1 s" in answer["message"]


def test_killed_process_is_named_to_those_whom_it_keeps_waiting_in_a_live_session(four):
    assert all("bits" in answer for answer in four.order("live", session=1, shots=1, whole=True, wait=20))
    four.processes[3].kill()
    four.processes[3].wait()
    again = {"session": 1, "shots": 1, "whole": True, "wait": PATIENCE_SECONDS}
    for answer in four.order("live", members=(1, 2, 4), **again):
        assert answer["error"] == "SessionBroken"
        assert "waits for members 2 to begin another shot; nothing comes from processors 3" in answer["message"]
