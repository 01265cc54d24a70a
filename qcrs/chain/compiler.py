"""The Solidity compiler, reached through py-solc-x, and the exact input it is given.

The input holds the text of every imported file, so that its hash names the result, and so that
the native compiler and the one that stands in for it (``qcrs/toolchain/solc.cjs``) see the same.
"""

import logging
import posixpath
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qcrs.errors import QcrsError

__all__ = [
    "CompilationFailed",
    "CompilerMissing",
    "SourceNotFound",
    "compile_standard_input",
    "source_closure",
    "standard_input",
]

SOLC_VERSION = "0.8.37"
EVM_VERSION = "shanghai"  # the newest rules Ganache has
OPTIMIZER_RUNS = 200
VIA_IR = True  # smaller code, less gas, and no stack limits, for twice the compile time

TOOLCHAIN = Path(__file__).resolve().parents[1] / "toolchain"

_IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["']""", re.MULTILINE)
_OUTPUTS = [
    "abi",
    "userdoc",
    "storageLayout",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
]

log = logging.getLogger(__name__)


class CompilerMissing(QcrsError):
    """No Solidity compiler of the locked version is set up."""


class CompilationFailed(QcrsError):
    """The compiler refused the sources; the message is the compiler's."""


class SourceNotFound(QcrsError):
    """A file imports another that does not exist."""


def source_closure(root: Path, start: Iterable[Path | str]) -> dict[str, str]:
    """Return the text of *start* and of everything they import, by source unit name."""
    units: dict[str, str] = {}
    pending = [(posixpath.relpath((root / path).resolve(), root), "asked for") for path in start]
    while pending:
        unit, why = pending.pop()
        if unit in units:
            continue
        try:
            units[unit] = text = _file_of(root, unit).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise SourceNotFound(f"{unit}: expected a Solidity file, found none ({why})") from error
        for name in _IMPORT.findall(text):
            relative = name.startswith(".")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(unit), name))
            pending.append((target if relative else name, f"imported by {unit}"))
    return units


def _file_of(root: Path, unit: str) -> Path:
    """Return where a source unit lies: packages in the toolchain, the rest under *root*."""
    return (TOOLCHAIN / "node_modules" if unit.startswith("@") else root) / unit


def standard_input(units: Mapping[str, str]) -> dict[str, Any]:
    """Return the compiler's whole input; what is not asked for is not generated."""
    asked = {"*": _OUTPUTS, "": ["ast"]}
    return {
        "language": "Solidity",
        "sources": {unit: {"content": text} for unit, text in units.items()},
        "settings": {
            "evmVersion": EVM_VERSION,
            "optimizer": {"enabled": True, "runs": OPTIMIZER_RUNS},
            "viaIR": VIA_IR,
            # no hash of comments and paths in the code: it changes when what it does changes
            "metadata": {"bytecodeHash": "none"},
            "outputSelection": {unit: asked for unit in units if unit.startswith("contracts/")},
        },
    }


def compile_standard_input(complete: dict[str, Any]) -> dict[str, Any]:
    """Run the compiler and return its whole output."""
    import solcx  # here, because it takes longer to import than a warm cache to answer
    from solcx.exceptions import SolcError, SolcNotInstalled
    from solcx.install import get_executable

    try:
        binary = get_executable(SOLC_VERSION, solcx_binary_path=TOOLCHAIN / "solcx")
    except (SolcNotInstalled, OSError) as error:
        raise CompilerMissing(
            f"solc: expected {SOLC_VERSION} in {TOOLCHAIN / 'solcx'}, found none; "
            "run `python3 scripts/bootstrap.py` in a clone (an installed wheel cannot compile)"
        ) from error
    count, begin = len(complete["sources"]), time.monotonic()
    log.info("compiling %d Solidity files with solc %s ...", count, SOLC_VERSION)
    try:
        output = solcx.compile_standard(complete, solc_binary=binary)
    except SolcError as error:
        raise CompilationFailed(error.message) from error
    for warning in output.get("errors", []):
        if warning.get("sourceLocation", {}).get("file", "").startswith("contracts/"):
            log.warning(warning["formattedMessage"].rstrip())
    log.info("compiled in %.1f s", time.monotonic() - begin)
    return output
