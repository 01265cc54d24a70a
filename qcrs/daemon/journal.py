"""What a daemon must not forget: the answer and the salt behind each commitment.

SQLite with full synchronisation: a record is on disk before its commitment is sent, so that a daemon killed at any
line reveals exactly what it committed to. A real device would not give the same counts twice, so they are kept whole.
"""

import os
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from qcrs.errors import QcrsError
from qcrs.store import ContentMismatch, decode_histogram, encode_histogram

SCHEMA_VERSION = 3  # 1 had no reports handed in, 2 no benchmarks; what is new is added to an older journal
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    chain INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    computation INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    salt BLOB NOT NULL,
    counts_root BLOB NOT NULL,
    histogram BLOB NOT NULL,
    PRIMARY KEY (chain, deployment, computation, idx, attempt)
);
CREATE TABLE IF NOT EXISTS reports (
    chain INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    kind TEXT NOT NULL,
    computation INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    handed_at REAL NOT NULL,
    PRIMARY KEY (chain, deployment, kind, computation, idx, attempt)
);
CREATE TABLE IF NOT EXISTS benchmarks (
    chain INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    kind TEXT NOT NULL,
    certification INTEGER NOT NULL,
    round INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (chain, deployment, kind, certification, round)
);
CREATE TABLE IF NOT EXISTS cursor (
    chain INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (chain, deployment)
);
"""


class JournalDamaged(QcrsError):
    """The journal cannot be read. Starting without it could reveal another answer than was committed to."""


class JournalBusy(QcrsError):
    """Another daemon holds the journal."""


@dataclass(frozen=True)
class Answer:
    """What one assignment answered.

    Attributes:
        salt: 32 bytes that hide the answer until the reveal. counts_root: Digest of the histogram.
        counts: Outcome to count.
    """

    salt: bytes
    counts_root: bytes
    counts: Mapping[int, int]


class Report(NamedTuple):
    """What a report left to a relayer is for.

    Attributes:
        kind: ``commit`` or ``reveal``. attempt: The round of the assignment, or of the reveal.
    """

    kind: str
    computation: int
    index: int
    attempt: int


class Journal:
    """The daemon's memory of its commitments on one chain.

    Args:
        path: SQLite file, created with mode 0600.
        chain: Chain id. deployment: ``Network.deployment``; another one has other computations of the same numbers.
    """

    def __init__(self, path: Path, chain: int, deployment: str) -> None:
        self.path = path
        self._scope = (chain, deployment)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._database.close()
            if "locked" in str(error):
                raise JournalBusy(f"journal {path} is in use by another daemon; stop it first") from error
            raise JournalDamaged(
                f"journal {path} cannot be read ({error}). Restore it from a copy, or move it away to start anew: "
                "commitments not yet revealed will then go silent and be slashed"
            ) from error

    def _open(self) -> None:
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA synchronous = FULL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if not 0 <= version <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}, expected {SCHEMA_VERSION}")
        # Looked at before anything is written: a damaged file stays as it was found.
        (check,) = self._database.execute("PRAGMA integrity_check").fetchone()
        if check != "ok":
            raise sqlite3.DatabaseError(check)
        self._database.execute("PRAGMA journal_mode = WAL")  # one fsync a record instead of three
        self._database.execute("BEGIN EXCLUSIVE")
        if version < SCHEMA_VERSION:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        wrong = "SELECT count(*) FROM answers WHERE typeof(salt) <> 'blob' OR typeof(histogram) <> 'blob'"
        if self._database.execute(wrong).fetchone()[0]:
            raise sqlite3.DatabaseError("an answer's salt or histogram is not binary")
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, computation: int, index: int, attempt: int, answer: Answer) -> Answer:
        """Keep *answer* and return the one that counts: the first recorded for this assignment and round.

        A second, different answer is never kept, so no restart can commit to something else.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._scope, computation, index, attempt, answer.salt, answer.counts_root,
             encode_histogram(answer.counts)),
        )  # fmt: skip
        kept = self.answer(computation, index, attempt)
        if kept is None:
            raise JournalDamaged(f"journal {self.path} lost the answer to computation {computation} on writing it")
        return kept

    def answer(self, computation: int, index: int, attempt: int) -> Answer | None:
        """Return what was recorded for an assignment's round, if anything.

        Raises:
            JournalDamaged: The record does not decode.
        """
        row = self._database.execute(
            "SELECT salt, counts_root, histogram FROM answers"
            " WHERE chain = ? AND deployment = ? AND computation = ? AND idx = ? AND attempt = ?",
            (*self._scope, computation, index, attempt),
        ).fetchone()
        if row is None:
            return None
        try:
            return Answer(row[0], row[1], decode_histogram(row[2]))
        except ContentMismatch as error:
            raise JournalDamaged(
                f"journal {self.path}: the answer to computation {computation} does not decode: {error}"
            ) from error

    def hand_in(self, report: Report, now: float) -> float:
        """Keep when *report* was handed in, by the chain's clock, and return when that first was."""
        self._database.execute(
            "INSERT OR IGNORE INTO reports VALUES (?, ?, ?, ?, ?, ?, ?)", (*self._scope, *report, now)
        )
        return self.handed_in()[report]

    def handed_in(self) -> dict[Report, float]:
        """Return when each report was first handed in."""
        rows = self._database.execute(
            "SELECT kind, computation, idx, attempt, handed_at FROM reports WHERE chain = ? AND deployment = ?",
            self._scope,
        )
        return {Report(*row[:4]): row[4] for row in rows}

    def keep(self, kind: str, certification: int, round_: int, content: bytes) -> bytes:
        """Keep what is about to be committed to in a round of a benchmark, and return what counts: the first so kept.

        Args:
            kind: ``answer``, the digest of a processor's counts; or ``scores``, what a certifier makes of them.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO benchmarks VALUES (?, ?, ?, ?, ?, ?)",
            (*self._scope, kind, certification, round_, content),
        )
        kept = self.kept(kind, certification, round_)
        if kept is None:
            raise JournalDamaged(f"journal {self.path} lost the {kind} of certification {certification} on writing it")
        return kept

    def kept(self, kind: str, certification: int, round_: int) -> bytes | None:
        """Return what was kept for a round of a benchmark, if anything."""
        row = self._database.execute(
            "SELECT content FROM benchmarks"
            " WHERE chain = ? AND deployment = ? AND kind = ? AND certification = ? AND round = ?",
            (*self._scope, kind, certification, round_),
        ).fetchone()
        return row[0] if row else None

    def forget(self, computations: Collection[int], cursor: int) -> None:
        """Drop the answers to *computations*, which have ended, and move the cursor to block *cursor*."""
        with self._database:  # commits, or rolls back when the disk is full
            self._database.execute("BEGIN")
            for table in ("answers", "reports"):
                self._database.executemany(
                    f"DELETE FROM {table} WHERE chain = ? AND deployment = ? AND computation = ?",
                    [(*self._scope, computation) for computation in computations],
                )
            self._database.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", (*self._scope, cursor))

    @property
    def cursor(self) -> int | None:
        """Block before which every computation has ended, so that a restart need not read further back."""
        row = self._database.execute(
            "SELECT block FROM cursor WHERE chain = ? AND deployment = ?", self._scope
        ).fetchone()
        return row[0] if row else None
