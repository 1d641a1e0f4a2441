"""Nothing that YAML can hold surprises the linter."""

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotlight.errors import ManifestError
from pilotlight_manifests.lint import linter
from pilotlight_manifests.lint.document import parse
from pilotlight_manifests.lint.engine import Server, human_number
from pilotlight_manifests.lint.engine import parse as parse_arguments
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.lint.quantity import quantity
from pilotlight_manifests.lint.start_phases import StartPhases

OPTIONS = Options(
    bandwidth=1e8,
    model_bytes=2e11,
    gpu_memory=8e10,
    tokens_per_request=100,
    start_phases={"": StartPhases(1000.0, "x")},
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["0", "-1", "1e99", "100%", "4Gi", "$(X)", "vllm", "hf://a/b-7B", "64", "true"]
    ),
)
names = st.sampled_from(
    ("name", "image", "args", "command", "env", "value", "resources", "limits", "requests",
     "memory", "nvidia.com/gpu", "ports", "volumeMounts", "mountPath", "emptyDir", "sizeLimit",
     "httpGet", "livenessProbe", "minReplicas", "maxReplicas", "timeout", "scaleTarget", "from",
     "matchLabels", "namespaceSelector", "podSelector")
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


def either(good: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return good | anything


def record(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return either(st.fixed_dictionaries({}, optional={n: either(f) for n, f in fields.items()}))


count = st.integers(-5, 2000) | scalars
container = record(
    name=st.just("kserve-container"),
    image=st.sampled_from(["vllm/vllm-openai-cpu", "pilotlight-predictor:1", "huggingfaceserver"]),
    command=st.lists(scalars, max_size=3),
    args=st.lists(
        st.sampled_from(
            ["--tensor-parallel-size=3", "-pp", "2", "--model=Qwen/Qwen2.5-7B", "--max-model-len",
             "1M", "--max-num-seqs=4", "--kv-cache-memory-bytes=1Gi", "--grace-period-s=1", "serve"]
        ),
        max_size=6,
    ),
    env=st.lists(record(name=st.just("STORAGE_URI"), value=scalars), max_size=2),
    resources=record(
        limits=st.fixed_dictionaries({"nvidia.com/gpu": count, "memory": scalars}),
        requests=st.fixed_dictionaries({"nvidia.com/mig-1g.10gb": count}),
    ),
    volumeMounts=st.lists(record(name=scalars, mountPath=st.just("/dev/shm")), max_size=2),
    livenessProbe=record(httpGet=anything, initialDelaySeconds=count, periodSeconds=count),
    startupProbe=anything,
)  # fmt: skip
component = record(
    minReplicas=count,
    maxReplicas=count,
    scaleTarget=count,
    scaleMetric=st.sampled_from(["cpu", "rps", "concurrency"]),
    containerConcurrency=count,
    timeout=count,
    canaryTrafficPercent=count,
    workerSpec=record(pipelineParallelSize=count),
    containers=st.lists(container, max_size=2),
    model=record(modelFormat=record(name=scalars), runtime=st.just("r"), storageUri=scalars),
    volumes=st.lists(record(name=scalars, emptyDir=record(sizeLimit=scalars)), max_size=2),
    nodeSelector=st.fixed_dictionaries({"nvidia.com/gpu.product": scalars}),
    affinity=anything,
    annotations=st.dictionaries(st.just("autoscaling.knative.dev/target"), scalars),
)
metadata = record(
    name=st.just("r"),
    namespace=scalars,
    labels=anything,
    annotations=st.dictionaries(
        st.sampled_from(
            ["serving.kserve.io/deploymentMode", "serving.kserve.io/disable-auto-update",
             "serving.knative.dev/progress-deadline"]
        ),
        scalars | st.sampled_from(["Standard", "true", "5m"]),
    ),
)  # fmt: skip
selector = record(matchLabels=anything, matchExpressions=st.lists(anything, max_size=2))
specs = {
    ("serving.kserve.io/v1beta1", "InferenceService"): record(
        predictor=component, transformer=component
    ),
    ("serving.kserve.io/v1alpha1", "ClusterServingRuntime"): component,
    ("serving.knative.dev/v1", "Service"): record(
        template=record(metadata=metadata, spec=component)
    ),
    ("networking.k8s.io/v1", "NetworkPolicy"): record(
        podSelector=selector,
        policyTypes=st.lists(scalars, max_size=2),
        ingress=st.lists(
            record(
                **{"from": st.lists(record(namespaceSelector=selector), max_size=2)},
                ports=st.lists(record(port=count, endPort=count, protocol=scalars), max_size=2),
            ),
            max_size=2,
        ),
    ),
    ("policy/v1", "PodDisruptionBudget"): record(
        minAvailable=count, maxUnavailable=scalars, selector=selector
    ),
    ("pilotlight.dev/v1alpha1", "InferenceRollout"): record(targetRef=anything),
}
documents = st.one_of(
    [
        st.builds(
            lambda spec, about, kind=kind: {
                "apiVersion": kind[0], "kind": kind[1], "metadata": about, "spec": spec,
            },
            spec,
            metadata,
        )
        for kind, spec in specs.items()
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(documents, min_size=1, max_size=3), st.lists(documents, max_size=2))
def test_no_object_is_too_strange(objects: list[object], deployed: list[object]) -> None:
    text = yaml.safe_dump_all(objects)
    read = tuple(parse(text, "new.yaml"))
    old = tuple(parse(yaml.safe_dump_all(deployed), "old.yaml"))
    found = linter.lint(read, Options(previous=old)) + linter.lint(read, OPTIONS)
    last = text.count("\n") + 1
    assert all(1 <= finding.line <= last and finding.why and finding.do for finding in found)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab01:-[]{}&*!|>#'\"%@`,. \n\t", max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    refused = None
    try:
        linter.lint(tuple(parse(text, "x.yaml")), Options())
    except ManifestError as error:
        refused = str(error)
    assert refused is None or refused.startswith("x.yaml: ")


@given(st.lists(st.text(max_size=12) | st.sampled_from(["--a", "-tp", "=", "--x=1"]), max_size=8))
def test_any_arguments_are_read(line: list[str]) -> None:
    engine = parse_arguments(Server.VLLM, [Field(1, word, given=True) for word in line])
    assert engine.tensor_parallel >= 1
    assert 0 < engine.gpu_memory_utilization <= 1


@given(st.text(max_size=12))
def test_any_number_is_read_or_none(text: str) -> None:
    for read in (quantity, human_number):
        value = read(text)
        assert value is None or value >= 0
