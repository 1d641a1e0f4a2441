"""What holds without the controller."""

import pytest

from pilotlight.api.warmpool import Reason
from pilotlight_autoscaler.observation import Revision
from pilotlight_autoscaler.policy.decide import decide_blind
from pilotlight_autoscaler.policy.fail_safe import is_due, safe_floor, safe_floors
from tests.unit.autoscaler.policy.pool import MONDAY, Pool, policy, seen, service

OFFICE = {"timezone": "UTC", "start": "0 8 * * 1-5", "end": "0 19 * * 1-5", "desiredReplicas": 1}


@pytest.mark.parametrize(
    ("fields", "hour", "replicas"),
    [
        ({}, 10, 0),
        ({"schedules": [OFFICE]}, 10, 1),
        ({"schedules": [OFFICE]}, 20, 0),
        ({"schedules": [OFFICE], "minReplicas": 2}, 10, 2),
        ({"failSafe": {"replicas": 2}, "schedules": [OFFICE]}, 10, 2),
        ({"failSafe": {"replicas": 0}, "schedules": [OFFICE]}, 10, 0),
        ({"failSafe": {"replicas": 9}}, 10, 3),
    ],
)
def test_the_safe_floor_needs_nothing_but_the_spec_and_the_time(
    fields: dict[str, object], hour: int, replicas: int
) -> None:
    term = safe_floor(policy(**fields), MONDAY.replace(hour=hour))
    assert (term.reason, term.replicas) == (Reason.FAIL_SAFE, replicas)


@pytest.mark.parametrize(
    ("age_s", "due"), [(None, True), (300.0, False), (301.0, True), (-3600.0, False)]
)
def test_it_acts_when_the_lease_is_older_than_the_ttl(age_s: float | None, due: bool) -> None:
    assert is_due(policy(failSafe={"ttlSeconds": 300}), age_s) is due


def test_each_pool_has_a_ttl_of_its_own_and_a_dry_run_none() -> None:
    pools = {
        "short": policy(failSafe={"ttlSeconds": 60, "replicas": 1}),
        "long": policy(failSafe={"ttlSeconds": 600, "replicas": 1}),
        "dry": policy(failSafe={"ttlSeconds": 60, "replicas": 1}, mode="DryRun"),
    }
    found = safe_floors(pools, 100.0, MONDAY)
    assert {name: term.replicas for name, term in found.items()} == {"short": 1}


@pytest.mark.parametrize("forecast", [True, False])
def test_a_pool_left_alone_falls_to_its_safe_value_at_once(forecast: bool) -> None:
    pool = Pool(policy(minReplicas=0, failSafe={"replicas": 1}, forecast=forecast))
    pool.look(seen(3))
    safe = decide_blind(pool.spec, pool.status, service(), pool.now)
    assert (safe.status.floor, safe.status.reason) == (1, Reason.FAIL_SAFE)
    assert [(one.revision, one.replicas) for one in safe.floors] == [("chat-1", 1)]
    assert "MetricsLost" in [one.reason for one in safe.announcements]
    again = decide_blind(pool.spec, safe.status, service(), pool.now)
    assert again.status == safe.status
    assert not again.urgent


def test_left_alone_it_still_wakes_ahead_of_its_schedule() -> None:
    pool = Pool(policy(schedules=[OFFICE]), MONDAY.replace(hour=7, minute=59, second=24))
    pool.look(seen(0))
    blind = decide_blind(pool.spec, pool.status, service(), pool.now.replace(second=30))
    assert (blind.status.floor, blind.status.reason) == (1, Reason.SCHEDULE)


def test_left_alone_it_lets_go_of_a_service_that_is_gone_and_follows_the_traffic() -> None:
    pool = Pool(policy(failSafe={"replicas": 1}))
    pool.look(seen(1))
    assert decide_blind(pool.spec, pool.status, None, pool.now).floors == ()
    moved = decide_blind(pool.spec, pool.status, service(Revision("chat-2", percent=100)), pool.now)
    assert [one.revision for one in moved.floors] == ["chat-2"]


def test_when_the_controller_is_back_it_goes_on_from_there() -> None:
    pool = Pool(policy(failSafe={"replicas": 1}))
    pool.look(seen(3))
    pool.status = decide_blind(pool.spec, pool.status, service(), pool.now).status
    back = pool.look(seen(2), 60)
    assert (back.status.floor, back.status.reason) == (2, Reason.FORECAST)
    assert back.status.blind_since is None
