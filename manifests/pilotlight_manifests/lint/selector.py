"""Label selectors against labels of which not all are known."""

from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.workload import Workload


def pod_labels(workload: Workload) -> dict[str, str]:
    """The labels that a component's pods surely have.

    Sources: KServe ``buildObjectMeta`` (``components/predictor.go``), ``GetRawServiceLabel``;
    Knative ``makeLabels`` (``pkg/reconciler/revision/resources/meta.go``).
    """
    document = workload.document
    if workload.component == "service":
        own = document.spec.at("template", "metadata", "labels").texts
        return {**own, "serving.knative.dev/service": document.name}
    name = f"{document.name}-{workload.component}"
    labels = {
        **document.labels,
        **workload.spec.at("labels").texts,
        "serving.kserve.io/inferenceservice": document.name,
        "component": workload.component,
    }
    if workload.mode.standard:
        return {**labels, "app": f"isvc.{name}"}
    return {
        **labels,
        "serving.knative.dev/service": name,
        "serving.knative.dev/configuration": name,
    }


def selects(selector: Field, labels: dict[str, str]) -> bool:
    """Whether a selector surely matches; a key that is not among the labels does not.

    An empty selector matches everything (``metav1.LabelSelector``).
    """
    if any(
        labels.get(key) != value.text for key, value in selector.at("matchLabels").fields.items()
    ):
        return False
    return all(_holds(e, labels) for e in selector.at("matchExpressions").items)


def _holds(expression: Field, labels: dict[str, str]) -> bool:
    key, operator = expression.at("key").text or "", expression.at("operator").text
    values = {v.text for v in expression.at("values").items}
    if operator == "In":
        return labels.get(key) in values
    if operator == "Exists":
        return key in labels
    # NotIn and DoesNotExist could fail on a label that is not known here.
    return False
