"""Example circuits: flat OpenQASM 3, and one in OpenQASM 2 that is converted on submission."""

from importlib import resources


def text_of(name: str) -> str:
    """Return the OpenQASM text of the example called *name*."""
    return resources.files(__name__).joinpath(f"{name}.qasm").read_text()
