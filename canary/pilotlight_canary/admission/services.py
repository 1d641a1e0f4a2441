"""Writes to InferenceServices."""

from pilotlight.api.meta import Mode
from pilotlight.kube.document import Document
from pilotlight_canary.admission.answer import Answer, Question
from pilotlight_canary.admission.hold import Guard, held
from pilotlight_canary.admission.world import World


def admit_service(question: Question, world: World, controller: str) -> Answer:
    """Hold what an InferenceRollout is to roll out.

    A suspended rollout holds as well: it stands still, and what it protects stays protected. One
    with mode ``DryRun`` or one that is being deleted does not.

    Args:
        controller: The user as whom the rollouts' controller writes; it is let through.
    """
    if question.operation != "UPDATE" or question.user == controller:
        return Answer()
    rollouts = world.rollouts(question.namespace, question.name)
    if not rollouts:
        return Answer()
    return held(question.old, question.new, _guard(rollouts[0]), world.propagation())


def _guard(rollout: Document) -> Guard:
    spec = rollout["spec"]
    return Guard(
        rollout["metadata"]["name"],
        refuses_both=spec.get("onBothChanged") == "refuse",
        dry_run=spec.get("mode") == Mode.DRY_RUN,
    )
