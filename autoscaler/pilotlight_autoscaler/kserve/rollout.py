"""The rollout that is under way on a service."""

from collections.abc import Iterable

from pydantic import ValidationError

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Component, Phase
from pilotlight.kube.document import Document
from pilotlight_autoscaler.observation import Rollout

OVER = frozenset({Phase.IDLE, Phase.SUCCEEDED, Phase.ROLLED_BACK})


def rollout_of(service: str, rollouts: Iterable[Document]) -> Rollout | None:
    """What moves the predictor's traffic; ``None``: nothing does.

    Args:
        service: Name of the InferenceService.
        rollouts: InferenceRollouts of its namespace; one of another version of Pilotlight, which
            cannot be understood, is left out: its split shows at the gateway.
    """
    for document in rollouts:
        try:
            rollout = InferenceRollout.model_validate(document)
        except ValidationError:
            continue
        status = rollout.status
        is_of_it = rollout.spec.target_ref.name == service
        if not is_of_it or rollout.metadata.deletion_timestamp or status.phase in OVER:
            continue
        both = status.stable_revision and status.canary_revision
        if both and status.component is Component.PREDICTOR:
            return Rollout(status.stable_revision, status.canary_revision, status.weight)
    return None
