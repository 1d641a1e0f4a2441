"""What holds for every specification."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.warmpool import WarmPool
from pilotlight_manifests.render.bundle import file_name, render
from pilotlight_manifests.render.document import dump, dump_all
from pilotlight_manifests.spec.served_model import ServedModel
from tests.unit.manifests.strategies import specs, values

DNS_1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _render(content: dict[str, Any]) -> list[dict[str, Any]]:
    return render(ServedModel.model_validate(content))


@settings(max_examples=200, deadline=None)
@given(specs)
def test_what_is_written_is_read_back_the_same(content: dict[str, Any]) -> None:
    objects = _render(content)
    assert list(yaml.safe_load_all(dump_all(objects))) == objects


@settings(max_examples=100, deadline=None)
@given(specs)
def test_the_same_specification_gives_the_same_text(content: dict[str, Any]) -> None:
    assert dump_all(_render(content)) == dump_all(_render(content))


@settings(max_examples=200, deadline=None)
@given(specs)
def test_every_name_is_a_dns_label_and_every_file_another(content: dict[str, Any]) -> None:
    objects = _render(content)
    for item in objects:
        assert DNS_1123_LABEL.fullmatch(item["metadata"]["name"])
    assert len({file_name(item) for item in objects}) == len(objects)


@settings(max_examples=200, deadline=None)
@given(specs)
def test_no_object_holds_a_secret(content: dict[str, Any]) -> None:
    objects = _render(content)
    assert "Secret" not in {item["kind"] for item in objects}
    for item in objects:
        for variable in _variables(item):
            if variable["name"] in {"VLLM_API_KEY", "PILOTLIGHT_ADMIN_TOKEN"}:
                assert set(variable) == {"name", "valueFrom"}


def _variables(item: dict[str, Any]) -> list[dict[str, Any]]:
    predictor = item["spec"].get("predictor", {}) if "spec" in item else {}
    holders = [*predictor.get("containers", []), predictor.get("model", {})]
    return [variable for holder in holders for variable in holder.get("env", [])]


@settings(max_examples=100, deadline=None)
@given(specs)
def test_everything_but_a_cluster_runtime_is_in_the_namespace(content: dict[str, Any]) -> None:
    namespaces = {
        item["metadata"].get("namespace")
        for item in _render(content)
        if item["kind"] != "ClusterServingRuntime"
    }
    assert namespaces == {content.get("namespace")}


@settings(max_examples=100, deadline=None)
@given(specs)
def test_our_own_resources_are_such_as_our_types_take(content: dict[str, Any]) -> None:
    for item in _render(content):
        if item["kind"] == "InferenceRollout":
            InferenceRollout.model_validate(item)
        if item["kind"] == "WarmPool":
            WarmPool.model_validate(item)


@settings(max_examples=100, deadline=None)
@given(specs)
def test_no_stream_is_cut_on_its_way_through_knative(content: dict[str, Any]) -> None:
    wanted = None if content.get("mode") == "Standard" else "Enabled"
    for item in _render(content):
        if item["kind"] == "InferenceService":
            for component in item["spec"].values():
                annotations = component.get("annotations", {})
                assert annotations.get("features.knative.dev/http-full-duplex") == wanted


@settings(max_examples=100, deadline=None)
@given(specs)
def test_a_network_policy_always_lets_the_autoscaler_scrape(content: dict[str, Any]) -> None:
    if content.get("mode") == "Standard":
        return
    for item in _render(content):
        if item["kind"] == "NetworkPolicy":
            assert any(
                {"port": 9090, "protocol": "TCP"} in rule["ports"]
                and peer["podSelector"] == {"matchLabels": {"app": "autoscaler"}}
                for rule in item["spec"]["ingress"]
                for peer in rule["from"]
                if "podSelector" in peer
            )


@given(st.recursive(values, lambda inner: st.dictionaries(values, inner) | st.lists(inner)))
def test_any_text_survives_yaml(content: Any) -> None:
    assert yaml.safe_load(dump({"content": content})) == {"content": content}


AMBIGUOUS = [
    "true",
    "no",
    "on",
    "y",
    "N",
    "4",
    "1e3",
    "1_000",
    "0x1f",
    "0o7",
    ".5",
    "null",
    "~",
    "",
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    assert dump({"value": text}) == f'value: "{text}"\n'
