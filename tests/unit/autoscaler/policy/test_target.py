"""At most x % of requests meet a cold start: the price of a wait finds itself."""

from datetime import timedelta

import numpy as np
import pytest

from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.observation import Counted
from pilotlight_autoscaler.policy.prices import UNPRICED
from pilotlight_autoscaler.policy.target import LEAST, MOST, UP
from tests.unit.autoscaler.policy.pool import MONDAY, Pool, policy, seen


def _pool(percent: float) -> Pool:
    return Pool(policy(maxReplicas=1, target={"maxColdPercent": percent}))


def _price(pool: Pool) -> float:
    assert pool.status.shadow_price is not None
    return pool.status.shadow_price.replica_hours


def test_it_begins_where_no_prices_are_given() -> None:
    pool = _pool(5)
    pool.look(seen())
    assert _price(pool) == UNPRICED.cold_start
    assert Pool(policy()).look(seen()).status.shadow_price is None


@pytest.mark.parametrize(("cold", "factor"), [(6, UP), (5, 1.0), (3, 1.0), (1, 1 / 1.2)])
def test_once_an_hour_it_goes_up_while_too_many_wait_and_down_while_few_do(
    cold: int, factor: float
) -> None:
    pool = _pool(5)
    pool.look(seen(counted=Counted(0, 0)))
    pool.look(seen(counted=Counted(100, cold)), 1800)
    assert _price(pool) == UNPRICED.cold_start
    # Half a day's fading over an hour takes as much from both.
    pool.look(seen(counted=Counted(100, cold)), 1800)
    assert _price(pool) == pytest.approx(UNPRICED.cold_start * factor)
    pool.look(seen(counted=Counted(100, cold)), 60)
    assert _price(pool) == pytest.approx(UNPRICED.cold_start * factor)


def test_a_few_requests_say_nothing_about_a_small_share() -> None:
    pool = _pool(1)
    pool.look(seen(counted=Counted(0, 0)))
    for hour in range(1, 20):
        pool.look(seen(counted=Counted(hour, 0)), 3600)
    assert _price(pool) == UNPRICED.cold_start


def test_it_stays_between_a_minute_and_a_week() -> None:
    high, low = _pool(0), _pool(100)
    for hour in range(40):
        high.look(seen(counted=Counted(hour, hour)), 3600)
        low.look(seen(counted=Counted(10 * hour, 0)), 3600)
    assert _price(high) == MOST
    assert _price(low) == LEAST


def test_a_clock_put_back_does_not_stop_it() -> None:
    pool = _pool(5)
    pool.look(seen(counted=Counted(0, 0)))
    pool.look(seen(counted=Counted(10, 9)), -86400)
    pool.look(seen(counted=Counted(10, 9)), 3601)
    assert _price(pool) > UNPRICED.cold_start


@pytest.mark.parametrize("percent", [10.0, 40.0])
def test_steady_traffic_comes_to_its_target(percent: float) -> None:
    """Requests at random, one in half an hour: the rest of the policy is the real one."""
    rng = np.random.default_rng(7)
    pool, requests, cold = _pool(percent), 0, 0
    last_s = MONDAY.timestamp()
    shares = []
    for index, gap_s in enumerate(rng.exponential(1800, 700)):
        arrival_s, warm = last_s + gap_s, True
        while pool.now.timestamp() + 300 < arrival_s:
            pool.now += timedelta(seconds=300)
            recent = Recent(idle_since_s=last_s)
            warm = pool.look(seen(recent=recent, counted=Counted(requests, cold))).status.floor > 0
        requests, cold, last_s = requests + 1, cold + (not warm), arrival_s
        if index >= 300:
            shares.append(not warm)
    assert 100 * np.mean(shares) == pytest.approx(percent, rel=0.5)
    assert 100 * np.mean(shares) <= percent * 1.1
