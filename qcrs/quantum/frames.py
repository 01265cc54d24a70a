"""Length-prefixed JSON: how the engine and its client talk over a pipe."""

import json

HEADER_BYTES = 4
MAX_FRAME_BYTES = 8 << 20  # the histogram of 65,535 distinct outcomes of 255 bits takes 5 MB


class FrameTooLarge(ValueError):
    """A frame announces more bytes than any message has."""


def encode(message: dict) -> bytes:
    """Return *message* as one frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def body_length(header: bytes) -> int:
    """Return how many bytes follow *header*.

    Raises:
        FrameTooLarge: more than ``MAX_FRAME_BYTES``.
    """
    length = int.from_bytes(header, "big")
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"frame: expected at most {MAX_FRAME_BYTES} bytes, got {length}")
    return length


def decode(body: bytes) -> dict:
    """Return the message of a frame's *body*."""
    return json.loads(body)


def take(buffer: bytearray) -> dict | None:
    """Remove the first frame from *buffer* and return its message; None if it is incomplete."""
    if len(buffer) < HEADER_BYTES:
        return None
    end = HEADER_BYTES + body_length(bytes(buffer[:HEADER_BYTES]))
    if len(buffer) < end:
        return None
    message = decode(bytes(buffer[HEADER_BYTES:end]))
    del buffer[:end]
    return message
