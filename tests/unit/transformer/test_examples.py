"""The examples' pipelines: taken as they stand, in the order of the documentation."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight_transformer.auth.key_file import parse_key_file
from pilotlight_transformer.pipeline.configuration import Configuration, parse_configuration
from pilotlight_transformer.pipeline.registry import BUILT_IN
from tests.unit.transformer.playing import Play, a_chat

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "manifests/examples"
ENVIRONMENT = {"REDIS_URL": "redis://redis.default:6379/0"}


def gateway() -> dict[str, dict[str, Any]]:
    """The objects of the example by their kind."""
    documents = yaml.safe_load_all((EXAMPLES / "gateway.yaml").read_text())
    return {document["kind"]: document for document in documents}


def pipelines() -> dict[str, str]:
    """The texts of the examples' pipelines."""
    files = {path.stem: path.read_text() for path in (EXAMPLES / "pipelines").glob("*.yaml")}
    return files | {"gateway": gateway()["ConfigMap"]["data"]["pipeline.yaml"]}


def demo_key() -> str:
    (found,) = re.findall(r"^DEMO_KEY := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(found)


def names(configuration: Configuration) -> list[str]:
    return [choice.name for choice in configuration.steps]


@pytest.mark.parametrize("name", ["all", "gateway"])
def test_an_examples_pipeline_is_taken_and_its_steps_stand_in_order(name: str) -> None:
    found = names(parse_configuration(pipelines()[name], ENVIRONMENT))
    assert found == [step for step in BUILT_IN if step in found]


def test_one_example_has_every_step() -> None:
    assert names(parse_configuration(pipelines()["all"], ENVIRONMENT)) == list(BUILT_IN)


def test_the_gateways_key_is_the_one_of_make_up_and_is_said_to_be_replaced() -> None:
    (key,) = parse_key_file(gateway()["Secret"]["stringData"]["keys.yaml"], Path("keys.yaml"))
    assert key.sha256 == hashlib.sha256(demo_key().encode()).hexdigest()
    assert "replace" in demo_key()
    assert "replace" in key.id
    assert demo_key() in (EXAMPLES / "gateway.yaml").read_text().partition("apiVersion")[0]


async def test_the_gateway_answers_who_has_its_key(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(gateway()["Secret"]["stringData"]["keys.yaml"])
    text = pipelines()["gateway"].replace("/etc/pilotlight/keys", str(tmp_path))
    steps = text.partition("pipeline:\n")[2]
    async with Play(re.sub(r"^  ", "", steps, flags=re.MULTILINE), tmp_path / "stores") as play:
        refused = await play.ask(a_chat())
        answered = await play.ask(a_chat(), headers={"authorization": f"Bearer {demo_key()}"})
    assert refused.status == 401
    assert answered.status == 200
    assert len(play.predictor.asked) == 1
