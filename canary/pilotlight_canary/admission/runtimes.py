"""Writes to runtimes, by which KServe makes new revisions that nobody can hold."""

from enum import StrEnum

from pilotlight.kube.document import Document, condition
from pilotlight.kube.kinds import CLUSTER_SERVING_RUNTIME
from pilotlight_canary.admission.answer import Answer, Question
from pilotlight_canary.admission.world import World

FROZEN = "serving.kserve.io/disable-auto-update"
SHOWN = 5


class RuntimeEdits(StrEnum):
    """What becomes of an edit that would make new revisions of enrolled services."""

    REFUSE = "refuse"
    WARN = "warn"


def admit_runtime(question: Question, world: World, edits: RuntimeEdits) -> Answer:
    """Refuse, or warn of, a change of a runtime that enrolled InferenceServices run on."""
    if question.operation == "UPDATE" and not _renders_otherwise(question.old, question.new):
        return Answer()
    of_all = question.new.get("kind") == CLUSTER_SERVING_RUNTIME.name
    # A new runtime of a namespace takes the place of the cluster's of the same name.
    shadows = question.operation == "CREATE" and not of_all
    using = sorted(
        f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        for _, service in world.enrolled(None if of_all else question.namespace)
        if uses(service, question.name, of_all or shadows) and not _is_frozen(service)
    )
    if not using:
        return Answer()
    names = ", ".join(using[:SHOWN]) + (", …" if len(using) > SHOWN else "")
    said = (
        f"{names} run on this runtime and have an InferenceRollout: KServe would give the changed "
        "runtime to all of their traffic at once, untested. Make a runtime of another name and "
        "set it in spec.predictor.model.runtime: that is rolled out step by step"
    )
    if edits is RuntimeEdits.WARN:
        return Answer(warnings=(said,))
    return Answer(refusal=said)


def uses(service: Document, runtime: str, of_all: bool) -> bool:
    """Whether an InferenceService runs on a runtime, by what KServe says of it.

    Args:
        of_all: Whether it is a ClusterServingRuntime; one of the namespace goes before it.
    """
    status = service.get("status") or {}
    field = "clusterServingRuntimeName" if of_all else "servingRuntimeName"
    if status.get("clusterServingRuntimeName") or status.get("servingRuntimeName"):
        return bool(status.get(field) == runtime)
    model = ((service.get("spec") or {}).get("predictor") or {}).get("model") or {}
    return bool(model.get("runtime") == runtime)


def _renders_otherwise(old: Document, new: Document) -> bool:
    return bool(old.get("spec") != new.get("spec") or _annotations(old) != _annotations(new))


def _annotations(runtime: Document) -> dict[str, str]:
    """Those that KServe reads when it makes the container (``UpdateImageTag``)."""
    annotations = (runtime.get("metadata") or {}).get("annotations") or {}
    return {k: v for k, v in annotations.items() if k.startswith("serving.kserve.io/")}


def _is_frozen(service: Document) -> bool:
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    ready = condition(service, "Ready")
    return annotations.get(FROZEN) == "true" and ready is not None and ready.is_true
