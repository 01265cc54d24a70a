"""What ships in ``qcrs/abi`` is what today's sources compile to."""

import json

import pytest

from qcrs.chain import artifacts

FRESH = "`make build` writes qcrs/abi afresh"


@pytest.fixture(scope="module")
def compiled():
    return {item.name: item for item in artifacts.deployable(artifacts.compile_sources())}


def test_packaged_contracts_are_the_deployable_ones(compiled):
    packaged = {file.stem for file in artifacts.PACKAGED.glob("*.json")}
    assert packaged == set(compiled), FRESH


def test_packaged_abi_and_code_are_those_of_the_sources(compiled):
    stale = [
        name
        for name, artifact in compiled.items()
        if (artifacts.PACKAGED / f"{name}.json").read_text() != artifacts.packaged_text(artifact)
    ]
    assert not stale, FRESH


def test_load_returns_the_packaged_abi_and_code(compiled):
    for name, artifact in compiled.items():
        assert artifacts.load_abi(name) == artifact.abi
        assert artifacts.load_bytecode(name) == artifact.bytecode


def test_load_abi_names_the_known_contracts_when_asked_for_another():
    with pytest.raises(artifacts.ContractNotPackaged, match=r"Nonesuch: expected one of .*Audit"):
        artifacts.load_abi("Nonesuch")


def test_deployed_code_fits_the_size_this_project_allows(compiled):
    sizes = {name: len(item.deployed_bytecode) // 2 - 1 for name, item in compiled.items()}
    assert {name: size for name, size in sizes.items() if size > 23 * 1024 + 512} == {}


def test_syntax_trees_cover_every_source(compiled):
    trees = artifacts.syntax_trees()
    assert {artifact.source for artifact in compiled.values()} <= set(trees)
    assert all(tree["nodeType"] == "SourceUnit" for tree in trees.values())


def test_second_compile_is_read_from_the_cache(compiled, monkeypatch):
    monkeypatch.setattr(artifacts, "compile_standard_input", lambda _: pytest.fail("compiled"))
    assert set(compiled) <= set(artifacts.compile_sources())


def test_linked_code_calls_the_libraries_where_they_are(compiled):
    bytecode = compiled["ComputationAllocator"].bytecode
    places = {"Recovery": "0x" + "Ab" * 20, "Regulation": "0x" + "cd" * 20, "Waiting": "0x" + "ef" * 20}
    code = artifacts.linked(bytecode, {**places, "Ledger": "0x" + "89" * 20})
    calls = [code.count(bytes.fromhex(place[2:])) for place in places.values()]
    assert min(calls) > 0
    assert sum(calls) == bytecode.count("$__")
    assert len(code) == len(bytecode) // 2 - 1


def test_linked_code_misses_no_library(compiled):
    with pytest.raises(artifacts.LibraryMissing, match="expected its libraries among none"):
        artifacts.linked(compiled["ComputationAllocator"].bytecode, {})
    with pytest.raises(artifacts.LibraryMissing, match="among Ledger"):
        artifacts.linked(compiled["ComputationAllocator"].bytecode, {"Ledger": "0x" + "cd" * 20})


def test_library_that_a_contract_calls_is_packaged_and_no_other(compiled):
    libraries = {name for name, artifact in compiled.items() if artifact.kind == "library"}
    assert libraries == {"Approval", "Recovery", "Regulation", "Waiting"}


def test_packaged_files_hold_nothing_of_the_machine():
    for file in artifacts.PACKAGED.glob("*.json"):
        assert set(json.loads(file.read_text())) == {"contractName", "abi", "bytecode"}
