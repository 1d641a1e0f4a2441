"""The examples: whole, safe to copy, and right where the specification is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.warmpool import WarmPool

EXAMPLES = sorted((Path(__file__).parents[3] / "manifests/examples").glob("*.yaml"))
each = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def _objects(path: Path) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all(path.read_text()) if item]


def _components(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, part)
        for item in _objects(path)
        if item["kind"] == "InferenceService"
        for name, part in item["spec"].items()
    ]


def _containers(path: Path) -> list[dict[str, Any]]:
    parts = [part for _, part in _components(path)]
    for item in _objects(path):
        if item["kind"] == "ServingRuntime":
            parts += [item["spec"], item["spec"]["workerSpec"]]
    return [container for part in parts for container in part.get("containers", [])]


def test_the_set_is_the_one_that_the_docs_list() -> None:
    assert {path.stem for path in EXAMPLES} == {
        "smollm2", "one-gpu", "tensor-parallel", "multi-node", "transformer", "lora",
        "scale-to-zero", "canary", "warm-pool", "grpc", "gateway",
    }  # fmt: skip


@each
def test_each_says_what_it_is_before_it_begins(path: Path) -> None:
    assert path.read_text().startswith("# ")


def test_all_can_be_applied_side_by_side() -> None:
    names = [(item["kind"], item["metadata"]["name"]) for p in EXAMPLES for item in _objects(p)]
    assert len(set(names)) == len(names)


@each
def test_one_inference_service_in_each(path: Path) -> None:
    assert [item["kind"] for item in _objects(path)].count("InferenceService") == 1


@each
def test_no_container_can_gain_rights(path: Path) -> None:
    for container in _containers(path):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}


@each
def test_the_engine_has_its_shared_memory(path: Path) -> None:
    for name, part in _components(path):
        if name == "predictor" and "containers" in part:
            volumes = {volume["name"]: volume for volume in part["volumes"]}
            assert volumes["shm"]["emptyDir"]["medium"] == "Memory"


@each
def test_the_server_ends_within_the_pods_time(path: Path) -> None:
    for name, part in _components(path):
        arguments = [*part.get("containers", [{}])[0].get("args", []), *_model_arguments(part)]
        grace = [int(a.partition("=")[2]) for a in arguments if a.startswith("--grace-period-s=")]
        assert len(grace) == 1, name
        assert grace[0] < part.get("terminationGracePeriodSeconds", part["timeout"])


def _model_arguments(part: dict[str, Any]) -> list[str]:
    arguments: list[str] = part.get("model", {}).get("args", [])
    return arguments


@each
def test_no_stream_is_cut_on_its_way_through_knative(path: Path) -> None:
    over_http1 = path.stem not in {"multi-node", "grpc"}
    for _, part in _components(path):
        annotations = part.get("annotations", {})
        assert (annotations.get("features.knative.dev/http-full-duplex") == "Enabled") is over_http1


def test_knative_speaks_http2_to_the_one_port_of_grpc_and_probes_nothing_there() -> None:
    (container,) = _containers(next(path for path in EXAMPLES if path.stem == "grpc"))
    assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [("h2c", 8081)]
    assert container["readinessProbe"]["httpGet"]["port"] == 8080
    assert "livenessProbe" not in container


@each
def test_our_own_resources_are_such_as_our_types_take(path: Path) -> None:
    for item in _objects(path):
        if item["kind"] == "InferenceRollout":
            InferenceRollout.model_validate(item)
        if item["kind"] == "WarmPool":
            WarmPool.model_validate(item)
        if item["apiVersion"].startswith("pilotlight.dev/"):
            assert "needs Pilotlight's controller" in " ".join(path.read_text().split())


def test_the_gpus_of_several_nodes_are_those_that_the_parallelism_asks_for() -> None:
    path = next(path for path in EXAMPLES if path.stem == "multi-node")
    predictor = dict(_components(path))["predictor"]
    runtime = next(item for item in _objects(path) if item["kind"] == "ServingRuntime")
    worker = runtime["spec"]["workerSpec"]
    sizes = predictor["workerSpec"]
    gpus = int(predictor["model"]["resources"]["limits"]["nvidia.com/gpu"])
    assert gpus == int(worker["containers"][0]["resources"]["limits"]["nvidia.com/gpu"])
    assert sizes["tensorParallelSize"] * sizes["pipelineParallelSize"] == 2 * gpus
    assert sizes["tensorParallelSize"] == worker["tensorParallelSize"]
    assert sizes["pipelineParallelSize"] == worker["pipelineParallelSize"]
