"""The plan of a cut circuit, on disk before anything is submitted, so that another run goes on where one was stopped.

One JSON object a line, appended only, each forced to disk: what is to be run, and then the ids as they come. There are
no secrets in it, and of the circuit nothing but its digest and where it was read.
"""

import fcntl
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from qcrs.errors import QcrsError
from qcrs.model.organisation import Priority
from qcrs.sdk.terms import Conditions

_VERSION = 1


class PlanExists(QcrsError):
    """There is a file where a plan is to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: expected no file, got one; go on with it (--resume {path}) or name another (--plan FILE)"
        )


class PlanInvalid(QcrsError):
    """A file is no plan of a cut circuit, or not one that can be gone on with here."""


@dataclass(frozen=True)
class Task:
    """What is to be run, and in whose name.

    Attributes:
        source: Where the circuit was read. digest: Of its pieces, 0x-prefixed.
        qubits: Of the largest piece. allowed: Cuts. shots: Of everything together, or 0 for as few as possible.
        deployment, requester: Where, and for whom. since: Block before the first submission.
    """

    source: str
    digest: str
    observables: tuple[str, ...]
    qubits: int
    allowed: int
    shots: int
    conditions: Conditions
    deployment: str
    requester: str
    since: int

    def to_json(self) -> dict[str, Any]:
        """Return the task as it is kept."""
        value = asdict(self)
        value["conditions"]["priority"] = self.conditions.priority.name
        return {"version": _VERSION, **value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the task that was kept.

        Raises:
            KeyError, TypeError, ValueError: It is none.
        """
        fields = dict(value)
        if (version := fields.pop("version")) != _VERSION:
            raise ValueError(f"version {version}, expected {_VERSION}")
        conditions = dict(fields.pop("conditions"))
        conditions["priority"] = Priority[conditions["priority"]]
        observables = tuple(fields.pop("observables"))
        return cls(observables=observables, conditions=Conditions(**conditions), **fields)


class Plan:
    """A plan on disk, in the hands of this process alone.

    Attributes:
        task: What is to be run. ids: Of the computations, by the subexperiment's place.
        dropped: Ids of computations that have been given up.
    """

    def __init__(self, path: Path, handle: int, task: Task) -> None:
        self.path, self.task = path, task
        self.ids: dict[int, int] = {}
        self.dropped: set[int] = set()
        self._handle = handle

    @classmethod
    def create(cls, path: Path, task: Task) -> Self:
        """Return a new plan once it would outlast a power cut.

        Raises:
            PlanExists: The file is there.
        """
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR, 0o600)
        except FileExistsError:
            raise PlanExists(path) from None
        plan = cls(path, _locked(path, handle), task)
        plan._append(task.to_json())
        directory = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return plan

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the plan that was kept at *path*.

        Raises:
            PlanInvalid: It is none, or another process has it. OSError: It cannot be read.
        """
        handle = _locked(path, os.open(path, os.O_APPEND | os.O_RDWR))
        try:
            lines = [line for line in path.read_bytes().split(b"\n")[:-1] if line]  # the last may be unfinished
            plan = cls(path, handle, Task.from_json(json.loads(lines[0])))
            for line in lines[1:]:
                plan._take(line)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            os.close(handle)
            raise PlanInvalid(f"{path}: expected the plan of a cut circuit: {error!r}") from error
        return plan

    def submitted(self, ids: Mapping[int, int]) -> None:
        """Keep the *ids* of computations, by place."""
        self._append({"ids": {str(place): number for place, number in ids.items()}})
        self.ids |= ids

    def drop(self, ids: Collection[int]) -> None:
        """Give the computations *ids* up: others are to be submitted in their place."""
        self._append({"dropped": sorted(ids)})
        self._drop(ids)

    def close(self) -> None:
        """Leave the plan to others; once is enough."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def _drop(self, ids: Collection[int]) -> None:
        self.dropped |= set(ids)
        self.ids = {place: number for place, number in self.ids.items() if number not in self.dropped}

    def _append(self, value: Mapping[str, Any]) -> None:
        # The leading line break ends a line that a crash may have left unfinished; empty lines are passed over.
        os.write(self._handle, b"\n" + json.dumps(value).encode() + b"\n")
        os.fsync(self._handle)

    def _take(self, line: bytes) -> None:
        """Take in a line that was appended."""
        try:
            value = json.loads(line)
        except ValueError:
            return  # unfinished by a crash: its computations are found on the chain
        self.ids |= {int(place): int(number) for place, number in value.get("ids", {}).items()}
        self._drop([int(number) for number in value.get("dropped", ())])


def _locked(path: Path, handle: int) -> int:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise PlanInvalid(f"{path}: expected no other run of it, got one that has not ended") from None
    return handle
