"""The event loop's side of the engine: starts it, asks it, starts it again when it dies.

Importing this module imports neither Qiskit nor Aer.
"""

import asyncio
import contextlib
import itertools
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Self

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.frames import HEADER_BYTES, FrameTooLarge, body_length, decode, encode
from qcrs.quantum.request import RunRequest, RunResult

_START_SECONDS = 120.0
# A run is killed at its own limit; an engine that has not said so this much later is stuck.
_GRACE_SECONDS = 30.0
_ATTEMPTS = 2
# Read once by native libraries at import. One thread each: the engine forks, and its host is
# shared. One arena: every further one would reserve address space, which is what is limited.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "QISKIT_PARALLEL": "FALSE",
    "MALLOC_ARENA_MAX": "1",
}


class _EngineEnded(Exception):
    """The engine went away while a request was with it."""


class EngineClient:
    """One engine process for one calibration, used as ``async with EngineClient(path) as engine``.

    Args:
        workers: How many circuits run at once; further ones wait here.
    """

    def __init__(self, calibration_path: Path, workers: int = 1):
        self._calibration_path = calibration_path
        self._workers = workers
        self._slots = asyncio.Semaphore(workers)
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[int, asyncio.Future[dict]] = {}
        self._ids = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """The engine's process id; None when it is not running."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> int:
        """How many circuits run now; those that wait for a worker are not among them."""
        return len(self._pending)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the engine and wait until it is ready; do nothing if it is.

        Raises:
            EngineFailed: the calibration is invalid, or the process did not become ready.
        """
        async with self._starting:
            if self._reader is not None and not self._reader.done():
                return
            await self.stop()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "qcrs.quantum.engine"),
                *("--calibration", str(self._calibration_path), "--workers", str(self._workers)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | ENVIRONMENT,
                start_new_session=True,  # a terminal's interrupt is for the daemon to handle
            )
            try:
                greeting = await asyncio.wait_for(self._read(), _START_SECONDS)
            except (_EngineEnded, TimeoutError) as error:
                await self.stop()
                raise EngineFailed(f"engine for {self._calibration_path}: no greeting") from error
            if "failed" in greeting:
                await self.stop()
                raise EngineFailed(f"engine for {self._calibration_path}: {greeting['failed']}")
            self._reader = asyncio.create_task(self._dispatch())

    async def run(self, request: RunRequest) -> RunResult:
        """Run *request* in the engine, starting the engine first if it has died.

        Cancelling the call kills the run.

        Raises:
            EngineFailed: the engine does not start, or died twice on this request.
        """
        async with self._slots:
            for _ in range(_ATTEMPTS):
                await self.start()
                try:
                    return _result(await self._ask(request), request)
                except _EngineEnded:
                    continue
        raise EngineFailed(f"engine for {self._calibration_path}: died {_ATTEMPTS} times on a run")

    async def stop(self) -> None:
        """End the engine and whatever it runs; harmless when it is not running."""
        process, self._process = self._process, None
        reader, self._reader = self._reader, None
        if process is not None:
            if process.returncode is None:
                process.kill()  # its children die with it
            await process.wait()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    async def _ask(self, request: RunRequest) -> dict:
        identity = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        self._pending[identity] = future
        try:
            await self._send({"id": identity, **asdict(request)})
            return await asyncio.wait_for(future, request.time_limit_seconds + _GRACE_SECONDS)
        except TimeoutError:
            await self.stop()
            raise _EngineEnded from None
        except asyncio.CancelledError:
            with contextlib.suppress(_EngineEnded):
                await self._send({"id": identity, "cancel": True})
            raise
        finally:
            del self._pending[identity]

    async def _send(self, message: dict) -> None:
        if self._process is None or self._process.stdin is None:
            raise _EngineEnded
        self._process.stdin.write(encode(message))
        try:
            await self._process.stdin.drain()
        except ConnectionError:
            raise _EngineEnded from None

    async def _read(self) -> dict:
        if self._process is None or self._process.stdout is None:
            raise _EngineEnded
        try:
            header = await self._process.stdout.readexactly(HEADER_BYTES)
            return decode(await self._process.stdout.readexactly(body_length(header)))
        except (asyncio.IncompleteReadError, ConnectionError, FrameTooLarge):
            raise _EngineEnded from None

    async def _dispatch(self) -> None:
        """Hand each answer to whoever waits for it, until the engine ends."""
        try:
            while True:
                answer = await self._read()
                future = self._pending.get(answer["id"])
                if future is not None and not future.done():
                    future.set_result(answer)
        except _EngineEnded:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(_EngineEnded())


def _result(answer: dict, request: RunRequest) -> RunResult:
    timings = answer["timings"]
    if "refusal" in answer:
        return RunResult(None, RefusalCode(answer["refusal"]), answer["message"], timings)
    counts = {int(outcome, 16): count for outcome, count in answer["counts"].items()}
    # A child whose memory was corrupted could still answer; nothing impossible may reach the chain.
    possible = all(0 <= outcome >> request.outcome_bits < 1 for outcome in counts)
    if not possible or sum(counts.values()) != request.shots or min(counts.values()) < 1:
        return RunResult(None, RefusalCode.SimulationFailed, "the run's counts are impossible", timings)
    return RunResult(counts, timings=timings)
