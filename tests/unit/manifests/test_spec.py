"""What a specification takes, and the sentences with which it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotlight.errors import UsageError
from pilotlight_manifests.spec.quantity import amount
from pilotlight_manifests.spec.reading import read
from pilotlight_manifests.spec.served_model import ServedModel

MODEL = {"uri": "pvc://weights/chat"}
STANDARD = {"mode": "Standard"}


def _spec(**fields: Any) -> dict[str, Any]:
    return {"name": "chat", "model": MODEL} | fields


def test_four_lines_are_enough() -> None:
    spec = ServedModel.model_validate(_spec())
    assert spec.gpus_per_pod == 1
    assert spec.predictor_resources == ({"cpu": "4", "memory": "16Gi"},) * 2


def test_the_gpus_follow_the_parallelism() -> None:
    spec = ServedModel.model_validate(_spec(parallelism={"tensor": 4}))
    assert spec.gpus_per_pod == 4
    assert spec.predictor_resources[0]["memory"] == "64Gi"


def test_parts_are_switched_on_by_true_and_off_by_false() -> None:
    spec = ServedModel.model_validate(_spec(transformer=True, rollout=False))
    assert spec.transformer is not None
    assert spec.rollout is None


def test_stores_without_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="add pipeline"):
        ServedModel.model_validate(_spec(transformer={"stores": {"folder": "/data"}}))


def test_a_request_may_take_as_long_as_the_cluster_allows() -> None:
    timeouts = {"requestSeconds": 1200, "clusterMaxSeconds": 1200}
    assert ServedModel.model_validate(_spec(timeouts=timeouts)).timeouts.request_seconds == 1200
    assert ServedModel.model_validate(_spec(timeouts={"requestSeconds": 3600}) | STANDARD)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "Chat"}, "name: String should match pattern"),
    ({"name": "a" * 46}, "name: String should have at most 45 characters"),
    ({"nmae": "chat"}, "nmae: there is no such field"),
    ({"model": {}}, "model.uri: is needed"),
    ({"model": {"uri": "ftp://x/y"}}, "use one of hf://"),
    ({"model": {"uri": "hf://"}}, "is not a place that KServe reads from"),
    ({"model": MODEL | {"serviceAccount": "a", "secret": "b"}}, "names an account that exists"),
    ({"gpus": {"count": 2}}, "parallelism needs tensor x pipeline = 1 x 1 = 1 GPUs"),
    ({"gpus": {"count": 2}, "parallelism": {"tensor": 4}}, "set gpus.count to 4"),
    ({"gpus": {"count": 0}, "parallelism": {"tensor": 2}}, "set gpus.count to 2"),
    ({"parallelism": {"tensor": 8, "nodes": 2}}, "needs `mode: Standard`"),
    ({"parallelism": {"tensor": 3, "nodes": 2}} | STANDARD, "do not divide among 2 nodes"),
    (
        {"parallelism": {"tensor": 8, "nodes": 2}, "model": {"uri": "hf://a/b"}} | STANDARD,
        "must be at pvc:// or oci://",
    ),
    (
        {"parallelism": {"tensor": 8, "nodes": 2}, "autoscaling": {"minReplicas": 2}} | STANDARD,
        "KServe does not scale",
    ),
    ({"autoscaling": {"minReplicas": 3, "maxReplicas": 2}}, "minReplicas (3) is above maxReplicas"),
    ({"autoscaling": {"activationScale": 3, "maxReplicas": 2}}, "activationScale (3) is above"),
    ({"autoscaling": {"windowSeconds": 5}}, "greater than or equal to 6"),
    ({"autoscaling": {"metric": "cpu"}}, "is for `mode: Standard`"),
    ({"autoscaling": {"target": 8, "containerConcurrency": 4}}, "no replica can reach it"),
    ({"timeouts": {"requestSeconds": 900}}, "above Knative's 600: lower it, or raise"),
    (
        {"timeouts": {"requestSeconds": 1201, "clusterMaxSeconds": 1200}},
        "above Knative's 1200: lower it, or raise",
    ),
    ({"timeouts": {"responseStartSeconds": 60}}, "KServe sets it to requestSeconds"),
    ({"timeouts": {"idleSeconds": 60}}, "KServe has no field for it"),
    ({"storage": {"sharedMemory": "16Gi"}}, "counts as the pod's memory"),
    (
        {"resources": {"requests": {"memory": "8Gi"}, "limits": {"memory": "4Gi"}}},
        "requests.memory (8Gi) is above limits.memory (4Gi)",
    ),
    ({"engine": {"extraArgs": ["--dtype=half"]}}, "--dtype: use engine.dtype"),
    (
        {"engine": {"extraArgs": ["--tensor_parallel_size", "2"]}},
        "--tensor_parallel_size: use parallelism.tensor",
    ),
    ({"engine": {"lora": {"adapters": [{"name": "a"}]}}}, "give either its path or its uri"),
    (
        {"pod": {"env": {"HF_TOKEN": "hf_x"}}},
        "name its Secret in model.secret",
    ),
    ({"pod": {"env": {"STORAGE_URI": "x"}}}, "is KServe's own"),
    ({"access": {"callers": [{"namespace": "web"}]}}, "works in Standard mode only"),
    ({"monitoring": {"kind": "ServiceMonitor"}}, "use PodMonitor"),
    ({"rollout": True, "canaryTrafficPercent": 10}, "is written by the rollout"),
    ({"warmPool": {"maxReplicas": 3}}, "is above autoscaling.maxReplicas (1), which caps it"),
    ({"rollout": {"analysis": {"stepWeights": [50, 10]}}}, "must rise"),
    ({"rollout": True} | STANDARD, "rollout needs `mode: Knative`"),
    ({"canaryTrafficPercent": 0} | STANDARD, "canaryTrafficPercent needs `mode: Knative`"),
    ({"warmPool": True} | STANDARD, "warmPool needs `mode: Knative`"),
    ({"autoscaling": {"minReplicas": 0}} | STANDARD, "in Standard mode KServe keeps one"),
    ({"autoscaling": {"windowSeconds": 60}} | STANDARD, "autoscaling.windowSeconds needs"),
    (
        {"autoscaling": {"maxReplicas": 2}} | STANDARD,
        "metric (cpu or memory) is needed",
    ),
    (
        {"autoscaling": {"maxReplicas": 2, "metric": "cpu", "target": 800}} | STANDARD,
        "a percentage of the CPU",
    ),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_wrong_specification_is_refused_in_one_line(
    fields: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(_spec() | fields))
    with pytest.raises(UsageError) as refusal:
        read(path)
    message = str(refusal.value)
    assert words in message
    assert "\n" not in message
    assert message.startswith(f"{path}: ")


def test_a_secret_is_not_repeated_in_the_refusal(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("name: chat\nmodel: {uri: hf://a/b}\npod: {env: {HF_TOKEN: hf_verysecret}}\n")
    with pytest.raises(UsageError) as refusal:
        read(path)
    assert "hf_verysecret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML"),
        ("- a", "one mapping is expected"),
        ("", "one mapping is expected"),
        ("apiVersion: v1\nkind: Pod", "this is a Kubernetes object"),
    ],
)
def test_a_file_that_is_no_specification_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read(path)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("500m", 0.5), ("4", 4), ("1.5Gi", 1.5 * 2**30), ("2G", 2e9), ("1Ki", 1024)],
)
def test_quantities_are_kubernetes_own(quantity: str, expected: float) -> None:
    assert float(amount(quantity)) == expected
