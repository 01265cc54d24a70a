"""Imports only descend: the directions of the architecture, read from every module's syntax."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "qcrs"

# What each part may import of the others; what is not named may import all.
ALLOWED = {
    "errors": set(),
    "model": {"errors"},
    "rules": {"errors", "model"},
    "quantum": {"errors", "model", "rules", "config"},
    "chain": {"errors", "model", "rules", "config"},
    "crypto": {"errors", "model", "rules", "config"},
    "config": {"errors", "model", "rules"},
}
NEVER = {
    "daemon": {"sdk", "cli"},
    "sdk": {"daemon", "cli"},
}
# Libraries that one part alone knows.
OWNERS = {
    "web3": "chain",
    "solcx": "chain",
    "eth_account": "chain",
    "qiskit": "quantum",
    "qiskit_aer": "quantum",
    "qiskit_qasm3_import": "quantum",
    "qiskit_ibm_runtime": "quantum",
    "cryptography": "crypto",
    "stim": "quantum",
    "pymatching": "quantum",
    "mtkahypar": "quantum",
    "qiskit_addon_cutting": "quantum",
    "brownie": None,
}


def modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "toolchain" not in path.relative_to(PACKAGE).parts]


def part_of(path):
    """Return the folder, or the module's own name when it lies at the top."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


@cache
def syntax(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Yield every imported module in full, wherever in the file it is imported."""
    package = ["qcrs", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def own_parts(path):
    """Return the parts of the package that a module imports."""
    names = {name.split(".")[1] for name in imports(path) if name.startswith("qcrs.")}
    known = {part_of(module) for module in modules()}
    return (names & known) - {part_of(path), "__init__"}


def libraries(path):
    return {name.split(".")[0] for name in imports(path)}


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(PACKAGE)) for path in paths])


@each([path for path in modules() if part_of(path) in ALLOWED])
def test_part_imports_only_what_lies_below(path):
    assert own_parts(path) <= ALLOWED[part_of(path)]


@each([path for path in modules() if part_of(path) in NEVER])
def test_part_never_imports_its_siblings(path):
    assert not own_parts(path) & NEVER[part_of(path)]


@each(modules())
def test_library_is_imported_by_its_owner_only(path):
    foreign = {name for name in libraries(path) if OWNERS.get(name, part_of(path)) != part_of(path)}
    assert not foreign


@each([path for path in modules() if part_of(path) != "config"])
def test_only_config_reads_the_environment(path):
    """Handing it on to a child process (``env=os.environ | ...``) is not reading it."""
    handed_on = {
        id(node)
        for call in ast.walk(syntax(path))
        if isinstance(call, ast.keyword) and call.arg == "env"
        for node in ast.walk(call.value)
    }
    readers = {
        ast.unparse(node)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Attribute) and id(node) not in handed_on
    }
    assert not readers & {"os.environ", "os.environb", "os.getenv"}
    assert not set(imports(path)) & {"os.environ", "os.environb", "os.getenv"}


@each([path for path in modules() if part_of(path) in ("rules", "model")])
def test_rules_and_model_have_no_clock_chance_or_floats(path):
    assert not libraries(path) & {"time", "datetime", "random", "secrets", "numpy", "os"}
    if part_of(path) == "rules":
        floats = [
            node
            for node in ast.walk(syntax(path))
            if (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
        ]
        assert floats == []


def test_there_is_no_cycle_between_parts():
    graph = {}
    for path in modules():
        graph.setdefault(part_of(path), set()).update(own_parts(path))
    graph.pop("__init__", None)

    while graph:
        free = [part for part, needs in graph.items() if not needs & set(graph)]
        assert free, f"a cycle among {sorted(graph)}"
        for part in free:
            del graph[part]


def test_packaged_abi_is_checked_by_a_test():
    assert (Path(__file__).parent / "test_abi.py").is_file()
