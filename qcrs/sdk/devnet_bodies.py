"""Who decides on a devnet: one account, or committees whose members are all at hand."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcrs.chain.deployment import HOLDERS
from qcrs.chain.governance import DAY, Body, Governance, Tempo
from qcrs.chain.keys import LocalAccount
from qcrs.model.motion import COMMITTEES
from qcrs.sdk.keyring import HASH_KEYS, PASSWORD, Keyring

SIZE, QUORUM = 3, 2
DELAY_SECONDS = 60


def founding(bodies: bool, members: Sequence[LocalAccount], keyring: Keyring) -> dict[str, Any]:
    """Return the settings that say who holds the roles: committees of *members*, or the first of them alone.

    Members get their hash keys now, in *keyring*.
    """
    if not bodies:
        return {"roles": dict.fromkeys(HOLDERS, members[0].address)}
    body = Body(tuple(member.address for member in members), QUORUM)
    tempo = Tempo(voting_seconds=DAY, delay_seconds=DELAY_SECONDS, execution_seconds=DAY)
    keys = {member.address: keyring.new(member.address).commitment for member in members}
    return {"governance": Governance(dict.fromkeys(COMMITTEES, body), tempo, development=True, keys=keys)}


def make_keyring(directory: Path) -> Keyring:
    """Return where the members' hash keys will be, with their password beside them."""
    folder = directory / HASH_KEYS
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / PASSWORD
    file.touch(mode=0o600)
    file.write_text(secrets.token_hex(16) + "\n")
    return Keyring(folder)
