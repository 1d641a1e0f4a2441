"""A kustomize base with the overlays `dev` and `production`."""

from typing import Any

from pilotlight_manifests.render.bundle import file_name, render
from pilotlight_manifests.render.document import Manifest, dump
from pilotlight_manifests.render.names import is_knative
from pilotlight_manifests.spec.served_model import ServedModel

CLUSTER_KINDS = frozenset({"ClusterServingRuntime"})
"""Not of any namespace: they are applied once, by whom the cluster belongs to."""

LEFT_OUT_OF_DEV = ("PodDisruptionBudget", "InferenceRollout", "WarmPool")

Files = dict[str, str]


def kustomize(spec: ServedModel) -> Files:
    """Files by their path below the folder."""
    manifests = render(spec)
    cluster = [m for m in manifests if m["kind"] in CLUSTER_KINDS]
    namespaced = [_without_namespace(m) for m in manifests if m["kind"] not in CLUSTER_KINDS]
    namespace = spec.namespace or spec.name
    return {
        **(_folder("cluster", cluster) if cluster else {}),
        **_folder("base", namespaced),
        **_overlay("dev", f"{namespace}-dev", _dev_scale(spec), _removals(namespaced)),
        **_overlay("production", namespace, _scale(spec), []),
    }


def _folder(name: str, manifests: list[Manifest]) -> Files:
    files = {f"{name}/{file_name(m)}": dump(m) for m in manifests}
    resources = [file_name(m) for m in manifests]
    return {f"{name}/kustomization.yaml": _kustomization(resources=resources)} | files


def _overlay(name: str, namespace: str, scale: Manifest, removals: list[Manifest]) -> Files:
    patches: list[Manifest] = [{"path": "scale.yaml"}]
    patches += [{"patch": dump(removal)} for removal in removals]
    kustomization = _kustomization(
        namespace=namespace[:63].rstrip("-"), resources=["../../base"], patches=patches
    )
    folder = f"overlays/{name}"
    return {f"{folder}/kustomization.yaml": kustomization, f"{folder}/scale.yaml": dump(scale)}


def _kustomization(**fields: Any) -> str:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return dump(head | fields)


def _without_namespace(manifest: Manifest) -> Manifest:
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "namespace"}
    return {**manifest, "metadata": metadata}


def _removals(manifests: list[Manifest]) -> list[Manifest]:
    return [
        {
            "$patch": "delete",
            "apiVersion": manifest["apiVersion"],
            "kind": manifest["kind"],
            "metadata": {"name": manifest["metadata"]["name"]},
        }
        for manifest in manifests
        if manifest["kind"] in LEFT_OUT_OF_DEV
    ]


def _dev_scale(spec: ServedModel) -> Manifest:
    """One replica at the most, and none while nobody asks, where that is possible."""
    least = 0 if is_knative(spec) else 1
    # Knative refuses a maximum below the activation scale.
    dev = _patch(spec, least, spec.autoscaling.activation_scale or 1)
    if spec.transformer is not None:
        dev["spec"]["transformer"] = {"minReplicas": least, "maxReplicas": 1}
    return dev


def _scale(spec: ServedModel) -> Manifest:
    scaling = spec.autoscaling
    return _patch(spec, scaling.min_replicas, scaling.ceiling)


def _patch(spec: ServedModel, least: int, most: int) -> Manifest:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": spec.name},
        "spec": {"predictor": {"minReplicas": least, "maxReplicas": most}},
    }
