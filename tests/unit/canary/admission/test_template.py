"""What changes a template's hash, and what does not."""

from copy import deepcopy
from typing import Any

import pytest

from pilotlight.api.rollout_status import Component
from pilotlight.kube.document import Document
from pilotlight_canary.admission.propagation import propagation_of
from pilotlight_canary.admission.template import TEMPLATE_HASH, recorded_hash, template_hash

PREDICTOR, TRANSFORMER = Component.PREDICTOR, Component.TRANSFORMER
SERVICE: Document = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {
        "name": "llm",
        "namespace": "models",
        "labels": {"team": "a"},
        "annotations": {"serving.kserve.io/deploymentMode": "Knative"},
    },
    "spec": {
        "predictor": {
            "minReplicas": 1,
            "model": {"modelFormat": {"name": "vllm"}, "args": ["--max-model-len=1024"]},
        },
        "transformer": {"containers": [{"name": "kserve-container", "image": "t:1"}]},
    },
}


def changed(path: str, value: Any) -> Document:
    """The service with one value written (``None``: removed); path's steps end with a slash."""
    service = deepcopy(SERVICE)
    *steps, last = path.split("|")
    at: dict[str, Any] = service
    for step in steps:
        at = at.setdefault(step, {})
    if value is None:
        at.pop(last, None)
    else:
        at[last] = value
    return service


NOTHING_NEW = [
    ("metadata|resourceVersion", "7"),
    ("metadata|managedFields", [{"manager": "kubectl"}]),
    ("metadata|finalizers", ["inferenceservice.finalizers"]),
    ("status|url", "http://llm"),
    ("spec|predictor|canaryTrafficPercent", 10),
    ("spec|predictor|annotations", {TEMPLATE_HASH: "0123456789abcdef"}),
    ("spec|predictor|annotations", {}),
    ("spec|predictor|labels", {}),
    ("spec|predictor|name", ""),
    ("spec|predictor|model|resources", {}),
    ("spec|predictor|timeout", None),
    ("metadata|annotations|kubectl.kubernetes.io/last-applied-configuration", "{}"),
    ("metadata|annotations|autoscaling.knative.dev/min-scale", "3"),
    ("metadata|annotations|serving.knative.dev/rollout-duration", "10s"),
    ("metadata|labels|networking.knative.dev/visibility", "cluster-local"),
    ("spec|predictor|labels", {"networking.knative.dev/visibility": "cluster-local"}),
    ("spec|predictor|labels", {"team": "a"}),
    ("spec|transformer|minReplicas", 5),
]
NEW = [
    ("spec|predictor|minReplicas", 2),
    ("spec|predictor|model|args", ["--max-model-len=2048"]),
    ("spec|predictor|annotations", {"mine": "1"}),
    ("spec|predictor|labels", {"team": "b"}),
    ("spec|predictor|affinity", {"podAffinity": {}}),
    ("metadata|labels|team", "b"),
    ("metadata|labels|team", None),
    ("metadata|labels|app.kubernetes.io/instance", "x"),
    ("metadata|annotations|argocd.argoproj.io/tracking-id", "x"),
    ("metadata|annotations|serving.kserve.io/deploymentMode", None),
]


@pytest.mark.parametrize(("path", "value"), NOTHING_NEW)
def test_what_does_not_reach_the_template_does_not_count(path: str, value: Any) -> None:
    assert template_hash(changed(path, value), PREDICTOR) == template_hash(SERVICE, PREDICTOR)


@pytest.mark.parametrize(("path", "value"), NEW)
def test_what_reaches_the_template_counts(path: str, value: Any) -> None:
    assert template_hash(changed(path, value), PREDICTOR) != template_hash(SERVICE, PREDICTOR)


def test_the_order_of_keys_does_not_count() -> None:
    turned = dict(reversed(SERVICE["spec"]["predictor"].items()))
    assert template_hash(changed("spec|predictor", turned), PREDICTOR) == template_hash(
        SERVICE, PREDICTOR
    )


def test_a_services_metadata_reaches_both_components() -> None:
    new = changed("metadata|labels|team", "b")
    for component in Component:
        assert template_hash(new, component) != template_hash(SERVICE, component)


def test_a_component_that_is_not_there_has_no_hash() -> None:
    assert template_hash(changed("spec|transformer", None), TRANSFORMER) == ""
    assert recorded_hash(changed("spec|transformer", None), TRANSFORMER) == ""


def test_keys_that_the_administrator_keeps_from_templates_do_not_count() -> None:
    left = propagation_of(
        {
            "data": {
                "inferenceService": '{"serviceAnnotationDisallowedList": ["argocd.argoproj.io/'
                'tracking-id"], "serviceLabelDisallowedList": ["app.kubernetes.io/instance"]}'
            }
        }
    )
    for path in (
        "metadata|annotations|argocd.argoproj.io/tracking-id",
        "metadata|labels|app.kubernetes.io/instance",
    ):
        assert template_hash(changed(path, "x"), PREDICTOR, left) == template_hash(
            SERVICE, PREDICTOR, left
        )


@pytest.mark.parametrize("settings", [{}, {"data": None}, {"data": {"inferenceService": "{}"}}])
def test_a_configmap_without_lists_leaves_kserves_own(settings: Document) -> None:
    assert propagation_of(settings) == propagation_of({})
