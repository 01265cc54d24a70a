"""What the requester and the members of a session must reckon alike: shots of each phase, the context of fragments."""

from qcrs.rules.digest import keccak


def shots_of(shots: int, phases: int, phase: int) -> range:
    """Return which of *shots* belong to *phase*, 1 to *phases* - 1: equal shares, the first ones one more."""
    share, rest = divmod(shots, phases - 1)
    start = (phase - 1) * share + min(phase - 1, rest)
    return range(start, start + share + (phase <= rest))


def context_of(deployment: str, program_digest: bytes) -> bytes:
    """Return what fragments of the program with *program_digest* are sealed for: see ``qcrs.crypto.parcel``.

    Args:
        deployment: ``Network.deployment``.
    """
    return keccak(b"QCRS session" + keccak(deployment.encode()) + program_digest)
