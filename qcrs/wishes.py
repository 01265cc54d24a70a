"""What the processor's keeper wants of its daemon: files beside the journal, since the daemon's key is its own.

``qcrs channel request`` leaves a wish under a number that nobody has used, and waits for the answer. The number goes
into the seed of the channel's test, so a daemon that was killed finds a channel that it has asked for already.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcrs.errors import QcrsError

log = logging.getLogger(__name__)

FOLDER = "wishes"
WISH, ANSWER = ".wish", ".answer"


class WishInvalid(QcrsError):
    """A wish cannot be read."""


@dataclass(frozen=True)
class Wish:
    """Something wanted.

    Attributes:
        kind: What; *terms* says the rest.
    """

    number: int
    kind: str
    terms: dict[str, Any]


class Wishes:
    """The wishes of one daemon's keeper.

    Args:
        folder: Beside the journal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, wish: Wish) -> None:
        """Leave *wish* for the daemon."""
        self._write(wish.number, WISH, {"kind": wish.kind, "terms": wish.terms})

    def open(self) -> Iterator[Wish]:
        """Yield wishes that have no answer, oldest number first; damaged ones are answered so."""
        for number in self.numbers():
            if self._path(number, ANSWER).exists():
                continue
            try:
                value = json.loads(self._path(number, WISH).read_text())
                yield Wish(number, value["kind"], value["terms"])
            except (ValueError, KeyError, TypeError) as error:
                self.answer(number, {"error": "WishInvalid", "message": f"not a wish: {error}"})

    def numbers(self) -> list[int]:
        """Return the numbers of all wishes, answered or not."""
        stems = [path.stem for path in self.folder.glob("*" + WISH)]
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def answer(self, number: int, value: dict[str, Any]) -> None:
        """Say what became of a wish."""
        self._write(number, ANSWER, value)

    def answered(self, number: int) -> dict[str, Any] | None:
        """Return what became of a wish; None when nothing did so far."""
        path = self._path(number, ANSWER)
        return json.loads(path.read_text()) if path.exists() else None

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number}{suffix}"

    def _write(self, number: int, suffix: str, value: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self._path(number, ".part")
        scratch.write_text(json.dumps(value) + "\n")
        scratch.replace(self._path(number, suffix))
