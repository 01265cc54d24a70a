"""Decoding in a process of its own."""

import asyncio

import pytest

from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.decoder import DecoderLimits, decode_apart
from qcrs.quantum.correction.errors import DecodingFailed, RecordInvalid
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.correction.verdict import decode, expected_rate

JOB = Job.of(Memory(3, 2, Basis.Z), Noise(0.001, Pair.werner(0.03)), 20)
ZEROS = (bytes(JOB.record_bytes(0)), bytes(JOB.record_bytes(1)))


def test_a_process_of_its_own_finds_what_this_one_finds() -> None:
    found, here = asyncio.run(decode_apart(JOB, ZEROS)), decode(JOB, ZEROS)
    assert found.digest == "0x" + here.digest.hex()
    assert found.counts == {0: 20}
    assert (found.detection_rate, found.expected_rate) == (here.detection_rate, here.expected_rate)


def test_more_memory_than_it_may_have_ends_it_and_nobody_else() -> None:
    job = JOB.model_copy(update={"shots": 1 << 21})
    records = (bytes(job.record_bytes(0)), bytes(job.record_bytes(1)))
    with pytest.raises(DecodingFailed, match="within 60 s and 64 MiB"):
        asyncio.run(decode_apart(job, records, DecoderLimits(seconds=60, memory_mebibytes=64)))


def test_records_of_another_size_are_not_decoded() -> None:
    with pytest.raises(RecordInvalid, match="member 1"):
        asyncio.run(decode_apart(JOB, (ZEROS[0], ZEROS[1] + b"\0")))


def test_detectors_are_expected_to_fire_more_over_worse_pairs() -> None:
    low, high = (expected_rate(JOB, Pair.werner(infidelity)) for infidelity in (0.01, 0.06))
    assert low < decode(JOB, ZEROS).expected_rate < high
