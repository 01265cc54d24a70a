"""The requester's secrets, kept until they are disclosed.

A secret is written, and forced to disk, before the submission that commits to it is sent. Losing one costs a keeper's
bounty, not the result: the beacon then stands in.

With a secret chain goes, for a computation whose circuit is encrypted, the secret that its keys are derived from. The
chain's is published in the end; this one never is. Losing it while processors are drawn costs the computation, since
nobody can let them read the circuit then.
"""

import json
import logging
import os
import threading
from pathlib import Path

from qcrs.model.computation import MAX_ATTEMPTS
from qcrs.rules.commitment import SECRET_BYTES, of_secret, secret_chain

log = logging.getLogger(__name__)

CHAIN_LENGTH = MAX_ATTEMPTS
SEALING_BYTES = 32


class Secrets:
    """Secret chains by commitment, one JSON object a line, appended only.

    Args:
        path: The file; created with mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._revealed: dict[bytes, bytes] = {}
        self._sealing: dict[bytes, bytes] = {}
        self._loaded_bytes = 0
        self._loading = threading.Lock()  # submissions are made in threads of their own

    def create(self, last: bytes | None = None, sealed: bool = False) -> bytes:
        """Make a chain of secrets, keep it, and return the commitment to submit.

        Args:
            last: The last secret, when it binds more than itself; drawn by default.
            sealed: Whether the circuit is encrypted: then there is a sealing secret too.
        """
        chain = secret_chain(os.urandom(SECRET_BYTES) if last is None else last, CHAIN_LENGTH)
        line = {"last": chain[-1].hex()} | ({"sealing": os.urandom(SEALING_BYTES).hex()} if sealed else {})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            # The leading line break ends a line that a crash may have left unfinished; empty lines are passed over.
            os.write(handle, b"\n" + json.dumps(line).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        return of_secret(chain[0])

    def behind(self, commitment: bytes) -> bytes | None:
        """Return the secret to which *commitment* commits, if it is one of ours."""
        self._load()
        return self._revealed.get(commitment)

    def sealing(self, commitment: bytes) -> bytes | None:
        """Return the sealing secret of the computation submitted with *commitment*, if it is ours and encrypted."""
        self._load()
        return self._sealing.get(commitment)

    def _load(self) -> None:
        """Read what has been appended since, by this process or another."""
        with self._loading:
            if not self.path.exists():
                return
            with self.path.open("rb") as file:
                file.seek(self._loaded_bytes)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written
                    self._loaded_bytes += len(line)
                    self._take(line)

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            value = json.loads(line)
            last, sealing = bytes.fromhex(value["last"]), bytes.fromhex(value.get("sealing", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s has a damaged line (%s): the beacon will stand in for its secret", self.path, error)
            return
        chain = secret_chain(last, CHAIN_LENGTH)
        for secret in chain:
            self._revealed[of_secret(secret)] = secret
        if sealing:
            self._sealing[of_secret(chain[0])] = sealing
