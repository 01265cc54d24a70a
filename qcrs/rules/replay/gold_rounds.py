"""Gold rounds, replayed: twin of ``contracts/GoldRounds.sol``."""

from __future__ import annotations

from qcrs.rules.replay.computation import Computation, Fates
from qcrs.rules.replay.transcript import Transcript


class GoldRounds:
    """What requesters have shown of the rounds whose answers they knew."""

    def failures(self, log: Transcript, c: Computation) -> Fates:
        """Return how the assignments of *c* end that failed its gold rounds or traps."""
        return {}
