"""The spool: a folder where daemons leave reports, one JSON file each, and from which a relayer takes them.

Files appear whole or not at all, and stay after a power cut. Whoever may write here can make a relayer read files, and
no more: what is not a report is thrown away, and what the chain would refuse is not sent.
"""

import json
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qcrs.chain.report import ReportInvalid, RevealReport, SignedCommit, decode_report, encode_report
from qcrs.errors import QcrsError

__all__ = ["Census", "Item", "Spool", "SpoolMissing", "SpoolOfAnotherChain"]

MOST_FILE_BYTES = 8192  # of a report; one is a quarter of it
OWNER = "owner"  # not *.json: what ends so is a report
STATE = "relayer.state"
Item = SignedCommit | RevealReport


class SpoolMissing(QcrsError):
    """There is no spool where a relayer was told to look."""


class SpoolOfAnotherChain(QcrsError):
    """The spool's reports are for another chain, or another deployment on it."""


@dataclass(frozen=True)
class Census:
    """What lies in a spool.

    Attributes:
        oldest_seconds: Age of the oldest report; 0 when there is none.
    """

    commits: int
    reveals: int
    oldest_seconds: float


class Spool:
    """A folder of reports that wait to be posted.

    Reports are named by what they are for, so that daemons never meet in one file, and a report that is put again takes
    the place of the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claim(self, chain: int, deployment: str) -> None:
        """Make the folder, and make it this deployment's, if it is not yet.

        Raises:
            SpoolOfAnotherChain: It is another's. OSError: It cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self._write_scratch(OWNER, json.dumps([chain, deployment]).encode())
        try:
            with suppress(FileExistsError):
                os.link(scratch, self.folder / OWNER)  # the first one stays, and it is never half written
        finally:
            scratch.unlink()
        _sync(self.folder)
        self.require(chain, deployment)

    def require(self, chain: int, deployment: str) -> None:
        """Check that the spool is there, and this deployment's or nobody's yet.

        Raises:
            SpoolMissing: There is no such folder. SpoolOfAnotherChain: It is another's.
        """
        self.require_folder()
        try:
            owner = json.loads(_read(self.folder / OWNER))
        except FileNotFoundError:
            return
        except (ReportInvalid, ValueError, RecursionError) as error:
            raise SpoolOfAnotherChain(f"{self.folder / OWNER} does not say whose spool it is: {error}") from error
        if owner != [chain, deployment]:
            raise SpoolOfAnotherChain(
                f"spool {self.folder} belongs to {owner}, expected chain {chain}, deployment {deployment}; name "
                "another folder, or remove it once its daemons and relayers have stopped"
            )

    def require_folder(self) -> None:
        """Check that the spool is there.

        Raises:
            SpoolMissing: There is no such folder.
        """
        if not self.folder.is_dir():
            raise SpoolMissing(
                f"no spool at {self.folder}; daemons make it when they start with 'qcrs node start --relay SPOOL'"
            )

    def put(self, item: Item) -> Path:
        """Leave *item* for the relayer; once this returns it is on disk. The same again takes the place of the first.

        Raises:
            OSError: It cannot be written.
        """
        report = item.report if isinstance(item, SignedCommit) else item
        if isinstance(item, SignedCommit):
            name = f"commit-{report.computation}-{report.index}-{report.attempt}.json"
        else:
            name = f"reveal-{report.computation}-{report.index}-{report.counts_root.hex()[:16]}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        self._write_scratch(name, encode_report(item)).replace(path)
        _sync(self.folder)
        return path

    def withdraw(self, kind: str, computation: int, index: int) -> None:
        """Remove the reports of one assignment, if they still lie here.

        Args:
            kind: ``commit`` or ``reveal``.
        """
        for path in self.folder.glob(f"{kind}-{computation}-{index}-*.json"):
            path.unlink(missing_ok=True)

    def read(self, keep_seconds: float) -> Iterator[tuple[Path, Item]]:
        """Yield what waits, oldest first; remove what is older than *keep_seconds* or no report."""
        for path in self.folder.glob("*.part"):  # of a daemon that was killed while it wrote
            with suppress(FileNotFoundError):
                if time.time() - path.lstat().st_mtime > keep_seconds:
                    _remove(path)
        for written_at, path in sorted(self._files()):
            if time.time() - written_at > keep_seconds:
                _remove(path)
                continue
            try:
                item = decode_report(_read(path))
            except FileNotFoundError:
                continue
            except ReportInvalid:
                _remove(path)
                continue
            yield path, item

    def census(self) -> Census:
        """Count what waits, by name alone, and remove nothing."""
        files = self._files()
        commits = sum(path.name.startswith("commit-") for _, path in files)
        reveals = sum(path.name.startswith("reveal-") for _, path in files)
        ages = [max(0.0, time.time() - written_at) for written_at, _ in files]
        return Census(commits, reveals, max(ages, default=0.0))

    def write_state(self, state: dict) -> None:
        """Say how the relayer stands, for ``read_state``."""
        self._write_scratch(STATE, json.dumps(state).encode()).replace(self.folder / STATE)

    def read_state(self) -> dict | None:
        """Return what a relayer last said, if there was one."""
        try:
            state = json.loads(_read(self.folder / STATE))
        except (FileNotFoundError, ReportInvalid, ValueError, RecursionError):
            return None
        return state if isinstance(state, dict) else None

    def _files(self) -> list[tuple[float, Path]]:
        files = []
        for path in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # a relayer may empty the folder meanwhile
                files.append((path.lstat().st_mtime, path))
        return files

    def _write_scratch(self, name: str, content: bytes) -> Path:
        scratch = self.folder / f"{name}.{uuid.uuid4().hex}.part"
        with scratch.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return scratch


def _remove(path: Path) -> None:
    # A folder with the name of a report, say, is not worth a relayer's life.
    with suppress(OSError):
        path.unlink()


def _sync(folder: Path) -> None:
    """Have the names in *folder* on disk, not the contents of its files alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes:
    """Return a file's content: not through links, and no more than a report can be long; others may write here."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ReportInvalid(f"{path.name}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ReportInvalid(f"{path.name}: not a file")
        content = os.read(handle, MOST_FILE_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > MOST_FILE_BYTES:
        raise ReportInvalid(f"{path.name}: longer than {MOST_FILE_BYTES} bytes")
    return content
