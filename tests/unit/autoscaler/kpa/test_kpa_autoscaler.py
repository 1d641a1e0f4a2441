"""How many pods Knative wants, rule by rule."""

from dataclasses import dataclass, field

import pytest

from pilotlight_autoscaler.kpa.autoscaler import (
    Autoscaler,
    initial_excess_burst_capacity,
)
from pilotlight_autoscaler.kpa.settings import KpaSettings

TEN = KpaSettings(target=10.0, target_utilization_percentage=100.0, target_burst_capacity=0.0)


@dataclass
class Load:
    """Figures of a what-if."""

    stable: float = 0.0
    panic: float = 0.0
    known: bool = field(default=True)

    def stable_and_panic(self, now_s: float) -> tuple[float, float] | None:
        return (self.stable, self.panic) if self.known else None


def _both(load: float) -> Load:
    return Load(load, load)


def _desired(settings: KpaSettings, ready: int, load: Load) -> int:
    return Autoscaler(settings, 0.0, 0).scale(2.0, ready, load).desired


def test_pods_are_the_load_over_the_target_rounded_up() -> None:
    assert _desired(TEN, 3, _both(30.0)) == 3
    assert _desired(TEN, 3, _both(30.000001)) == 4


def test_without_data_nothing_may_be_applied() -> None:
    scale = Autoscaler(TEN, 0.0, 0).scale(2.0, 1, Load(known=False))
    assert not scale.valid


def test_scale_up_is_limited_relative_to_ready_pods_and_rounded_up() -> None:
    slow = KpaSettings(target=1.0, target_utilization_percentage=100.0, max_scale_up_rate=1.1)
    assert _desired(slow, 2, _both(100.0)) == 3
    assert _desired(slow, 10, _both(100.0)) == 11


def test_without_ready_pods_rates_are_relative_to_one() -> None:
    slow = KpaSettings(target=1.0, target_utilization_percentage=100.0, max_scale_up_rate=5.0)
    assert _desired(slow, 0, _both(100.0)) == 5


def test_scale_down_is_limited_relative_to_ready_pods_and_rounded_down() -> None:
    assert _desired(TEN, 7, _both(0.0)) == 3
    assert _desired(TEN, 1, _both(0.0)) == 0


def test_an_unreachable_revision_scales_down_without_limit() -> None:
    unreachable = KpaSettings(reachable=False)
    assert _desired(unreachable, 7, _both(0.0)) == 0


def test_activation_scale_is_wanted_as_soon_as_any_pod_is() -> None:
    three = KpaSettings(target=10.0, activation_scale=3)
    assert _desired(three, 0, _both(1.0)) == 3
    assert _desired(three, 1, _both(0.0)) == 0


def test_activation_scale_does_not_hold_a_greater_wish_back() -> None:
    three = KpaSettings(target=10.0, target_utilization_percentage=100.0, activation_scale=3)
    assert _desired(three, 1, _both(80.0)) == 8


def test_panic_begins_when_the_panic_window_needs_twice_the_ready_pods() -> None:
    calm = Autoscaler(TEN, 0.0, 0).scale(2.0, 2, Load(10.0, 30.0))
    assert (calm.panicking, calm.desired) == (False, 1)
    panic = Autoscaler(TEN, 0.0, 0).scale(2.0, 2, Load(10.0, 40.0))
    assert (panic.panicking, panic.desired) == (True, 4)


def test_in_panic_the_greater_of_both_windows_counts() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 0)
    autoscaler.scale(2.0, 1, Load(0.0, 20.0))
    assert autoscaler.scale(4.0, 1, Load(70.0, 20.0)).desired == 7


def test_in_panic_pods_never_become_fewer() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 0)
    autoscaler.scale(2.0, 1, _both(80.0))
    assert autoscaler.scale(4.0, 8, _both(0.0)).desired == 8


def test_panic_ends_a_stable_window_after_the_threshold_was_last_reached() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 0)
    autoscaler.scale(2.0, 1, _both(80.0))
    autoscaler.scale(10.0, 1, _both(20.0))
    assert autoscaler.scale(70.0, 8, _both(0.0)).panicking
    calm = autoscaler.scale(70.001, 8, _both(0.0))
    assert (calm.panicking, calm.desired) == (False, 4)


def test_pods_of_an_earlier_panic_do_not_count_in_the_next() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 0)
    autoscaler.scale(2.0, 1, _both(80.0))
    autoscaler.scale(64.0, 1, _both(0.0))
    assert autoscaler.scale(66.0, 1, _both(20.0)).desired == 2


def test_a_restart_with_several_ready_pods_begins_in_panic_and_keeps_them() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 5)
    scale = autoscaler.scale(2.0, 5, _both(0.0))
    assert (scale.panicking, scale.desired) == (True, 5)
    assert autoscaler.scale(60.5, 5, _both(0.0)).desired == 2


def test_a_restart_with_one_ready_pod_is_calm() -> None:
    scale = Autoscaler(TEN, 0.0, 1).scale(2.0, 1, _both(0.0))
    assert (scale.panicking, scale.desired) == (False, 0)


def test_panic_without_data_goes_on() -> None:
    assert Autoscaler(TEN, 0.0, 5).scale(2.0, 5, Load(known=False)).panicking


def test_scale_down_delay_keeps_the_greatest_wish_of_its_time() -> None:
    delayed = Autoscaler(KpaSettings(target=10.0, scale_down_delay_s=10.0), 0.0, 0)
    delayed.scale(100.0, 3, _both(20.0))
    assert delayed.scale(108.0, 3, _both(0.0)).desired == 3
    assert delayed.scale(110.0, 3, _both(0.0)).desired == 1


def test_scale_down_delay_does_not_hold_for_an_unreachable_revision() -> None:
    settings = KpaSettings(target=10.0, scale_down_delay_s=10.0, reachable=False)
    delayed = Autoscaler(settings, 0.0, 0)
    delayed.scale(100.0, 3, _both(20.0))
    assert delayed.scale(102.0, 3, _both(0.0)).desired == 0


def test_other_settings_count_at_the_next_look_but_for_the_delay() -> None:
    autoscaler = Autoscaler(TEN, 0.0, 0)
    autoscaler.scale(100.0, 3, _both(30.0))
    autoscaler.update(
        KpaSettings(target=1.0, target_utilization_percentage=100.0, scale_down_delay_s=60.0)
    )
    assert autoscaler.scale(102.0, 6, _both(5.0)).desired == 5
    assert autoscaler.scale(104.0, 6, _both(3.0)).desired == 3


@pytest.mark.parametrize(
    ("burst", "ready", "panic", "excess"),
    [(0.0, 5, 100.0, 0), (-1.0, 5, 0.0, -1), (200.0, 30, 50.5, 49), (200.0, 2, 0.0, -180)],
)
def test_excess_burst_capacity_is_what_ready_pods_take_beyond_the_load_and_the_burst(
    burst: float, ready: int, panic: float, excess: int
) -> None:
    settings = KpaSettings(target=10.0, target_burst_capacity=burst)
    scale = Autoscaler(settings, 0.0, 0).scale(2.0, ready, Load(0.0, panic))
    assert scale.excess_burst_capacity == excess


@pytest.mark.parametrize(("burst", "excess"), [(0.0, 0), (-1.0, -1), (211.0, -201), (5.5, 4)])
def test_before_the_first_look_the_initial_scale_is_taken_as_ready(
    burst: float, excess: int
) -> None:
    settings = KpaSettings(target=10.0, target_burst_capacity=burst)
    assert initial_excess_burst_capacity(settings) == excess
