"""What a spec may name."""

import pytest

from pilotlight.api.rollout import RolloutPolicy
from pilotlight_canary.metrics.edges import merged_stratum, problems

PROMETHEUS = "http://prometheus:9090"
QUERY = {"bad": 'e{revision="{revision}"}', "total": 't{revision="{revision}"}'}


def policy(analysis: dict[str, object], server: str | None = PROMETHEUS) -> RolloutPolicy:
    return RolloutPolicy.model_validate({"analysis": analysis, "metricsServer": server})


def metric(name: str, **fields: object) -> dict[str, object]:
    return {"metrics": [{"name": name, **fields}]}


@pytest.mark.parametrize(
    "analysis",
    [
        {},
        {"promptTokenBuckets": [1024, 16384]},
        metric("ttft", limitSeconds=1.5),
        metric("inter-token-latency", limitSeconds=0.08),
        metric("output-length", band={"min": 9, "max": 512}),
        metric("mine", query=QUERY),
    ],
)
def test_what_is_counted_may_be_asked_for(analysis: dict[str, object]) -> None:
    assert problems(policy(analysis)) == []


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ({"promptTokenBuckets": [1000]}, "1000 cannot be an edge"),
        ({"promptTokenBuckets": [1024, 256]}, "rise"),
        (metric("ttft", limitSeconds=2), "0.01, 0.025"),
        (metric("cache", limitSeconds=2), "is for ttft"),
        (metric("output-length", band={"min": 10, "max": 512}), "band.min must be one of"),
        (metric("output-length", band={"min": 0, "max": 500}), "band.max must be one of"),
        (metric("output-length", band={"min": 65, "max": 8}), "above"),
        (metric("mine", query={"bad": "x", "total": QUERY["total"]}), "query.bad must name"),
    ],
)
def test_what_is_not_counted_is_refused_with_what_is(
    analysis: dict[str, object], words: str
) -> None:
    (found,) = problems(policy(analysis))
    assert words in found


def test_a_query_needs_a_prometheus() -> None:
    (found,) = problems(policy(metric("mine", query=QUERY), None))
    assert "metricsServer" in found
    assert problems(policy(metric("mine", query=QUERY), None), has_prometheus=True) == []


def test_strata_merge_upwards() -> None:
    labels = ("256", "1024", "4096", "16384", "+Inf")
    assert [merged_stratum(label, (1024,)) for label in labels] == ["1024"] * 2 + ["+Inf"] * 3
    assert {merged_stratum(label, ()) for label in labels} == {""}
