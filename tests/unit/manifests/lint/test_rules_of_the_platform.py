"""Network policies, disruption budgets, worker specs, Knative's flags and image tags."""

import re
from collections.abc import Callable

import pytest

from pilotlight_manifests.lint.finding import Finding

Lint = Callable[..., list[Finding]]
Service = Callable[..., str]
STANDARD = "serving.kserve.io/deploymentMode: Standard"


def policy(ingress: str, selector: str = "{}", name: str = "only") -> str:
    return (
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: {name}}}\nspec:\n  podSelector: {selector}\n"
        f"  policyTypes: [Ingress]\n  ingress: {ingress}\n"
    )


KNATIVE = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: knative-serving}}"


@pytest.mark.parametrize(
    ("ingress", "closed"),
    [
        ("[]", ["8012", "9090"]),
        ("[{}]", []),
        (f"[{{from: [{{{KNATIVE}}}]}}]", []),
        (f"[{{from: [{{{KNATIVE}}}], ports: [{{port: 8012}}]}}]", ["9090"]),
        (f"[{{from: [{{{KNATIVE}}}], ports: [{{port: 8000, endPort: 9100}}]}}]", []),
        (f"[{{from: [{{{KNATIVE}}}], ports: [{{port: queue-port}}]}}]", ["9090"]),
        (f"[{{from: [{{{KNATIVE}}}], ports: [{{port: 8012, protocol: UDP}}]}}]", ["8012", "9090"]),
        ("[{from: [{podSelector: {}}]}]", ["8012", "9090"]),
        (f"[{{from: [{{{KNATIVE.replace('knative-serving', 'gateway')}}}]}}]", ["8012", "9090"]),
        # What cannot be told apart is taken to let Knative in.
        ("[{from: [{namespaceSelector: {matchLabels: {team: platform}}}]}]", []),
        ("[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", []),
    ],
)
def test_activator_and_autoscaler_reach_the_pods(
    lint: Lint, service: Service, ingress: str, closed: list[str]
) -> None:
    found = lint(service() + policy(ingress), "network-policy-shuts-out-knative")
    assert [f"at {' and '.join(closed)}" in _ports(f.why) for f in found] == [True] * bool(closed)


def _ports(why: str) -> str:
    return re.sub(r" \([^)]*\)", "", why)


def test_policies_add_up(lint: Lint, service: Service) -> None:
    rule = "network-policy-shuts-out-knative"
    opened = policy(f"[{{from: [{{{KNATIVE}}}]}}]", name="more")
    assert len(lint(service() + policy("[]"), rule)) == 1
    assert not lint(service() + policy("[]") + opened, rule)


def test_a_policy_counts_for_the_pods_that_it_selects(lint: Lint, service: Service) -> None:
    rule = "network-policy-shuts-out-knative"
    chat = "{matchLabels: {serving.kserve.io/inferenceservice: chat}}"
    assert lint(service() + policy("[]", chat), rule)
    assert not lint(service() + policy("[]", chat.replace("chat", "mail")), rule)
    assert not lint(service(annotations=STANDARD) + policy("[]", chat), rule)


def budget(line: str, selector: str = "serving.kserve.io/inferenceservice: chat") -> str:
    return (
        "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: keep}\n"
        f"spec:\n  {line}\n  selector: {{matchLabels: {{{selector}}}}}\n"
    )


@pytest.mark.parametrize(
    ("replicas", "line", "findings"),
    [
        (1, "minAvailable: 1", 1),
        (1, "minAvailable: 50%", 1),
        (1, "maxUnavailable: 0", 1),
        (1, "maxUnavailable: 1", 0),
        (2, "minAvailable: 1", 0),
        (2, "minAvailable: 100%", 1),
        (3, "maxUnavailable: 0%", 1),
        (0, "minAvailable: 1", 0),
    ],
)
def test_a_node_can_be_drained_of_the_last_warm_pod(
    lint: Lint, service: Service, replicas: int, line: str, findings: int
) -> None:
    rule = "disruption-budget-blocks-drains"
    text = service(predictor=f"minReplicas: {replicas}")
    assert len(lint(text + budget(line), rule)) == findings
    assert not lint(text + budget(line, "app: other"), rule)


def test_knative_mode_makes_no_workers(lint: Lint, service: Service) -> None:
    rule = "worker-spec-in-knative-mode"
    worker = "workerSpec:\n  pipelineParallelSize: 2"
    (finding,) = lint(service(predictor=worker), rule)
    assert "of 2 nodes" in finding.why
    assert not lint(service(predictor=worker, annotations=STANDARD), rule)


def test_knative_has_no_place_for_some_fields(lint: Lint, service: Service) -> None:
    rule = "knative-refuses-field"
    assert lint(service(predictor="terminationGracePeriodSeconds: 60"), rule)
    text = service(predictor="terminationGracePeriodSeconds: 60", annotations=STANDARD)
    assert not lint(text, rule)


def test_knative_takes_some_fields_when_told_to(lint: Lint, service: Service) -> None:
    rule = "knative-feature-needed"
    pod = "nodeSelector: {a: b}\nvolumes:\n  - {name: m, persistentVolumeClaim: {claimName: m}}"
    (finding,) = lint(service(predictor=pod), rule)
    assert "nodeSelector, a persistentVolumeClaim volume" in finding.why
    assert "kubernetes.podspec-nodeselector" in finding.do
    assert finding.severity == "info"
    assert not lint(service(), rule)


DUPLEX = "features.knative.dev/http-full-duplex"


@pytest.mark.parametrize(
    ("place", "value", "findings"),
    [
        ("annotations", "Enabled", 0),
        ("annotations", "enabled", 0),
        ("annotations", "disabled", 1),
        ("labels", "Enabled", 1),
    ],
)
def test_a_stream_needs_full_duplex_on_its_way_through_knative(
    lint: Lint, service: Service, place: str, value: str, findings: int
) -> None:
    found = lint(service(predictor=f"{place}: {{{DUPLEX}: {value}}}"), "streams-may-be-cut")
    assert [(f.severity, DUPLEX in f.do) for f in found] == [("info", True)] * findings


@pytest.mark.parametrize(
    ("changes", "findings"),
    [
        ({}, 1),
        ({"annotations": STANDARD}, 0),
        ({"annotations": f"{DUPLEX}: Enabled"}, 0),
        ({"image": "dev.local/pilotlight-predictor:dev"}, 1),
        ({"image": "dev.local/pilotlight-transformer:dev"}, 1),
        ({"image": "kserve/huggingfaceserver:v0.20.0"}, 1),
        ({"image": "nginx:1.27"}, 0),
        ({"args": "--runner=pooling"}, 0),
        ({"args": "--task=fill_mask", "image": "kserve/huggingfaceserver:v0.20.0"}, 0),
        ({"args": "--task=text_generation", "image": "kserve/huggingfaceserver:v0.20.0"}, 1),
        ({"container": "ports: [{name: h2c, containerPort: 8081}]"}, 0),
        ({"container": "ports: [{name: http1, containerPort: 8080}]"}, 1),
    ],
    ids=str,
)
def test_who_streams_over_http1_through_knative_may_be_cut(
    lint: Lint, service: Service, changes: dict[str, str], findings: int
) -> None:
    assert len(lint(service(**changes), "streams-may-be-cut")) == findings


def test_a_runtime_brings_full_duplex_to_its_services(lint: Lint) -> None:
    rule = "streams-may-be-cut"
    annotated = RUNTIME.replace("spec:", f"spec:\n  annotations: {{{DUPLEX}: Enabled}}")
    assert lint(MODEL + RUNTIME, rule)
    assert not lint(MODEL + annotated, rule)
    assert not lint(MODEL, rule)


@pytest.mark.parametrize(
    ("image", "findings"),
    [
        ("a/b", 1),
        ("a/b:latest", 1),
        ("a/b:v1", 0),
        ("registry:5000/a/b", 1),
        ("registry:5000/a/b:v1", 0),
        ("a/b@sha256:0123", 0),
        ('"{{ .Image }}"', 0),
    ],
)
def test_an_image_is_pinned(lint: Lint, service: Service, image: str, findings: int) -> None:
    assert len(lint(service(image=image), "image-not-pinned")) == findings


RUNTIME = """---
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec:
  supportedModelFormats: [{name: vLLM, autoSelect: true}]
  containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.32.0
      args: [--port=8080, --max-num-seqs=16]
"""
MODEL = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    scaleTarget: 64
    model:
      modelFormat: {name: vLLM}
      args: [--tensor-parallel-size=2]
      resources: {limits: {nvidia.com/gpu: 2}}
"""


def test_a_models_runtime_brings_its_arguments(lint: Lint) -> None:
    of_arguments = {"concurrency-above-batch", "streams-may-be-cut"}
    assert {f.rule for f in lint(MODEL + RUNTIME)} == of_arguments | {"shm-too-small"}
    shm = (
        "      volumeMounts: [{name: shm, mountPath: /dev/shm}]\n"
        "  volumes: [{name: shm, emptyDir: {medium: Memory}}]\n"
    )
    assert {f.rule for f in lint(MODEL + RUNTIME + shm)} == of_arguments


def test_a_runtime_elsewhere_may_hold_what_is_missing_here(lint: Lint) -> None:
    assert not lint(MODEL)
    assert not lint(MODEL + RUNTIME.replace("vLLM", "other"))


def test_a_plain_knative_service_is_read_too(lint: Lint) -> None:
    text = """
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {name: chat}
    spec:
      template:
        metadata:
          annotations:
            autoscaling.knative.dev/min-scale: "2"
            autoscaling.knative.dev/max-scale: "1"
            features.knative.dev/http-full-duplex: enabled
        spec:
          timeoutSeconds: 900
          containers: [{image: "vllm/vllm-openai:v0.32.0"}]
    """
    assert {f.rule for f in lint(text)} == {"replicas-reversed", "timeout-above-maximum"}
