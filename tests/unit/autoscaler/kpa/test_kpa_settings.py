"""Where settings come from, and what they come to."""

import pytest

from pilotlight.errors import UsageError
from pilotlight_autoscaler.kpa import durations
from pilotlight_autoscaler.kpa.annotations import GROUP, settings_of
from pilotlight_autoscaler.kpa.settings import Aggregation, KpaSettings, Metric
from pilotlight_autoscaler.kpa.targets import Target, resolve


def test_without_anything_the_defaults_of_knative_hold() -> None:
    assert settings_of({}, {}) == KpaSettings()


@pytest.mark.parametrize(
    ("settings", "target"),
    [
        (KpaSettings(), Target(70.0, 100.0)),
        (KpaSettings(container_concurrency=10), Target(7.0, 10.0)),
        (KpaSettings(container_concurrency=10, target=4.0), Target(2.8, 4.0)),
        (KpaSettings(container_concurrency=10, target=40.0), Target(7.0, 10.0)),
        (KpaSettings(target=40.0, target_utilization_percentage=50.0), Target(20.0, 40.0)),
        (KpaSettings(metric=Metric.RPS), Target(140.0, 200.0)),
        (KpaSettings(metric=Metric.RPS, container_concurrency=1, target=5.0), Target(3.5, 5.0)),
        (
            KpaSettings(container_concurrency=1, target_utilization_percentage=0.1),
            Target(0.01, 1.0),
        ),
    ],
)
def test_a_target_is_the_smaller_of_annotation_and_limit_times_the_utilization(
    settings: KpaSettings, target: Target
) -> None:
    assert resolve(settings) == target


@pytest.mark.parametrize(
    ("window_s", "percentage", "panic_s"),
    [
        (60.0, 10.0, 6.0),
        (6.0, 10.0, 1.0),
        (75.0, 10.0, 8.0),
        (74.0, 10.0, 7.0),
        (3600.0, 1.0, 36.0),
    ],
)
def test_the_panic_window_is_rounded_to_seconds_and_at_least_one(
    window_s: float, percentage: float, panic_s: float
) -> None:
    settings = KpaSettings(stable_window_s=window_s, panic_window_percentage=percentage)
    assert settings.panic_window_s == panic_s


def test_what_the_revision_says_goes_before_what_the_cluster_says() -> None:
    cluster = {"stable-window": "90s", "target-burst-capacity": "70", "max-scale-up-rate": "10"}
    own = {GROUP + "window": "2m", GROUP + "min-scale": "2", GROUP + "metric": "rps"}
    settings = settings_of(cluster, own, container_concurrency=4)
    assert settings.stable_window_s == 120.0
    assert settings.target_burst_capacity == 70.0
    assert settings.max_scale_up_rate == 10.0
    assert (settings.min_scale, settings.metric) == (2, Metric.RPS)
    assert settings.container_concurrency == 4


def test_the_older_spelling_counts_after_the_newer_one() -> None:
    assert settings_of({}, {GROUP + "maxScale": "3"}).max_scale == 3
    both = {GROUP + "max-scale": "5", GROUP + "maxScale": "3"}
    assert settings_of({}, both).max_scale == 5
    assert settings_of({}, {GROUP + "activationScale": "3"}).activation_scale == 0
    weighted = {GROUP + "metricAggregationAlgorithm": "weightedExponential"}
    assert settings_of({}, weighted).aggregation is Aggregation.WEIGHTED


@pytest.mark.parametrize("text", ["", "two", "1.5", "99999999999", " 1", "1_0"])
def test_an_annotation_that_cannot_be_read_counts_as_not_given(text: str) -> None:
    assert settings_of({"min-scale": "1"}, {GROUP + "min-scale": text}).min_scale == 1


def test_a_value_of_the_cluster_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(UsageError, match="stable-window"):
        settings_of({"stable-window": "60"}, {})


def test_a_utilization_of_the_cluster_above_one_is_a_percentage() -> None:
    key = "container-concurrency-target-percentage"
    assert settings_of({key: "80"}, {}).container_concurrency_target_fraction == 0.8
    assert settings_of({key: "0.8"}, {}).container_concurrency_target_fraction == 0.8


def test_an_initial_scale_of_zero_needs_the_clusters_leave() -> None:
    zero = {GROUP + "initial-scale": "0"}
    assert settings_of({}, zero).initial_scale == 1
    assert settings_of({"allow-zero-initial-scale": "true"}, zero).initial_scale == 0


def test_the_progress_deadline_is_an_annotation_of_serving() -> None:
    own = {"serving.knative.dev/progress-deadline": "20m"}
    assert settings_of({"progress-deadline": "300s"}, own).progress_deadline_s == 1200.0


@pytest.mark.parametrize(
    ("text", "length_s"),
    [("0", 0.0), ("60s", 60.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("-2s", -2.0), (".5s", 0.5)],
)
def test_durations_are_read_as_go_reads_them(text: str, length_s: float) -> None:
    assert durations.seconds(text) == length_s


@pytest.mark.parametrize("text", ["", "60", "s", ".s", "1 s", "1d", "1m30", "--1s"])
def test_what_go_refuses_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        durations.seconds(text)
