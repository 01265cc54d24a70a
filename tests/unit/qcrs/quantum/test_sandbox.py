import os
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.sandbox import Child

MEBIBYTE = 1 << 20


def outcome(work: Callable[[], dict], seconds: float = 20.0, memory: int = 64 * MEBIBYTE) -> dict:
    child = Child(work, seconds, memory)
    while not child.read():
        patience = max(0.0, child.deadline - time.monotonic())
        if not select.select([child.answers], [], [], patience)[0]:
            child.kill(RefusalCode.SimulationTimedOut)
    return child.reap()


def raising(error: BaseException) -> Callable[[], dict]:
    def work() -> dict:
        raise error

    return work


def spin() -> dict:
    while True:
        pass


def sleep() -> dict:
    time.sleep(3_600)
    return {}


def refused() -> dict:
    raise CircuitRefused(RefusalCode.WidthMismatch, "width", 1, 2)


def test_an_answer_comes_back_whole() -> None:
    answer = {"counts": {f"{outcome:x}": 1 for outcome in range(65_535)}}
    assert outcome(lambda: answer) == answer


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (refused, "WidthMismatch"),
        (lambda: os.abort(), "SimulationFailed"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "SimulationFailed"),
        (lambda: os._exit(3), "SimulationFailed"),
        (lambda: os._exit(0), "SimulationFailed"),
        (raising(ValueError("odd")), "SimulationFailed"),
        (raising(KeyboardInterrupt()), "SimulationFailed"),
        (raising(MemoryError()), "SimulationOutOfMemory"),
        (lambda: {"never": bytearray(1 << 40)}, "SimulationOutOfMemory"),
        (lambda: {"many": "x" * (9 << 20)}, "SimulationFailed"),
    ],
)
def test_every_end_is_a_refusal(work: Callable[[], dict], code: str) -> None:
    answer = outcome(work)
    assert RefusalCode(answer["refusal"]).name == code
    assert answer["message"]


@pytest.mark.parametrize("work", [spin, sleep])
def test_the_deadline_kills(work: Callable[[], dict]) -> None:
    answer = outcome(work, seconds=0.2)
    assert RefusalCode(answer["refusal"]) is RefusalCode.SimulationTimedOut


def test_a_child_has_three_streams_one_pipe_and_hard_limits() -> None:
    def work() -> dict:
        return {
            "descriptors": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()),
            "limits": [
                resource.getrlimit(which)[1]
                for which in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU)
            ],
        }

    answer = outcome(work, seconds=5.0)
    assert answer["descriptors"][:4] == [0, 1, 2, 3]
    assert len(answer["descriptors"]) == 5  # the fifth is the listing itself
    assert answer["limits"] == [0, MEBIBYTE, 6]


def test_a_child_that_prints_disturbs_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    assert outcome(lambda: os.write(1, b"noise") and {"fine": 1}) == {"fine": 1}
    assert capfd.readouterr().out == ""
