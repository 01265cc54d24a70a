"""Example circuits, as the files beside this one."""

from importlib import resources


def text_of(name: str) -> str:
    """Return the OpenQASM text of the example called *name*."""
    return resources.files(__name__).joinpath(f"{name}.qasm").read_text()
