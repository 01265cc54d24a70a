"""Starting a devnet removes an earlier one and nothing else."""

import pytest

from qcrs.sdk.devnet_directory import NotADevnetDirectory, clear


def test_earlier_devnet_is_cleared(tmp_path):
    (tmp_path / "chain").mkdir()
    (tmp_path / "network.json").write_text("{}")
    clear(tmp_path)
    assert not tmp_path.exists()


def test_anything_else_is_left_alone_and_named(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    (tmp_path / "chain").mkdir()
    with pytest.raises(NotADevnetDirectory, match=r"thesis\.tex"):
        clear(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_missing_directory_is_no_fault(tmp_path):
    clear(tmp_path / "new")
