"""Policies in the simulator: who waits, and what it costs."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pilotlight.api.warmpool import Prices, Schedule, WarmPoolPolicy
from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.ours import Ours
from pilotlight_autoscaler.simulation.outcome import Outcome
from pilotlight_autoscaler.simulation.policies import ByClock, Clairvoyant, Fixed, KeepAlive
from pilotlight_autoscaler.simulation.policy import FloorPolicy, Seen, Wish
from pilotlight_autoscaler.simulation.run import simulate
from pilotlight_autoscaler.simulation.service import ServiceModel

SERVICE = ServiceModel(45.0)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
NINE = Schedule(timezone="UTC", start="0 9 * * *", end="0 10 * * *", desired_replicas=1)


def run(times: Floats, policy: FloorPolicy, **knative: float) -> Outcome:
    settings = KpaSettings(**knative)  # type: ignore[arg-type]
    return simulate(times, np.full(len(times), 3.0), SERVICE, settings, policy)


def sparse(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return MONDAY + np.cumsum(10 ** rng.uniform(0, 4, 150))


@pytest.mark.parametrize("seed", range(3))
def test_whoever_knows_the_future_lets_nobody_wait_and_is_cheapest_at_that(seed: int) -> None:
    times = sparse(seed)
    knowing = run(times, Clairvoyant(Load(times, np.full(len(times), 3.0)), SERVICE))
    always = run(times, Fixed(1))
    assert (knowing.affected, always.affected) == (0, 0)
    assert knowing.idle_s(60) < 0.2 * always.idle_s(60)
    lengths = knowing.gap_end_s - knowing.gap_start_s
    # Knative itself lets go of a replica after a minute; a start and a little are what remains.
    assert knowing.idle_s(60) < np.minimum(lengths, 47.0)[lengths > 60].sum() + 5 * len(lengths)


@pytest.mark.parametrize("seed", range(3))
def test_the_longer_a_replica_is_kept_the_fewer_wait(seed: int) -> None:
    times = sparse(seed)
    kept = [run(times, KeepAlive(seconds)) for seconds in (0.0, 300.0, 1800.0, 7200.0)]
    assert [one.affected for one in kept] == sorted((one.affected for one in kept), reverse=True)
    assert [one.idle_s() for one in kept] == sorted(one.idle_s() for one in kept)


@pytest.mark.parametrize("seed", range(3))
def test_knatives_retention_is_a_keep_alive_that_begins_with_its_window(seed: int) -> None:
    times = sparse(seed)
    floor = run(times, KeepAlive(1800.0))
    own = run(times, Fixed(0), scale_to_zero_pod_retention_period_s=1800.0 - 63.0)
    assert own.wakes == pytest.approx(floor.wakes, abs=2)
    assert own.ready_s == pytest.approx(floor.ready_s, rel=0.02)


def test_a_schedule_has_a_replica_ready_at_its_hour() -> None:
    times = np.array([MONDAY + 8 * 3600.0, MONDAY + 9 * 3600.0 + 1.0, MONDAY + 12 * 3600.0])
    outcome = run(times, ByClock((NINE,), 45.0))
    assert outcome.affected_s.tolist() == [times[0], times[2]]


def test_the_controllers_own_policy_meets_a_schedule_and_sleeps_after_it() -> None:
    spec = WarmPoolPolicy(schedules=(NINE,), forecast=False)
    times = np.array([MONDAY + 7 * 3600.0, MONDAY + 9 * 3600.0 + 1.0, MONDAY + 12 * 3600.0])
    policy = Ours(spec, SERVICE)
    outcome = run(times, policy)
    assert outcome.affected_s.tolist() == [times[0], times[2]]
    assert policy.reasons == {"schedule": 1}


def test_the_controllers_own_policy_keeps_a_replica_where_that_costs_less_than_a_wake() -> None:
    spec = WarmPoolPolicy(prices=Prices(replica_hour=1.0, cold_start=0.25))
    close, far = every(600.0), every(7200.0)
    assert run(close, Ours(spec, SERVICE)).affected_s.tolist() == [MONDAY]
    assert run(far, Ours(spec, SERVICE)).affected == 12


def every(seconds: float) -> Floats:
    return np.array([MONDAY + seconds * number for number in range(12)])


def test_nothing_later_than_the_moment_is_seen() -> None:
    times = sparse(0)

    class Nosy:
        def look(self, now_s: float, seen: Seen) -> Wish:
            demand = seen.past.demand(times[0] - 100.0, 60.0)
            assert demand.end_s <= now_s
            assert demand.arrivals.sum() <= np.sum(times <= now_s) == seen.past.arrivals()
            assert sum(seen.past.gaps(1000)) <= now_s - times[0] + 1e-6 or now_s < times[0]
            return Wish(0, now_s + 977.0)

    assert run(times, Nosy()).requests == len(times)
