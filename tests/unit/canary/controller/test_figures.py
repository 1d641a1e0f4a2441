"""When counters are read, and what the readings are compared with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.rollout_status import Yardsticks
from pilotlight.errors import MetricsUnavailable
from pilotlight_canary.controller.figures import Figures
from pilotlight_canary.metrics.snapshot import Instance, Look, Reading, Snapshot
from pilotlight_canary.metrics.source import Target
from pilotlight_canary.observation import Interval, Observation, Service, Silence
from tests.unit.canary.controller.rollouts import rollout

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SERVICE = Service("llm", "models", "2", "1", True, "Knative", {}, {})
SEEN = Observation(SERVICE)


class Source:
    """Answers at the time that the test says."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.at = NOW
        self.fails = False

    def read(self, target: Target) -> Snapshot:
        if self.fails:
            raise MetricsUnavailable("Prometheus does not answer")
        self.targets.append(target)
        at = self.at.timestamp()
        count = (at - NOW.timestamp()) * 10
        readings = {
            Instance(revision, "pod"): Reading(at, {("arrivals", "256"): count})
            for revision in (target.stable, target.canary)
        }
        return Snapshot(at, target.stable, target.canary, Look(readings))

    def yardsticks(self, target: Target) -> Yardsticks:
        return Yardsticks(note="none")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def figures(source: Source) -> Figures:
    return Figures(lambda _: source)


def subject(phase: str = "Progressing", canary: str = "llm-2", **status: Any) -> InferenceRollout:
    known = {"phase": phase, "stableRevision": "llm-1", "canaryRevision": canary}
    return rollout({**known, "weight": 10, **status}, analysis={"interval": "15s"})


def looked(
    figures: Figures, source: Source, seconds: float, of: InferenceRollout
) -> Interval | Silence | None:
    source.at = NOW + timedelta(seconds=seconds)
    return figures.interval(of, SEEN, source.at)


def test_the_first_look_has_no_interval_and_the_next_one_has(
    figures: Figures, source: Source
) -> None:
    assert looked(figures, source, 0, subject()) is None
    second = looked(figures, source, 15, subject())
    assert isinstance(second, Interval)
    assert second.seconds == 15


def test_a_look_between_two_intervals_reads_nothing(figures: Figures, source: Source) -> None:
    looked(figures, source, 0, subject())
    assert looked(figures, source, 5, subject()) is None
    assert len(source.targets) == 1


def test_counting_begins_with_the_step(figures: Figures, source: Source) -> None:
    looked(figures, source, 0, subject())
    began = (NOW + timedelta(seconds=4)).isoformat()
    stepped = subject(stepStartedAt=began)
    assert isinstance(looked(figures, source, 5, stepped), Interval)
    assert looked(figures, source, 15, stepped) is None
    after = looked(figures, source, 20, stepped)
    assert isinstance(after, Interval)
    assert after.seconds == 15


def test_another_canary_is_not_compared_with_the_last_one(figures: Figures, source: Source) -> None:
    looked(figures, source, 0, subject())
    found = looked(figures, source, 15, subject(canary="llm-3"))
    assert not isinstance(found, Interval)


def test_a_source_that_fails_is_a_silence_after_a_while_and_is_asked_again(
    figures: Figures, source: Source
) -> None:
    looked(figures, source, 0, subject())
    assert isinstance(looked(figures, source, 15, subject()), Interval)
    source.fails = True
    assert looked(figures, source, 30, subject()) is None
    found = looked(figures, source, 45, subject())
    assert isinstance(found, Silence)
    assert "Prometheus" in found.reason
    source.fails = False
    again = looked(figures, source, 50, subject())
    assert isinstance(again, Interval)
    assert again.seconds == 35


@pytest.mark.parametrize("phase", ["Idle", "Held", "Warming", "RolledBack"])
def test_while_no_request_can_reach_the_canary_nothing_is_read(
    figures: Figures, source: Source, phase: str
) -> None:
    assert looked(figures, source, 0, subject(phase)) is None
    assert source.targets == []
