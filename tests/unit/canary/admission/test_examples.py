"""What people copy is taken by the controller that it is for."""

from pathlib import Path

import pytest
import yaml

from pilotlight.api.rollout import InferenceRollout
from pilotlight_canary.metrics.edges import problems

EXAMPLES = Path(__file__).parents[4] / "manifests" / "examples"


def rollouts() -> list[tuple[str, InferenceRollout]]:
    return [
        (file.stem, InferenceRollout.model_validate(document))
        for file in sorted(EXAMPLES.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        if document and document["kind"] == "InferenceRollout"
    ]


def test_there_is_one() -> None:
    assert rollouts()


@pytest.mark.parametrize(("name", "rollout"), rollouts())
def test_the_limits_of_an_example_are_counted(name: str, rollout: InferenceRollout) -> None:
    assert not problems(rollout.spec, has_prometheus=False)
