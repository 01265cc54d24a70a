"""``qcrs link`` without a chain."""

import json

import pytest

from qcrs.cli import main
from qcrs.link.file import LinkFile
from tests.linked import account, on_link

OPERATOR = "0x5B38Da6a701c568545dCfcB03FcB875f56beddC4"


@pytest.fixture
def path(tmp_path, capsys):
    path = tmp_path / "link.toml"
    fidelities = ["--fidelity-ppm", "900000", "--minimum-fidelity-ppm", "800000"]
    named = ["--name", "fibre", "--operator", OPERATOR, "--member", "4", "--member", "5"]
    assert main(["link", "init", str(path), *named, *fidelities, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == "0x" + LinkFile.read(path).digest.hex()
    return path


def test_init_writes_what_it_was_told(path):
    link = LinkFile.read(path)
    assert (link.name, link.operator, link.members) == ("fibre", OPERATOR, (4, 5))
    assert (link.source.fidelity_ppm, link.source.minimum_fidelity_ppm) == (900_000, 800_000)


def test_init_refuses_links_that_cannot_be(tmp_path, capsys):
    arguments = ["link", "init", str(tmp_path / "l.toml"), "--name", "n", "--operator", OPERATOR]
    assert main([*arguments, "--fidelity-ppm", "800000"]) == 2
    assert "minimum fidelity" in capsys.readouterr().err
    assert not (tmp_path / "l.toml").exists()


def test_show_quotes_purification_and_says_that_it_is_emulated(path, capsys):
    assert main(["link", "show", "--config", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["label"] == facts["descriptor"]["label"] == "link=emulated"
    assert facts["purification"][2] == {"rounds": 2, "fidelity": 0.988764, "rawPairs": 6.012}


def test_show_names_a_link_that_does_not_answer(path, capsys):
    assert main(["link", "show", "--config", str(path), "--url", "ws://127.0.0.1:9"]) == 2
    assert "LinkUnreachable" in capsys.readouterr().err


def test_hello_tells_anybody_what_a_link_is():
    from qcrs.link.line import hello

    async def work(url):
        return await hello(url)

    assert on_link(work)["label"] == "link=emulated"


@pytest.mark.parametrize("text", ["[]", "{", '{"1": "0x12"}', '{"one": "' + account(1).address + '"}'])
def test_start_names_a_wrong_file_of_daemons(path, tmp_path, capsys, text):
    (tmp_path / "daemons.json").write_text(text)
    assert main(["link", "start", "--config", str(path), "--trial", str(tmp_path / "daemons.json")]) == 2
    assert "daemons.json" in capsys.readouterr().err
