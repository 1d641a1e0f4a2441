"""The bill of today."""

from datetime import UTC, datetime

import pytest

from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.observation import Counted, Observation, Revision, Service
from tests.unit.autoscaler.policy.pool import Pool, policy, seen

PRICES = {"replicaHour": 3.6, "coldStart": 1.0}
TWO = Revision("chat-1", percent=100, ready=2)


def _pool(at: str = "2026-03-02T10:00", **fields: object) -> Pool:
    return Pool(policy(prices=PRICES, **fields), datetime.fromisoformat(at).replace(tzinfo=UTC))


def test_idle_replicas_are_charged_by_the_hour() -> None:
    pool = _pool()
    pool.watch(seen(2, TWO), 3600)
    assert pool.status.cost_today == pytest.approx(2 * 3.6)


def test_replicas_that_requests_need_are_not_charged() -> None:
    busy = Recent(concurrency=9.0)
    service = Service("chat", "models", revisions=(TWO,), target_concurrency=8.0)
    pool = _pool()
    pool.watch(Observation(service, recent=busy), 3600)
    assert pool.status.cost_today == 0


def test_a_start_is_charged_like_warm_time() -> None:
    pool = _pool()
    pool.watch(seen(1, Revision("chat-1", percent=100, starting=1)), 600)
    assert pool.status.cost_today == pytest.approx(0.6)


def test_without_prices_the_bill_is_in_replica_hours() -> None:
    pool = Pool(policy())
    pool.watch(seen(2, TWO), 3600)
    assert pool.status.cost_today == pytest.approx(2)


def test_a_day_begins_at_midnight_of_the_schedule() -> None:
    tokyo = {
        "timezone": "Asia/Tokyo", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": 1
    }  # fmt: skip
    pool = _pool("2026-03-02T14:55", schedules=[tokyo])
    pool.look(seen(2, TWO, counted=Counted(10, 1)))
    pool.look(seen(2, TWO, counted=Counted(20, 4)), 299)
    assert (pool.status.warm_requests, pool.status.cold_requests) == (7, 3)
    pool.look(seen(2, TWO, counted=Counted(21, 4)), 11)
    assert (pool.status.warm_requests, pool.status.cold_requests) == (1, 0)
    assert pool.status.cost_today == pytest.approx(2 * 0.001 * 10)


def test_time_that_nobody_watched_is_not_charged() -> None:
    pool = _pool()
    pool.look(seen(2, TWO))
    pool.look(seen(2, TWO), 7200)
    assert pool.status.cost_today == 0


def test_time_that_comes_twice_is_charged_once() -> None:
    pool = _pool()
    pool.look(seen(2, TWO))
    for step_s in (300, -200, 100, 100, 100):
        pool.look(seen(2, TWO), step_s)
    assert pool.status.cost_today == pytest.approx(2 * 0.001 * 400)


def test_what_was_counted_before_the_first_look_was_not_today() -> None:
    pool = _pool()
    pool.look(seen(1, TWO, counted=Counted(5000, 70)))
    pool.look(seen(1, TWO), 15)
    pool.look(seen(1, TWO, counted=Counted(5010, 71)), 15)
    assert (pool.status.warm_requests, pool.status.cold_requests) == (9, 1)


def test_a_counter_that_began_anew_has_counted_from_zero() -> None:
    pool = _pool()
    pool.look(seen(1, TWO, counted=Counted(100, 5)))
    pool.look(seen(1, TWO, counted=Counted(103, 6)), 15)
    pool.look(seen(1, TWO, counted=Counted(4, 1)), 15)
    assert (pool.status.warm_requests, pool.status.cold_requests) == (5, 2)


def test_the_books_alone_are_not_urgent() -> None:
    pool = _pool()
    pool.look(seen(1, TWO, counted=Counted(0, 0)))
    later = pool.look(seen(1, TWO, counted=Counted(50, 0)), 15)
    assert later.status.warm_requests == 50
    assert not later.urgent
