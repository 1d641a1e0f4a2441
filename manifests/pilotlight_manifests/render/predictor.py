"""The predictor of an InferenceService: a container of its own, or a model and a runtime."""

from pilotlight_manifests.render.arguments import arguments, identity
from pilotlight_manifests.render.container import (
    environment,
    pod,
    ports,
    probes,
    resources,
    security_context,
    volume_mounts,
    volumes,
)
from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import CONTAINER, PREDICTOR
from pilotlight_manifests.render.runtime import MODEL_FORMAT
from pilotlight_manifests.render.scaling import predictor_annotations, scale_fields
from pilotlight_manifests.spec.model_source import MODEL_DIRECTORY
from pilotlight_manifests.spec.runtime import Runtime
from pilotlight_manifests.spec.served_model import ServedModel


def predictor(spec: ServedModel) -> Manifest:
    """``spec.predictor``, the numbers that people change most first."""
    runtime = spec.predictor_runtime
    return {
        **scale_fields(spec),
        **without_absent({"annotations": predictor_annotations(spec)}),
        "serviceAccountName": spec.account_name,
        **pod(spec, PREDICTOR),
        **(_custom(spec) if runtime is None else _model(spec, runtime)),
    }


def _custom(spec: ServedModel) -> Manifest:
    storage_uris = _storage_uris(spec)
    env = environment(spec)
    if not storage_uris:
        env.insert(0, {"name": "STORAGE_URI", "value": spec.model.uri})
    container = without_absent(
        {
            "name": CONTAINER,
            "image": spec.image,
            "args": [*identity(spec.name), *arguments(spec)],
            "env": env,
            "ports": ports(),
            **probes(spec),
            "resources": resources(spec),
            "securityContext": security_context(spec.security),
            "volumeMounts": volume_mounts(),
        }
    )
    return {
        **without_absent({"storageUris": storage_uris}),
        "containers": [container],
        "volumes": volumes(spec),
    }


def _storage_uris(spec: ServedModel) -> list[Manifest]:
    """Model and adapters, where adapters are loaded too; KServe takes one way or the other."""
    lora = spec.engine.lora
    loaded = [adapter for adapter in lora.adapters if adapter.uri] if lora else []
    if not loaded:
        return []
    model: Manifest = {"uri": spec.model.uri, "mountPath": MODEL_DIRECTORY}
    return [model, *({"uri": adapter.uri, "mountPath": adapter.folder} for adapter in loaded)]


def _model(spec: ServedModel, runtime: Runtime) -> Manifest:
    model = without_absent(
        {
            "modelFormat": {"name": MODEL_FORMAT},
            "runtime": runtime.name or spec.name,
            "storageUri": spec.model.uri,
            "args": arguments(spec),
            "env": environment(spec),
            "resources": resources(spec),
        }
    )
    plan = spec.parallelism
    if plan.nodes == 1:
        return {"model": model}
    sizes = {"pipelineParallelSize": plan.pipeline, "tensorParallelSize": plan.tensor}
    worker_pod = pod(spec, PREDICTOR) | {"serviceAccountName": spec.account_name}
    return {"model": model, "workerSpec": {**sizes, **worker_pod}}
