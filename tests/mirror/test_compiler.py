"""The compiler's input, its errors, and the places that repeat its settings."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from qcrs.chain import artifacts, compiler

ROOT = artifacts.PROJECT
PRAGMA = "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.24;\n"


def write(root: Path, name: str, text: str) -> None:
    file = root / "contracts" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PRAGMA + text)


def test_library_errors_are_in_the_abi_of_the_contract_that_may_raise_them(tmp_path):
    write(
        tmp_path,
        "libraries/Tally.sol",
        "error TallyTooBig(uint256 actual);\n"
        "library Tally { function check(uint256 n) internal pure {\n"
        "if (n > 9) revert TallyTooBig(n); } }",
    )
    write(
        tmp_path,
        "Counter.sol",
        'import {Tally} from "./libraries/Tally.sol";\n'
        'import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";\n'
        "contract Counter is AccessManager { constructor() AccessManager(msg.sender) {}\n"
        "function count(uint256 n) external pure { Tally.check(n); } }",
    )
    made = artifacts.compile_sources(tmp_path)
    assert set(made) == {"Counter", "Tally"}
    errors = {entry["name"] for entry in made["Counter"].abi if entry["type"] == "error"}
    assert {"TallyTooBig", "AccessManagerUnauthorizedAccount"} <= errors
    assert [artifact.name for artifact in artifacts.deployable(made)] == ["Counter"]
    assert artifacts.export_abis(tmp_path, tmp_path / "abi") == ["Counter"]
    assert json.loads((tmp_path / "abi" / "Counter.json").read_text())["contractName"] == "Counter"


def test_compile_reports_what_the_compiler_says(tmp_path):
    write(tmp_path, "Broken.sol", "contract Broken { uint256 x = true; }")
    with pytest.raises(compiler.CompilationFailed, match="not implicitly convertible"):
        artifacts.compile_sources(tmp_path)


def test_compile_names_the_importer_of_a_missing_file(tmp_path):
    write(tmp_path, "Lost.sol", 'import "./Nowhere.sol";')
    with pytest.raises(compiler.SourceNotFound, match=r"Nowhere.sol.*imported by contracts/Lost"):
        artifacts.compile_sources(tmp_path)


def test_compile_refuses_two_contracts_of_one_name(tmp_path):
    write(tmp_path, "One.sol", "contract Twin {}")
    write(tmp_path, "Two.sol", "contract Twin {}")
    with pytest.raises(artifacts.ContractNameTaken, match=r"Twin: in contracts/One.*Two"):
        artifacts.compile_sources(tmp_path)


def test_compile_says_how_to_get_the_compiler(tmp_path, monkeypatch):
    write(tmp_path, "Empty.sol", "contract Empty {}")
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))  # py-solc-x lets it win over a path given
    with pytest.raises(compiler.CompilerMissing, match=r"bootstrap\.py"):
        artifacts.compile_sources(tmp_path)


def test_imports_are_found_however_they_are_written(tmp_path):
    write(tmp_path, "a/A.sol", "")
    write(tmp_path, "a/B.sol", 'import "./A.sol";')
    write(tmp_path, "C.sol", 'import {X,\n  Y as Z} from "./a/B.sol"; // import "./Never.sol";')
    write(tmp_path, "D.sol", "import * as C from '../contracts/C.sol';")
    found = compiler.source_closure(tmp_path, ["contracts/D.sol"])
    assert set(found) == {f"contracts/{name}.sol" for name in ("D", "C", "a/B", "a/A")}


def test_foundry_and_brownie_compile_with_the_same_settings():
    foundry = tomllib.loads((compiler.TOOLCHAIN / "foundry.toml").read_text())["profile"]["default"]
    brownie = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    ours = (compiler.EVM_VERSION, compiler.OPTIMIZER_RUNS, compiler.VIA_IR)
    assert (foundry["evm_version"], foundry["optimizer_runs"], foundry["via_ir"]) == ours
    solc = brownie["solc"]
    assert (
        brownie["evm_version"],
        solc["optimizer"]["runs"],
        bool(solc.get("viaIR", False)),
    ) == ours
    assert solc["version"] == compiler.SOLC_VERSION
    assert foundry["solc"].endswith(f"solc-v{compiler.SOLC_VERSION}")
    locked = json.loads((compiler.TOOLCHAIN / "package.json").read_text())["dependencies"]["solc"]
    assert locked == compiler.SOLC_VERSION


def test_versions_named_for_packagers_are_those_of_the_lock():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = project["dependencies"] + project["optional-dependencies"]["dev"]
    lock = (compiler.TOOLCHAIN / "requirements.lock").read_text()
    assert {requirement.split(";")[0] for requirement in named} <= set(
        re.findall(r"^[a-z0-9-]+==[^\s\\]+", lock, re.MULTILINE)
    )


def test_locks_name_no_registry():
    for lock in ("requirements.lock", "installer.lock", "node.lock"):
        assert "://" not in (compiler.TOOLCHAIN / lock).read_text()
    packages = json.loads((compiler.TOOLCHAIN / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
