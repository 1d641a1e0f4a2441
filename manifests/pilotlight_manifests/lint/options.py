"""What a manifest does not say and its author may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pilotlight_manifests.lint.document import Document
from pilotlight_manifests.lint.start_phases import StartPhases


@dataclass(frozen=True)
class Options:
    """Facts about the cluster, the model and the measurements.

    Attributes:
        default_mode: ``deploy.defaultDeploymentMode`` of KServe's config map. Its own installation
            (``install/v0.20.0/kserve.yaml``) says ``Serverless``, the old name of ``Knative``.
        max_timeout_s: ``max-revision-timeout-seconds`` of Knative's ``config-defaults``
            (``pkg/apis/config/defaults.go``).
        default_timeout_s: ``revision-timeout-seconds`` of the same.
        progress_deadline_s: ``progress-deadline`` of Knative's ``config-deployment``
            (``pkg/deployment/config.go``).
        bandwidth: Bytes per second from the model's storage.
        model_bytes: Size of the weights on disk, where the model's name does not tell it.
        gpu_memory: Bytes of one GPU, where the node selection does not tell it.
        tokens_per_request: Typical prompt and answer together.
        start_phases: Measured starts by name of the InferenceService; ``""`` is for all.
        previous: What is deployed now, to compare with.
    """

    default_mode: str = "Knative"
    max_timeout_s: int = 600
    default_timeout_s: int = 300
    progress_deadline_s: int = 600
    bandwidth: float | None = None
    model_bytes: float | None = None
    gpu_memory: float | None = None
    tokens_per_request: int | None = None
    start_phases: Mapping[str, StartPhases] = field(default_factory=dict)
    previous: tuple[Document, ...] | None = None
