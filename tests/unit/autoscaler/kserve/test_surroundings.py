"""What the warm pools of a namespace see, and what of it outlives the process."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest

from pilotlight.api.warmpool import WarmPool
from pilotlight.clock import SimulatedClock
from pilotlight.errors import MetricsUnavailable
from pilotlight.kube.cluster import Cluster
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.kserve.observe import Observer
from pilotlight_autoscaler.kserve.surroundings import Surroundings
from pilotlight_autoscaler.metrics.figures import Figures
from pilotlight_autoscaler.metrics.sources import Sources
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.subject import Subject
from pilotlight_autoscaler.observation import Sample, Signals
from tests.unit.autoscaler.kserve import objects as o
from tests.unit.autoscaler.kserve.kept import Kept

NOW = 1_800_000_000.0
FIRST = "chat-predictor-00001"


class Past:
    """A Prometheus that remembers a day, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    def demand(self, subject: Subject, start_s: float, end_s: float) -> Demand:
        self.asked += 1
        if self.fails:
            raise MetricsUnavailable("no answer")
        busy = np.tile(np.array([1.0, 0.0, 0.0]), 480)
        return Demand(NOW - 86400, 60.0, busy, busy, np.ones(1440, np.bool_))

    def cold_start_s(self, subject: Subject, now_s: float, seconds: int) -> float:
        return 48.0


class Told:
    """A source of figures, and of where they come from."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.concurrency: float | None = 1.0
        self.reads: list[tuple[str, list[str]]] = []
        self.remembered = Past()
        self._at = ""

    def address(self, pool: WarmPool) -> str:
        return pool.spec.metrics_server or ""

    def at(self, address: str) -> "Told":
        self._at = address
        return self

    def past(self, address: str) -> Past | None:
        return self.remembered if address else None

    def read(self, subjects: Sequence[Subject]) -> Mapping[str, Figures]:
        self.reads.append((self._at, [subject.service for subject in subjects]))
        now = None if self.concurrency is None else Sample(self.concurrency)
        return {
            subject.service: Figures(at=self._clock.time(), signals=Signals(now))
            for subject in subjects
        }


class World:
    """One service, and whoever looks."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(NOW)
        self.kept = Kept(o.service(), o.revision(FIRST), o.route({FIRST: 100}), o.pod("a"))
        self.told = Told(self.clock)
        self.begin()

    def begin(self) -> None:
        """A controller starts."""
        cluster = cast("Cluster", self.kept)
        self.surroundings = Surroundings(
            Observer(cluster, self.clock),
            cast("Sources", self.told),
            TraceStore(cluster),
            self.clock,
        )

    def look(self, *pools: WarmPool) -> Any:
        return self.surroundings.look("team", pools)


@pytest.fixture
def world() -> World:
    return World()


def pool(name: str = "pool", service: str = "chat", prometheus: str | None = None) -> WarmPool:
    spec = {"targetRef": {"name": service}, "metricsServer": prometheus}
    metadata = {"name": name, "namespace": "team", "uid": name}
    return WarmPool.model_validate({"metadata": metadata, "spec": spec})


def test_a_look_sees_the_service_and_its_load(world: World) -> None:
    found = world.look(pool())["pool"]
    assert found.service.revisions[0].name == FIRST
    assert found.signals.concurrency == Sample(1.0)
    assert (found.recent.concurrency, found.recent_age_s) == (1.0, 0.0)
    assert found.gpus_per_replica == 2


def test_a_service_that_is_not_there_is_none_and_nobody_asks_for_its_figures(world: World) -> None:
    assert world.look(pool(service="gone"))["pool"].service is None
    assert world.told.reads == []


def test_pools_of_one_service_and_source_ask_once(world: World) -> None:
    found = world.look(pool("a"), pool("b"), pool("c", prometheus="http://p"))
    assert len(found) == 3
    assert sorted(world.told.reads) == [("", ["chat"]), ("http://p", ["chat"])]


def test_who_is_blind_says_for_how_long(world: World) -> None:
    world.look(pool())
    world.told.concurrency = None
    world.clock.advance(60)
    assert world.look(pool())["pool"].recent_age_s == 60
    world.clock.advance(60)
    found = world.look(pool())["pool"]
    assert (found.recent, found.recent_age_s) == (None, 120)


def test_a_restart_goes_on_where_it_was(world: World) -> None:
    world.look(pool())
    world.told.concurrency = 0.0
    for _ in range(2):
        world.clock.advance(10)
        before = world.look(pool())["pool"].recent
    world.surroundings.save([pool()])
    world.begin()
    world.clock.advance(30)
    assert world.look(pool())["pool"].recent.idle_since_s == before.idle_since_s == NOW + 5


def test_what_was_seen_is_kept_every_ten_minutes_and_not_at_every_look(world: World) -> None:
    for _ in range(61):
        world.look(pool())
        world.clock.advance(60)
    assert 6 <= world.kept.written.count("pool-history") <= 7


def test_a_new_pool_begins_with_what_prometheus_remembers(world: World) -> None:
    own = pool(prometheus="http://p")
    found = world.look(own)["pool"]
    assert found.cold_start_s == 48.0
    assert set(found.recent.gaps_s) == {120.0}
    demand = world.surroundings.trace(own).history.demand()
    assert demand.arrivals.sum() == 480
    world.look(own)
    assert world.told.remembered.asked == 1


def test_a_restart_does_not_ask_for_every_past_at_once(world: World) -> None:
    pools = [pool(name, prometheus="http://p") for name in "abc"]
    world.look(*pools)
    assert world.told.remembered.asked == 1
    world.look(*pools)
    assert world.told.remembered.asked == 2


def test_a_past_that_cannot_be_had_is_asked_for_later(world: World) -> None:
    own = pool(prometheus="http://p")
    world.told.remembered.fails = True
    assert world.look(own)["pool"].recent is not None
    world.told.remembered.fails = False
    world.clock.advance(60)
    world.look(own)
    assert world.told.remembered.asked == 1
    world.clock.advance(600)
    world.look(own)
    assert world.surroundings.trace(own).history.demand().arrivals.sum() >= 480


def test_a_pool_that_turns_to_another_service_begins_anew(world: World) -> None:
    world.look(pool())
    other = o.service()
    other["metadata"]["name"] = "other"
    world.kept.documents["InferenceService", "other"] = other
    world.told.concurrency = 0.0
    found = world.look(pool(service="other"))["pool"]
    assert found.recent.idle_since_s is None
    assert found.counted.requests == 0


def test_a_history_that_cannot_be_kept_stops_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.kept.forbidden.add("pool-history")
    world.look(pool())
    world.clock.advance(700)
    assert world.look(pool())["pool"].service is not None
    assert "no history is kept" in caplog.text
    assert "was not kept" in caplog.text
