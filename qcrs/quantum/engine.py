"""The engine process: keeps a device ready and runs each circuit in a forked child.

``python -m qcrs.quantum.engine --calibration FILE`` reads requests from standard input and writes
answers to standard output as frames (``qcrs.quantum.frames``), matched by ``id`` and out of order.
It says ``{"ready": true}`` first, or ``{"failed": why}``, and ends when its input does.
``EngineClient`` starts it with the environment it needs.

The process itself never transpiles nor simulates: both start native threads, and a process with
threads must not fork. It stays at one thread, and every answer comes from a child.
"""

import argparse
import contextlib
import gc
import importlib
import os
import selectors
import sys
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from qcrs.errors import QcrsError
from qcrs.model.refusal import RefusalCode
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.frames import encode, take
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.request import RunRequest
from qcrs.quantum.sandbox import Child
from qcrs.quantum.simulate import simulate

_READ_BYTES = 1 << 20


class _Run(NamedTuple):
    id: int
    child: Child
    began: float


class Engine:
    """Serves requests from *source* to *sink* with up to *workers* children at once."""

    def __init__(self, device: Device, source: int, sink: int, workers: int):
        self._device = device
        self._source = source
        self._sink = sink
        self._workers = workers
        self._input = bytearray()
        self._waiting: deque[tuple[int, RunRequest]] = deque()
        self._running: dict[int, _Run] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer requests until the source closes; then kill what still runs."""
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.fd != self._source:
                    self._collect(key.fd)
                elif not self._receive():
                    for run in self._running.values():
                        run.child.kill()
                    return
            self._kill_late()
            while self._waiting and len(self._running) < self._workers:
                self._start(*self._waiting.popleft())

    def _patience(self) -> float | None:
        deadlines = [run.child.deadline for run in self._running.values()]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _receive(self) -> bool:
        piece = os.read(self._source, _READ_BYTES)
        self._input += piece
        while (message := take(self._input)) is not None:
            identity = message.pop("id")
            if message.pop("cancel", False):
                self._cancel(identity)
            else:
                self._waiting.append((identity, RunRequest(**message)))
        return bool(piece)

    def _cancel(self, identity: int) -> None:
        self._waiting = deque(item for item in self._waiting if item[0] != identity)
        for run in self._running.values():
            if run.id == identity:
                run.child.kill()

    def _start(self, identity: int, request: RunRequest) -> None:
        began = time.monotonic()
        child = Child(
            lambda: _answer(self._device, request),
            request.time_limit_seconds,
            request.memory_limit_bytes,
        )
        self._running[child.answers] = _Run(identity, child, began)
        self._selector.register(child.answers, selectors.EVENT_READ)

    def _collect(self, descriptor: int) -> None:
        run = self._running[descriptor]
        if not run.child.read():
            return
        self._selector.unregister(descriptor)
        del self._running[descriptor]
        answer = run.child.reap()
        started = answer.pop("started", run.began)
        timings = answer.setdefault("timings", {})
        timings["fork"] = 1e3 * (started - run.began)
        timings["total"] = 1e3 * (time.monotonic() - run.began)
        _write(self._sink, {"id": run.id, **answer})

    def _kill_late(self) -> None:
        now = time.monotonic()
        for run in self._running.values():
            if run.child.deadline <= now:
                run.child.kill(RefusalCode.SimulationTimedOut)


def _answer(device: Device, request: RunRequest) -> dict:
    started = time.monotonic()
    counts, timings = simulate(device, request)
    return {
        "started": started,
        "counts": {f"{outcome:x}": count for outcome, count in counts.items()},
        "timings": timings,
    }


def _rehearse(device: Device) -> None:
    """Import what a run imports, so that no child has to; learn it by watching one.

    Raises:
        EngineFailed: the device cannot run a small circuit, or this process may not fork.
    """
    width = min(2, device.target.num_qubits)
    operations = [Operation("h", (), (0,)), Operation("U", (0.1, 0.2, 0.3), (0,))]
    if width == 2:
        operations += [Operation("cp", (0.3,), (0, 1)), Operation("swap", (), (0, 1))]
    operations += [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(width)]
    request = RunRequest(Program(width, width, tuple(operations)).text(), 16, 0, width, width)
    child = Child(
        lambda: _answer(device, request) | {"modules": list(sys.modules)},
        request.time_limit_seconds,
        request.memory_limit_bytes,
    )
    os.set_blocking(child.answers, True)
    child.read()
    answer = child.reap()
    if "counts" not in answer:
        raise EngineFailed(f"{device.calibration.name} cannot run circuits: {answer['message']}")
    for name in answer["modules"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise EngineFailed(f"engine process: expected 1 thread, got {threads}")


def _write(sink: int, message: dict) -> None:
    view = memoryview(encode(message))
    while view:
        view = view[os.write(sink, view) :]


def main() -> int:
    """Run the engine on standard input and output."""
    parser = argparse.ArgumentParser(description="Runs circuits on one calibrated device.")
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    # Frames get a descriptor of their own: whatever a library prints goes to standard error.
    sink = os.dup(1)
    os.dup2(2, 1)
    try:
        device = Device(Calibration.read(arguments.calibration))
        _rehearse(device)
    except QcrsError as error:
        _write(sink, {"failed": str(error)})
        return 1
    # Frozen objects are never visited by the collector, so children do not copy their pages.
    gc.collect()
    gc.freeze()
    _write(sink, {"ready": True})
    Engine(device, 0, sink, arguments.workers).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
