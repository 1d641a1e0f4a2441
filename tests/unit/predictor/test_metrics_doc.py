"""docs/metrics.md names every metric, and no other."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from pilotlight_predictor import metrics
from pilotlight_predictor.phases import Phase

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_and_the_code_name_the_same_metrics() -> None:
    ours = set()
    for family in REGISTRY.collect():
        if family.name.startswith(metrics.PREFIX):
            ours.add(family.name + ("_total" if family.type == "counter" else ""))
    documented = set(re.findall(rf"^\| `({metrics.PREFIX}_\w+)`", PAGE.read_text(), re.MULTILINE))
    assert documented == ours


def test_the_page_explains_every_phase() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert {phase.value for phase in Phase} <= documented
