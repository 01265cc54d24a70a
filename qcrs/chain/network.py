"""Connection facts: one JSON file that daemons, the command line and dApps all read.

Written by ``qcrs devnet up`` and ``qcrs deploy``. ``accounts`` carry private keys on a throwaway devnet only.
"""

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from qcrs.chain.codec import CONTRACTS
from qcrs.errors import QcrsError


class NetworkFileInvalid(QcrsError):
    """The file of connection facts is missing, unreadable or incomplete."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Account(_Facts):
    """An account that tools may use by name.

    Attributes:
        name: What the command line calls it. organisation: Its organisation's name, or empty.
        private_key: 0x-prefixed, on a devnet only; otherwise None.
    """

    name: str
    address: str
    organisation: str = ""
    private_key: str | None = None


class Network(_Facts):
    """Where the chain is and what lives on it.

    Attributes:
        rpc_url: HTTP endpoint. ws_url: WebSocket endpoint of the same node.
        contracts: Address of each contract of the suite by name.
        genesis: Hash of block 0: a devnet that was started again has the same chain id and addresses.
        deployed_at: Block of the first contract; logs are read from here.
        store: Directory or fsspec URL where payloads and histograms are kept by digest.
    """

    rpc_url: str
    ws_url: str
    chain_id: int
    genesis: str
    contracts: dict[str, str]
    deployed_at: int
    store: str
    accounts: list[Account] = []

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the facts in *path*.

        Raises:
            NetworkFileInvalid: The file is missing, is not JSON of this shape, or lacks a contract.
        """
        try:
            network = cls.model_validate(json.loads(path.read_text()))
        except FileNotFoundError as error:
            raise NetworkFileInvalid(
                f"no network file at {path}; start one with 'qcrs devnet up', or name it with --network"
            ) from error
        except (ValueError, ValidationError) as error:
            raise NetworkFileInvalid(f"{path} is not a network file: {error}") from error
        missing = [name for name in CONTRACTS if name not in network.contracts]
        if missing:
            raise NetworkFileInvalid(f"{path} lacks the address of {', '.join(missing)}")
        return network

    def write(self, path: Path) -> None:
        """Write the facts to *path*, readable by the owner alone when they hold keys."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part")
        scratch.touch(mode=0o600 if any(a.private_key for a in self.accounts) else 0o644)
        scratch.write_text(json.dumps(self.to_json(), indent=2) + "\n")
        scratch.replace(path)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as the file holds them (camelCase)."""
        return self.model_dump(by_alias=True, exclude_none=True)

    @property
    def deployment(self) -> str:
        """What tells this deployment from every other: genesis and verifier."""
        return f"{self.genesis}/{self.contracts['ResultVerifier'].lower()}"

    def account(self, name: str) -> Account:
        """Return the account called *name*.

        Raises:
            NetworkFileInvalid: There is none.
        """
        for account in self.accounts:
            if account.name == name:
                return account
        known = ", ".join(account.name for account in self.accounts) or "none"
        raise NetworkFileInvalid(f"the network file has no account {name!r}; it has: {known}")
