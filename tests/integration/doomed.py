"""A daemon that is killed at a point of its choice: ``python -m tests.integration.doomed POINT node start ...``.

POINT is ``before:KIND`` or ``after:KIND``, around the journal's record of a benchmark, or ``sent:FUNCTION``, once a
transaction is in the chain and before the daemon learns of it. It ends by SIGKILL with all that it has started, as with
a power cut: nothing is flushed or said.
"""

import os
import signal
import sys
from typing import Any

from qcrs.chain.gateway import Gateway
from qcrs.cli import main
from qcrs.daemon.journal import Journal


def die() -> None:
    """End this process, and those that it has started."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def doom(point: str) -> None:
    """Have this process die at *point*."""
    when, _, what = point.partition(":")
    keep, send = Journal.keep, Gateway.send

    def kept(journal: Journal, kind: str, *arguments: Any) -> bytes:
        if (when, what) == ("before", kind):
            die()
        content = keep(journal, kind, *arguments)
        if (when, what) == ("after", kind):
            die()
        return content

    async def sent(gateway: Gateway, account: Any, contract: str, function: str, *arguments: Any, **more: Any) -> Any:
        receipt = await send(gateway, account, contract, function, *arguments, **more)
        if (when, what) == ("sent", function):
            die()
        return receipt

    Journal.keep, Gateway.send = kept, sent  # type: ignore[method-assign]


if __name__ == "__main__":
    doom(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
