"""When a revision is looked at."""

from pilotlight_autoscaler.kpa.collector import Collection, Stat
from pilotlight_autoscaler.kpa.decider import UNKNOWN, Decider
from pilotlight_autoscaler.kpa.settings import KpaSettings

ONE = KpaSettings(container_concurrency=1, target_utilization_percentage=100.0)


def test_the_first_tick_comes_two_seconds_after_the_start() -> None:
    assert Decider(ONE, 10.25, 0).first_tick_s == 12.25


def test_the_wish_is_unknown_until_there_is_data() -> None:
    decider = Decider(ONE, 0.0, 0)
    assert not decider.tick(2.0, 0, Collection(ONE))
    assert decider.desired == UNKNOWN


def test_a_report_from_the_activator_at_zero_pokes() -> None:
    decider, collection = Decider(ONE, 0.0, 0), Collection(ONE)
    collection.record(1.0, Stat())
    decider.tick(2.0, 0, collection)
    assert decider.desired == 0
    assert decider.poked_by(Stat(concurrency=1.0))
    assert not decider.poked_by(Stat(concurrency=0.0, requests=1.0))


def test_above_zero_and_before_there_is_data_nothing_pokes() -> None:
    decider, collection = Decider(ONE, 0.0, 0), Collection(ONE)
    assert not decider.poked_by(Stat(concurrency=1.0))
    collection.record(1.0, Stat(concurrency=1.0))
    decider.tick(2.0, 0, collection)
    assert not decider.poked_by(Stat(concurrency=1.0))


def test_a_look_without_data_changes_no_wish() -> None:
    decider, collection = Decider(ONE, 0.0, 0), Collection(ONE)
    collection.record(1.0, Stat(concurrency=2.0))
    decider.tick(2.0, 0, collection)
    assert not decider.tick(100.0, 2, collection)
    assert decider.desired == 2


def test_it_tells_of_another_number_and_of_a_capacity_that_changes_its_sign() -> None:
    settings = KpaSettings(
        container_concurrency=10, target_burst_capacity=15.0, max_scale_down_rate=100.0
    )
    decider, collection = Decider(settings, 0.0, 0), Collection(settings)
    collection.record(1.0, Stat(concurrency=5.0))
    assert decider.tick(2.0, 1, collection)
    assert not decider.tick(2.5, 1, collection)
    assert decider.tick(2.75, 3, collection)
    assert (decider.desired, decider.excess_burst_capacity) == (1, 10)
    assert not decider.tick(2.9, 4, collection)


def test_other_settings_count_at_the_next_look() -> None:
    decider, collection = Decider(ONE, 0.0, 0), Collection(ONE)
    collection.record(1.0, Stat(concurrency=4.0))
    decider.tick(2.0, 4, collection)
    decider.update(KpaSettings(container_concurrency=2, target_utilization_percentage=100.0))
    assert decider.desired == 4
    decider.tick(4.0, 4, collection)
    assert decider.desired == 2
