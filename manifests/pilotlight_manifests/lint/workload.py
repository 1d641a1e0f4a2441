"""What the rules look at: one component's pods, with the facts that matter."""

from dataclasses import dataclass
from functools import cached_property

from pilotlight_manifests.lint import accelerator, model
from pilotlight_manifests.lint.container import Container
from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.engine import Engine, Server
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.model import Model
from pilotlight_manifests.lint.options import Options
from pilotlight_manifests.lint.quantity import MIB, quantity

SHM = "/dev/shm"  # noqa: S108

DEFAULT_SHM = 64 * MIB
"""Of ``/dev/shm`` in a container (containerd's default, as Docker's)."""


@dataclass(frozen=True)
class Mode:
    """How KServe deploys an InferenceService: ``Knative`` or ``Standard``.

    Attributes:
        name: Empty where it cannot be known, as for a runtime.
        assumed: No annotation says it; the cluster's default does.
    """

    name: str
    place: Field
    assumed: bool = False

    @property
    def knative(self) -> bool:
        return self.name == "Knative"

    @property
    def standard(self) -> bool:
        return self.name == "Standard"

    @property
    def caveat(self) -> str:
        """A sentence for findings that depend on a default."""
        if not self.assumed:
            return ""
        return f" ({self.name} mode is assumed: no annotation says it; see --default-mode.)"


@dataclass(frozen=True)
class Scaling:
    """How many pods, and what one of them is to take."""

    min_replicas: Field
    max_replicas: Field
    target: Field
    metric: Field
    container_concurrency: Field
    timeout: Field
    default_least: int = 1
    """KServe ``constants.DefaultMinReplicas``; plain Knative services have 0."""

    @property
    def least(self) -> int:
        given = self.min_replicas.integer
        return self.default_least if given is None else given


@dataclass(frozen=True)
class Workload:
    """The pods of one component.

    Attributes:
        component: ``predictor``, ``transformer``, ``explainer``, ``service`` (Knative's own) or
            ``runtime`` (a ServingRuntime alone).
        spec: The component's fields.
        pod: Where the pod's own fields stand, the runtime's first.
        container: The container that serves.
        complete: Whether all of the pod is in the files: a runtime elsewhere may add to it.
        annotations: Of the pods, from all layers.
        uri: The model's storage.
        worker: ``workerSpec``.
    """

    document: Document
    component: str
    mode: Mode
    spec: Field
    pod: tuple[Field, ...]
    container: Container
    complete: bool
    scaling: Scaling
    annotations: dict[str, Field]
    uri: Field
    worker: Field
    options: Options

    def pod_field(self, *steps: str) -> Field:
        """A field of the pod; the last layer that has it counts."""
        found = [layer.at(*steps) for layer in self.pod]
        return next((f for f in reversed(found) if f.given), found[-1])

    @cached_property
    def engine(self) -> Engine:
        return self.container.engine

    @property
    def server(self) -> Server:
        return self.engine.server

    @cached_property
    def model(self) -> Model | None:
        return model.find(self.engine, self.container.env, self.uri, self.options.model_bytes)

    @property
    def gpus(self) -> int:
        asked = self.container.gpus
        return asked.count if asked else 0

    @property
    def on_cpu(self) -> bool:
        """Whether the engine surely computes on the CPU."""
        if self.gpus or self.container.claims_devices or not self.complete:
            return False
        return "cpu" in self.container.image.lower() or self.server is Server.PILOTLIGHT

    @property
    def gpu_memory(self) -> float | None:
        """An upper bound of one GPU's memory in bytes."""
        if self.options.gpu_memory is not None:
            return self.options.gpu_memory
        bounds = [accelerator.memory(layer, self.container.gpus) for layer in self.pod]
        return next((bound for bound in reversed(bounds) if bound is not None), None)

    @property
    def gpus_per_engine(self) -> int:
        """KServe's Hugging Face server spreads over all GPUs that it sees
        (``huggingfaceserver/vllm/vllm_model.py``)."""
        if self.server is Server.HUGGINGFACE:
            return max(self.gpus, 1)
        return self.engine.tensor_parallel * self.engine.pipeline_parallel

    @property
    def shm(self) -> float | None:
        """Bytes of ``/dev/shm``; ``None`` when it has no limit of its own or cannot be known."""
        volume = self.container.mounted(SHM)
        if volume is None:
            host = self.pod_field("hostIPC").content is True
            return float(DEFAULT_SHM) if self.complete and not host else None
        for layer in reversed(self.pod):
            for name, item in layer.at("volumes").named():
                if name == volume:
                    return quantity(item.at("emptyDir", "sizeLimit").text)
        return None

    @property
    def scaled_by_hpa(self) -> bool:
        """In Standard mode, whether KServe makes an HPA (``shouldCreateHPA``)."""
        scaler = self.annotations.get("serving.kserve.io/autoscalerClass")
        return scaler is None or scaler.text == "hpa"

    @property
    def timeout_s(self) -> int | None:
        """Seconds that one request may take; without a setting Knative has a default."""
        given = self.scaling.timeout.integer
        return given if given is not None else (
            self.options.default_timeout_s if self.mode.knative else None
        )  # fmt: skip
