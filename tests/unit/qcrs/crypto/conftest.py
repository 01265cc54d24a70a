"""One hash key, grown once, copied for each test."""

import shutil

import pytest

from qcrs.crypto.leaf_key import Purpose, create_leaf_key, load_leaf_key

PASSWORD = "correct horse"
PURPOSE = Purpose("0x" + "a1" * 20, 1337, "0x" + "c0" * 20)


@pytest.fixture(scope="session")
def _grown(tmp_path_factory):
    return create_leaf_key(tmp_path_factory.mktemp("key") / "hash.key", PASSWORD, PURPOSE).path


@pytest.fixture
def key(_grown, tmp_path):
    """A fresh key on disk, as loaded."""
    for path in _grown.parent.iterdir():
        shutil.copy(path, tmp_path)
    return load_leaf_key(tmp_path / _grown.name, PASSWORD, PURPOSE)
