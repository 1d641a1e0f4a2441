"""Which runtime a model gets, and what the two make together (KServe's rules)."""

from collections.abc import Callable
from typing import Any

import pytest

from pilotlight.errors import ManifestError
from pilotlight.local.plan import Plan

Planner = Callable[..., Plan]


def service(**model: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "chat", "labels": {"tier": "gold"}},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "llm"}, **model}}},
    }


def runtime(name: str, *args: str, kind: str = "ServingRuntime", **spec: Any) -> dict[str, Any]:
    container = {
        "name": "kserve-container",
        "image": "dev.local/pilotlight-predictor:dev",
        "args": [f"--by={name}", *args],
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "supportedModelFormats": [{"name": "llm", "autoSelect": True}],
            "containers": [{"name": "sidecar", "image": "other"}, container],
            **spec,
        },
    }


def formats(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "llm", **fields}]


def chosen(plan: Plan) -> str:
    return next(a.removeprefix("--by=") for a in plan.entrance.argv if a.startswith("--by="))


def test_the_runtimes_arguments_come_first_and_its_placeholders_are_filled(
    planned: Planner,
) -> None:
    plan = planned(
        service(args=["--max-model-len=2048"], storageUri="pvc://models/small"),
        runtime("a", "--model_name={{.Name}}", "--tier={{.Labels.tier}}", "--at=/mnt/models"),
    )
    assert plan.entrance.argv[3:6] == ("--by=a", "--model_name=chat", "--tier=gold")
    assert plan.entrance.argv[6].endswith("volumes/models/small")
    assert plan.entrance.argv[7:] == ("--max-model-len=2048",)


def test_the_model_overrides_single_variables_and_ports(planned: Planner) -> None:
    plan = planned(
        service(env=[{"name": "A", "value": "model"}], ports=[{"containerPort": 9000}]),
        runtime(
            "a",
            container={"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "runtime"}]},
        ),
    )
    assert plan.entrance.env["A"] == "model"
    assert plan.entrance.env["B"] == "runtime"
    assert plan.entrance.port == 9000


def test_a_namespaced_runtime_goes_before_one_of_the_cluster(planned: Planner) -> None:
    plan = planned(service(), runtime("a", kind="ClusterServingRuntime"), runtime("b"))
    assert chosen(plan) == "b"


def test_a_higher_priority_goes_first_and_names_break_ties(planned: Planner) -> None:
    preferred = runtime("z", supportedModelFormats=formats(autoSelect=True, priority=2))
    assert chosen(planned(service(), runtime("b"), runtime("a"))) == "a"
    assert chosen(planned(service(), runtime("a"), preferred)) == "z"


@pytest.mark.parametrize(
    "unfit",
    [
        {"supportedModelFormats": formats()},
        {"supportedModelFormats": formats(autoSelect=True), "disabled": True},
        {"supportedModelFormats": [{"name": "sklearn", "autoSelect": True}]},
        {"protocolVersions": ["v2"]},
    ],
    ids=["no autoSelect", "disabled", "another format", "another protocol"],
)
def test_a_runtime_that_does_not_fit_is_not_chosen(planned: Planner, unfit: dict[str, Any]) -> None:
    assert chosen(planned(service(), runtime("a", **unfit), runtime("b"))) == "b"
    with pytest.raises(ManifestError, match=r"spec\.predictor\.model\.modelFormat: no runtime"):
        planned(service(), runtime("a", **unfit))


def test_a_version_must_be_equal(planned: Planner) -> None:
    versioned = runtime("a", supportedModelFormats=formats(version="2", autoSelect=True))
    two, one = ({"name": "llm", "version": v} for v in ("2", "1"))
    assert chosen(planned(service(modelFormat=two), versioned)) == "a"
    with pytest.raises(ManifestError, match="version 1"):
        planned(service(modelFormat=one), versioned)


def test_a_named_runtime_needs_no_auto_select(planned: Planner) -> None:
    plain = runtime("b", supportedModelFormats=formats())
    assert chosen(planned(service(runtime="b"), runtime("a"), plain)) == "b"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"disabled": True}, "is disabled"),
        ({"supportedModelFormats": [{"name": "sklearn"}]}, "does not support"),
    ],
)
def test_a_named_runtime_that_cannot_serve_is_an_error(
    planned: Planner, spec: dict[str, Any], why: str
) -> None:
    with pytest.raises(ManifestError, match=rf"model\.runtime: the runtime 'b' {why}"):
        planned(service(runtime="b"), runtime("b", **spec))


def test_a_named_runtime_must_be_in_the_file(planned: Planner) -> None:
    with pytest.raises(ManifestError, match="the runtime 'b' is not in this file"):
        planned(service(runtime="b"), runtime("a"))


def test_a_placeholder_without_a_value_names_the_runtime(planned: Planner) -> None:
    with pytest.raises(ManifestError, match=r"\(ServingRuntime a\).*\{\{\.Labels\.color\}\}"):
        planned(service(), runtime("a", "--c={{.Labels.color}}"))


def test_a_runtime_without_the_main_container_is_an_error(planned: Planner) -> None:
    with pytest.raises(ManifestError, match=r"\(ServingRuntime a\).*kserve-container"):
        planned(service(), runtime("a", container={"name": "main"}))


def test_credentials_of_the_cluster_are_refused(planned: Planner) -> None:
    with pytest.raises(ManifestError, match=r"spec\.predictor\.model\.storage: "):
        planned(service(storage={"key": "s3"}), runtime("a"))
