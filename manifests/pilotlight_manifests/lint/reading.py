"""Documents read as workloads."""

from collections.abc import Iterator, Sequence

from pilotlight_manifests.lint import runtimes
from pilotlight_manifests.lint.container import Container
from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.lint.workload import Mode, Scaling, Workload

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
KNATIVE_SERVICE = ("serving.knative.dev/v1", "Service")
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
MODES = {"Serverless": "Knative", "RawDeployment": "Standard"}
"""Old names (KServe ``constants.ParseDeploymentMode``)."""

MAIN_CONTAINER = "kserve-container"
FRAMEWORKS = (
    "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml",
    "lightgbm", "paddle",
)  # fmt: skip
AUTOSCALING = "autoscaling.knative.dev/"


def workloads(documents: Sequence[Document], options: Options) -> Iterator[Workload]:
    """All workloads of the documents."""
    known = [d for d in documents if d.kind in runtimes.KINDS and d.group == "serving.kserve.io"]
    for document in documents:
        if (document.api, document.kind) == SERVICE:
            yield from _components(document, known, options)
        elif (document.api, document.kind) == KNATIVE_SERVICE:
            yield _knative_service(document, options)
        elif document in known:
            yield _runtime(document, options)


def mode_of(document: Document, options: Options) -> Mode:
    """The deployment mode: KServe ``GetDeploymentMode`` without the status."""
    place = document.annotations.get(MODE_ANNOTATION, Field(document.root.at("metadata").line))
    name = MODES.get(place.text or "", place.text or "")
    if name in {"Knative", "Standard", "ModelMesh"}:
        return Mode(name, place)
    return Mode(options.default_mode, place, assumed=True)


def _components(
    document: Document, known: Sequence[Document], options: Options
) -> Iterator[Workload]:
    for component in ("predictor", "transformer", "explainer"):
        spec = document.spec.at(component)
        if spec.fields:
            yield _component(document, component, spec, known, options)


def _component(
    document: Document, component: str, spec: Field, known: Sequence[Document], options: Options
) -> Workload:
    framework = next((f for f in FRAMEWORKS if spec.at(f).fields), None)
    model = spec.at(framework or "model")
    predictor = component == "predictor"
    runtime = None
    if predictor and model.given:
        runtime = runtimes.choose(document, model, framework, known)
        container = Container(
            (*(_main(r.spec) for r in [runtime] if r), model),
            "" if runtime else runtimes.hint(model, framework),
        )
    else:
        container = Container((_main(spec),))
    annotations = {
        **(runtime.spec.at("annotations").fields if runtime else {}),
        **document.annotations,
        **spec.at("annotations").fields,
    }
    return Workload(
        document=document,
        component=component,
        mode=mode_of(document, options),
        spec=spec,
        pod=(*(r.spec for r in [runtime] if r), spec),
        container=container,
        complete=runtime is not None or (not model.given and bool(spec.at("containers").items)),
        scaling=_scaling(spec, annotations),
        annotations=annotations,
        uri=_uri(model, container),
        worker=spec.at("workerSpec"),
        options=options,
    )


def _scaling(spec: Field, annotations: dict[str, Field]) -> Scaling:
    def annotated(field: str, name: str) -> Field:
        given = spec.at(field)
        return given if given.given else annotations.get(AUTOSCALING + name, given)

    return Scaling(
        min_replicas=spec.at("minReplicas"),
        max_replicas=spec.at("maxReplicas"),
        target=annotated("scaleTarget", "target"),
        metric=annotated("scaleMetric", "metric"),
        container_concurrency=spec.at("containerConcurrency"),
        timeout=spec.at("timeout"),
    )


def _uri(model: Field, container: Container) -> Field:
    given = model.at("storageUri")
    return given if given.given else container.env.get("STORAGE_URI", given)


def _main(pod: Field) -> Field:
    """The container that serves: the one of that name, or the first."""
    named = dict(pod.at("containers").named())
    first = next(iter(pod.at("containers").items), Field(pod.line))
    return named.get(MAIN_CONTAINER, first)


def _knative_service(document: Document, options: Options) -> Workload:
    template = document.spec.at("template")
    annotations = template.at("metadata", "annotations").fields
    pod = template.at("spec")

    def annotated(*names: str) -> Field:
        found = (annotations.get(AUTOSCALING + name) for name in names)
        return next((f for f in found if f), Field(pod.line))

    container = Container((_main(pod),))
    return Workload(
        document=document,
        component="service",
        mode=Mode("Knative", Field(document.root.line)),
        spec=pod,
        pod=(pod,),
        container=container,
        complete=True,
        scaling=Scaling(
            min_replicas=annotated("min-scale", "minScale"),
            max_replicas=annotated("max-scale", "maxScale"),
            target=annotated("target"),
            metric=annotated("metric"),
            container_concurrency=pod.at("containerConcurrency"),
            timeout=pod.at("timeoutSeconds"),
            default_least=0,
        ),
        annotations=annotations,
        uri=_uri(Field(pod.line), container),
        worker=Field(pod.line),
        options=options,
    )


def _runtime(document: Document, options: Options) -> Workload:
    nothing = Field(document.spec.line)
    container = Container((_main(document.spec),))
    return Workload(
        document=document,
        component="runtime",
        mode=Mode("", nothing),
        spec=document.spec,
        pod=(document.spec,),
        container=container,
        complete=False,
        scaling=Scaling(nothing, nothing, nothing, nothing, nothing, nothing),
        annotations=document.spec.at("annotations").fields,
        uri=_uri(nothing, container),
        worker=document.spec.at("workerSpec"),
        options=options,
    )
