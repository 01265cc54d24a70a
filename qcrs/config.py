"""Settings, frozen when read; the only reader of the environment.

``QCRS_NETWORK`` names the network file and ``QCRS_HOME`` the directory of this user's own records (disclosure secrets,
devnets). Flags of the command line come before both. ``QCRS_PASSWORD`` opens keys whose password is in no file.
"""

import getpass
import os
import sys
import tomllib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qcrs.errors import QcrsError


class ConfigInvalid(QcrsError):
    """A configuration file is missing, unreadable or wrong."""


def home() -> Path:
    """Return the directory of this user's own records."""
    return Path(os.environ.get("QCRS_HOME") or Path.home() / ".qcrs")


def network_path(flag: str | None = None) -> Path:
    """Return where the network file is: *flag*, ``QCRS_NETWORK``, or the devnet's under ``home()``."""
    return Path(flag or os.environ.get("QCRS_NETWORK") or home() / "devnet" / "network.json")


class PasswordMissing(QcrsError):
    """Nobody said what opens a key."""


def password(path: Path | None) -> str:
    """Return the password in the file *path*; without such a file, ``QCRS_PASSWORD``, or what a person types.

    Raises:
        PasswordMissing: There is neither, and nobody to ask.
    """
    if path is not None and path.exists():
        return path.read_text().rstrip("\n")
    given = given_password()
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise PasswordMissing(f"no password: there is no file {path}, $QCRS_PASSWORD is not set, and nobody to ask")
    return getpass.getpass("password of the keys: ")


def new_password(path: Path | None) -> str:
    """Return the password for new keys: as ``password``, but what a person types is typed twice.

    Raises:
        PasswordMissing: There is none and nobody to ask, or the two differ.
    """
    first = password(path)
    is_typed = not (path is not None and path.exists()) and given_password() is None
    if is_typed and (not first or getpass.getpass("once more: ") != first):
        raise PasswordMissing("the passwords differ, or are empty; no key was made")
    return first


def given_password() -> str | None:
    """Return ``QCRS_PASSWORD``, if it is set."""
    return os.environ.get("QCRS_PASSWORD") or None


def command_path(name: str) -> str:
    """Return the command *name* beside this interpreter, or bare when it is not there."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else name


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class NodeConfig(BaseModel):
    """What one processor's daemon needs to know.

    Attributes:
        network: The network file. keystore: The daemon's key, keystore v3. password_file: Password of all keys; where
            there is no such file, see ``password``.
        signing_key, opening_key: The processor's post-quantum keys; None on a node that was made before there were any.
        calibration: The calibration file that the processor's noise is simulated from.
        journal: The daemon's SQLite file. workers: Circuits run at once; as many as there are cores by default.
        time_limit_seconds, memory_limit_mebibytes: Bounds of one run.
        keeper: Whether to enforce deadlines and settle for bounties.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: Path
    keystore: Path
    password_file: Path
    calibration: Path
    journal: Path
    signing_key: Path | None = None
    opening_key: Path | None = None
    workers: int = Field(default_factory=cores)
    time_limit_seconds: float = 60.0
    memory_limit_mebibytes: int = 2048
    keeper: bool = True

    @field_validator("workers")
    @classmethod
    def _at_least_one(cls, value: int) -> int:
        if value < 1:
            raise ValueError(f"workers is {value}, expected at least 1")
        return value

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the configuration in the TOML file *path*; relative paths are taken from its directory.

        Raises:
            ConfigInvalid: The file is missing, is not TOML, or has wrong or unknown fields.
        """
        try:
            table = tomllib.loads(path.read_text())
        except FileNotFoundError as error:
            raise ConfigInvalid(f"no node configuration at {path}; make one with 'qcrs node init'") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigInvalid(f"{path} is not a TOML file: {error}") from error
        try:
            config = cls.model_validate(table)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ConfigInvalid(f"{path}: {problems}") from error
        base = path.parent.resolve()
        names = ("network", "keystore", "password_file", "calibration", "journal", "signing_key", "opening_key")
        paths = {name: getattr(config, name) for name in names}
        return config.model_copy(update={name: base / path for name, path in paths.items() if path is not None})

    def write(self, path: Path) -> None:
        """Write the configuration to *path* as TOML."""
        lines = []
        for name, value in self.model_dump(exclude_none=True).items():
            text = str(value).lower() if isinstance(value, bool) else value
            lines.append(f"{name} = {_quoted(value) if isinstance(value, Path) else text}")
        path.write_text("\n".join(lines) + "\n")


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
