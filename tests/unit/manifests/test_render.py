"""Rendered YAML, held in golden files.

After a wanted change: ``PILOTLIGHT_UPDATE_GOLDEN=1 pytest tests/unit/manifests/test_render.py``,
and read the difference.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight_manifests.lint.document import parse
from pilotlight_manifests.lint.finding import Severity
from pilotlight_manifests.lint.linter import lint
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.render.bundle import render
from pilotlight_manifests.render.document import dump_all
from pilotlight_manifests.spec.reading import read
from pilotlight_manifests.spec.served_model import ServedModel

HERE = Path(__file__).parent
SPECS = sorted((HERE / "specs").glob("*.yaml"))
UPDATE = bool(os.environ.get("PILOTLIGHT_UPDATE_GOLDEN"))


def _objects(name: str) -> dict[str, Any]:
    """Rendered objects by kind; the last of each kind."""
    return {item["kind"]: item for item in render(read(HERE / f"specs/{name}.yaml"))}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_output_is_the_golden_one(path: Path) -> None:
    golden = HERE / "golden" / path.name
    text = dump_all(render(read(path)))
    if UPDATE:
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_has_its_specification() -> None:
    assert {path.name for path in (HERE / "golden").iterdir()} == {path.name for path in SPECS}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_text_means_what_was_rendered(path: Path) -> None:
    objects = render(read(path))
    assert list(yaml.safe_load_all(dump_all(objects))) == objects


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_linter_finds_nothing_that_would_hurt(path: Path) -> None:
    documents = tuple(parse((HERE / "golden" / path.name).read_text(), path.name))
    found = lint(documents, Options())
    assert [f for f in found if f.severity is not Severity.INFO] == []


def test_several_nodes_bring_a_runtime_and_switch_the_autoscaler_off() -> None:
    objects = _objects("multi-node")
    service, runtime = objects["InferenceService"], objects["ServingRuntime"]
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]
    assert service["spec"]["predictor"]["workerSpec"]["pipelineParallelSize"] == 2
    head = runtime["spec"]["containers"][0]
    worker = runtime["spec"]["workerSpec"]["containers"][0]
    assert worker["name"] == "worker-container"
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "8"
    for name in ("TENSOR_PARALLEL_SIZE", "PIPELINE_PARALLEL_SIZE"):
        assert name in head["command"][2]
        assert name not in {variable["name"] for variable in head["env"]}


def test_nodes_of_one_engine_may_talk_on_any_port() -> None:
    rules = _objects("multi-node")["NetworkPolicy"]["spec"]["ingress"]
    labels = {"serving.kserve.io/inferenceservice": "giant", "component": "predictor"}
    assert {"from": [{"podSelector": {"matchLabels": labels}}]} in rules


def test_activator_autoscaler_and_gateway_reach_a_knative_pod() -> None:
    queue, metrics, _ = _objects("smallest")["NetworkPolicy"]["spec"]["ingress"]
    apps = [peer["podSelector"]["matchLabels"]["app"] for peer in queue["from"]]
    assert apps == ["3scale-kourier-gateway", "activator", "autoscaler"]
    assert [port["port"] for port in queue["ports"]] == [8012, 8013, 8112]
    assert [port["port"] for port in metrics["ports"]] == [9090]
    assert metrics["from"][0]["podSelector"]["matchLabels"] == {"app": "autoscaler"}


def test_only_the_metrics_readers_pass_by_the_queue_proxy() -> None:
    rules = _objects("smallest")["NetworkPolicy"]["spec"]["ingress"]
    open_to = [rule["from"] for rule in rules if 8080 in [p["port"] for p in rule["ports"]]]
    label = {"kubernetes.io/metadata.name": "monitoring"}
    assert open_to == [[{"namespaceSelector": {"matchLabels": label}}]]


def test_a_budget_lets_the_only_warm_pod_be_moved() -> None:
    budget = _objects("smallest")["PodDisruptionBudget"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


def test_the_server_ends_before_its_pod_is_killed() -> None:
    knative = _objects("smallest")["InferenceService"]["spec"]["predictor"]
    assert "--grace-period-s=590" in knative["containers"][0]["args"]
    assert knative["timeout"] == 600
    assert "terminationGracePeriodSeconds" not in knative
    standard = _objects("standard")["InferenceService"]["spec"]["predictor"]
    assert "--grace-period-s=605" in standard["containers"][0]["args"]
    assert standard["terminationGracePeriodSeconds"] == 615


def test_kserve_finds_nothing_to_fill_in_the_resources() -> None:
    for component in ("predictor", "transformer"):
        spec = _objects("everything")["InferenceService"]["spec"][component]
        resources = spec["containers"][0]["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys() & resources["limits"].keys()


def test_adapters_are_loaded_beside_the_model() -> None:
    predictor = _objects("everything")["InferenceService"]["spec"]["predictor"]
    assert predictor["storageUris"] == [
        {"uri": "s3://weights/llama-3.3-70b", "mountPath": "/mnt/models"},
        {"uri": "s3://weights/adapters/legal", "mountPath": "/mnt/adapters/legal"},
    ]
    container = predictor["containers"][0]
    assert "STORAGE_URI" not in {variable["name"] for variable in container["env"]}
    at = container["args"].index("--lora-modules")
    assert container["args"][at + 1 : at + 3] == [
        "support=/mnt/models/adapters/support",
        "legal=/mnt/adapters/legal",
    ]


def test_the_knobs_that_kserve_lacks_are_annotations_of_the_predictor() -> None:
    predictor = _objects("everything")["InferenceService"]["spec"]["predictor"]
    assert predictor["annotations"] == {
        "features.knative.dev/http-full-duplex": "Enabled",
        "autoscaling.knative.dev/target-utilization-percentage": "80",
        "autoscaling.knative.dev/window": "90s",
        "autoscaling.knative.dev/scale-down-delay": "120s",
        "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "600s",
        "autoscaling.knative.dev/activation-scale": "2",
        "autoscaling.knative.dev/initial-scale": "1",
        "serving.knative.dev/progress-deadline": "1200s",
    }


def test_own_resources_say_only_what_was_said() -> None:
    rollout = _objects("everything")["InferenceRollout"]["spec"]
    assert rollout == {
        "targetRef": {"name": "chat"},
        "analysis": {
            "interval": "30s",
            "stepWeights": [5, 25, 50],
            "metrics": [{"name": "errors", "maxRatio": 1.5}],
        },
        "rollbackWindowSeconds": 1800,
    }


def test_a_pipeline_is_a_file_that_the_transformer_reads() -> None:
    objects = _objects("everything")
    (container,) = objects["InferenceService"]["spec"]["transformer"]["containers"]
    volumes = {v["name"]: v for v in objects["InferenceService"]["spec"]["transformer"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    (file,) = objects["ConfigMap"]["data"]
    assert volumes["pipeline"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert f"--pipeline={mounts['pipeline']}/{file}" in container["args"]
    pipeline = yaml.safe_load(objects["ConfigMap"]["data"][file])
    assert [next(iter(step)) for step in pipeline["pipeline"]] == ["auth", "ratelimit"]
    assert pipeline["stores"]["folder"] == mounts["stores"]
    assert pipeline["pipeline"][0]["auth"]["keys_file"].startswith(mounts["keys"] + "/")
    assert volumes["keys"]["secret"]["secretName"] == "gateway-keys"


def test_another_image_gets_no_argument_that_only_ours_takes() -> None:
    spec = ServedModel.model_validate(
        {
            "name": "chat",
            "model": {"uri": "hf://a/b"},
            "transformer": {"image": "registry.example/own:1"},
        }
    )
    service = next(item for item in render(spec) if item["kind"] == "InferenceService")
    assert "args" not in service["spec"]["transformer"]["containers"][0]
