"""One look's floor: which term decides, when it goes up and down, and what is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pilotlight.announcement import Severity
from pilotlight.api.warmpool import Reason
from pilotlight_autoscaler.demand import Recent
from pilotlight_autoscaler.observation import Observation, Revision
from tests.unit.autoscaler.policy.pool import MONDAY, Pool, policy, seen, service

OFFICE = {"timezone": "UTC", "start": "0 8 * * 1-5", "end": "0 19 * * 1-5", "desiredReplicas": 1}
SPACE = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu"


def test_the_largest_term_is_the_floor_and_names_its_reason() -> None:
    pool = Pool(policy(minReplicas=1, schedules=[OFFICE]))
    pool.look(seen(2))
    assert (pool.status.floor, pool.status.reason) == (2, Reason.FORECAST)
    assert {term.reason: term.replicas for term in pool.status.terms} == {
        Reason.MINIMUM: 1,
        Reason.SCHEDULE: 1,
        Reason.FORECAST: 2,
    }


def test_of_equal_terms_the_schedule_is_named_before_the_minimum() -> None:
    pool = Pool(policy(minReplicas=1, schedules=[OFFICE]))
    pool.look(seen(1))
    assert pool.status.reason is Reason.SCHEDULE


def test_the_ceiling_cuts_and_says_what_was_wanted() -> None:
    pool = Pool(policy(maxReplicas=2))
    pool.look(seen(7))
    assert (pool.status.floor, pool.status.reason) == (2, Reason.CEILING)
    assert pool.status.message == "maxReplicas is 2; wanted are 7: told"


def test_it_goes_up_at_once_and_down_after_the_window() -> None:
    pool = Pool(policy(stabilizationWindowSeconds=60))
    assert pool.look(seen(2)).status.floor == 2
    held = pool.look(seen(0), 10)
    assert held.status.floor == 2
    assert held.status.message == "0 would be enough: goes down when that has lasted 60 s"
    assert pool.look(seen(0), 59).status.floor == 2
    lowered = pool.look(seen(0), 1)
    assert lowered.status.floor == 0
    assert [one.reason for one in lowered.announcements] == ["FloorLowered"]


def test_it_goes_down_no_further_than_to_what_was_needed_in_between() -> None:
    pool = Pool(policy())
    pool.look(seen(3))
    pool.look(seen(0), 10)
    pool.look(seen(2), 20)
    assert pool.look(seen(0), 40).status.floor == 2
    assert pool.look(seen(0), 60).status.floor == 0


def test_need_that_comes_back_cancels_the_way_down() -> None:
    pool = Pool(policy())
    pool.look(seen(2))
    pool.look(seen(0), 50)
    pool.look(seen(2), 50)
    assert pool.look(seen(0), 50).status.floor == 2


def test_nothing_is_let_go_sooner_than_another_would_be_up() -> None:
    pool = Pool(policy(stabilizationWindowSeconds=60))
    slow = {"cold_start_s": 300.0}
    pool.look(seen(1, **slow))
    pool.look(seen(0, **slow), 10)
    assert pool.look(seen(0, **slow), 299).status.floor == 1
    assert pool.look(seen(0, **slow), 1).status.floor == 0


def test_it_looks_again_when_the_window_ends() -> None:
    pool = Pool(policy(stabilizationWindowSeconds=60))
    pool.look(seen(1))
    pool.look(seen(0), 10)
    assert pool.look(seen(0), 52).next_look_s == pytest.approx(8)


def test_a_schedule_is_met_on_the_second() -> None:
    pool = Pool(policy(schedules=[OFFICE]), datetime(2026, 3, 2, 7, tzinfo=UTC))
    decisions = pool.watch(seen(0), 7200)
    raised = next(one.status for one in decisions if one.status.floor)
    assert raised.decided_at == datetime(2026, 3, 2, 7, 59, 25, tzinfo=UTC)


def test_a_schedule_ends_on_time_for_its_end_was_in_sight() -> None:
    pool = Pool(policy(schedules=[OFFICE]), datetime(2026, 3, 2, 18, 50, tzinfo=UTC))
    decisions = pool.watch(seen(0), 1200)
    assert decisions[0].status.floor == 1
    assert decisions[-1].status.floor == 0
    assert decisions[-1].status.decided_at == datetime(2026, 3, 2, 19, tzinfo=UTC)


def test_an_idle_time_ends_at_the_first_look_past_the_break_even() -> None:
    prices = {"replicaHour": 2.0, "coldStart": 0.5}
    pool = Pool(policy(prices=prices, stabilizationWindowSeconds=60))
    pool.watch(seen(recent=Recent(idle_since_s=MONDAY.timestamp())), 1200)
    assert pool.status.floor == 0
    assert pool.status.decided_at is not None
    assert 0 <= (pool.status.decided_at - MONDAY).total_seconds() - 935 <= 15


def test_between_two_windows_that_almost_touch_nothing_is_let_go() -> None:
    lunch = [OFFICE | {"end": "0 12 * * *"}, OFFICE | {"start": "2 12 * * *"}]
    pool = Pool(policy(schedules=lunch), datetime(2026, 3, 2, 11, tzinfo=UTC))
    floors = {one.status.floor for one in pool.watch(seen(0, cold_start_s=90.0), 7200)}
    assert floors == {1}


def test_without_anything_learnt_a_replica_waits_until_the_break_even() -> None:
    pool = Pool(policy(prices={"replicaHour": 2.0, "coldStart": 0.5}, stabilizationWindowSeconds=0))
    idle = Recent(idle_since_s=MONDAY.timestamp())
    # What a wait costs, 15 minutes of a replica, and the start of 30 s with Knative's reaction.
    pool.look(seen(recent=idle), 934)
    assert (pool.status.floor, pool.status.reason) == (1, Reason.KEEP_ALIVE)
    assert pool.status.message == "idle for 16 min, which is under the break-even of 16 min"
    pool.look(seen(recent=idle), 1)
    assert pool.status.floor == 0


def test_a_forecast_that_is_off_is_not_asked() -> None:
    pool = Pool(policy(forecast=False))
    pool.look(seen(2))
    assert pool.status.floor == 0
    assert pool.condition("MetricsAvailable") == "True"


# ---- What is not seen


BLIND = {"recent": None}
SAFE = {"ttlSeconds": 300, "replicas": 1}


def test_what_was_asked_for_holds_while_metrics_are_missing_for_a_moment() -> None:
    pool = Pool(policy(failSafe=SAFE))
    pool.look(seen(2))
    pool.watch(seen(0, **BLIND), 299)
    assert (pool.status.floor, pool.status.reason) == (2, Reason.FORECAST)
    assert pool.condition("MetricsAvailable") == "True"


def test_after_the_ttl_the_safe_value_holds_and_says_so() -> None:
    pool = Pool(policy(failSafe=SAFE))
    pool.look(seen(2))
    decisions = pool.watch(seen(2, **BLIND), 400)
    assert (pool.status.floor, pool.status.reason) == (1, Reason.FAIL_SAFE)
    assert pool.status.message == "failSafe.replicas is 1"
    assert pool.condition("MetricsAvailable") == "False"
    said = [one for decision in decisions for one in decision.announcements]
    assert [(one.reason, one.severity) for one in said] == [
        ("MetricsLost", Severity.WARNING),
        ("FloorLowered", Severity.NORMAL),
    ]


def test_old_metrics_are_no_metrics() -> None:
    pool = Pool(policy(failSafe=SAFE))
    old = seen(3, recent_age_s=301.0)
    pool.look(old)
    assert pool.status.reason is not Reason.FAIL_SAFE
    pool.look(old, 15)
    assert (pool.status.floor, pool.status.reason) == (1, Reason.FAIL_SAFE)


def test_a_clock_that_jumps_for_one_look_makes_nobody_blind() -> None:
    pool = Pool(policy(failSafe=SAFE))
    pool.look(seen(2))
    jumped = pool.look(seen(2, recent_age_s=3600.0), 3600)
    assert jumped.status.reason is Reason.FORECAST
    assert not jumped.announcements
    assert pool.look(seen(2), -3585).status.blind_since is None


def test_a_schedule_still_wakes_whoever_is_blind() -> None:
    pool = Pool(policy(schedules=[OFFICE | {"desiredReplicas": 2}], failSafe=SAFE))
    pool.watch(seen(**BLIND), 400)
    assert (pool.status.floor, pool.status.reason) == (2, Reason.SCHEDULE)


def test_metrics_that_come_back_are_announced_and_used() -> None:
    pool = Pool(policy(failSafe=SAFE))
    pool.watch(seen(**BLIND), 400)
    back = pool.look(seen(3), 15)
    assert (back.status.floor, back.status.reason) == (3, Reason.FORECAST)
    assert [one.reason for one in back.announcements] == ["FloorRaised", "MetricsAvailable"]


# ---- Clocks


def test_a_clock_put_back_neither_raises_nor_lowers() -> None:
    pool = Pool(policy())
    pool.look(seen(2))
    pool.look(seen(1), 10)
    for _ in range(3):
        assert pool.look(seen(1), -1800).status.floor == 2
    assert pool.look(seen(1), 61).status.floor == 1


def test_time_that_nobody_watched_does_not_count_for_the_window() -> None:
    pool = Pool(policy())
    pool.look(seen(2))
    pool.look(seen(0), 10)
    assert pool.look(seen(0), 7200).status.floor == 2
    assert pool.look(seen(0), 61).status.floor == 0


# ---- The target


def test_a_service_that_is_gone_is_let_go_of_and_forgotten() -> None:
    pool = Pool(policy(minReplicas=1))
    pool.look(seen(2))
    gone = pool.look(Observation(service=None), 15)
    assert (gone.status.floor, gone.status.reason) == (0, Reason.NO_TARGET)
    assert gone.floors == ()
    assert [(one.reason, one.severity) for one in gone.announcements] == [
        ("TargetGone", Severity.WARNING)
    ]
    again = pool.look(Observation(service=None), 15)
    assert again.announcements == ()
    assert not again.urgent
    back = pool.look(seen(0), 15)
    assert back.status.floor == 1
    assert "TargetFound" in [one.reason for one in back.announcements]


def test_a_dry_run_says_everything_and_claims_nothing() -> None:
    pool = Pool(policy(mode="DryRun"))
    dry = pool.look(seen(2))
    assert dry.status.floor == 2
    assert dry.floors == ()
    assert [one.reason for one in dry.announcements] == ["FloorRaised"]


def test_warm_pods_without_a_node_keep_their_floor_and_are_told_once() -> None:
    pool = Pool(policy())
    stuck = Revision("chat-1", percent=100, unschedulable=SPACE)
    first = pool.look(seen(2, stuck))
    assert pool.claimed == {"chat-1": 2}
    assert pool.condition("Schedulable") == "False"
    told = [one for one in first.announcements if one.reason == "WarmPodUnschedulable"]
    assert [SPACE in one.message for one in told] == [True]
    assert pool.look(seen(2, stuck), 15).announcements == ()
    free = pool.look(seen(2, replace(stuck, unschedulable="", ready=2)), 15)
    assert [one.reason for one in free.announcements] == ["Schedulable"]
    assert pool.condition("Warm") == "True"


# ---- What changes the status


def test_asked_twice_it_changes_nothing_more() -> None:
    pool = Pool(policy(minReplicas=1))
    first = pool.look(seen(2))
    second = pool.look(seen(2))
    assert second.status == first.status
    assert second.announcements == ()
    assert not second.urgent


def test_a_quiet_day_stores_no_more_than_the_renewals_of_its_claims() -> None:
    pool = Pool(policy())
    decisions = pool.watch(seen(1), 3600)
    assert sum(one.urgent for one in decisions) <= 1 + 3600 // 300


def test_a_claim_ends_by_itself_and_is_renewed_when_half_of_it_is_over() -> None:
    pool = Pool(policy())
    first = pool.look(seen(1)).floors[0]
    assert first.expires_at == pool.now + timedelta(minutes=10)
    assert pool.look(seen(1), 299).floors[0] == first
    assert pool.look(seen(1), 2).floors[0].expires_at == pool.now + timedelta(minutes=10)


def test_what_is_ready_and_what_starts_is_counted_over_the_revisions() -> None:
    one = Revision("chat-1", percent=90, ready=2, starting=1)
    other = Revision("chat-2", percent=10, ready=1)
    front = Revision("front-1", component="transformer", percent=100, ready=1)
    status = Pool(policy()).look(seen(0, one, other, front)).status
    assert (status.warm_replicas, status.starting_replicas) == (3, 1)
    assert service(one).revisions == (one,)
