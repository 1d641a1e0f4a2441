"""What activators and queue-proxies count against Knative's own code, bit for bit."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from pilotlight_autoscaler.kpa.collector import Stat
from pilotlight_autoscaler.kpa.instants import nanoseconds
from pilotlight_autoscaler.kpa.reports import ActivatorReporter, RequestStats
from tests.knative.conftest import Ask
from tests.knative.test_autoscaler_twin import bits

pytestmark = pytest.mark.knative

LIVES = 1500
SEED = 4801
GRID = 512
"""Fractions of a second that are whole nanoseconds and exact floats: differences are exact."""

Event = tuple[float, str, bool]


def events(random: Random) -> list[Event]:
    """Requests that come and go, with a report each second, more or less."""
    now_s, running, found = 1_000_000_000.0, list[bool](), list[Event]()
    for _ in range(random.choice((5, 30, 100))):
        now_s += random.choice((0, 0, 1, 64, 128, 512, random.randrange(2048))) / GRID
        kind = random.choice(("arrive", "leave", "report"))
        if kind == "arrive":
            running.append(random.random() < 0.5)
            found.append((now_s, kind, running[-1]))
        elif kind == "leave" and running:
            found.append((now_s, kind, running.pop(random.randrange(len(running)))))
        elif kind == "report":
            found.append((now_s, kind, False))
    return found


def question(name: str, happened: Sequence[Event]) -> dict[str, Any]:
    asked = [
        {"At": nanoseconds(now_s), "Kind": kind, "Proxied": proxied}
        for now_s, kind, proxied in happened
    ]
    return {name: {"Start": 1_000_000_000 * 10**9, "Events": asked}}


def test_a_queue_proxy_counts_as_knative_does_bit_for_bit(ask: Ask) -> None:
    random = Random(SEED)
    lives = [events(random) for _ in range(LIVES)]
    answers = ask([question("Requests", life) for life in lives])
    for life, theirs in zip(lives, answers, strict=True):
        assert _of_queue_proxy(life) == theirs


def _of_queue_proxy(life: Sequence[Event]) -> list[list[int]]:
    stats, reports = RequestStats(1_000_000_000.0), []
    for now_s, kind, proxied in life:
        if kind == "arrive":
            stats.arrive(now_s, proxied)
        elif kind == "leave":
            stats.leave(now_s, proxied)
        else:
            report = stats.report(now_s)
            reports.append(
                bits(
                    report.concurrency,
                    report.proxied_concurrency,
                    report.requests,
                    report.proxied_requests,
                )
            )
    return reports


def test_an_activator_tells_what_and_when_knatives_does_bit_for_bit(ask: Ask) -> None:
    random = Random(SEED)
    lives = [events(random) for _ in range(LIVES)]
    answers = ask([question("Activator", life) for life in lives])
    early = 0
    for life, theirs in zip(lives, answers, strict=True):
        ours = _of_activator(life)
        early += sum(
            sent is not None
            for sent, (_, kind, _) in zip(ours, _told(life), strict=True)
            if kind == "arrive"
        )
        assert ours == theirs
    assert early > LIVES


def _told(life: Sequence[Event]) -> list[Event]:
    """The events at which something may be sent."""
    return [event for event in life if event[1] != "leave"]


def _of_activator(life: Sequence[Event]) -> list[list[int] | None]:
    reporter, sent = ActivatorReporter(), list[list[int] | None]()
    for now_s, kind, _ in life:
        if kind == "arrive":
            sent.append(_words(reporter.arrive(now_s)))
        elif kind == "leave":
            reporter.leave(now_s)
        else:
            sent.append(_words(reporter.report(now_s)))
    return sent


def _words(stat: Stat | None) -> list[int] | None:
    return bits(stat.concurrency, stat.requests) if stat else None
