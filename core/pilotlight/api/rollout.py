"""InferenceRollout: how new versions of an InferenceService get their traffic."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pilotlight.api.analysis import Analysis, Ratio
from pilotlight.api.meta import ApiModel, KeyReference, Mode, ObjectMeta, TargetRef
from pilotlight.api.rollout_status import InferenceRolloutStatus


class WarmUp(ApiModel):
    """What a canary is asked before people are."""

    prompts: KeyReference | None = None
    """Key of a ConfigMap with one JSON request a line."""
    recent_prompts: bool = False
    """Also replay the beginnings of prompts that people sent lately."""


class OfflineGate(ApiModel):
    """Golden prompts, answered greedily by stable and canary at 0 % of the traffic."""

    prompts: KeyReference
    """Key of a ConfigMap with one JSON request a line."""
    comparison: Literal["exact", "embedding", "judge"] = "exact"
    max_different: Ratio = 0.1
    """Share of answers that may differ."""
    max_logprob_drift: Annotated[float, Field(ge=0)] | None = None
    """Mean absolute difference of a token's log-probability, in nats."""
    max_length_change: Annotated[float, Field(ge=0)] = 0.5
    """Relative change of the mean output length."""
    max_refusal_increase: Ratio = 0.05
    max_empty_increase: Ratio = 0.01
    max_invalid_increase: Ratio = 0.01
    """Answers that were to be JSON or a tool call and are not."""


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
