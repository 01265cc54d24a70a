import numpy as np
import pytest

from qcrs.quantum.correction import syndromes
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise
from qcrs.rules.digest import keccak

SESSION, SALT = 7, b"\x05" * 32


def job_of(rounds: int, shots: int = 9) -> Job:
    return Job.of(Memory(3, rounds, Basis.Z), Noise(0.001), shots)


def record_of(job: Job, half: int, seed: int = 1) -> bytes:
    bits = np.random.default_rng(seed).integers(0, 2, (job.shots, job.halves.bits(half)), dtype=np.uint8)
    return np.packbits(bits, axis=1, bitorder="little").tobytes()


def files_of(job: Job, half: int, phases: int, session: int = SESSION) -> list[bytes]:
    record = record_of(job, half)
    return [syndromes.encode(job, session, half, phases, phase, record, SALT) for phase in range(1, phases)]


@pytest.mark.parametrize(("rounds", "phases"), [(1, 3), (3, 5), (62, 64), (63, 64), (120, 64)])
def test_every_round_has_a_phase_of_its_own_while_there_are_enough(rounds: int, phases: int) -> None:
    job = job_of(rounds)
    assert syndromes.phases_for(rounds) == phases
    batches = [number for phase in range(1, phases) for number in syndromes.batches_of(job, phases, phase)]
    assert batches == list(range(rounds + 1))


@pytest.mark.parametrize("half", [LEFT, RIGHT])
@pytest.mark.parametrize("phases", [2, 3, 5])
def test_files_make_the_record(half: int, phases: int) -> None:
    job = job_of(3)
    assert syndromes.record_of(job, SESSION, half, files_of(job, half, phases)) == record_of(job, half)


def test_the_file_of_another_job_session_half_or_phase_is_refused() -> None:
    job = job_of(3)
    own = files_of(job, LEFT, 5)
    others = [
        files_of(job, LEFT, 5, session=8)[1],
        files_of(job, RIGHT, 5)[1],
        own[0],
        files_of(job_of(3, shots=10), LEFT, 5)[1],
        own[1] + b"\0",
        own[1][:-1],
        b"",
    ]
    for other in others:
        with pytest.raises(RecordInvalid, match="member 0, phase 2"):
            syndromes.record_of(job, SESSION, LEFT, [own[0], other, *own[2:]])
    with pytest.raises(RecordInvalid):
        syndromes.record_of(job, SESSION, LEFT, own[:3])


def test_a_file_with_bits_that_are_none_is_refused() -> None:
    job = job_of(3)
    *before, last = files_of(job, LEFT, 5)
    with pytest.raises(RecordInvalid, match="bits beyond"):
        syndromes.record_of(job, SESSION, LEFT, [*before, last[:-1] + b"\xff"])


def test_a_salt_hides_what_a_digest_is_of() -> None:
    job = job_of(3)
    record = record_of(job, LEFT)
    digests = {keccak(syndromes.encode(job, SESSION, LEFT, 5, 1, record, bytes([salt]) * 32)) for salt in range(4)}
    assert len(digests) == 4
