"""A ServingRuntime or ClusterServingRuntime: what several services have in common."""

from pilotlight_manifests.render.arguments import identity
from pilotlight_manifests.render.container import (
    ports,
    probes,
    resources,
    security_context,
    volume_mounts,
    volumes,
)
from pilotlight_manifests.render.document import Manifest, without_absent
from pilotlight_manifests.render.names import CONTAINER, WORKER_CONTAINER, metadata
from pilotlight_manifests.render.ray import environment, head_command, worker_command
from pilotlight_manifests.render.scaling import gpu_annotations
from pilotlight_manifests.spec.runtime import Runtime
from pilotlight_manifests.spec.served_model import ServedModel

MODEL_FORMAT = "huggingface"
NAME_OF_THE_SERVICE = "{{.Name}}"
"""KServe puts the InferenceService's name here."""


def serving_runtime(spec: ServedModel, runtime: Runtime) -> Manifest:
    """The runtime that the InferenceService names."""
    meta = metadata(spec, runtime.name or spec.name)
    if runtime.kind == "ClusterServingRuntime":
        meta.pop("namespace", None)
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": runtime.kind,
        "metadata": meta,
        "spec": without_absent(
            {
                "annotations": gpu_annotations(spec),
                # Named by services, never chosen by KServe for others.
                "supportedModelFormats": [{"name": MODEL_FORMAT, "autoSelect": False}],
                "protocolVersions": ["v2", "v1"],
                "containers": [_container(spec)],
                "volumes": volumes(spec),
                "workerSpec": _workers(spec) if spec.parallelism.nodes > 1 else None,
            }
        ),
    }


def _container(spec: ServedModel) -> Manifest:
    several = spec.parallelism.nodes > 1
    return without_absent(
        {
            "name": CONTAINER,
            "image": spec.image,
            "command": head_command() if several else None,
            "args": identity(NAME_OF_THE_SERVICE),
            "env": environment() if several else None,
            "ports": ports(),
            **probes(spec),
            "securityContext": security_context(spec.security),
            "volumeMounts": volume_mounts(),
        }
    )


def _workers(spec: ServedModel) -> Manifest:
    container = {
        "name": WORKER_CONTAINER,
        "image": spec.image,
        "command": worker_command(),
        "env": environment(),
        "resources": resources(spec),
        "securityContext": security_context(spec.security),
        "volumeMounts": volume_mounts(),
    }
    plan = spec.parallelism
    return {
        "pipelineParallelSize": plan.pipeline,
        "tensorParallelSize": plan.tensor,
        "containers": [container],
        "volumes": volumes(spec),
    }
