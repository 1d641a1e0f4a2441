"""InferenceServices written to files, as the tests of ``pilotlight local`` need them."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight.local.documents import read
from pilotlight.local.plan import Plan, Wishes, plan
from pilotlight.local.storage import Claims

Write = Callable[..., Path]
Planner = Callable[..., Plan]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write documents (mappings or text) as one YAML stream."""

    def write(*documents: dict[str, Any] | str) -> Path:
        file = tmp_path / "service.yaml"
        texts = (textwrap.dedent(d) if isinstance(d, str) else yaml.safe_dump(d) for d in documents)
        file.write_text("\n---\n".join(texts))
        return file

    return write


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    """Claims whose default directory holds a model: ``pvc://models/small``."""
    (tmp_path / "volumes" / "models" / "small").mkdir(parents=True)
    return Claims({}, tmp_path / "volumes")


@pytest.fixture
def planned(write: Write, claims: Claims, tmp_path: Path) -> Planner:
    """Plan documents; wishes as keyword arguments."""

    def planned(*documents: dict[str, Any] | str, **wishes: Any) -> Plan:
        file = write(*documents)
        wishes.setdefault("environ", {"HOME": "/home/me"})
        return plan(
            read(file),
            file,
            Wishes(**{"claims": claims, "scratch": tmp_path / "scratch", **wishes}),
        )

    return planned
