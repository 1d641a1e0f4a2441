"""The linter on all manifests that KServe ships: docs/lint.md lists what it finds there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.controlplane

MODULE = "github.com/kserve/kserve@v0.20.0"
FOLDERS = ("docs/samples", "config/runtimes", "test")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def module() -> Path:
    """KServe's sources, where Go keeps them."""
    told = subprocess.run(
        ["go", "mod", "download", "-json", MODULE], capture_output=True, text=True, check=True
    )
    return Path(json.loads(told.stdout)["Dir"])


@pytest.mark.parametrize(
    ("mode", "listed"),
    [
        ("Knative", "lint-kserve-samples.txt"),
        ("Standard", "lint-kserve-samples-standard.txt"),
    ],
)
def test_the_docs_list_what_is_found_in_kserves_own_samples(
    module: Path, mode: str, listed: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from pilotlight.cli import main; main()", "manifests", "lint",
         *FOLDERS, "--default-mode", mode],
        cwd=module,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert found == (DOCS / listed).read_text().splitlines()
