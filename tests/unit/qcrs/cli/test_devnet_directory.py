"""A devnet knows its directory and its processes, and touches no others."""

import os

import pytest

from qcrs.sdk.devnet_directory import NotADevnetDirectory, clear
from qcrs.sdk.devnet_processes import Devnet


def test_directory_without_a_devnet_is_refused_whatever_its_names(tmp_path):
    (tmp_path / "store").mkdir()
    with pytest.raises(NotADevnetDirectory, match="holds store"):
        clear(tmp_path)
    assert (tmp_path / "store").exists()


def test_other_files_beside_a_devnet_stay(tmp_path):
    (tmp_path / "ganache.log").touch()
    (tmp_path / "chain").mkdir()
    (tmp_path / "notes.txt").write_text("precious")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_start_of_each_process_is_kept(tmp_path):
    devnet = Devnet(tmp_path, chain_pid=os.getpid())
    devnet.note(os.getpid())
    devnet.save()
    loaded = Devnet.load(tmp_path)
    assert loaded.runs(os.getpid())
    loaded.started_ticks[os.getpid()] += 1
    assert not loaded.runs(os.getpid())
    loaded.stop()  # or this test would end here
    assert not loaded.state_path.exists()
