"""Keys are kept whole, for their owner alone, or not at all."""

import stat

import pytest

from qcrs.daemon.key_folder import KeyFolder

KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path):
    return KeyFolder(tmp_path / "keys")


def test_a_key_is_written_with_its_report_and_told_without(folder):
    path = folder.keep(5, 77, {"length": 256}, KEY)
    assert KEY.hex() in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert folder.report(5, 77) == {"length": 256, "file": str(path)}
    assert folder.report(5, 78) is None


def test_nothing_is_left_of_a_key_that_was_not_written_to_its_end(folder, monkeypatch):
    kept = folder.keep(5, 77, {"length": 256}, KEY)

    def die(handle):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", die)
        with pytest.raises(KeyboardInterrupt):
            folder.keep(5, 78, {"length": 256}, KEY)
    assert len(list(folder.path.iterdir())) == 2
    folder.clear()
    assert list(folder.path.iterdir()) == [kept]
    assert folder.report(5, 78) is None


def test_there_need_be_no_folder_to_clear(folder):
    folder.clear()
    assert not folder.path.exists()
