"""Where a daemon keeps the keys that it has made with others: a folder beside its journal, for its account alone."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "channel-keys"
KEY = "key"
SCRATCH = ".part"


@dataclass(frozen=True)
class KeyFolder:
    """A file for each exchange, with what was reported of it and, unless that is an alarm, the key.

    Attributes:
        path: Made when there is something to keep.
    """

    path: Path

    def clear(self) -> None:
        """Remove what a daemon that was killed had begun to write: nothing of it counts, and it may have a key."""
        for scratch in self.path.glob("*" + SCRATCH):
            scratch.unlink(missing_ok=True)

    def keep(self, channel: int, number: int, report: dict[str, Any], key: bytes | None) -> Path:
        """Write *report* and *key*, both or neither, whatever happens, and return where."""
        path, secret = self._file(channel, number), {} if key is None else {KEY: key.hex()}
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_suffix(SCRATCH)
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(json.dumps(report | secret) + "\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)  # what the other end is told to be kept is there after a power cut as well
        finally:
            os.close(folder)
        return path

    def report(self, channel: int, number: int) -> dict[str, Any] | None:
        """Return what was reported of an exchange, without the key; None when nothing is kept of it."""
        path = self._file(channel, number)
        if not path.exists():
            return None
        value = {name: value for name, value in json.loads(path.read_text()).items() if name != KEY}
        return value | {"file": str(path)}

    def _file(self, channel: int, number: int) -> Path:
        return self.path / f"{channel}-{number}.json"
