"""A revision's life, look by look."""

from pilotlight_autoscaler.kpa.decider import UNKNOWN, Decider
from pilotlight_autoscaler.kpa.pod_autoscaler import PodAutoscaler, Reconciled
from pilotlight_autoscaler.kpa.settings import KpaSettings
from pilotlight_autoscaler.kpa.status import Activity

DEFAULT = KpaSettings()
OFF_PATH = KpaSettings(target_burst_capacity=0.0)


def _decider(desired: int, excess: int = -1) -> Decider:
    decider = Decider(DEFAULT, 0.0, 0)
    decider.desired, decider.excess_burst_capacity = desired, excess
    return decider


def _asleep(settings: KpaSettings = DEFAULT) -> PodAutoscaler:
    """A revision that started at 0 and sleeps since 100."""
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, settings, _decider(1), 1, 1)
    autoscaler.reconcile(100.0, settings, _decider(0), 1, 1)
    return autoscaler


def test_a_new_revision_waits_for_its_first_pod() -> None:
    autoscaler = PodAutoscaler(0.5)
    seen = autoscaler.reconcile(0.5, DEFAULT, _decider(UNKNOWN), 0, 1)
    assert seen == Reconciled(UNKNOWN, 1, 630.5)
    assert autoscaler.status.activity is Activity.ACTIVATING


def test_idle_behind_the_activator_it_goes_to_zero_in_one_go() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, DEFAULT, _decider(1), 1, 1)
    assert autoscaler.reconcile(70.0, DEFAULT, _decider(0), 1, 1).replicas == 0
    assert autoscaler.status.activity is Activity.INACTIVE


def test_idle_with_the_activator_off_the_way_the_last_pod_stays_for_the_grace_period() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, OFF_PATH, _decider(1, excess=0), 1, 1)
    assert not autoscaler.service.through_activator
    seen = autoscaler.reconcile(70.25, OFF_PATH, _decider(0, excess=0), 1, 1)
    assert autoscaler.service.through_activator
    assert seen == Reconciled(0, 1, 100.0)
    assert autoscaler.reconcile(100.0, OFF_PATH, _decider(0, excess=0), 1, 1).replicas == 0


def test_a_request_during_the_grace_period_keeps_the_pod() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, OFF_PATH, _decider(1, excess=0), 1, 1)
    autoscaler.reconcile(70.0, OFF_PATH, _decider(0, excess=0), 1, 1)
    assert autoscaler.reconcile(80.0, OFF_PATH, _decider(1, excess=0), 1, 1).replicas == 1
    assert autoscaler.status.activity is Activity.ACTIVE
    assert not autoscaler.service.through_activator


def test_retention_begins_when_the_revision_becomes_inactive() -> None:
    kept = KpaSettings(scale_to_zero_pod_retention_period_s=300.0)
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, kept, _decider(1), 1, 1)
    assert autoscaler.reconcile(100.0, kept, _decider(0), 1, 1) == Reconciled(0, 1, 400.0)
    assert autoscaler.reconcile(400.0, kept, _decider(0), 1, 1).replicas == 0


def test_a_wake_from_zero_asks_for_pods_and_is_activating_until_one_is_ready() -> None:
    autoscaler = _asleep()
    assert autoscaler.reconcile(200.0, DEFAULT, _decider(1), 0, 0).replicas == 1
    assert autoscaler.status.activity is Activity.ACTIVATING
    autoscaler.reconcile(230.0, DEFAULT, _decider(1), 1, 1)
    assert (autoscaler.status.activity, autoscaler.status.since_s) == (Activity.ACTIVE, 230.0)


def test_a_pod_just_woken_stays_for_a_stable_window_though_nobody_asks() -> None:
    autoscaler = _asleep()
    autoscaler.reconcile(200.0, DEFAULT, _decider(1), 0, 0)
    autoscaler.reconcile(230.0, DEFAULT, _decider(1), 1, 1)
    assert autoscaler.reconcile(262.0, DEFAULT, _decider(0), 1, 1) == Reconciled(1, 1, 290.0)
    assert autoscaler.reconcile(290.0, DEFAULT, _decider(0), 1, 1).replicas == 0


def test_a_floor_wakes_a_revision_that_sleeps() -> None:
    autoscaler = _asleep()
    floored = KpaSettings(min_scale=2)
    assert autoscaler.reconcile(200.0, floored, _decider(0), 0, 0).replicas == 2
    assert autoscaler.status.activity is Activity.ACTIVATING


def test_a_floor_taken_away_lets_an_idle_revision_sleep_after_a_stable_window_of_activity() -> None:
    autoscaler = _asleep()
    floored = KpaSettings(min_scale=1)
    autoscaler.reconcile(200.0, floored, _decider(0), 0, 0)
    autoscaler.reconcile(220.0, floored, _decider(0), 1, 1)
    assert autoscaler.reconcile(230.0, DEFAULT, _decider(0), 1, 1) == Reconciled(1, 1, 280.0)


def test_after_a_restart_without_data_a_sleeping_revision_stays_behind_the_activator() -> None:
    autoscaler = _asleep()
    assert autoscaler.reconcile(200.0, DEFAULT, _decider(UNKNOWN, excess=0), 0, 0).replicas == 0
    assert autoscaler.service.proxy


def test_with_capacity_to_spare_requests_pass_by_the_activator() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, DEFAULT, _decider(3, excess=5), 3, 3)
    assert not autoscaler.service.through_activator
    autoscaler.reconcile(20.5, DEFAULT, _decider(3, excess=-5), 3, 3)
    assert autoscaler.service.proxy_since_s == 20.0


def test_without_ready_pods_requests_pass_the_activator_whatever_the_mode() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(10.0, DEFAULT, _decider(1, excess=5), 1, 1)
    autoscaler.reconcile(20.0, DEFAULT, _decider(1, excess=5), 0, 1)
    assert autoscaler.service.through_activator
    assert not autoscaler.service.proxy


def test_a_start_that_never_succeeds_ends_at_zero() -> None:
    autoscaler = PodAutoscaler(0.0)
    autoscaler.reconcile(0.0, DEFAULT, _decider(UNKNOWN), 0, 1)
    assert autoscaler.reconcile(630.5, DEFAULT, _decider(UNKNOWN), 0, 1).replicas == 0
    assert autoscaler.status.activity is Activity.INACTIVE
