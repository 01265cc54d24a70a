"""What the requester and the members of a session must reckon alike: shots of each phase, the context of fragments."""

from qcrs.rules.digest import keccak

PHASES = 256  # more than a session can have


def shots_of(shots: int, phases: int, phase: int) -> int:
    """Return how many of *shots* are run in *phase*, 1 to *phases* - 1: equal shares, the first ones one more."""
    share, rest = divmod(shots, phases - 1)
    return share + (phase <= rest)


def context_of(deployment: str, program_digest: bytes) -> bytes:
    """Return what fragments of the program with *program_digest* are sealed for: see ``qcrs.crypto.parcel``.

    Args:
        deployment: ``Network.deployment``.
    """
    return keccak(b"QCRS session" + keccak(deployment.encode()) + program_digest)


def run_number(session: int, phase: int) -> int:
    """Return the number under which the link runs *phase* of *session*."""
    return session * PHASES + phase


def phase_of(number: int) -> tuple[int, int]:
    """Return session and phase of the run with *number*."""
    return divmod(number, PHASES)
