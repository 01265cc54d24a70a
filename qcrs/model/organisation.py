"""What organisations choose and ask for: twins of enums of ``contracts/``."""

from enum import IntEnum


class Priority(IntEnum):
    """How a computation is placed among those of other organisations."""

    Routine = 0
    Elevated = 1
    Critical = 2


class Screen(IntEnum):
    """Whom an organisation lets run its computations."""

    Everyone = 0
    Except = 1
    Only = 2
