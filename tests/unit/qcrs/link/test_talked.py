"""What keys and reports have used of channels is known to the link that is started next."""

import pytest

from qcrs.link.errors import LinkFileInvalid, PairsExceeded
from qcrs.link.talked import OpenChannel, Talked

CHANNEL = OpenChannel(5, 2, 1_000, 100)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "link.talked.db"


def test_what_was_used_is_counted_by_channel_and_test_and_kept(path):
    with Talked(path, "here") as talked:
        talked.use(CHANNEL, 600)
        talked.use(CHANNEL, -200)
        talked.use(OpenChannel(6, 2, 1_000, 0), 1)
    with Talked(path, "here") as talked:
        assert [talked.of(*key) for key in ((5, 2), (6, 2), (5, 1), (7, 2))] == [400, 1, 0, 0]
        with pytest.raises(PairsExceeded, match="sessions took 100 pairs and keys and reports 400 since test 2, 501"):
            talked.use(CHANNEL, 501)
        talked.use(CHANNEL, 500)
        assert talked.of(5, 2) == 900
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_deployment_has_channels_of_its_own(path):
    with Talked(path, "here") as talked:
        talked.use(CHANNEL, 600)
    with Talked(path, "there") as talked:
        assert talked.of(5, 2) == 0


def test_a_file_that_cannot_be_used_is_named(path):
    path.write_bytes(b"no database" * 100)
    with pytest.raises(LinkFileInvalid, match=r"link\.talked\.db.*cannot be used"):
        Talked(path)
    with pytest.raises(LinkFileInvalid, match="cannot be used"):
        Talked(path / "below a file")


def test_numbers_beyond_those_of_the_file_are_numbers_too(path):
    with Talked(path) as talked:
        talked.use(OpenChannel(2**64 - 1, 2**64 - 1, 10, 0), 7)
        assert talked.of(2**64 - 1, 2**64 - 1) == 7
