"""The webhook configurations: who is asked about which writes.

They name the enrolled InferenceServices one by one, so that an outage of the webhooks (their
``failurePolicy`` is ``Fail``) hinders writes to those and to nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pilotlight.kube.document import Document
from pilotlight.kube.kinds import INFERENCE_ROLLOUT, MUTATING_WEBHOOK, VALIDATING_WEBHOOK
from pilotlight_canary.admission.runtimes import RuntimeEdits
from pilotlight_canary.admission.server import (
    ROLLOUTS_PATH,
    RUNTIMES_PATH,
    SERVICES_PATH,
    TIMEOUT_S,
)

NAME = "pilotlight-rollout"
# cel-go parses no longer expression than 100,000 characters.
LONGEST_LIST = 50_000

ClientConfig = Callable[[str], Document]
"""Where the API server finds the webhook of a path, without the ``caBundle``."""


@dataclass(frozen=True)
class Enrolled:
    """What the configurations name."""

    services: tuple[str, ...] = ()
    """``NAMESPACE/NAME``, sorted."""
    runtimes: tuple[str, ...] = ()
    """``NAMESPACE/NAME`` of ServingRuntimes, ``/NAME`` of ClusterServingRuntimes; sorted."""


def of_service(namespace: str, service: str) -> ClientConfig:
    """The webhooks behind a Service of the cluster."""
    return lambda path: {"service": {"namespace": namespace, "name": service, "path": path}}


def configurations(
    enrolled: Enrolled,
    client: ClientConfig,
    bundle: str,
    controller: str,
    edits: RuntimeEdits,
) -> tuple[Document, Document]:
    """The mutating and the validating configuration, for server-side apply.

    Args:
        enrolled: What is watched over.
        client: Where the webhooks are.
        bundle: The authorities' certificates, in base64.
        controller: The user as whom the controller writes; it is not asked.
        edits: What becomes of edits of runtimes.
    """

    def webhook(name: str, path: str, rest: Document) -> Document:
        return {
            "name": f"{name}.pilotlight.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": TIMEOUT_S,
            "matchPolicy": "Equivalent",
            "clientConfig": client(path) | {"caBundle": bundle},
            **rest,
        }

    mutating = [webhook("hold", SERVICES_PATH, _services(enrolled, controller))]
    validating = [
        webhook("rollouts", ROLLOUTS_PATH, _rollouts()),
        webhook("runtimes", RUNTIMES_PATH, _runtimes(enrolled, edits)),
    ]
    return (
        _configuration(MUTATING_WEBHOOK.name, mutating),
        _configuration(VALIDATING_WEBHOOK.name, validating),
    )


def _configuration(kind: str, webhooks: list[Document]) -> Document:
    return {
        "apiVersion": MUTATING_WEBHOOK.api_version,
        "kind": kind,
        "metadata": {"name": NAME},
        "webhooks": webhooks,
    }


def _services(enrolled: Enrolled, controller: str) -> Document:
    return {
        "failurePolicy": "Fail",
        # KServe's own defaulting comes before it, by its name; whatever comes after it and
        # changes the object has it asked again.
        "reinvocationPolicy": "IfNeeded",
        "rules": [_rule("serving.kserve.io", "v1beta1", ["inferenceservices"], ["UPDATE"])],
        "matchConditions": [
            _condition("enrolled", _one_of(enrolled.services)),
            _condition("not-the-controller", f"request.userInfo.username != '{controller}'"),
            # Finalizers go away also while nobody answers.
            _condition("alive", "!has(object.metadata.deletionTimestamp)"),
            _condition("changed", _changed("spec", "metadata.?labels", "metadata.?annotations")),
        ],
    }


def _rollouts() -> Document:
    group, version = INFERENCE_ROLLOUT.api_version.split("/")
    return {
        "failurePolicy": "Fail",
        "rules": [_rule(group, version, ["inferencerollouts"], ["CREATE", "UPDATE"])],
        "matchConditions": [
            _condition("alive", "!has(object.metadata.deletionTimestamp)"),
            _condition("changed", f"oldObject == null || {_changed('spec')}"),
        ],
    }


def _runtimes(enrolled: Enrolled, edits: RuntimeEdits) -> Document:
    resources = ["servingruntimes", "clusterservingruntimes"]
    changed = _changed("spec", "metadata.?annotations")
    return {
        # What slips past is found later, and reported as an unheld revision.
        "failurePolicy": "Fail" if edits is RuntimeEdits.REFUSE else "Ignore",
        "rules": [_rule("serving.kserve.io", "v1alpha1", resources, ["CREATE", "UPDATE"])],
        "matchConditions": [
            _condition("in-use", _one_of(enrolled.runtimes)),
            _condition("alive", "!has(object.metadata.deletionTimestamp)"),
            _condition("changed", f"oldObject == null || {changed}"),
        ],
    }


def _rule(group: str, version: str, resources: list[str], operations: list[str]) -> Document:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "resources": resources,
        "operations": operations,
        "scope": "*",
    }


def _condition(name: str, expression: str) -> Document:
    return {"name": name, "expression": expression}


def _one_of(names: Sequence[str]) -> str:
    """CEL: the object is one of these; by the namespaces alone where the list gets too long."""
    if not names:
        return "false"
    namespace = "(has(request.namespace) ? request.namespace : '')"
    listed = _list(names)
    if len(listed) <= LONGEST_LIST:
        return f"{namespace} + '/' + request.name in {listed}"
    return f"{namespace} in {_list(sorted({name.partition('/')[0] for name in names}))}"


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def _changed(*paths: str) -> str:
    """CEL: one of these fields is another than before."""
    return " || ".join(f"object.{path} != oldObject.{path}" for path in paths)
