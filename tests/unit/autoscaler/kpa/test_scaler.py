"""Bounds, and the way to zero."""

from dataclasses import replace

import pytest

from pilotlight_autoscaler.kpa.decider import UNKNOWN
from pilotlight_autoscaler.kpa.scaler import Seen, Want, scale, within
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Activity, Status, updated

DEFAULT = KpaSettings()
ACTIVE = Status(Activity.ACTIVE, "", 100.0, initialized=True)
INACTIVE = Status(Activity.INACTIVE, "NoTraffic", 100.0, initialized=True)
ACTIVATING = Status(Activity.ACTIVATING, "Queued", 100.0)
IDLE = Seen(desired=0, excess_burst_capacity=-1, ready_pods=1, replicas=1, proxy_since_s=0.0)


@pytest.mark.parametrize(
    ("least", "most", "pods", "bounded"),
    [(0, 0, 50, 50), (2, 0, 1, 2), (0, 3, 5, 3), (2, 3, 0, 2), (2, 3, 3, 3)],
)
def test_a_wish_is_moved_into_its_bounds(least: int, most: int, pods: int, bounded: int) -> None:
    assert within(least, most, pods) == bounded


def test_an_unreachable_revision_has_no_floor() -> None:
    floored = KpaSettings(min_scale=2)
    assert scale(floored, ACTIVE, IDLE, 110.0) == Want(2, apply=True)
    assert scale(replace(floored, reachable=False), INACTIVE, IDLE, 200.0) == Want(0, apply=True)


def test_a_new_revision_gets_its_initial_scale_until_it_was_reached() -> None:
    three = KpaSettings(initial_scale=3)
    new = replace(ACTIVATING, initialized=False)
    assert scale(three, new, replace(IDLE, desired=1), 101.0).pods == 3
    assert scale(three, replace(new, initialized=True), replace(IDLE, desired=1), 101.0).pods == 1
    unreachable = replace(three, reachable=False)
    assert scale(unreachable, new, replace(IDLE, desired=1), 101.0).pods == 1


def test_without_data_a_revision_stays_as_it_is() -> None:
    unknown = replace(IDLE, desired=UNKNOWN)
    assert scale(DEFAULT, ACTIVE, unknown, 110.0) == Want(UNKNOWN, apply=False)
    assert scale(KpaSettings(min_scale=2), INACTIVE, unknown, 110.0) == Want(UNKNOWN, apply=False)


def test_a_floor_is_reached_without_data_while_the_revision_starts() -> None:
    unknown = replace(IDLE, desired=UNKNOWN)
    assert scale(KpaSettings(min_scale=2), ACTIVATING, unknown, 101.0) == Want(2, apply=True)


def test_with_scale_to_zero_switched_off_one_pod_stays() -> None:
    assert scale(KpaSettings(enable_scale_to_zero=False), INACTIVE, IDLE, 1e6) == Want(
        1, apply=True
    )


def test_a_start_is_given_up_half_a_minute_after_the_progress_deadline() -> None:
    assert scale(DEFAULT, ACTIVATING, IDLE, 730.0) == Want(UNKNOWN, False, again_at_s=1360.0)
    assert scale(DEFAULT, ACTIVATING, IDLE, 730.1) == Want(0, apply=True)


def test_an_active_revision_keeps_one_pod_until_a_stable_window_has_passed() -> None:
    assert scale(DEFAULT, ACTIVE, IDLE, 159.9) == Want(1, apply=True, again_at_s=160.0)
    assert scale(DEFAULT, ACTIVE, IDLE, 160.0) == Want(0, apply=False, again_at_s=163.0)
    serving = replace(IDLE, proxy=False, proxy_since_s=None)
    assert scale(DEFAULT, ACTIVE, serving, 160.0) == Want(0, apply=False, again_at_s=None)


def test_the_last_pod_waits_until_the_activator_was_in_the_way_for_the_grace_period() -> None:
    fresh = replace(IDLE, proxy_since_s=95.0)
    assert scale(DEFAULT, INACTIVE, fresh, 120.0) == Want(0, apply=False, again_at_s=125.0)
    assert scale(DEFAULT, INACTIVE, fresh, 125.0) == Want(0, apply=True)


def test_the_last_pod_goes_at_once_if_the_activator_always_was_in_the_way() -> None:
    assert scale(DEFAULT, INACTIVE, IDLE, 100.5) == Want(0, apply=True)


def test_the_last_pod_goes_after_the_grace_period_of_inactivity_at_the_latest() -> None:
    elsewhere = replace(IDLE, proxy_since_s=None)
    assert scale(DEFAULT, INACTIVE, elsewhere, 129.0) == Want(0, apply=False, again_at_s=159.0)
    assert scale(DEFAULT, INACTIVE, elsewhere, 130.0) == Want(0, apply=True)


def test_retention_keeps_the_last_pod_whatever_the_activator_does() -> None:
    kept = KpaSettings(scale_to_zero_pod_retention_period_s=300.0)
    assert scale(kept, INACTIVE, IDLE, 399.0) == Want(0, apply=False, again_at_s=400.0)
    assert scale(kept, INACTIVE, IDLE, 400.0) == Want(0, apply=True)


def test_retention_shorter_than_the_grace_period_ends_with_it() -> None:
    short = KpaSettings(scale_to_zero_pod_retention_period_s=10.0)
    fresh = replace(IDLE, proxy_since_s=95.0)
    assert scale(short, INACTIVE, fresh, 109.0).again_at_s == 110.0
    assert scale(short, INACTIVE, fresh, 110.0).again_at_s == 125.0


def test_an_unreachable_revision_has_no_retention() -> None:
    kept = KpaSettings(scale_to_zero_pod_retention_period_s=300.0, reachable=False)
    assert scale(kept, INACTIVE, IDLE, 101.0) == Want(0, apply=True)


def test_while_the_network_does_not_lead_to_the_activator_the_last_pod_stays() -> None:
    elsewhere = replace(IDLE, activator_answers=False)
    assert scale(DEFAULT, INACTIVE, elsewhere, 500.0) == Want(0, apply=False, again_at_s=502.0)
    always = KpaSettings(target_burst_capacity=-1.0)
    assert scale(always, INACTIVE, elsewhere, 500.0) == Want(0, apply=True)


@pytest.mark.parametrize(
    ("want", "ready", "before", "after"),
    [
        (0, 1, ACTIVE, Activity.INACTIVE),
        (0, 0, ACTIVATING, Activity.INACTIVE),
        (1, 0, INACTIVE, Activity.ACTIVATING),
        (1, 1, INACTIVE, Activity.ACTIVE),
        (1, 0, ACTIVE, Activity.ACTIVATING),
        (UNKNOWN, 0, INACTIVE, Activity.INACTIVE),
        (UNKNOWN, 0, ACTIVE, Activity.ACTIVATING),
        (UNKNOWN, 1, INACTIVE, Activity.INACTIVE),
        (UNKNOWN, 1, ACTIVATING, Activity.ACTIVE),
        (UNKNOWN, 1, ACTIVE, Activity.ACTIVE),
    ],
)
def test_a_revision_is_active_with_a_wish_and_enough_ready_pods(
    want: int, ready: int, before: Status, after: Activity
) -> None:
    assert updated(DEFAULT, before, want, ready, 200.0).activity is after


def test_a_revision_needs_its_floor_to_be_active() -> None:
    two = KpaSettings(min_scale=2)
    assert updated(two, ACTIVE, 2, 1, 200.0).activity is Activity.ACTIVATING
    assert updated(two, ACTIVE, 2, 2, 200.0).activity is Activity.ACTIVE


def test_a_new_revision_needs_its_initial_scale_to_be_active() -> None:
    three = KpaSettings(initial_scale=3)
    assert updated(three, ACTIVATING, 3, 2, 200.0).activity is Activity.ACTIVATING
    started = updated(three, ACTIVATING, 3, 3, 200.0)
    assert (started.activity, started.initialized) == (Activity.ACTIVE, True)
    assert updated(three, started, 1, 1, 300.0).activity is Activity.ACTIVE


def test_a_new_revision_without_initial_pods_sleeps() -> None:
    none = KpaSettings(initial_scale=0)
    status = updated(none, Status.new(200.7), UNKNOWN, 0, 200.7)
    assert (status.activity, status.initialized) == (Activity.INACTIVE, True)


def test_the_time_of_a_change_is_kept_in_whole_seconds_and_only_a_change_moves_it() -> None:
    changed = updated(DEFAULT, ACTIVE, 0, 1, 200.7)
    assert changed.since_s == 200.0
    assert updated(DEFAULT, changed, 0, 1, 300.0) == changed


def test_a_start_that_failed_counts_its_inactivity_from_the_next_look() -> None:
    failed = updated(DEFAULT, ACTIVATING, 0, 0, 800.0)
    assert (failed.activity, failed.reason) == (Activity.INACTIVE, "TimedOut")
    assert updated(DEFAULT, failed, 0, 0, 805.0).since_s == 805.0
