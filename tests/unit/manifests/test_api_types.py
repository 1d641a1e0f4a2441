"""The types of InferenceRollout and WarmPool: what they take, refuse and write."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pilotlight.api import duration
from pilotlight.api.analysis import Analysis
from pilotlight.api.rollout import InferenceRollout
from pilotlight.api.warmpool import WarmPool, WarmPoolPolicy

SCHEDULE = {
    "timezone": "Europe/Berlin",
    "start": "30 7 * * 1-5",
    "end": "0 19 * * 1-5",
    "desiredReplicas": 2,
}


def _resource(kind: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "pilotlight.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "chat", "namespace": "models", "resourceVersion": "7"},
        "spec": {"targetRef": {"name": "chat"}, **spec},
    }


def test_the_smallest_rollout_names_its_target() -> None:
    rollout = InferenceRollout.model_validate(_resource("InferenceRollout"))
    assert rollout.spec.target_ref.kind == "InferenceService"
    assert rollout.spec.analysis.weights == (5, 10, 25, 50)
    assert rollout.spec.on_rollback == "hold"


def test_a_ramp_ends_at_its_maximum() -> None:
    analysis = Analysis.model_validate({"stepWeight": 20, "maxWeight": 50})
    assert analysis.weights == (20, 40, 50)


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ({"stepWeights": [10, 5]}, "must rise"),
        ({"stepWeights": [10, 10]}, "must rise"),
        ({"stepWeights": [101]}, "less than or equal to 100"),
        ({"stepWeights": [10], "stepWeight": 5, "maxWeight": 50}, "exclude each other"),
        ({"stepWeight": 5}, "needs both"),
        ({"interval": "15 seconds"}, "write it like 15s"),
        ({"interval": ""}, "write it like 15s"),
        ({"interval": "0s"}, "longer than 0s"),
        ({"interval": "0h0m"}, "longer than 0s"),
        ({"interval": "99999999999999h"}, "write it like 15s"),
        ({"metrics": [{"name": "mine"}]}, "metric 'mine' needs a query"),
        ({"metrics": [{"name": "errors"}, {"name": "errors"}]}, "each name once"),
        ({"onInconclusive": "shrug"}, "'hold', 'promote' or 'rollback'"),
    ],
)
def test_a_bad_analysis_is_refused_in_words(analysis: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        InferenceRollout.model_validate(_resource("InferenceRollout", analysis=analysis))


def test_a_check_of_ones_own_brings_its_query() -> None:
    query = {"bad": "bad{revision}", "total": "all{revision}"}
    own = {"metrics": [{"name": "mine", "query": query}, {"name": "cache"}]}
    assert [metric.name for metric in Analysis.model_validate(own).metrics] == ["mine", "cache"]


def test_a_warm_pool_takes_kedas_schedule() -> None:
    pool = WarmPool.model_validate(_resource("WarmPool", maxReplicas=2, schedules=[SCHEDULE]))
    assert pool.spec.schedules[0].desired_replicas == 2
    assert pool.spec.forecast


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"minReplicas": 3, "maxReplicas": 2}, r"minReplicas \(3\) is above maxReplicas \(2\)"),
        ({"maxReplicas": 1, "schedules": [SCHEDULE]}, "a schedule wants 2 replicas"),
        (
            {"prices": {"replicaHour": 2, "coldStart": 0.1}, "target": {"maxColdPercent": 1}},
            "exclude each other",
        ),
        ({"maxReplicas": 2, "schedules": [SCHEDULE | {"timezone": "Mars"}]}, "no time zone 'Mars'"),
        ({"maxReplicas": 2, "schedules": [SCHEDULE | {"start": "7:30"}]}, "has 1 fields"),
        ({"flor": 1}, "Extra inputs"),
    ],
)
def test_a_bad_warm_pool_is_refused_in_words(policy: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WarmPoolPolicy.model_validate(policy)


@given(st.integers(min_value=0, max_value=10**6))
def test_a_duration_is_the_same_after_writing_and_reading(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert duration.parse(duration.text(span)) == span


def test_a_policy_is_written_as_it_was_given() -> None:
    given_policy = {"maxReplicas": 2, "schedules": [SCHEDULE]}
    policy = WarmPoolPolicy.model_validate(given_policy)
    assert policy.model_dump(mode="json", by_alias=True, exclude_unset=True) == given_policy
