"""docs/warmpool.md names what there is."""

import re
from pathlib import Path

from pilotlight.api.warmpool import Reason
from pilotlight_autoscaler.controller.gauges import Gauges
from pilotlight_autoscaler.controller.settings import WarmPoolSettings

TEXT = Path("docs/warmpool.md").read_text()


def test_every_metric_is_in_the_table_and_nothing_else() -> None:
    own = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in Gauges(lambda: False).registry.collect()
        if family.name.startswith("pilotlight_")
    }
    assert set(re.findall(r"`(pilotlight_warmpool_\w+)`", TEXT)) == own


def test_every_variable_in_the_table_is_a_setting() -> None:
    table = TEXT.partition("## Settings")[2].partition("## Metrics")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named <= {name.upper() for name in WarmPoolSettings.model_fields}


def test_every_reason_is_explained() -> None:
    for reason in Reason:
        assert f"`{reason.value}`" in TEXT, reason
