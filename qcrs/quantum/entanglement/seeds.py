"""Seeds from seeds: no two uses of one are neighbours of each other."""

import hashlib


def derive(purpose: str, *parts: int | bytes | str) -> int:
    """Return a seed of 63 bits that follows from *parts*, and differs from that of any other *purpose*."""
    material = hashlib.sha256(purpose.encode())
    for part in parts:
        text = part if isinstance(part, bytes) else str(part).encode()
        material.update(len(text).to_bytes(8, "big") + text)
    return int.from_bytes(material.digest()[:8], "big") >> 1
