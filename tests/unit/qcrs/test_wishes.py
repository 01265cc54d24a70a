"""What a keeper leaves for its daemon."""

import pytest

from qcrs.wishes import Wish, Wishes


@pytest.fixture
def wishes(tmp_path):
    return Wishes(tmp_path / "wishes")


def test_a_wish_is_open_until_it_is_answered(wishes):
    first, second = Wish(5, "channel", {"peer": 2}), Wish(3, "retest", {"channel": 1})
    for wish in (first, second):
        wishes.leave(wish)
    assert list(wishes.open()) == [second, first]
    assert wishes.answered(3) is None
    wishes.answer(3, {"channel": 1})
    assert wishes.answered(3) == {"channel": 1}
    assert list(wishes.open()) == [first]
    assert wishes.numbers() == [3, 5]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": 1'])
def test_a_damaged_one_is_answered_so(wishes, content):
    wishes.folder.mkdir()
    (wishes.folder / "7.wish").write_text(content)
    assert list(wishes.open()) == []
    assert wishes.answered(7)["error"] == "WishInvalid"


def test_other_files_are_passed_over(wishes):
    wishes.folder.mkdir()
    (wishes.folder / "x.wish").write_text("{}")
    (wishes.folder / "7.part").write_text("{")
    assert wishes.numbers() == []
