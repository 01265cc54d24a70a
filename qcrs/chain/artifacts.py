"""Compiled contracts: from the sources in a clone, from packaged files anywhere else.

A clone compiles ``contracts/`` through py-solc-x, once for each state of the sources: the result is
kept in ``build/artifacts/`` under a hash of the compiler's whole input and version, so that a
second caller pays a file read. The input holds the text of every imported file, hence nothing
outside it can change the result.

An installed wheel has no compiler. ``export_abis`` therefore writes the ABI and the creation code
of each deployable contract to ``qcrs/abi/``, which ships with the package; ``load_abi`` and
``load_bytecode`` read them. A test keeps them equal to a fresh compile.

From a shell: ``python -m qcrs.chain.artifacts compile`` or ``export``.
"""

import contextlib
import fcntl
import functools
import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from qcrs.chain.compiler import (
    SOLC_VERSION,
    compile_standard_input,
    source_closure,
    standard_input,
)
from qcrs.errors import QcrsError

__all__ = [
    "Artifact",
    "ContractNameTaken",
    "ContractNotPackaged",
    "LibraryMissing",
    "compile_sources",
    "deployable",
    "export_abis",
    "linked",
    "load_abi",
    "load_bytecode",
    "syntax_trees",
]

PROJECT = Path(__file__).resolve().parents[2]
PACKAGED = Path(__file__).resolve().parents[1] / "abi"
KEPT_RESULTS = 8  # states of the sources whose results stay in build/artifacts

Abi = list[dict[str, Any]]

log = logging.getLogger(__name__)


class ContractNameTaken(QcrsError):
    """Two source files define contracts of one name, which artifacts are keyed by."""


class ContractNotPackaged(QcrsError):
    """No packaged ABI has this name."""


class LibraryMissing(QcrsError):
    """Code calls a library whose address is not known."""


@dataclass(frozen=True)
class Artifact:
    """What the compiler made of one contract, interface or library.

    Attributes:
        name: its name, unique among the sources.
        source: the file that defines it, relative to the root, as ``contracts/AuditTrail.sol``.
        kind: ``contract``, ``abstract contract``, ``interface`` or ``library``.
        abi: functions, events and errors, the errors of the libraries it calls included.
        bytecode: creation code, 0x-prefixed; ``0x`` for what cannot be created.
        deployed_bytecode: the code at its address, before immutables are written into it.
        storage_layout: the compiler's ``storage`` and ``types``.
        userdoc: the ``@notice`` texts, by signature.
    """

    name: str
    source: str
    kind: str
    abi: Abi
    bytecode: str
    deployed_bytecode: str
    storage_layout: dict[str, Any] = field(repr=False)
    userdoc: dict[str, Any] = field(repr=False)


# --- compile --------------------------------------------------------------------------------------


def compile_sources(root: Path = PROJECT, only: Iterable[Path | str] | None = None) -> dict[str, Artifact]:
    """Return every contract defined under ``root/contracts``, by name.

    Args:
        root: the clone; results are cached in its ``build/artifacts``.
        only: source files relative to *root* to compile, with what they import, instead of all:
            for working on one contract while another does not compile.

    Raises:
        SourceNotFound: a file, or one that it imports, is missing.
        CompilerMissing: the toolchain is not set up.
        CompilationFailed: the compiler reports an error.
        ContractNameTaken: a name is defined twice.
    """
    stored = json.loads(_result(root, only, ".json").read_text())
    return {name: Artifact(**artifact) for name, artifact in stored.items()}


def syntax_trees(root: Path = PROJECT, only: Iterable[Path | str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the syntax tree of each file under ``root/contracts``, by relative path.

    Raises:
        QcrsError: for the causes that ``compile_sources`` lists.
    """
    return json.loads(_result(root, only, ".ast.json").read_text())


def _result(root: Path, only: Iterable[Path | str] | None, suffix: str) -> Path:
    """Return the cached file with *suffix* for today's sources, compiling if there is none."""
    root = root.resolve()
    start = only if only is not None else sorted((root / "contracts").rglob("*.sol"))
    complete = standard_input(source_closure(root, start))
    text = json.dumps(complete, sort_keys=True)
    key = hashlib.sha256(f"{SOLC_VERSION}\n{_SHAPE}\n{text}".encode()).hexdigest()[:20]
    folder = root / "build" / "artifacts"
    wanted = folder / f"{key}{suffix}"
    if wanted.exists():
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # of two test workers, one compiles
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            artifacts, trees = _sorted_output(compile_standard_input(complete))
            _write(folder / f"{key}.ast.json", json.dumps(trees))
            _write(folder / f"{key}.json", json.dumps({n: asdict(a) for n, a in artifacts.items()}))
            _prune(folder)
    return wanted


_SHAPE = ",".join(Artifact.__dataclass_fields__)  # a result of another shape is not this one


def _sorted_output(output: dict[str, Any]) -> tuple[dict[str, Artifact], dict[str, Any]]:
    """Return the artifacts by name and the syntax trees by file."""
    trees = {unit: source["ast"] for unit, source in output["sources"].items() if "ast" in source}
    artifacts: dict[str, Artifact] = {}
    for unit, tree in trees.items():
        for node in tree["nodes"]:
            if node["nodeType"] != "ContractDefinition":
                continue
            name, kind = node["name"], node["contractKind"]
            if name in artifacts:
                raise ContractNameTaken(f"{name}: in {artifacts[name].source} and in {unit}")
            made = output["contracts"][unit][name]
            artifacts[name] = Artifact(
                name=name,
                source=unit,
                kind=f"abstract {kind}" if node.get("abstract") else kind,
                abi=made["abi"],
                bytecode="0x" + made["evm"]["bytecode"]["object"],
                deployed_bytecode="0x" + made["evm"]["deployedBytecode"]["object"],
                storage_layout=made.get("storageLayout", {}),
                userdoc=made["userdoc"],
            )
    return artifacts, trees


def _write(path: Path, text: str) -> None:
    """Write *path* so that a reader sees all of it or none."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _prune(folder: Path) -> None:
    """Remove all but the newest results."""
    newest_first = sorted(folder.glob("*.json"), key=lambda file: -file.stat().st_mtime)
    for old in newest_first[2 * KEPT_RESULTS :]:
        with contextlib.suppress(FileNotFoundError):
            old.unlink()


# --- package --------------------------------------------------------------------------------------


def deployable(artifacts: Mapping[str, Artifact]) -> Iterator[Artifact]:
    """Yield the contracts that deployment may create: concrete, and not there for tests or as examples only.

    A library counts when the code of a contract has a place for its address.
    """
    code = "".join(artifact.bytecode for artifact in artifacts.values())
    for artifact in artifacts.values():
        called = artifact.kind == "library" and _link_mark(artifact.name) in code
        if (artifact.kind == "contract" or called) and not artifact.source.startswith(
            ("contracts/test/", "contracts/examples/")
        ):
            yield artifact


def packaged_text(artifact: Artifact) -> str:
    """Return the content of an artifact's file in ``qcrs/abi``; its code may have libraries to be linked."""
    content = {"contractName": artifact.name, "abi": artifact.abi, "bytecode": artifact.bytecode}
    return json.dumps(content, indent=1) + "\n"


def export_abis(root: Path = PROJECT, folder: Path = PACKAGED) -> list[str]:
    """Write the deployable contracts to *folder*, remove files of others, return the names.

    Raises:
        QcrsError: for the causes that ``compile_sources`` lists.
    """
    texts = {item.name: packaged_text(item) for item in deployable(compile_sources(root))}
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.json"):
        if file.stem not in texts:
            file.unlink()
    for name, text in texts.items():
        _write(folder / f"{name}.json", text)
    load_packaged.cache_clear()
    return sorted(texts)


@functools.cache
def load_packaged(name: str) -> dict[str, Any]:
    """Return the packaged ``contractName``, ``abi`` and ``bytecode`` of a contract.

    Raises:
        ContractNotPackaged: the package has no contract of this name.
    """
    folder = resources.files("qcrs") / "abi"
    file = folder / f"{name}.json"
    if not file.is_file():
        known = sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".json"))
        raise ContractNotPackaged(f"{name}: expected one of {', '.join(known) or 'none'}")
    return json.loads(file.read_text(encoding="utf-8"))


def load_abi(name: str) -> Abi:
    """Return the packaged ABI of a contract; raises as ``load_packaged``."""
    return load_packaged(name)["abi"]


def load_bytecode(name: str) -> str:
    """Return the packaged creation code of a contract; raises as ``load_packaged``."""
    return load_packaged(name)["bytecode"]


def linked(bytecode: str, libraries: Mapping[str, str]) -> bytes:
    """Return creation code with the addresses of the libraries that it calls.

    Args:
        bytecode: As the compiler made it, 0x-prefixed.
        libraries: Addresses by name; others than those called do no harm.

    Raises:
        LibraryMissing: It calls one that is not among them.
    """
    for name, address in libraries.items():
        bytecode = bytecode.replace(_link_mark(name), address[2:].lower())
    if "__$" in bytecode:
        raise LibraryMissing(f"creation code: expected its libraries among {', '.join(libraries) or 'none'}")
    return bytes.fromhex(bytecode.removeprefix("0x"))


def _link_mark(library: str) -> str:
    """Return what the compiler writes where the address of a library belongs."""
    return f"__${keccak(f'contracts/libraries/{library}.sol:{library}'.encode()).hex()[:34]}$__"


def main(arguments: list[str]) -> int:
    """Compile or export from a shell, and print code sizes or names."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    verb, *only = arguments or ["compile"]
    try:
        if verb == "export":
            print("\n".join(export_abis()))
        else:
            for artifact in deployable(compile_sources(only=only or None)):
                print(f"{len(artifact.deployed_bytecode) // 2 - 1:6d} bytes  {artifact.name}")
    except QcrsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
