"""The auditor's duty: to follow the chain beside the processor's work, and to be heard when something does not follow.

It acts on nothing and holds up nothing: a daemon goes on with its computations whatever the auditor finds, and also
when the auditor itself fails, which the state file then says.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from qcrs.model.finding import Finding, Level, Standing

log = logging.getLogger(__name__)

_LOGGED = {Level.Alarm: logging.CRITICAL, Level.Warning: logging.WARNING, Level.Note: logging.INFO}

# Follows the chain until the event is set, and tells what it finds and how things stand.
Follow = Callable[[Callable[[Finding], None], Callable[[Standing], None], asyncio.Event], Coroutine[Any, Any, None]]


class Auditor:
    """A duty that only watches.

    Args:
        follow: Does the watching.
    """

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._standing = Standing()
        self._status = "starting"
        self._alarms = self._warnings = 0
        self._latest = ""
        self._changed: Callable[[], None] = lambda: None

    async def run(self, stop: asyncio.Event, changed: Callable[[], None]) -> None:
        """Watch until *stop* is set.

        Args:
            changed: Called when ``state`` is worth writing down at once.
        """
        self._changed = changed
        try:
            await self._follow(self._find, self._stand, stop)
        except Exception as error:  # the auditor's own defect must neither end the daemon nor go unnoticed
            log.exception("auditor ended: nobody watches the chain here any more")
            self._status = f"ended by a defect: {type(error).__name__}: {error}"
        else:
            self._status = "stopped"
        changed()

    def state(self) -> dict[str, Any]:
        """Return what the daemon's state file says of the audit."""
        told = self._standing.to_json()
        return {
            **told,
            "status": self._status,
            "alarmsEver": self._alarms,
            "warningsEver": self._warnings,
            "latest": self._latest,
        }

    def _find(self, finding: Finding) -> None:
        about = {"computation": finding.computation, "seat": finding.seat, "entry": finding.entry}
        pairs = "".join(f"{key}={value} " for key, value in about.items() if value is not None)
        level = finding.level.upper() if finding.level is Level.Alarm else finding.level
        log.log(_LOGGED[finding.level], "audit=%s kind=%s %s%s", level, finding.kind, pairs, finding.text)
        self._alarms += finding.level is Level.Alarm
        self._warnings += finding.level is Level.Warning
        self._latest = str(finding)
        if finding.kind == "chain" and self._status != Level.Alarm:
            self._status = "cannot follow"  # until it is told again how things stand
        self._changed()

    def _stand(self, standing: Standing) -> None:
        worse = standing.status != self._status
        self._standing, self._status = standing, standing.status
        if worse:
            self._changed()
