"""What a half of a memory shows of each phase, as a file, and the record that its files make.

A file has the bits of the phase's rounds behind a salt, so that its digest, posted before anybody shows anything, tells
nothing; it names its job, session, half and phase, so that nobody can post another's digest as its own.
"""

from collections.abc import Sequence

from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.correction.job import Job
from qcrs.rules.digest import keccak
from qcrs.rules.session_plan import shots_of

MAX_PHASES = 64  # as in the contract
FILE_DOMAIN = keccak(b"QCRS syndromes of a session")
SALT_BYTES = 32


def phases_for(rounds: int) -> int:
    """Return how many phases a memory of *rounds* rounds takes: one a round, one for the data, and the last.

    Where these are more than there may be, several rounds share a phase.
    """
    return min(rounds + 2, MAX_PHASES)


def batches_of(job: Job, phases: int, phase: int) -> range:
    """Return which batches of *job* belong to *phase*, 1 to *phases* - 1."""
    return shots_of(job.rounds + 1, phases, phase)  # shared out as a circuit's shots are


def encode(job: Job, session: int, half: int, phases: int, phase: int, record: bytes, salt: bytes) -> bytes:
    """Return the file of *half* for *phase*.

    Raises:
        RecordInvalid: The record has another size.
    """
    batches = [job.batch(half, record, number) for number in batches_of(job, phases, phase)]
    return _head(job, session, half, phase) + salt + b"".join(batches)


def record_of(job: Job, session: int, half: int, files: Sequence[bytes]) -> bytes:
    """Return the record of *half* that *files*, one a phase, make.

    Raises:
        RecordInvalid: One is for something else, or has another size or stray bits.
    """
    batches: list[bytes] = []
    for phase, content in enumerate(files, 1):
        numbers = batches_of(job, len(files) + 1, phase)
        head = _head(job, session, half, phase)
        expected = len(head) + SALT_BYTES + sum(job.batch_bytes(half, number) for number in numbers)
        if not content.startswith(head) or len(content) != expected:
            raise RecordInvalid(
                f"member {half}, phase {phase}: a file of {len(content)} bytes that begins with "
                f"0x{content[:4].hex()}, expected {expected} bytes and 0x{head[:4].hex()}"
            )
        at = len(head) + SALT_BYTES
        for number in numbers:
            size = job.batch_bytes(half, number)
            batches.append(content[at : at + size])
            at += size
    return job.record_of(half, batches)


def _head(job: Job, session: int, half: int, phase: int) -> bytes:
    return keccak(FILE_DOMAIN + job.digest + session.to_bytes(8, "big") + bytes([half, phase]))
