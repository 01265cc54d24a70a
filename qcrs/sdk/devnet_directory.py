"""What a devnet leaves in its directory, and how that is removed without touching anything else."""

import shutil
from pathlib import Path

from qcrs.errors import QcrsError

MADE_HERE = frozenset({
    "chain", "nodes", "store", "network.json", "processes.json", "ganache.log", "secrets.jsonl", "hash-keys",
})  # fmt: skip


class NotADevnetDirectory(QcrsError):
    """The directory holds something else, which starting a devnet there would remove."""


def clear(directory: Path) -> None:
    """Remove what an earlier devnet left in *directory*, and nothing else.

    Raises:
        NotADevnetDirectory: It holds something, and nothing tells that a devnet was there.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise NotADevnetDirectory(f"{directory} is not a directory; name an empty one, or one of an earlier devnet")
    present = {path.name for path in directory.iterdir()}
    # The log comes first of all files, so a devnet that never came up is known by it.
    ours = present & {"processes.json", "ganache.log"} or {"network.json", "chain"} <= present
    if present and not ours:
        strange = sorted(present - MADE_HERE or present)[:3]
        raise NotADevnetDirectory(
            f"{directory} holds {', '.join(strange)}, and no devnet ran there; name an empty directory, or one of an "
            "earlier devnet"
        )
    for name in present & MADE_HERE:
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if present <= MADE_HERE:
        directory.rmdir()
