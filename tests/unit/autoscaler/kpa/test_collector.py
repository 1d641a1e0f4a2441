"""From statistics to averages."""

import pytest

from pilotlight_autoscaler.kpa.collector import Collection, Stat, sample_size, scraped
from pilotlight_autoscaler.kpa.settings import KpaSettings, Metric


def test_what_the_activator_counted_is_taken_off() -> None:
    collection = Collection(KpaSettings())
    collection.record(100.2, Stat(concurrency=2.0))
    collection.record(100.9, Stat(concurrency=3.0, proxied_concurrency=2.0))
    assert collection.stable_and_panic(101.0) == (3.0, 3.0)


def test_requests_per_second_are_counted_the_same_way() -> None:
    collection = Collection(KpaSettings(metric=Metric.RPS))
    collection.record(100.0, Stat(concurrency=9.0, requests=7.0, proxied_requests=3.0))
    assert collection.stable_and_panic(100.0) == (4.0, 4.0)


def test_the_panic_window_is_a_tenth_of_the_stable_one() -> None:
    collection = Collection(KpaSettings())
    for second in range(60):
        collection.record(float(second), Stat(concurrency=10.0 if second >= 54 else 0.0))
    assert collection.stable_and_panic(59.0) == (1.0, 10.0)


def test_a_window_without_reports_is_no_data_while_pods_are_scraped() -> None:
    collection = Collection(KpaSettings())
    assert collection.stable_and_panic(0.0) is None
    collection.record(100.0, Stat())
    assert collection.stable_and_panic(160.0) == (0.0, 0.0)
    assert collection.stable_and_panic(161.0) is None


def test_with_the_activator_always_in_the_way_silence_is_idleness() -> None:
    assert Collection(KpaSettings(target_burst_capacity=-1.0)).stable_and_panic(0.0) == (0.0, 0.0)


def test_other_windows_keep_what_was_recorded() -> None:
    collection = Collection(KpaSettings())
    collection.record(100.0, Stat(concurrency=60.0))
    collection.resize(KpaSettings(stable_window_s=120.0), 100.0)
    assert collection.stable_and_panic(100.0) == (1.0, 10.0)


def test_up_to_four_pods_all_are_asked() -> None:
    assert [sample_size(pods) for pods in range(7)] == [0, 1, 2, 3, 4, 4, 5]
    assert sample_size(1000) == 16


def test_a_scrape_of_some_pods_stands_for_all() -> None:
    sample = [Stat(1.0, 0.5, 4.0, 2.0), Stat(3.0, 1.5, 8.0, 4.0)]
    assert scraped(sample, pods=4) == Stat(8.0, 4.0, 24.0, 12.0)


def test_without_ready_pods_nothing_is_recorded() -> None:
    assert scraped([], pods=0) is None


@pytest.mark.parametrize("percentage", [1.0, 10.0, 50.0])
def test_idle_pods_are_data(percentage: float) -> None:
    collection = Collection(KpaSettings(panic_window_percentage=percentage))
    idle = scraped([Stat()], pods=1)
    assert idle is not None
    collection.record(100.0, idle)
    assert collection.stable_and_panic(101.0) is not None
