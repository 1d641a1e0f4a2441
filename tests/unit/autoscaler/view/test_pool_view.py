"""What a person sees of a warm pool."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType

from pilotlight.api.meta import FloorClaim
from pilotlight.api.warmpool import Reason, Term, WarmPool, WarmPoolStatus
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.view.listing import listing
from pilotlight_autoscaler.view.outlook import outlook
from pilotlight_autoscaler.view.pool import explanation, render

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
OFFICE = {
    "timezone": "Europe/Berlin",
    "start": "0 8 * * 1-5",
    "end": "0 18 * * 1-5",
    "desiredReplicas": 2,
}
STATUS = WarmPoolStatus(
    floor=1,
    reason=Reason.BUDGET,
    message="the budget allows 1 replica; wanted are 2: office hours",
    terms=(
        Term(reason=Reason.SCHEDULE, replicas=2, message="office hours"),
        Term(reason=Reason.MINIMUM, replicas=0, message="minReplicas is 0"),
    ),
    warm_replicas=1,
    starting_replicas=1,
    warm_requests=97,
    cold_requests=3,
    cold_start_seconds=41.0,
    cost_today=3.2,
    granted=1,
    decided_at=NOW - timedelta(minutes=5),
    floors=(FloorClaim(revision="chat-predictor-00001", replicas=1, expires_at=NOW),),
)


def pool(status: WarmPoolStatus = STATUS, **spec: Any) -> WarmPool:
    chosen = {
        "targetRef": {"name": "chat"},
        "maxReplicas": 3,
        "schedules": [OFFICE],
        "budget": {"gpus": 8},
        **spec,
    }
    metadata = {"name": "warm", "namespace": "models"}
    read = WarmPool.model_validate({"metadata": metadata, "spec": chosen})
    return read.model_copy(update={"status": status})


def shown(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(what)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return text


def test_the_floor_its_reason_and_its_price_are_told() -> None:
    text = shown(render(pool(), NOW))
    for word in (
        "warm",
        "chat",
        "budget",
        "wanted are 2",
        "1 +1",
        "3 waited",
        "3 %",
        "3.20",
        "41s",
    ):
        assert word in text, word


def test_an_explanation_has_every_term_what_bounds_them_and_what_comes_next() -> None:
    text = shown(explanation(pool(), NOW))
    assert text.index("schedule") < text.index("minimum")
    for word in ("1 replica of the 8 GPUs of namespace models", "3 replicas", "fail-safe"):
        assert word in text, word
    # Berlin's eight o'clock is seven in March, and a start of 41 s and its reaction come before.
    assert "2 replicas from 2026-03-02 06:59:14 UTC on" in text


def test_a_dry_run_says_so() -> None:
    text = shown(render(pool(mode="DryRun"), NOW))
    assert "dry run" in text
    assert "(1)" in text


def test_pools_are_listed_one_a_line() -> None:
    text = shown(listing([pool(), pool(WarmPoolStatus())], namespaces=True))
    assert len(text.strip().splitlines()) == 3
    assert "3 of 100" in text


@pytest.mark.parametrize("forecast", [False, True])
def test_the_outlook_holds_the_schedule_and_nothing_else(forecast: bool) -> None:
    bins = 60
    demand = Demand(
        NOW.timestamp() - bins * 60,
        60.0,
        np.zeros(bins),
        np.zeros(bins),
        np.ones(bins, dtype=bool),
    )
    found = outlook(pool(forecast=forecast), demand, 8.0, NOW.timestamp(), hours=2)
    rises = next(at for at, floor in zip(found.times_s, found.floors, strict=True) if floor == 2)
    assert timedelta(seconds=rises - NOW.timestamp()) == timedelta(minutes=60)
    assert set(found.floors) == {0, 2}
    assert set(found.reasons) >= {Reason.SCHEDULE}


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    from pilotlight_autoscaler.view.figure import save

    bins = 1440
    dice = np.random.default_rng(1)
    arrivals = dice.poisson(0.1, bins).astype(float)
    known = np.ones(bins, dtype=bool)
    demand = Demand(NOW.timestamp() - bins * 60, 60.0, arrivals, arrivals, known)
    seen = outlook(pool(forecast=True), demand, 8.0, NOW.timestamp(), hours=2)
    file = tmp_path / "pool.png"
    save(pool(), demand, seen, file)
    assert file.stat().st_size > 10_000
