"""Writes to InferenceRollouts: what the CRD's own rules cannot see."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from pilotlight.api.meta import GROUP, KeyReference
from pilotlight.api.rollout import InferenceRollout, InferenceRolloutSpec
from pilotlight.api.rollout_status import Component
from pilotlight.kube.document import Document, Kind, Reference
from pilotlight.kube.kinds import CONFIG_MAP, SECRET
from pilotlight_canary.admission.answer import Answer, Question, Remarks
from pilotlight_canary.admission.world import World
from pilotlight_canary.metrics.edges import problems

AWAIT_TARGET = f"{GROUP}/await-target"
KNATIVE = ("Knative", "Serverless")
MODE = "serving.kserve.io/deploymentMode"


def admit_rollout(question: Question, world: World, *, has_prometheus: bool) -> Answer:
    """Refuse a rollout that could not work, with a sentence that says what to write instead.

    Args:
        has_prometheus: Whether the controller knows one for rollouts that name none.
    """
    try:
        spec = InferenceRollout.model_validate(question.new).spec
    except ValidationError as error:
        return Answer(refusal=_sentences(error))
    remarks = Remarks()
    _target(question, spec, world, remarks)
    remarks.refusals += _pauses(spec)
    known = has_prometheus or spec.metrics_server is not None
    remarks.refusals += problems(spec, has_prometheus=known)
    remarks.warnings += _missing(question.namespace, spec, world)
    return remarks.answer()


def _sentences(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(step) for step in entry['loc'])}: "
        f"{entry['msg'].removeprefix('Value error, ')}"
        for entry in error.errors(include_url=False, include_input=False, include_context=False)
    )


def _target(question: Question, spec: InferenceRolloutSpec, world: World, remarks: Remarks) -> None:
    name, namespace = spec.target_ref.name, question.namespace
    others = [
        other["metadata"]["name"]
        for other in world.rollouts(namespace, name)
        if other["metadata"]["name"] != question.name
    ]
    if others:
        remarks.refusals.append(
            f"InferenceRollout {others[0]} targets InferenceService {name} already: two would "
            "write the same share of the traffic. Change that one, or delete it first"
        )
    service = world.service(namespace, name)
    if service is not None:
        remarks.refusals += _cannot_split(service)
        return
    said = f"there is no InferenceService {name} in namespace {namespace}"
    annotations = (question.new.get("metadata") or {}).get("annotations") or {}
    # A dry run of both together does not store the one on which the other depends.
    if question.dry_run or annotations.get(AWAIT_TARGET) == "true":
        remarks.warnings.append(f"{said} yet")
    elif question.operation == "CREATE":
        remarks.refusals.append(
            f"{said}: apply it first, or correct spec.targetRef.name. Where both are applied "
            f'together, annotate the InferenceRollout with {AWAIT_TARGET}: "true"'
        )
    else:
        remarks.warnings.append(f"{said} any more")


def _cannot_split(service: Document) -> Iterator[str]:
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    mode = (service.get("status") or {}).get("deploymentMode") or annotations.get(MODE)
    if mode and mode not in KNATIVE:
        yield (
            f"InferenceService {service['metadata']['name']} has deployment mode {mode}, in which "
            f"KServe does not split traffic: a rollout needs {MODE}: Knative, which is set when "
            "the InferenceService is made"
        )
    components = service.get("spec") or {}
    if not any(component in components for component in Component):
        yield f"InferenceService {service['metadata']['name']} has no predictor"


def _pauses(spec: InferenceRolloutSpec) -> Iterator[str]:
    weights = spec.analysis.weights
    strange = [weight for weight in spec.analysis.pause_weights if weight not in weights]
    if strange:
        yield (
            f"spec.analysis.pauseWeights: {_listed(strange)} is never reached, so that nobody "
            f"would be asked; the weights are {_listed(weights)}"
        )


def _missing(namespace: str, spec: InferenceRolloutSpec, world: World) -> Iterator[str]:
    for where, kind, name, key in _references(spec):
        found = world.document(Reference(kind, name, namespace))
        if found is None:
            yield (
                f"{where}: there is no {kind.name} {name} in namespace {namespace} that the "
                "controller may read"
            )
        elif not any(key in (found.get(part) or {}) for part in ("data", "binaryData")):
            yield f"{where}: {kind.name} {name} has no key {key}"


def _references(spec: InferenceRolloutSpec) -> Iterator[tuple[str, Kind, str, str]]:
    """ConfigMaps and Secrets that the spec names, with the field that does."""
    gate, recorded = spec.offline_gate, spec.recorded_requests
    candidates: list[tuple[str, Kind, KeyReference | None]] = [
        ("spec.warmUp.prompts", CONFIG_MAP, spec.warm_up.prompts),
        ("spec.offlineGate.prompts", CONFIG_MAP, gate.prompts if gate else None),
        ("spec.recordedRequests.configMap", CONFIG_MAP, recorded.config_map if recorded else None),
        ("spec.recordedRequests.secret", SECRET, recorded.secret if recorded else None),
        ("spec.apiKeyFrom", SECRET, spec.api_key_from),
    ]
    for number, notification in enumerate(spec.notifications):
        where = f"spec.notifications[{number}].urlFrom"
        candidates.append((where, SECRET, notification.url_from))
    for where, kind, reference in candidates:
        if reference is not None:
            yield where, kind, reference.name, reference.key


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
