"""docs/cluster-check.md names every finding."""

import re
from dataclasses import replace
from pathlib import Path

from pilotlight_cluster.check.judgement import judge
from pilotlight_cluster.check.observation import Look
from tests.unit.cluster.check.healthy import HEALTHY

DOCUMENT = Path("docs/cluster-check.md")


def test_every_id_is_in_the_table() -> None:
    table = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    documented = {id_ for line in table for id_ in re.findall(r"`([\w.-]+)`", line.split("|")[1])}
    nothing = replace(HEALTHY, kinds=frozenset())
    unreadable = replace(HEALTHY, config={**HEALTHY.config, "config-gc": Look(denied="not you")})
    seen = {f.id for state in (HEALTHY, nothing, unreadable) for f in judge(state)}
    rare = {"knative.ingress-class", "knative.activator-grace", "kserve.config"}
    assert documented | {"permissions.check"} == seen | rare
