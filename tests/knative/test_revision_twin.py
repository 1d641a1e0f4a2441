"""Bounds, the way to zero and the status of a revision against Knative's own code."""

import time
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from pilotlight_autoscaler.kpa.annotations import settings_of
from pilotlight_autoscaler.kpa.scaler import PROBE_REVISIT_S, Seen, scale
from pilotlight_autoscaler.kpa.status import Activity, Status, updated
from tests.knative.conftest import Ask
from tests.knative.histories import Settings, some

pytestmark = pytest.mark.knative

LOOKS = 8000
SEED = 1848
CONDITION = {Activity.ACTIVE: "True", Activity.INACTIVE: "False", Activity.ACTIVATING: "Unknown"}
REASONS = {
    Activity.ACTIVE: [""],
    Activity.INACTIVE: ["NoTraffic", "TimedOut"],
    Activity.ACTIVATING: ["Queued"],
}


@dataclass(frozen=True)
class Case:
    """One look at a revision; ages are half seconds, limits whole ones, so that no answer hangs
    on how long the twin takes."""

    settings: Settings
    activity: Activity
    reason: str
    age_s: float
    initialized: bool
    desired: int
    ready: int
    replicas: int
    proxy: bool
    proxy_age_s: float | None
    activator_answers: bool

    def question(self) -> dict[str, Any]:
        return {
            "Revision": {
                "Settings": self.settings.question(),
                "Activity": self.activity,
                "Reason": self.reason,
                "AgeS": self.age_s,
                "Initialized": self.initialized,
                "Desired": self.desired,
                "Ready": self.ready,
                "Replicas": self.replicas,
                "Proxy": self.proxy,
                "ProxyAgeS": self.proxy_age_s,
                "ActivatorAnswers": self.activator_answers,
            }
        }


def age(random: Random) -> float:
    return random.choice((0, 5, 20, 29, 30, 59, 60, 100, 299, 300, 629, 630, 2000)) + 0.5


def case(random: Random) -> Case:
    cluster = some(
        random,
        {
            "enable-scale-to-zero": (0.2, ["true", "false"]),
            "scale-to-zero-grace-period": (0.3, ["10s", "60s"]),
            "scale-to-zero-pod-retention-period": (0.3, ["0s", "20s", "5m"]),
            "stable-window": (0.3, ["6s", "5m"]),
            "initial-scale": (0.3, [1, 2, 3]),
            "allow-zero-initial-scale": (0.3, ["true"]),
            "target-burst-capacity": (0.3, [-1, 0, 200]),
        },
    )
    own = some(
        random,
        {
            "min-scale": (0.4, [0, 1, 2, 3]),
            "max-scale": (0.4, [0, 3, 4, 10]),
            "initial-scale": (0.3, [0, 1, 2, 5]),
            "window": (0.3, ["6s", "60s", "5m"]),
            "scale-to-zero-pod-retention-period": (0.3, ["0s", "10s", "5m"]),
            "target-burst-capacity": (0.3, [-1, 0, 200]),
        },
    )
    annotations = {f"autoscaling.knative.dev/{key}": value for key, value in own.items()}
    if random.random() < 0.3:
        annotations["serving.knative.dev/progress-deadline"] = random.choice(("30s", "20m"))
    activity = random.choice(list(Activity))
    return Case(
        Settings(cluster, annotations, 0, random.random() < 0.8),
        activity,
        random.choice(REASONS[activity]),
        age(random),
        random.random() < 0.7,
        random.choice((-1, 0, 0, 0, 1, 2, 5, 20)),
        random.choice((0, 1, 2, 3, 5)),
        random.choice((0, 1, 2, 5)),
        random.random() < 0.6,
        age(random) if random.random() < 0.7 else None,
        random.random() < 0.8,
    )


def answered(case: Case, now_s: float) -> dict[str, Any]:
    """What the model says, in the twin's words."""
    said = case.settings
    settings = settings_of(said.cluster, said.annotations, 0, said.reachable)
    status = Status(case.activity, case.reason, now_s - case.age_s, case.initialized)
    proxy_since_s = None if case.proxy_age_s is None else now_s - case.proxy_age_s
    seen = Seen(
        case.desired,
        0,
        case.ready,
        case.replicas,
        case.proxy,
        proxy_since_s,
        case.activator_answers,
    )
    want = scale(settings, status, seen, now_s)
    after = updated(settings, status, want.pods, case.ready, now_s)
    again_s = None if want.again_at_s is None else want.again_at_s - now_s
    return {
        "Pods": want.pods,
        "Replicas": want.pods if want.apply else case.replicas,
        "AgainInS": again_s,
        "Activity": CONDITION[after.activity],
        "Reason": after.reason,
        "Changed": after.since_s != status.since_s,
        "Initialized": after.initialized,
    }


def test_a_look_at_a_revision_does_what_knatives_controller_does(ask: Ask) -> None:
    random, now_s = Random(SEED), float(int(time.time()))
    cases = [case(random) for _ in range(LOOKS)]
    answers = ask([case.question() for case in cases])
    for looked_at, theirs in zip(cases, answers, strict=True):
        ours = answered(looked_at, now_s)
        again_s, waits = ours.pop("AgainInS"), theirs.pop("AgainInS") or []
        assert ours == theirs, looked_at
        if again_s == PROBE_REVISIT_S and not waits:
            assert not looked_at.activator_answers
        else:
            assert ([again_s] if again_s is not None else []) == pytest.approx(waits, abs=0.4)
