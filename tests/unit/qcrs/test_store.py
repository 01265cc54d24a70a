"""The store gives back what was put in, or says why not."""

import pytest

from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root
from qcrs.store import ContentMismatch, ContentUnavailable, Store


@pytest.fixture(params=["directory", "memory"])
def store(request, tmp_path):
    """A store in a directory, and one behind an fsspec URL."""
    if request.param == "directory":
        yield Store(str(tmp_path / "store"))
    else:
        store = Store("memory://qcrs-test")
        yield store
        store._files.rm("/qcrs-test", recursive=True)


def test_content_comes_back_by_its_digest(store):
    assert store.put(b"circuit") == keccak(b"circuit")
    assert store.put(b"circuit") == keccak(b"circuit")
    assert store.get(keccak(b"circuit")) == b"circuit"


def test_histogram_comes_back_by_its_root(store):
    counts = {5: 3, 0: 7, 1 << 200: 1}
    store.put_histogram(counts_root(counts), counts)
    assert store.get_histogram(counts_root(counts)) == counts


def test_missing_content_is_named(store):
    store.put(b"something else")
    with pytest.raises(ContentUnavailable, match=keccak(b"absent").hex()):
        store.get(keccak(b"absent"))


def test_changed_content_is_refused(store):
    store.put(b"circuit")
    store._files.pipe_file(store._path(keccak(b"circuit")), b"forged")
    with pytest.raises(ContentMismatch, match=keccak(b"forged").hex()):
        store.get(keccak(b"circuit"))


def test_histogram_of_another_root_is_refused(store):
    counts = {0: 4096}
    store.put_histogram(counts_root(counts), {1: 4096})
    with pytest.raises(ContentMismatch, match="has root"):
        store.get_histogram(counts_root(counts))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"0": "x"}', b"\xff"])
def test_what_is_no_histogram_is_refused(store, content):
    root = keccak(b"root")
    store.put(b"x")
    store._write(root, content)
    with pytest.raises(ContentMismatch):
        store.get_histogram(root)


def test_store_that_takes_nothing_says_so(tmp_path):
    (tmp_path / "store").write_text("a file where the directory should be")
    store = Store(str(tmp_path / "store"))
    with pytest.raises(ContentUnavailable, match="cannot be kept"):
        store.put(b"circuit")


@pytest.mark.parametrize("location", ["nope://x", "zip://absent.zip", "s3://bucket"])
def test_location_that_no_driver_serves_is_refused(location):
    with pytest.raises(ContentUnavailable, match="no store at"):
        Store(location)


def test_boxes_keep_what_is_left_in_them(tmp_path):
    store = Store(str(tmp_path))
    assert store.names("reservation-1-2") == []
    store.post("reservation-1-2", "b", b"second")
    store.post("reservation-1-2", "a", b"first")
    store.post("reservation-1-3", "a", b"another")
    assert store.names("reservation-1-2") == ["a", "b"]
    assert store.fetch("reservation-1-2", "a") == b"first"
    with pytest.raises(ContentUnavailable, match="reservation-1-2/c is not in"):
        store.fetch("reservation-1-2", "c")


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "A"])
def test_no_name_leads_out_of_the_store(tmp_path, name):
    store = Store(str(tmp_path / "store"))
    for attempt in (
        lambda: store.post("box", name, b""),
        lambda: store.post(name, "a", b""),
        lambda: store.names(name),
    ):
        with pytest.raises(ContentUnavailable, match="is no name"):
            attempt()
