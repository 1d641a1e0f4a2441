"""The model of Knative's autoscaler against Knative's own code, bit for bit."""

import struct
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from pilotlight_autoscaler.kpa import targets
from pilotlight_autoscaler.kpa.annotations import settings_of
from pilotlight_autoscaler.kpa.autoscaler import Autoscaler, Scale, initial_excess_burst_capacity
from pilotlight_autoscaler.kpa.buckets import decay
from pilotlight_autoscaler.kpa.collector import Collection, Stat
from pilotlight_autoscaler.kpa.instants import nanoseconds
from pilotlight_autoscaler.kpa.settings import Aggregation, KpaSettings
from tests.knative.conftest import Ask
from tests.knative.histories import Change, History, Look, Record, Settings, history

pytestmark = pytest.mark.knative

HISTORIES = 3000
SEED = 20481


def bits(*values: float) -> list[int]:
    return [struct.unpack("<Q", struct.pack("<d", value))[0] for value in values]


def resolved(settings: Settings) -> KpaSettings:
    return settings_of(
        settings.cluster,
        settings.annotations,
        settings.container_concurrency,
        settings.reachable,
    )


def question(life: History) -> dict[str, Any]:
    steps = []
    for step in life.steps:
        asked: dict[str, Any] = {"At": nanoseconds(step.now_s)}
        if isinstance(step, Record):
            asked["Stat"] = step.stat
        elif isinstance(step, Look):
            asked["Ready"] = step.ready
        else:
            asked["Update"] = step.settings.question()
        steps.append(asked)
    return {
        "Autoscaler": {
            "Settings": life.settings.question(),
            "Start": nanoseconds(life.start_s),
            "Ready": life.ready,
            "Steps": steps,
        }
    }


def lived(life: History, seen: Counter[str]) -> dict[str, Any]:
    """What the model says, in the twin's words."""
    settings = resolved(life.settings)
    autoscaler = Autoscaler(settings, life.start_s, life.ready)
    collection = Collection(settings)
    seen["began in panic"] += autoscaler.panicking
    looks, before = [], Scale(panicking=autoscaler.panicking)
    for step in life.steps:
        if isinstance(step, Record):
            collection.record(step.now_s, Stat(*step.stat))
        elif isinstance(step, Change):
            autoscaler.update(resolved(step.settings))
            collection.resize(resolved(step.settings), time.time())
        else:
            scale = autoscaler.scale(step.now_s, step.ready, collection)
            looks.append(_words(scale))
            _count(seen, autoscaler.settings, before, scale)
            before = scale
    target = targets.resolve(settings)
    return {
        "Target": bits(target.aimed_at, target.total),
        "PanicWindow": nanoseconds(settings.panic_window_s),
        "Excess": initial_excess_burst_capacity(settings),
        "Looks": looks or None,
    }


def _words(scale: Scale) -> dict[str, Any]:
    return {
        "Desired": scale.desired,
        "Excess": scale.excess_burst_capacity,
        "Valid": scale.valid,
        "Panicking": scale.panicking,
        "Averages": bits(scale.stable, scale.panic) if scale.valid else None,
    }


def _count(seen: Counter[str], settings: KpaSettings, before: Scale, scale: Scale) -> None:
    """Which rules the histories have met."""
    weighted = settings.aggregation is Aggregation.WEIGHTED
    seen["looks"] += 1
    seen["without data"] += not scale.valid
    seen["panic began"] += scale.panicking and not before.panicking
    seen["panic ended"] += before.panicking and not scale.panicking
    seen["weighted"] += weighted and scale.stable > 0
    seen["activation scale"] += 1 < settings.activation_scale == scale.desired
    seen["delayed"] += settings.scale_down_delay_s > 0 and scale.desired >= before.desired > 0
    seen["behind the activator"] += scale.excess_burst_capacity < -1
    seen["capacity to spare"] += scale.excess_burst_capacity > 0
    seen["huge"] += scale.stable > 1e9
    seen["tiny"] += 0 < scale.stable < 1e-3


@pytest.fixture(scope="module")
def histories() -> list[History]:
    random = Random(SEED)
    return [history(random) for _ in range(HISTORIES)]


def test_desired_pods_panic_and_burst_capacity_are_those_of_knative_bit_for_bit(
    ask: Ask, histories: list[History]
) -> None:
    seen: Counter[str] = Counter()
    answers = ask([question(life) for life in histories])
    for life, theirs in zip(histories, answers, strict=True):
        assert lived(life, seen) == theirs, life
    rare = {rule: times for rule, times in seen.items() if times < 200}
    assert len(seen) == 12
    assert not rare


def test_weights_of_every_window_are_those_of_knative(ask: Ask) -> None:
    """One record of 1 shows the newest bucket's weight."""
    questions, ours = [], []
    for window_s in range(6, 60):
        own = {
            "autoscaling.knative.dev/window": f"{window_s}s",
            "autoscaling.knative.dev/panic-window-percentage": "1",
            "autoscaling.knative.dev/metric-aggregation-algorithm": "weighted-exponential",
        }
        at = 1_700_000_000.0
        steps = (Record(at, (1.0, 0.0, 0.0, 0.0)), Look(at, 1))
        questions.append(question(History(Settings({}, own, 0, True), at, 0, steps)))
        ours.append(bits(decay(window_s), decay(1)))
    answers = ask(questions)
    assert [answer["Looks"][0]["Averages"] for answer in answers] == ours
