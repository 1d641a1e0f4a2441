"""Compiled bytecode: given to every server, or kept from it."""

import compileall
import sysconfig
from pathlib import Path

# What a vLLM server imports, and compiles at its first start if nobody did before.
_PACKAGES = ("vllm", "torch", "transformers", "fastapi", "pydantic", "numpy", "kserve")


def compile_installed() -> None:
    """Compile the packages that a server imports; what is compiled already costs a look."""
    site = Path(sysconfig.get_path("purelib"))
    for package in _PACKAGES:
        compileall.compile_dir(site / package, quiet=2, workers=0)


def without_bytecode(empty: Path) -> dict[str, str]:
    """Variables under which Python finds no bytecode and writes none.

    Args:
        empty: A folder with nothing in it.
    """
    return {"PYTHONPYCACHEPREFIX": str(empty), "PYTHONDONTWRITEBYTECODE": "1"}
