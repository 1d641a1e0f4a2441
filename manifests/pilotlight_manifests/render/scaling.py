"""The numbers that KServe takes as fields, and those that Knative takes as annotations."""

import json

from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import is_knative
from pilotlight_manifests.spec.autoscaling import Autoscaling, Metric
from pilotlight_manifests.spec.hardware import KNOWN_TO_KSERVE
from pilotlight_manifests.spec.served_model import ServedModel

DEFAULT_CONCURRENCY = 16

_AUTOSCALING = "autoscaling.knative.dev"
_KSERVE = "serving.kserve.io"


def scale_fields(spec: ServedModel) -> Manifest:
    """KServe's fields of the predictor."""
    scaling = spec.autoscaling
    return without_absent(
        {
            "minReplicas": scaling.min_replicas,
            "maxReplicas": scaling.ceiling,
            "scaleMetric": _metric(spec),
            "scaleTarget": _target(spec),
            "containerConcurrency": scaling.container_concurrency,
            "timeout": spec.timeouts.request_seconds,
            "canaryTrafficPercent": spec.canary_traffic_percent,
        }
    )


def _metric(spec: ServedModel) -> str | None:
    metric = spec.autoscaling.metric
    if metric is None and is_knative(spec):
        metric = Metric.CONCURRENCY
    return None if metric is None or is_fixed(spec) else metric.value


def _target(spec: ServedModel) -> int | None:
    scaling = spec.autoscaling
    if scaling.target is not None or _metric(spec) != Metric.CONCURRENCY:
        return None if is_fixed(spec) else scaling.target
    return min(DEFAULT_CONCURRENCY, scaling.container_concurrency or DEFAULT_CONCURRENCY)


def is_fixed(spec: ServedModel) -> bool:
    """Whether Standard mode runs a fixed number of replicas, without an autoscaler."""
    scaling = spec.autoscaling
    return not is_knative(spec) and scaling.min_replicas == scaling.ceiling


def service_annotations(spec: ServedModel) -> Manifest:
    """Annotations of the InferenceService itself."""
    annotations = {f"{_KSERVE}/deploymentMode": spec.mode.value}
    if is_fixed(spec):
        annotations[f"{_KSERVE}/autoscalerClass"] = "none"
    return annotations | gpu_annotations(spec)


def gpu_annotations(spec: ServedModel) -> Manifest:
    """KServe refuses a workerSpec with a GPU that it does not know, unless it is told."""
    resource = spec.gpus.resource
    if spec.parallelism.nodes == 1 or resource in KNOWN_TO_KSERVE:
        return {}
    return {f"{_KSERVE}/gpu-resource-types": json.dumps([resource])}


def component_annotations(spec: ServedModel) -> Manifest:
    """Annotations of every component, which KServe hands on to Knative's revision.

    Full duplex keeps Knative's proxies from cutting streams short: docs/lint.md,
    ``streams-may-be-cut``.
    """
    return {"features.knative.dev/http-full-duplex": "Enabled"} if is_knative(spec) else {}


def predictor_annotations(spec: ServedModel) -> Manifest:
    """Those of the predictor."""
    if not is_knative(spec):
        return {}
    return {
        **component_annotations(spec),
        **_autoscaler_annotations(spec.autoscaling),
        "serving.knative.dev/progress-deadline": f"{spec.timeouts.start_seconds}s",
    }


def _autoscaler_annotations(scaling: Autoscaling) -> Manifest:
    values = {
        "target-utilization-percentage": scaling.target_utilization_percent,
        "window": _seconds(scaling.window_seconds),
        "scale-down-delay": _seconds(scaling.scale_down_delay_seconds),
        "scale-to-zero-pod-retention-period": _seconds(scaling.retention_seconds),
        "activation-scale": scaling.activation_scale,
        "initial-scale": scaling.initial_scale,
    }
    return {f"{_AUTOSCALING}/{k}": str(v) for k, v in values.items() if v is not None}


def _seconds(value: int | None) -> str | None:
    return None if value is None else f"{value}s"
