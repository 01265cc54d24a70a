"""How many pairs keys and reports have used of channels, of which no chain knows: counted here, in a file.

On disk before the pairs are made, so that a link that is started again, or killed at any line, gives no more of a
channel than there is.
"""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from qcrs.link.errors import LinkFileInvalid, PairsExceeded

_SCHEMA = """
CREATE TABLE IF NOT EXISTS talked (
    deployment TEXT NOT NULL,
    channel TEXT NOT NULL,
    attempt TEXT NOT NULL,
    pairs INTEGER NOT NULL,
    PRIMARY KEY (deployment, channel, attempt)
)
"""


@dataclass(frozen=True)
class OpenChannel:
    """A channel whose pairs may be used now.

    Attributes:
        attempt: Number of the test that it has passed. used: Pairs that sessions took since, of *capacity*.
    """

    channel: int
    attempt: int
    capacity: int
    used: int


class Talked:
    """Pairs that were used for keys and reports, by channel and test.

    Args:
        path: SQLite file, made when there is none; in memory by default.
        deployment: ``Network.deployment``; another one has other channels of the same numbers.

    Raises:
        LinkFileInvalid: The file cannot be read or written.
    """

    def __init__(self, path: Path | None = None, deployment: str = "") -> None:
        self._deployment = deployment
        try:
            if path is not None:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0.5)
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise LinkFileInvalid(
                f"{path}, where pairs of keys and reports are counted, cannot be used ({error}). Restore it from a "
                "copy; without it channels would give more pairs than they have until they are tested again"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, channel: int, attempt: int) -> int:
        """Return how many were used of *channel* since test number *attempt*."""
        row = self._database.execute(
            "SELECT pairs FROM talked WHERE deployment = ? AND channel = ? AND attempt = ?",
            (self._deployment, str(channel), str(attempt)),  # numbers of the chain's size, which SQLite's are not
        ).fetchone()
        return row[0] if row else 0

    def use(self, channel: OpenChannel, pairs: int) -> None:
        """Count *pairs* more; fewer when it is negative.

        Raises:
            PairsExceeded: The channel has not so many left.
        """
        self.require(channel, pairs)
        self._database.execute(
            "INSERT INTO talked VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET pairs = pairs + excluded.pairs",
            (self._deployment, str(channel.channel), str(channel.attempt), pairs),
        )

    def require(self, channel: OpenChannel, pairs: int = 0) -> None:
        """Check that *channel* has *pairs* left that neither sessions nor keys and reports have used.

        Raises:
            PairsExceeded: It has not.
        """
        used = self.of(channel.channel, channel.attempt)
        if channel.used + used + pairs > channel.capacity:
            raise PairsExceeded(
                f"channel {channel.channel}: sessions took {channel.used} pairs and keys and reports {used} since test "
                f"{channel.attempt}, {pairs} more are asked for, expected at most {channel.capacity} in all: test it "
                "again ('qcrs channel retest')"
            )
