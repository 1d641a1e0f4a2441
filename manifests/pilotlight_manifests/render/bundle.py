"""All objects of one served model, in the order in which they are best applied."""

from pilotlight_manifests.render.disruption_budget import disruption_budget
from pilotlight_manifests.render.document import Manifest
from pilotlight_manifests.render.inference_service import inference_service
from pilotlight_manifests.render.monitor import monitor
from pilotlight_manifests.render.names import components
from pilotlight_manifests.render.network_policy import network_policy
from pilotlight_manifests.render.pilotlight_resource import pilotlight_resource
from pilotlight_manifests.render.runtime import serving_runtime
from pilotlight_manifests.render.service_account import service_account
from pilotlight_manifests.render.transformer import pipeline_map
from pilotlight_manifests.spec.served_model import ServedModel


def render(spec: ServedModel) -> list[Manifest]:
    """What a served model consists of."""
    manifests = []
    if spec.predictor_runtime is not None:
        manifests.append(serving_runtime(spec, spec.predictor_runtime))
    if spec.model.service_account is None:
        manifests.append(service_account(spec))
    for component in components(spec):
        manifests += _around(spec, component)
    if spec.transformer is not None and spec.transformer.pipeline:
        manifests.append(pipeline_map(spec, spec.transformer))
    manifests.append(inference_service(spec))
    if spec.rollout is not None:
        manifests.append(pilotlight_resource(spec, "InferenceRollout", spec.rollout))
    if spec.warm_pool is not None:
        manifests.append(pilotlight_resource(spec, "WarmPool", spec.warm_pool))
    return manifests


def _around(spec: ServedModel, component: str) -> list[Manifest]:
    manifests = []
    if spec.access.network_policy:
        manifests.append(network_policy(spec, component))
    if spec.disruption.budget:
        manifests.append(disruption_budget(spec, component))
    if spec.monitoring is not None:
        manifests.append(monitor(spec, spec.monitoring, component))
    return manifests


def file_name(manifest: Manifest) -> str:
    """A file for one object: kind and name."""
    return f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
