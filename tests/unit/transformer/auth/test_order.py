"""No step serves a caller whom ``auth`` has not seen."""

import pytest

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.configuration import parse_configuration
from pilotlight_transformer.pipeline.registry import BUILT_IN
from tests.unit.transformer.pipeline import sample_steps

OWN = f"'{sample_steps.__name__}:Marking'"


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"audit", "auth"}))
def test_no_built_in_step_stands_before_auth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_loading(monkeypatch)
    with pytest.raises(UsageError, match=f"{name} stands before auth"):
        parse_configuration(f"pipeline: [audit, {name}, auth]", {})
    assert len(parse_configuration(f"pipeline: [audit, auth, {name}]", {}).steps) == 3
    assert len(parse_configuration(f"pipeline: [{name}]", {}).steps) == 1


def test_a_step_of_ones_own_may_stand_before_auth() -> None:
    assert len(parse_configuration(f"pipeline: [{OWN}, auth]", {}).steps) == 2


def _without_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps need settings of their own, and other packages: here it is their names that count."""
    place = "pilotlight_transformer.pipeline.configuration.step_class"
    monkeypatch.setattr(place, lambda name: sample_steps.Marking)
