"""What a daemon says of itself is whole at any time, and says how busy it is when that changes."""

import json

import pytest

from qcrs.daemon.bulletin import Bulletin


@pytest.fixture
def bulletin(tmp_path):
    return Bulletin(tmp_path / "state.json", lambda: {"processor": 7}, ("answered", "failed"))


def told(bulletin):
    return json.loads(bulletin.path.read_text())


def test_it_tells_facts_counts_and_the_last_status(bulletin):
    bulletin.write("running")
    bulletin.count("answered")
    bulletin.count("answered")
    bulletin.write()
    state = told(bulletin)
    assert (state["status"], state["processor"], state["answered"], state["failed"]) == ("running", 7, 2, 0)
    assert list(bulletin.path.parent.iterdir()) == [bulletin.path]


def test_load_is_told_when_it_has_changed(bulletin):
    bulletin.tell_load(7, 0, 0, False)
    assert not bulletin.path.exists()
    bulletin.tell_load(7, 2, 1, False)
    assert (told(bulletin)["engaged"], told(bulletin)["running"], told(bulletin)["draining"]) == (2, 1, False)


def test_a_draining_one_says_once_that_it_is_empty(bulletin, caplog):
    caplog.set_level("INFO", logger="qcrs")
    for load in ((1, 1, False), (1, 1, True), (0, 1, True), (0, 0, True), (0, 0, True)):
        bulletin.tell_load(7, *load)
    assert caplog.text.count("processor=7 drained: empty") == 1
    bulletin.tell_load(7, 0, 0, False)
    bulletin.tell_load(7, 0, 0, True)
    assert caplog.text.count("drained: empty") == 2
