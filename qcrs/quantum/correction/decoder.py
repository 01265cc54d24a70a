"""Decoding in a process of its own, which may use only so much time and memory. Imports no Stim."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field

from qcrs.model.records import Record
from qcrs.quantum.correction.errors import DecodingFailed
from qcrs.quantum.correction.job import Job
from qcrs.quantum.process import run_module


class DecoderLimits(Record):
    """Bounds of one decoding."""

    seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    memory_mebibytes: Annotated[int, Field(ge=64)] = 2048


DEFAULT_LIMITS = DecoderLimits()


class Decoded(Record):
    """What ``verdict.Verdict`` tells.

    Attributes:
        errors: Among *shots*. low, high: Interval of the logical error. detection_rate, expected_rate: Share of
            detectors that fired, and that were to by the job's noise. digest: Of job, records and outcomes.
    """

    errors: int
    shots: int
    low: float
    high: float
    detection_rate: float
    expected_rate: float
    digest: str

    @property
    def counts(self) -> dict[int, int]:
        """The histogram of logical outcomes: 0 is right, 1 an error."""
        return {value: count for value, count in ((0, self.shots - self.errors), (1, self.errors)) if count}


async def decode_apart(job: Job, records: tuple[bytes, bytes], limits: DecoderLimits = DEFAULT_LIMITS) -> Decoded:
    """Return what the records of the left and the right half say.

    Raises:
        RecordInvalid: A record has another size.
        DecodingFailed: The process ended at its limits, or broke.
    """
    for half, record in enumerate(records):
        job.require_record(half, record)
    with tempfile.TemporaryDirectory(prefix="qcrs-decoding-") as folder:
        files = [Path(folder) / name for name in ("left", "right")]
        for file, record in zip(files, records, strict=True):
            await asyncio.to_thread(file.write_bytes, record)
        arguments = [*map(str, files), str(limits.seconds), str(limits.memory_mebibytes)]
        text = job.model_dump_json(by_alias=True).encode()
        try:
            ended = await run_module("qcrs.quantum.correction.verdict", arguments, text, limits.seconds)
        except TimeoutError:
            raise DecodingFailed(f"decoding took longer than {limits.seconds} s") from None
    if ended.status:
        raise DecodingFailed(
            f"decoding ended with status {ended.status}, within {limits.seconds} s and {limits.memory_mebibytes} MiB: "
            f"{ended.complaint[:200]}"
        )
    return Decoded.model_validate_json(ended.out)
