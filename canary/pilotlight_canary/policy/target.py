"""Whether there is something that can be rolled out at all."""

from pilotlight.api.rollout_status import Component, Phase
from pilotlight_canary.policy.look import Look
from pilotlight_canary.policy.start import FORGOTTEN

KNATIVE = frozenset({"Knative", "Serverless"})


def trouble(look: Look) -> Look | None:
    """What to say if the target is missing or cannot split its traffic; ``None``: all is well."""
    service = look.seen.service
    if service is None:
        return _without(look, "TargetMissing", "there is no such InferenceService: it waits for it")
    if service.mode not in KNATIVE:
        reason = (
            f"{service.name} is deployed in mode {service.mode}, in which KServe ignores "
            "canaryTrafficPercent: only Knative can split the traffic"
        )
        return _without(look, "UnsupportedMode", reason)
    record = look.status.components.get(look.status.component)
    if record is not None and look.status.component not in service.components:
        reason = f"{service.name} has no {look.status.component} any more"
        return _without(look, "ComponentGone", reason)
    return None


def _without(look: Look, announced: str, reason: str) -> Look:
    if look.status.phase is Phase.IDLE and look.status.reason == reason:
        return look
    # Whatever comes next under this name is another service.
    return look.to(
        Phase.IDLE,
        reason,
        **{**FORGOTTEN, "components": {}, "returning": False, "floors": (), "started_at": None},
        component=Component.PREDICTOR,
        stable_revision="",
        canary_revision="",
        template_hash="",
        stable_replicas=0,
    ).warn(announced, reason, notify=True)
