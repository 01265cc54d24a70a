"""What of the actions that are due is done already, or put off for a while."""

import random
import time

from qcrs.daemon.duties import Action

RETRY_SECONDS = (1.0, 8.0)


class Agenda:
    """Memory of actions, until their computation ends."""

    def __init__(self) -> None:
        self._done: set[Action] = set()
        self._retry: dict[Action, tuple[float, float]] = {}

    def open(self, action: Action) -> bool:
        """Return whether *action* is to be done now, when it is due."""
        if action in self._done:
            return False
        return action not in self._retry or time.monotonic() >= self._retry[action][0]

    def finish(self, action: Action) -> None:
        """Never do *action* again."""
        self._done.add(action)

    def succeed(self, action: Action) -> None:
        """Begin with short waits again when *action* fails next."""
        self._retry.pop(action, None)

    def postpone(self, action: Action) -> None:
        """Leave *action* for a while, longer each time."""
        _, wait = self._retry.get(action, (0.0, RETRY_SECONDS[0] / 2))
        wait = min(2 * wait, RETRY_SECONDS[1])
        self._retry[action] = (time.monotonic() + wait * random.uniform(0.8, 1.2), wait)

    def drop(self, computation: int) -> None:
        """Forget the actions for *computation*."""
        self._done = {a for a in self._done if getattr(a, "computation", 0) != computation}
        self._retry = {a: r for a, r in self._retry.items() if getattr(a, "computation", 0) != computation}
