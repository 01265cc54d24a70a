"""Runs a function in a forked child that may use only so much time and memory.

The child inherits everything already imported, so it starts in milliseconds; whatever it does to
itself (exhaust memory, crash in native code, spin) ends with it. This bounds accidents and hostile
circuits. It is not a jail for hostile code: the child keeps the user's rights.
"""

import ctypes
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from math import ceil
from typing import NoReturn

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.frames import MAX_FRAME_BYTES

_DIAGNOSTIC_BYTES = 2_000
_FILE_BYTES = 1 << 20
_ANSWER = 3  # the child's descriptor for its answer
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """One forked run.

    Attributes:
        answers: Descriptor to poll; readable when the child has written or ended.
        deadline: Monotonic time at which the child must be killed.
    """

    def __init__(self, work: Callable[[], dict], seconds: float, memory_bytes: int):
        self.deadline = time.monotonic() + seconds
        self._killed_for: RefusalCode | None = None
        self._answer = bytearray()
        self.answers, writable = os.pipe()
        self._diagnostics = os.memfd_create("diagnostics")
        parent = os.getpid()
        self._pid = os.fork()
        if not self._pid:
            _confine(parent, writable, self._diagnostics, seconds, memory_bytes)
            _answer_and_exit(work)
        os.close(writable)
        os.set_blocking(self.answers, False)

    def kill(self, reason: RefusalCode = RefusalCode.SimulationFailed) -> None:
        """End the child now; ``reap`` then gives *reason*."""
        self._killed_for = reason
        os.kill(self._pid, signal.SIGKILL)

    def read(self) -> bool:
        """Take what the child has written; return whether it has ended."""
        try:
            while piece := os.read(self.answers, 1 << 20):
                self._answer += piece
                if len(self._answer) > MAX_FRAME_BYTES:
                    self.kill()
                    return True
        except BlockingIOError:
            return False
        return True

    def reap(self) -> dict:
        """Release the ended child and return its answer, or a refusal that says how it ended."""
        os.close(self.answers)
        _, status = os.waitpid(self._pid, 0)
        diagnostics = os.pread(self._diagnostics, _DIAGNOSTIC_BYTES, 0).decode(errors="replace")
        os.close(self._diagnostics)
        if status == 0:
            try:
                return json.loads(self._answer)
            except ValueError:
                return _refusal(RefusalCode.SimulationFailed, "the run's answer is not JSON")
        return self._post_mortem(status, diagnostics)

    def _post_mortem(self, status: int, diagnostics: str) -> dict:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number == signal.SIGXCPU:
            self._killed_for = RefusalCode.SimulationTimedOut
        if self._killed_for is not None:
            return _refusal(self._killed_for, "the run was killed at its limit")
        # The kernel's own out-of-memory killer is the one other sender of SIGKILL; allocators
        # that abort say why first.
        starved = number == signal.SIGKILL or "memory" in diagnostics or "bad_alloc" in diagnostics
        code = RefusalCode.SimulationOutOfMemory if starved else RefusalCode.SimulationFailed
        how = signal.Signals(number).name if number else f"status {os.waitstatus_to_exitcode(status)}"
        last = diagnostics.strip().rpartition("\n")[2]
        return _refusal(code, f"the run ended by {how} {last[:200]}".rstrip())


def address_space() -> int:
    """Return this process's virtual size in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * resource.getpagesize()


def limit_self(seconds: int, memory_mebibytes: int) -> None:
    """Let this process have *seconds* of processor time, and so much memory beside what it has already."""
    for limit, amount in (
        (resource.RLIMIT_AS, address_space() + (memory_mebibytes << 20)),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
    ):
        resource.setrlimit(limit, (amount, amount))


def _confine(parent: int, writable: int, diagnostics: int, seconds: float, memory: int) -> None:
    """Make the forked process the sandboxed child: three descriptors, limits, dies with parent."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above took effect
        os._exit(1)
    silence = os.open(os.devnull, os.O_RDWR)
    for source, target in ((silence, 0), (silence, 1), (diagnostics, 2), (writable, _ANSWER)):
        os.dup2(source, target)
    os.closerange(_ANSWER + 1, os.sysconf("SC_OPEN_MAX"))
    for limit, amount in (
        (resource.RLIMIT_AS, address_space() + memory),
        (resource.RLIMIT_CPU, ceil(seconds) + 1),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
    ):
        resource.setrlimit(limit, (amount, amount))


def _answer_and_exit(work: Callable[[], dict]) -> NoReturn:
    try:
        answer = work()
    except CircuitRefused as refused:
        answer = _refusal(refused.code, str(refused))
    except MemoryError:
        answer = _refusal(RefusalCode.SimulationOutOfMemory, "the run exceeded its memory limit")
    except BaseException as error:  # native panics are not Exceptions, and all must be answered
        answer = _refusal(RefusalCode.SimulationFailed, f"{type(error).__name__}: {error}"[:500])
    view = memoryview(json.dumps(answer).encode())
    while view:
        view = view[os.write(_ANSWER, view) :]
    os._exit(0)  # no clean-up: it belongs to the parent


def _refusal(code: RefusalCode, message: str) -> dict:
    return {"refusal": int(code), "message": message}
