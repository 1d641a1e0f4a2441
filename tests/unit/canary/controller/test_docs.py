"""docs/controller.md names what there is."""

import re
from pathlib import Path

from pilotlight_canary.controller.gauges import Gauges
from pilotlight_canary.controller.settings import ControllerSettings

TEXT = Path("docs/controller.md").read_text()


def test_every_metric_is_in_the_table_and_nothing_else() -> None:
    families = Gauges(lambda: False).registry.collect()
    own = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith("pilotlight_")
    }
    assert set(re.findall(r"`(pilotlight_canary_\w+)`", TEXT)) == own


def test_every_variable_in_the_table_is_a_setting() -> None:
    table = TEXT.partition("## Settings")[2].partition("## Metrics")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named <= {name.upper() for name in ControllerSettings.model_fields}
