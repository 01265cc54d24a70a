"""Where the time of an action goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Milliseconds by what they went into: ``engine``, ``chain``, and the rest, our own; ``key`` of it, for the key."""

    began: float = field(default_factory=time.perf_counter)
    engine: float = 0.0
    chain: float = 0.0
    key: float = 0.0

    @contextmanager
    def chained(self) -> Iterator[None]:
        """Count what the block takes as the chain's."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.chain += (time.perf_counter() - began) * 1e3

    def report(self) -> dict[str, float]:
        """Return the shares so far."""
        total = (time.perf_counter() - self.began) * 1e3
        return {
            "engineMs": round(self.engine, 3),
            "chainMs": round(self.chain, 3),
            "ownMs": round(total - self.engine - self.chain, 3),
            "keyMs": round(self.key, 3),
        }
