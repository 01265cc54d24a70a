"""What a daemon says of itself while it runs: in a file, for ``qcrs node status``."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Bulletin:
    """How a daemon stands, and how much it has done since it was started.

    Args:
        path: The file, which is replaced each time. facts: Gives what only the daemon knows, at that time.
        counted: What is counted.
    """

    def __init__(self, path: Path, facts: Callable[[], dict[str, Any]], counted: Iterable[str]) -> None:
        self.path, self._facts, self._counts = path, facts, dict.fromkeys(counted, 0)
        self._status, self._engaged, self._running, self._draining = "starting", 0, 0, False

    def count(self, what: str) -> None:
        """Count one more of *what*."""
        self._counts[what] += 1

    def tell_load(self, processor: int, engaged: int, running: int, draining: bool) -> None:
        """Say how busy *processor* is when that has changed, and that a draining one has become empty."""
        if (engaged, running, draining) == (self._engaged, self._running, self._draining):
            return
        if draining and not engaged and (self._engaged or not self._draining):
            log.info("processor=%s drained: empty", processor)
        self._engaged, self._running, self._draining = engaged, running, draining
        self.write("running")

    def write(self, status: str | None = None) -> None:
        """Write the file, with a new *status* if there is one."""
        self._status = status or self._status
        state = {
            "status": self._status,
            "pid": os.getpid(),
            **self._facts(),
            "engaged": self._engaged,
            "running": self._running,
            "draining": self._draining,
            "updatedAt": int(time.time()),
            **self._counts,
        }
        scratch = self.path.with_suffix(".part")
        scratch.write_text(json.dumps(state) + "\n")
        scratch.replace(self.path)
