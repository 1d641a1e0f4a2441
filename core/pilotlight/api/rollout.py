"""InferenceRollout: how new versions of an InferenceService get their traffic."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pilotlight.api.analysis import Analysis
from pilotlight.api.gate import OfflineGate, RequestSource, WarmUp
from pilotlight.api.meta import ApiModel, KeyReference, Mode, ObjectMeta, TargetRef
from pilotlight.api.rollout_status import InferenceRolloutStatus


class Notification(ApiModel):
    """A Slack-compatible webhook, whose URL is kept in a Secret."""

    url_from: KeyReference


class RolloutPolicy(ApiModel):
    """How a rollout goes, without what it targets."""

    suspend: bool = False
    mode: Mode = Mode.ACTIVE
    analysis: Analysis = Analysis()
    warm_up: WarmUp = WarmUp()
    offline_gate: OfflineGate | None = None
    recorded_requests: RequestSource | None = None
    """Requests that people sent, for `warmUp.recentPrompts` and `analysis.mirrorWeight`."""
    api_key_from: KeyReference | None = None
    """Key of a Secret: the bearer token of our own requests to stable and canary."""
    progress_deadline_seconds: Annotated[int, Field(ge=1)] = 1800
    """Time for a canary to become ready, its cold start included."""
    rollback_window_seconds: Annotated[int, Field(ge=0)] = 600
    """After a promotion the old version is kept warm and watched for so long."""
    on_rollback: Literal["hold", "restore"] = "hold"
    """`hold` leaves the bad spec as it is, without traffic; `restore` writes the old one back."""
    on_both_changed: Literal["predictor-first", "refuse"] = "predictor-first"
    """When predictor and transformer change together."""
    metrics_server: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    """Prometheus; without it the pods are scraped."""
    notifications: Annotated[tuple[Notification, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _has_what_it_replays(self) -> Self:
        if self.recorded_requests is None and self.warm_up.recent_prompts:
            raise ValueError("warmUp.recentPrompts needs recordedRequests: where they are kept")
        if self.recorded_requests is None and self.analysis.mirror_weight:
            raise ValueError("analysis.mirrorWeight needs recordedRequests: what is replayed")
        return self


class InferenceRolloutSpec(RolloutPolicy):
    """A rollout policy and the InferenceService that it is for."""

    target_ref: TargetRef


class InferenceRollout(ApiModel):
    """New versions of an InferenceService get traffic step by step, judged by evidence."""

    api_version: Literal["pilotlight.dev/v1alpha1"] = "pilotlight.dev/v1alpha1"
    kind: Literal["InferenceRollout"] = "InferenceRollout"
    metadata: ObjectMeta
    spec: InferenceRolloutSpec
    status: InferenceRolloutStatus = InferenceRolloutStatus()
