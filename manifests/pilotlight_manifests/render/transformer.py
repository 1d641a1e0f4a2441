"""The transformer of an InferenceService."""

from pilotlight_manifests.render.container import LIVE, READY, pod, ports, security_context
from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import CONTAINER, HTTP_PORT, TRANSFORMER
from pilotlight_manifests.render.scaling import component_annotations
from pilotlight_manifests.spec.served_model import ServedModel
from pilotlight_manifests.spec.transformer import TRANSFORMER_DEFAULTS, Transformer


def transformer(spec: ServedModel, wanted: Transformer) -> Manifest:
    """``spec.transformer``; KServe adds the model's name, the predictor's host and the port."""
    requests, limits = wanted.resources.within(TRANSFORMER_DEFAULTS)
    container = without_absent(
        {
            "name": CONTAINER,
            "image": wanted.image,
            "args": list(wanted.args),
            "ports": ports(),
            "readinessProbe": _probe(READY, 1),
            "livenessProbe": _probe(LIVE, 10),
            "resources": {"requests": requests, "limits": limits},
            "securityContext": security_context(spec.security),
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        }
    )
    gpu_place = {"priorityClassName", "nodeSelector", "tolerations", "affinity", "runtimeClassName"}
    place = {k: v for k, v in pod(spec, TRANSFORMER).items() if k not in gpu_place}
    return {
        "minReplicas": wanted.min_replicas,
        "maxReplicas": wanted.max_replicas,
        "timeout": spec.timeouts.request_seconds,
        **without_absent({"annotations": component_annotations(spec)}),
        **place,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _probe(path: str, period_s: int) -> Manifest:
    return {"httpGet": {"path": path, "port": HTTP_PORT}, "periodSeconds": period_s}
