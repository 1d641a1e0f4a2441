"""Warm ahead of the traffic: by a schedule, and by what was learnt."""

import time
from datetime import timedelta

import numpy as np
import pytest

from pilotlight.api.warmpool import Reason
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.metrics.history import of_demand
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.metrics.trace import Progress, Trace
from tests.e2e.waiting import until
from tests.e2e.warmpools.warmed import Warmed, minute_after, now, schedule
from tests.e2e.workspace import Workspace

pytestmark = pytest.mark.usefixtures("controllers")
LOADING_S = 8.0
"""A stand-in's cold start, besides that of its pod."""
WARM_S = 1.0
DAYS = 14
DAY_S = 86400.0
BUSY_MINUTES = 10
AHEAD_S = 80.0
"""The peak is that far away when nobody stays; a start takes a quarter of it."""


def test_a_schedule_wakes_the_service_before_its_hour(workspace: Workspace) -> None:
    warmed = Warmed(workspace, "office")
    warmed.pool()
    endpoint = warmed.deploy(ready_after_s=LOADING_S)
    # Its first start is the measure of how far ahead it has to be woken.
    until("a start was measured", lambda: warmed.status().cold_start_seconds, 60)
    warmed.until_asleep()
    ahead = timedelta(seconds=(warmed.status().cold_start_seconds or 0) + 15)
    hour = minute_after(now() + ahead)
    warmed.pool(schedules=[schedule(hour)])
    time.sleep(max(0.0, (hour - now()).total_seconds()))
    begun = time.monotonic()
    answer = endpoint.complete("good morning", 60)
    waited_s = time.monotonic() - begun
    assert answer.status_code == 200
    assert waited_s < WARM_S, f"the first request waited {waited_s:.1f} s"
    assert warmed.status().reason is Reason.SCHEDULE
    (pod,) = workspace.pods(warmed.name, leaving=False)
    created = pod["metadata"]["creationTimestamp"]
    # Not before it had to be: everything earlier is paid for.
    assert created >= f"{hour - ahead - timedelta(seconds=30):%Y-%m-%dT%H:%M:%SZ}"


def test_a_learnt_daily_peak_is_met_warm(workspace: Workspace) -> None:
    early, late = Warmed(workspace, "daily"), Warmed(workspace, "nightly")
    for warmed in (early, late):
        warmed.deploy(ready_after_s=LOADING_S)
    peak_s = time.time() + AHEAD_S
    for warmed, at_s in ((early, peak_s), (late, peak_s + 6 * 3600)):
        warmed.until_asleep()
        # People who wait are dear, so that ten minutes of a replica are worth it.
        prices = {"replicaHour": 1.0, "coldStart": 2.0}
        warmed.pool(forecast=True, prices=prices, mode="DryRun")
        _remember(warmed, at_s)
        warmed.pool(forecast=True, prices=prices)
    until("the forecast wants it", lambda: early.status().reason is Reason.FORECAST, AHEAD_S)
    until("it is warm", lambda: early.ready() == 1, max(1.0, peak_s - time.time()))
    time.sleep(max(0.0, peak_s - time.time()))
    begun = time.monotonic()
    endpoint = workspace.endpoint(early.name, "standin", 10)
    assert endpoint.complete("here I am again", 60).status_code == 200
    assert time.monotonic() - begun < WARM_S
    assert late.status().floor == 0
    assert late.ready() == 0


def _remember(warmed: Warmed, peak_s: float) -> None:
    """Two weeks in which people came at that time of day, and nobody at any other.

    What the controller keeps of a service is written as it keeps it: time is compressed.
    """
    bins = DAYS * 1440
    start_s = (time.time() // 60 - bins) * 60
    arrivals = np.zeros(bins)
    for day in range(1, DAYS + 1):
        first = int((peak_s - day * DAY_S - start_s) // 60)
        arrivals[max(0, first) : first + BUSY_MINUTES] = 3.0
    known = np.ones(bins, dtype=bool)
    last_s = peak_s + (BUSY_MINUTES * 60) - DAY_S * np.ceil((peak_s - time.time()) / DAY_S)
    progress = Progress(at=time.time(), idle_since_s=float(last_s), starts={"a": LOADING_S + 4})
    trace = Trace(of_demand(Demand(start_s, 60.0, arrivals, arrivals / 10, known)), progress)
    TraceStore(warmed.workspace.cluster.api).save(warmed.read(), trace)
