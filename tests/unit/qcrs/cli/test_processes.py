"""Only processes that a devnet started count as its own, and are ended."""

import os
import subprocess
import sys

import pytest

from qcrs.chain import devnet
from qcrs.chain.devnet import is_running, start_chain, start_time, stop_group


@pytest.fixture
def process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    yield process
    process.kill()
    process.communicate()


def test_process_with_another_start_is_a_stranger(process):
    started = start_time(process.pid)
    assert is_running(process.pid, started)
    assert not is_running(process.pid, started + 1)
    stop_group(process.pid, started + 1)
    assert process.poll() is None
    stop_group(process.pid, started)
    assert not is_running(process.pid, started)


def test_process_of_another_user_is_a_stranger(process, monkeypatch):
    def refuse(*_):
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", refuse)
        patched.setattr(os, "killpg", refuse)
        assert not is_running(process.pid)
        stop_group(process.pid)
    assert process.poll() is None


def test_no_process_is_nobody():
    assert not is_running(0)
    stop_group(0)  # a group of 0 would be the caller's own


def test_interrupted_start_leaves_no_chain(monkeypatch, tmp_path):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(devnet, "_command", lambda *_: [sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(devnet, "answers", interrupt)
    pids = []
    with pytest.raises(KeyboardInterrupt):
        start_chain(tmp_path, started=pids.append)
    assert not is_running(*pids)
