"""The course of a rollout is kept, bounded, and comes back as it was written."""

import json
from datetime import timedelta
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.rollout_status import Evidence, InferenceRolloutStatus, Phase
from pilotlight.errors import ManifestError
from pilotlight_canary.statistics.plan import plan_of
from pilotlight_canary.statistics.verdict import Outcome, verdict
from pilotlight_canary.timeline import (
    MOST_BYTES,
    MOST_POINTS,
    POINTS,
    ROLLOUT,
    SAMPLE_RATIO,
    CheckPoint,
    Header,
    Point,
    Timeline,
    check_plans,
    parse,
    record,
    thinned,
)
from tests.unit.canary.view.courses import (
    CANARY,
    PROMOTED,
    START,
    TAKEN_BACK,
    at_look,
    recorded,
    rollout,
    statuses,
)

HEADER = Header(name="chat", namespace="models", target="chat", started_at=START)


def _point(look: float, weight: int = 5, checks: int = 0, reason: str = "") -> Point:
    return Point(
        at=START + timedelta(seconds=look),
        phase=Phase.PROGRESSING,
        weight=weight,
        checks={f"check-number-{n}": CheckPoint(canary=(7, 70_000)) for n in range(checks)},
        reason=reason,
    )


def test_a_point_is_one_line_of_json_with_the_names_of_the_contract() -> None:
    lines = recorded(TAKEN_BACK, bad=True)[POINTS].splitlines()
    assert len(lines) == sum(looks for *_, looks in TAKEN_BACK)
    point = json.loads(lines[6])
    assert point.keys() == {"t", "phase", "weight", "step", "checks", "reason"}
    assert point["t"] == "2026-11-21T12:00:30Z"
    assert point["checks"]["errors"] == {
        "worse": 0.68, "good": -0.1, "canary": [3, 60], "stable": [5, 540],
    }  # fmt: skip


def test_a_course_is_read_as_it_was_written() -> None:
    data = recorded(PROMOTED)
    timeline = parse(data)
    assert timeline.header.canary_revision == CANARY
    assert timeline.header.weights == (5, 10, 25, 50)
    assert [point.weight for point in timeline.points][-1] == 100
    assert timeline.data() == data


def test_strata_are_left_out_of_the_course() -> None:
    last = parse(recorded(TAKEN_BACK, bad=True)).points[-1]
    assert set(last.checks) == {"errors", "ttft", "inter-token-latency"}
    assert last.checks["errors"].stable[1] > 0


def test_a_rollout_that_has_not_begun_leaves_the_course_alone() -> None:
    data = recorded(PROMOTED)
    assert record(data, rollout(InferenceRolloutStatus()), at_look(99)) == data


def test_a_new_rollout_starts_a_new_course() -> None:
    status = statuses(PROMOTED)[0].model_copy(update={"started_at": at_look(99)})
    assert len(parse(record(recorded(PROMOTED), rollout(status), at_look(99))).points) == 1


def test_a_course_that_cannot_be_read_is_begun_anew() -> None:
    status = statuses(PROMOTED)[0]
    spoilt = {ROLLOUT: "{}", POINTS: "no json"}
    assert len(parse(record(spoilt, rollout(status), START)).points) == 1


def test_the_end_is_recorded_once() -> None:
    data = recorded(TAKEN_BACK)
    again = record(data, rollout(statuses(TAKEN_BACK)[-1]), at_look(99))
    assert again == data


@pytest.mark.parametrize("data", [{}, {ROLLOUT: "{}"}, {ROLLOUT: "[", POINTS: ""}])
def test_keys_of_something_else_are_refused(data: dict[str, str]) -> None:
    with pytest.raises(ManifestError, match="not a rollout's timeline"):
        parse(data)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from((5, 10, 25))), max_size=60),
    st.integers(2, 20),
)
def test_thinning_keeps_order_both_ends_and_the_bound(
    looks: list[tuple[float, int]], limit: int
) -> None:
    points = [_point(look, weight) for look, weight in sorted(looks)]
    kept = thinned(points, limit)
    assert len(kept) == min(len(points), limit)
    assert kept[:1] == tuple(points[:1])
    assert kept[-1:] == tuple(points[-1:])
    assert [p.at for p in kept] == sorted(p.at for p in kept)


def test_changes_of_weight_outlive_thinning_and_the_rest_is_spread_evenly() -> None:
    timeline = Timeline(header=HEADER)
    for look in range(3000):
        timeline = timeline.append(_point(look, weight=5 if look < 40 else 10))
    seconds = [(point.at - START).total_seconds() for point in timeline.points]
    assert len(seconds) == MOST_POINTS
    assert {39.0, 40.0} <= set(seconds)
    assert max(b - a for a, b in pairwise(seconds)) <= 16


def test_the_widest_course_fits_a_config_map() -> None:
    points = tuple(_point(look, checks=20, reason="x" * 300) for look in range(MOST_POINTS))
    data = Timeline(header=HEADER, points=points).data()
    assert sum(map(len, data.values())) < MOST_BYTES + 1000
    assert len(parse(data).points) > 200


def test_the_thresholds_are_those_of_the_verdict() -> None:
    three = check_plans(rollout().spec.analysis)
    one = check_plans(rollout(analysis={"metrics": [{"name": "errors"}]}).spec.analysis)
    assert set(three) == {"errors", "ttft", "inter-token-latency", SAMPLE_RATIO}
    assert one["errors"].worse < three["errors"].worse
    assert one["errors"].max_ratio == 1.5
    for worse, outcome in ((5.69, Outcome.CONTINUE), (5.71, Outcome.WORSE)):
        evidence = (Evidence(check="errors", log_worse=worse),)
        assert verdict(evidence, plan_of(rollout().spec.analysis)).outcome is outcome
    assert three["errors"].worse == pytest.approx(5.70, abs=0.01)
    assert three["errors"].good == pytest.approx(log(1 / 0.05))


def test_what_is_infinite_is_written_as_a_number() -> None:
    status = statuses(PROMOTED)[8].model_copy(
        update={"evidence": (Evidence(check="errors", log_good=float("-inf")),)}
    )
    data = record({}, rollout(status), START)
    assert parse(data).points[0].checks["errors"].good == -1e6
