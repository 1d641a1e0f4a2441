"""The picture of a study."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pilotlight_autoscaler.command import app
from pilotlight_autoscaler.study import picture
from pilotlight_autoscaler.study.compare import Week
from pilotlight_autoscaler.study.peers.everybody import peers

NUMBERS = np.random.default_rng(1)


@pytest.mark.parametrize("name", ["study.svg", "study.png"])
@pytest.mark.parametrize("figures", [NUMBERS.uniform(0, 1e6, (200, 3)), np.full((200, 3), 3600.0)])
def test_any_week_can_be_drawn(tmp_path: Path, name: str, figures: np.ndarray) -> None:
    families = peers(60.0)
    week = Week(*(figures[: sum(len(family.settings) for family in families)],) * 3)
    picture.save(families, week, "a trace", tmp_path / name)
    assert (tmp_path / name).stat().st_size > 10_000


def test_what_is_no_picture_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["study", str(tmp_path / "none.csv"), "--plot", "study.txt"])
    assert "is no picture by its ending" in str(told.exception)
