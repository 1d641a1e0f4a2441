"""The pages of the steps validate and retrieve: their examples load, their tables are complete."""

import re
from pathlib import Path

import pytest

from pilotlight_transformer.pipeline.configuration import parse_configuration
from pilotlight_transformer.pipeline.step import StepSettings
from pilotlight_transformer.retrieval.settings import RetrieveSettings
from pilotlight_transformer.validation.settings import ValidateSettings

PAGES = Path(__file__).parents[4] / "docs" / "transformer"
SETTINGS: dict[str, type[StepSettings]] = {
    "validate": ValidateSettings,
    "retrieve": RetrieveSettings,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_example_of_a_page_can_be_loaded(name: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)
    configuration = parse_configuration(example, {})
    assert name in [choice.name for choice in configuration.steps]


@pytest.mark.parametrize(("name", "settings"), SETTINGS.items())
def test_the_table_of_a_page_names_each_setting_with_its_default(
    name: str, settings: type[StepSettings]
) -> None:
    page = (PAGES / f"{name}.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", page, re.MULTILINE))
    for field, info in settings.model_fields.items():
        if nested := [row for row in rows if row.startswith(f"{field}.")]:
            inner = info.get_default(call_default_factory=True)
            assert sorted(nested) == sorted(f"{field}.{key}" for key in type(inner).model_fields)
            continue
        assert field in rows, field
        default = info.default
        if isinstance(default, bool):
            assert rows[field] == f"`{str(default).lower()}`"
        elif isinstance(default, int | float):
            assert float(rows[field]) == default
