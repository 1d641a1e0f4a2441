"""The transformer of an InferenceService."""

from pilotlight_manifests.render.arguments import grace_period_s
from pilotlight_manifests.render.container import LIVE, READY, pod, ports, security_context
from pilotlight_manifests.render.document import Manifest, dump, without_absent
from pilotlight_manifests.render.names import CONTAINER, HTTP_PORT, TRANSFORMER, metadata
from pilotlight_manifests.render.scaling import component_annotations
from pilotlight_manifests.spec.served_model import ServedModel
from pilotlight_manifests.spec.transformer import TRANSFORMER_DEFAULTS, Transformer

PIPELINE, FILE = "/etc/pilotlight/pipeline", "pipeline.yaml"
KEYS = "/etc/pilotlight/keys"
STORES = "/var/lib/pilotlight"


def transformer(spec: ServedModel, wanted: Transformer) -> Manifest:
    """``spec.transformer``; KServe adds the model's name, the predictor's host and the port."""
    requests, limits = wanted.resources.within(TRANSFORMER_DEFAULTS)
    volumes = _volumes(spec, wanted)
    container = without_absent(
        {
            "name": CONTAINER,
            "image": wanted.image,
            "args": _arguments(spec, wanted),
            "ports": ports(),
            "readinessProbe": _probe(READY, 1),
            "livenessProbe": _probe(LIVE, 10),
            "resources": {"requests": requests, "limits": limits},
            "securityContext": security_context(spec.security),
            "volumeMounts": [{"name": name, "mountPath": path} for name, path, _ in volumes],
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
        "volumes": [{"name": name, **source} for name, _, source in volumes],
    }


def pipeline_map(spec: ServedModel, wanted: Transformer) -> Manifest:
    """The ConfigMap with the pipeline's file; the transformer takes a change up by itself."""
    stores = {"folder": STORES, **wanted.stores}
    text = dump({"stores": stores, "pipeline": list(wanted.pipeline)})
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(spec, _map_name(spec)),
        "data": {FILE: text},
    }


def _map_name(spec: ServedModel) -> str:
    return f"{spec.name}-pipeline"


def _arguments(spec: ServedModel, wanted: Transformer) -> list[str]:
    """Streams end before the pod does, if it is ours."""
    return [
        *([f"--pipeline={PIPELINE}/{FILE}"] if wanted.pipeline else []),
        *([f"--grace-period-s={grace_period_s(spec)}"] if wanted.is_ours else []),
        *wanted.args,
    ]


def _volumes(spec: ServedModel, wanted: Transformer) -> list[tuple[str, str, Manifest]]:
    """Name, mount point and source of each."""
    volumes: list[tuple[str, str, Manifest]] = []
    if wanted.pipeline:
        volumes.append(("pipeline", PIPELINE, {"configMap": {"name": _map_name(spec)}}))
        if "folder" not in wanted.stores:
            volumes.append(("stores", STORES, {"emptyDir": {}}))
    if wanted.keys_secret:
        volumes.append(("keys", KEYS, {"secret": {"secretName": wanted.keys_secret}}))
    return [*volumes, ("tmp", "/tmp", {"emptyDir": {}})]  # noqa: S108


def _probe(path: str, period_s: int) -> Manifest:
    return {"httpGet": {"path": path, "port": HTTP_PORT}, "periodSeconds": period_s}
