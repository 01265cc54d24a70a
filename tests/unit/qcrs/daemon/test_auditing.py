"""The auditor's duty: what it finds is heard and seen, and nothing that it does can harm the daemon."""

import asyncio
import json
import logging
import os

import pytest

from qcrs.cli import main
from qcrs.config import NodeConfig
from qcrs.daemon.auditor import Auditor
from qcrs.model.finding import Finding, Level, Standing
from qcrs.sdk.provider import state_path

ALARM = Finding(Level.Alarm, "histogram", "the store keeps another histogram", 8, computation=3, seat=1)
STANDING = Standing(block=8, entries=5, computations=3, histograms=9)


def run(*told):
    """Let an auditor be told things; return it and the states that were to be written down."""
    written = []

    async def follow(tell, told_standing, stop):
        for one in told:
            if isinstance(one, Exception):
                raise one
            (tell if isinstance(one, Finding) else told_standing)(one)

    auditor = Auditor(follow)
    asyncio.run(auditor.run(asyncio.Event(), lambda: written.append(auditor.state())))
    return auditor, written


def test_an_alarm_is_one_clear_line_and_is_in_the_state_at_once(caplog):
    auditor, written = run(STANDING, ALARM, Standing(block=8, alarms=(ALARM.text,)))
    (line,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert line.getMessage() == "audit=ALARM kind=histogram computation=3 seat=1 the store keeps another histogram"
    assert [state["status"] for state in written] == ["holds", "holds", "alarm", "stopped"]
    assert written[1]["latest"] == "ALARM: the store keeps another histogram"
    state = auditor.state()
    assert (state["alarmsEver"], state["warningsEver"], state["alarms"]) == (1, 0, [ALARM.text])


def test_state_is_written_when_it_changes_and_not_with_every_block(caplog):
    _, written = run(STANDING, STANDING, STANDING)
    assert [state["status"] for state in written] == ["holds", "stopped"]
    assert written[0]["histograms"] == 9
    assert caplog.records == []


def test_a_chain_that_cannot_be_followed_is_seen_until_it_can_be_again():
    away = Finding(Level.Warning, "chain", "cannot be followed, will try again: nobody answers")
    _, written = run(STANDING, away, STANDING)
    assert [state["status"] for state in written] == ["holds", "cannot follow", "holds", "stopped"]
    assert written[-1]["warningsEver"] == 1


def test_an_alarm_is_not_hidden_by_a_chain_that_cannot_be_followed():
    away = Finding(Level.Warning, "chain", "cannot be followed, will try again: nobody answers")
    _, written = run(Standing(alarms=("wrong",)), away)
    assert [state["status"] for state in written] == ["alarm", "alarm", "stopped"]


def test_a_defect_of_the_auditor_is_its_own(caplog):
    _, written = run(STANDING, RuntimeError("oops"))
    assert written[-1]["status"] == "ended by a defect: RuntimeError: oops"
    assert "nobody watches the chain here any more" in caplog.text


def test_an_auditor_that_is_cancelled_ends(caplog):
    async def work():
        async def follow(tell, told, stop):
            await asyncio.Event().wait()

        task = asyncio.create_task(Auditor(follow).run(asyncio.Event(), lambda: None))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    assert caplog.records == []


@pytest.fixture
def node(tmp_path):
    """A configuration and what its daemon says."""
    config = NodeConfig(
        network=tmp_path / "network.json",
        keystore=tmp_path / "keystore.json",
        password_file=tmp_path / "password",
        calibration=tmp_path / "calibration.json",
        journal=tmp_path / "journal.sqlite",
    )
    config.write(tmp_path / "node.toml")

    def say(**more):
        state = {"status": "running", "pid": os.getpid(), **more}
        state_path(config.journal).write_text(json.dumps(state))
        return str(tmp_path / "node.toml")

    return say


def test_node_status_shows_an_alarm(node, capsys):
    auditor, _ = run(Standing(block=8, alarms=(ALARM.text, "another")))
    assert main(["node", "status", "--config", node(auditor=auditor.state())]) == 0
    out = capsys.readouterr().out
    assert "auditor    alarms        the store keeps another histogram; another\n" in out
    assert "auditor    block         8\n" in out


def test_node_status_says_nothing_of_an_auditor_that_is_not_there(node, capsys):
    assert main(["node", "status", "--config", node()]) == 0
    assert "auditor" not in capsys.readouterr().out
