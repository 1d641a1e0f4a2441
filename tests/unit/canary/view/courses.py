"""Rollouts as the controller leaves them, with a course that was made up step by step."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Evidence, InferenceRolloutStatus, PastRollout, Phase
from pilotlight_canary.timeline import record

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LOOK_S = 5
STABLE, CANARY = "chat-predictor-00001", "chat-predictor-00002"
PROMOTED = (
    (Phase.HELD, 0, 0, 2),
    (Phase.WARMING, 0, 0, 4),
    (Phase.PROGRESSING, 5, 1, 6),
    (Phase.PROGRESSING, 10, 2, 5),
    (Phase.PROGRESSING, 25, 3, 5),
    (Phase.PROGRESSING, 50, 4, 5),
    (Phase.PROMOTING, 100, 4, 1),
    (Phase.WATCHING, 100, 4, 4),
    (Phase.SUCCEEDED, 100, 4, 1),
)
TAKEN_BACK = (
    (Phase.HELD, 0, 0, 2),
    (Phase.WARMING, 0, 0, 4),
    (Phase.PROGRESSING, 5, 1, 6),
    (Phase.PROGRESSING, 10, 2, 4),
    (Phase.ROLLING_BACK, 0, 2, 1),
    (Phase.ROLLED_BACK, 0, 2, 1),
)
REASONS = {
    Phase.HELD: "a new version is held at 0 % of the traffic",
    Phase.NO_CAPACITY: "no room for 1 of 1 pods: 0 of 1 GPUs free",
    Phase.WARMING: "1 of 1 pods ready; warm-up prompts are replayed",
    Phase.PROGRESSING: "the evidence does not decide yet",
    Phase.PROMOTING: "shown to be no worse: 1,840 requests of the canary",
    Phase.WATCHING: "promoted; the old version is kept for 10m",
    Phase.SUCCEEDED: "promoted; the rollback window has passed",
    Phase.ROLLING_BACK: (
        "errors (prompts up to 512 tokens): canary 5.2 % of 402, stable 1.0 % of 3,610; "
        "e-value 812 of 300"
    ),
    Phase.ROLLED_BACK: (
        "errors (prompts up to 512 tokens): canary 5.2 % of 402, stable 1.0 % of 3,610; "
        "e-value 812 of 300"
    ),
}


def rollout(status: InferenceRolloutStatus | None = None, **spec: Any) -> InferenceRollout:
    """An InferenceRollout ``chat`` of the InferenceService of that name."""
    return InferenceRollout.model_validate(
        {
            "metadata": {"name": "chat", "namespace": "models"},
            "spec": {"targetRef": {"name": "chat"}, **spec},
            "status": status or InferenceRolloutStatus(),
        }
    )


def at_look(look: int) -> datetime:
    return START + timedelta(seconds=LOOK_S * look)


def evidence(seen: int, bad: bool) -> tuple[Evidence, ...]:
    """After so many looks with traffic: three checks, of which errors may be bad."""
    requests = 60 * seen
    return (
        Evidence(
            check="errors",
            canary_bad=requests // 20 if bad else requests // 100,
            canary_total=requests,
            stable_bad=requests * 9 // 100,
            stable_total=requests * 9,
            log_worse=0.68 * seen if bad else -0.12 * seen,
            log_good=-0.1 * seen if bad else 0.21 * seen,
        ),
        Evidence(
            check="ttft",
            canary_bad=requests // 20,
            canary_total=requests,
            stable_bad=requests * 9 // 20,
            stable_total=requests * 9,
            log_worse=-0.06 * seen,
            log_good=0.24 * seen,
        ),
        Evidence(
            check="inter-token-latency",
            canary_bad=requests // 5,
            canary_total=requests * 30,
            stable_bad=requests * 9 // 5,
            stable_total=requests * 270,
            log_worse=-0.2 * seen,
            log_good=0.5 * seen,
        ),
        Evidence(check="errors", stratum="512", canary_total=requests, log_worse=0.1 * seen),
    )


def statuses(
    course: Sequence[tuple[Phase, int, int, int]], bad: bool = False
) -> list[InferenceRolloutStatus]:
    """The status at each look of a course of (phase, weight, step, looks)."""
    looks = [(phase, weight, step) for phase, weight, step, n in course for _ in range(n)]
    begun: dict[int, datetime] = {}
    found: list[InferenceRolloutStatus] = []
    seen = 0
    for i, (phase, weight, step) in enumerate(looks):
        seen += phase is Phase.PROGRESSING
        begun.setdefault(step, at_look(i))
        found.append(_status(i, phase, weight, step, seen, bad, begun[step]))
    return found


def _status(
    i: int, phase: Phase, weight: int, step: int, seen: int, bad: bool, begun: datetime
) -> InferenceRolloutStatus:
    ended = phase in (Phase.SUCCEEDED, Phase.ROLLED_BACK)
    past = PastRollout(
        revision=CANARY,
        outcome=phase,
        reason=REASONS[phase],
        started_at=START,
        ended_at=at_look(i),
    )
    return InferenceRolloutStatus(
        phase=phase,
        weight=weight,
        step=step,
        reason=REASONS[phase],
        stable_revision=STABLE,
        canary_revision=CANARY,
        template_hash="6f2c",
        started_at=START,
        step_started_at=begun if step else None,
        observed_at=at_look(i),
        rollback_until=at_look(i) + timedelta(minutes=10) if phase is Phase.WATCHING else None,
        evidence=evidence(seen, bad) if seen else (),
        timeline="chat-timeline",
        history=(past,) if ended else (),
    )


def recorded(
    course: Sequence[tuple[Phase, int, int, int]], bad: bool = False, **spec: Any
) -> Mapping[str, str]:
    """The ConfigMap's keys at the end of a course."""
    data: dict[str, str] = {}
    for i, status in enumerate(statuses(course, bad)):
        data = record(data, rollout(status, **spec), at_look(i))
    return data
