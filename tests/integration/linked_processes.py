"""A link and its members, each a process of its own, without a chain."""

import base64
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy

from tests.integration.link_member import MEMBERS
from tests.linked import account, link_file

ROOT = Path(__file__).resolve().parents[2]


class Crew:
    """The running members."""

    def __init__(self, processes):
        self.processes = processes

    def order(self, do, members=MEMBERS, **more):
        """Give *members* an order, and return what each answers."""
        for member in members:
            process = self.processes[member]
            process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            process.stdin.flush()
        return [json.loads(self.processes[member].stdout.readline()) for member in members]


def bits_of(answers):
    """Return a row of outcome bits a shot."""
    return numpy.array([numpy.frombuffer(base64.b64decode(answer["bits"]), dtype=numpy.uint8) for answer in answers]).T


@contextmanager
def _process(*arguments, **more):
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def crew(directory, file=None):
    """Start a link by the command line, and four members."""
    (file or link_file()).write(directory / "link.toml")
    daemons = {member: account(member).address for member in MEMBERS}
    (directory / "daemons.json").write_text(json.dumps(daemons))
    with ExitStack() as stack:
        link = stack.enter_context(
            _process(
                "-m", "qcrs", "link", "start", "--config", str(directory / "link.toml"),
                "--trial", str(directory / "daemons.json"), "--json",
            )
        )  # fmt: skip
        url = json.loads(link.stdout.readline())["url"]
        processes = {
            member: stack.enter_context(
                _process("-m", "tests.integration.link_member", url, str(member), stdin=subprocess.PIPE)
            )
            for member in MEMBERS
        }
        for process in processes.values():
            assert "ready" in process.stdout.readline()
        yield Crew(processes)
