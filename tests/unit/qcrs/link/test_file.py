"""Link files."""

import json

import pytest

from qcrs.link.errors import LinkFileInvalid
from qcrs.link.file import LinkFile, ServiceLimits
from qcrs.quantum.entanglement.pairs import Equipment
from qcrs.rules.digest import keccak
from tests.linked import link_file


def full():
    return link_file(
        0.97, equipment=Equipment(intercept_ppm=5, spares_guesses=True), members=(1, 2), minimum_fidelity_ppm=900_000,
        memory_milliseconds=1000, loss_ppm=3,
    )  # fmt: skip


@pytest.mark.parametrize("link", [link_file(), full()])
def test_file_survives_writing(tmp_path, link):
    link.write(tmp_path / "link.toml")
    assert LinkFile.read(tmp_path / "link.toml") == link


def test_descriptor_can_be_read_as_a_link_file(tmp_path):
    fields = json.loads(full().descriptor())
    assert (
        fields.pop("label") == "link=emulated, test equipment: intercept-resend 5 ppm, sparing what it takes for tests"
    )
    (tmp_path / "link.json").write_text(json.dumps(fields))
    assert LinkFile.read(tmp_path / "link.json").digest == full().digest


def test_digest_binds_what_users_rely_on_and_not_how_busy_the_service_may_be():
    link = full()
    assert link.digest == keccak(link.descriptor())
    others = [
        link.model_copy(update={"name": "other"}),
        link.model_copy(update={"equipment": Equipment()}),
        link.model_copy(update={"source": link.source.model_copy(update={"fidelity_ppm": 960_000})}),
        link.model_copy(update={"members": ()}),
    ]
    assert len({link.digest, *(other.digest for other in others)}) == 5
    assert link.model_copy(update={"service": ServiceLimits(held=2)}).digest == link.digest


def test_file_is_not_overwritten(tmp_path):
    link_file().write(tmp_path / "link.toml")
    with pytest.raises(LinkFileInvalid, match="not overwritten"):
        link_file().write(tmp_path / "link.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "qcrs link init"),
        ("name = ", "not a link file"),
        ('name = "n"', "operator"),
        ('name = "n"\noperator = "0x12"\n[source]\nfidelity_ppm = 9\nrate = 1', "fidelity_ppm"),
        ('name = "n"\noperator = "0x12"\nmore = 1\n[source]\nfidelity_ppm = 900000\nrate = 1', "more"),
        (b"\xff\xfe", "not a link file"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, words):
    path = tmp_path / "link.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LinkFileInvalid, match=words):
        LinkFile.read(path)
