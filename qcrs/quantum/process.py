"""A module run as a process of its own, for a time that is bounded; how much it may use, it sees to itself."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from qcrs.quantum.client import ENVIRONMENT

_KILL_SECONDS = 5.0  # a child is to end by itself at its limit of processor time


class Ended(NamedTuple):
    """A process that has ended; *complaint* is the last line of its standard error."""

    status: int
    out: bytes
    complaint: str


async def run_module(module: str, arguments: Sequence[str], text: bytes, seconds: float) -> Ended:
    """Run ``python -m module arguments`` with *text* as its standard input.

    Raises:
        TimeoutError: It took longer than *seconds*, and some more, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | ENVIRONMENT, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds + _KILL_SECONDS):
            out, complaints = await process.communicate(text)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(process.returncode or 0, out, complaints.decode(errors="replace").strip().rpartition("\n")[2])
