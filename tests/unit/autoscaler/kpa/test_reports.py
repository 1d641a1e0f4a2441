"""What activators and queue-proxies count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_autoscaler.kpa.collector import Stat
from pilotlight_autoscaler.kpa.reports import ActivatorReporter, QueueProxyReporter, RequestStats


def test_concurrency_is_averaged_over_time() -> None:
    stats = RequestStats(0.0)
    stats.arrive(0.0)
    stats.arrive(0.0)
    stats.leave(0.5)
    stats.leave(0.5)
    assert stats.report(1.0) == Stat(concurrency=1.0, requests=2)


def test_a_request_counts_in_each_report_while_it_runs_and_arrives_once() -> None:
    stats = RequestStats(0.0)
    stats.arrive(0.5)
    assert stats.report(1.0) == Stat(concurrency=0.5, requests=1)
    assert stats.report(2.0) == Stat(concurrency=1.0, requests=0)


def test_a_clock_that_goes_back_adds_nothing() -> None:
    stats = RequestStats(10.0)
    stats.arrive(9.0)
    stats.leave(9.5)
    assert stats.report(9.9) == Stat(requests=1)


def test_the_first_request_is_reported_at_once() -> None:
    activator = ActivatorReporter()
    assert activator.arrive(5.3) == Stat(concurrency=1, requests=1)
    assert activator.arrive(5.4) is None


def test_the_next_report_takes_the_early_one_off() -> None:
    activator = ActivatorReporter()
    activator.arrive(5.0)
    activator.arrive(5.0)
    assert activator.report(6.0) == Stat(concurrency=1.0, requests=1)
    assert activator.report(7.0) == Stat(concurrency=2.0, requests=0)


def test_a_short_first_request_takes_off_no_more_than_it_added() -> None:
    activator = ActivatorReporter()
    activator.arrive(5.0)
    activator.leave(5.25)
    assert activator.report(6.0) == Stat(concurrency=0.0, requests=0)


def test_a_revision_without_requests_is_reported_once_and_then_forgotten() -> None:
    activator = ActivatorReporter()
    activator.arrive(5.0)
    activator.leave(5.5)
    activator.report(6.0)
    assert activator.report(7.0) == Stat()
    assert activator.report(8.0) is None
    assert activator.arrive(8.5) == Stat(concurrency=1, requests=1)


def test_a_request_that_comes_with_the_report_is_not_forgotten() -> None:
    activator = ActivatorReporter()
    activator.arrive(6.0)
    activator.report(6.0)
    assert activator.arrive(6.5) is None
    assert activator.concurrency == 2


def test_a_queue_proxy_shows_zeros_until_its_first_report() -> None:
    proxy = QueueProxyReporter(0.0)
    proxy.arrive(0.0, proxied=False)
    assert proxy.latest == Stat()
    proxy.report(1.0)
    assert proxy.latest == Stat(concurrency=1.0, requests=1.0)


def test_a_queue_proxy_tells_which_requests_the_activator_counted() -> None:
    proxy = QueueProxyReporter(0.0)
    proxy.arrive(0.0, proxied=True)
    proxy.arrive(0.5, proxied=False)
    proxy.leave(0.75, proxied=True)
    assert proxy.report(1.0) == Stat(1.25, 0.75, 2.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 3000)), max_size=30))
def test_reports_add_up_to_the_time_that_requests_took(requests: list[tuple[int, int]]) -> None:
    events = [(start, 1) for start, _ in requests] + [(s + d, -1) for s, d in requests]
    proxy = QueueProxyReporter(0.0)
    reports, due = [], 1000
    for at, change in [*sorted(events), (8000, 0)]:
        while due <= at:
            reports.append(proxy.report(due / 1000))
            due += 1000
        if change > 0:
            proxy.arrive(at / 1000, proxied=False)
        elif change < 0:
            proxy.leave(at / 1000, proxied=False)
    assert sum(report.requests for report in reports) == len(requests)
    busy_s = sum(report.concurrency for report in reports)
    assert busy_s == pytest.approx(sum(duration for _, duration in requests) / 1000, abs=1e-9)
