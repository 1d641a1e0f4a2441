"""The stand-in's metrics and its end are the predictor's."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from prometheus_client.metrics import MetricWrapperBase

from pilotlight_predictor import metrics as predictor
from pilotlight_predictor.state import State
from tests.e2e.standin.metrics import STATES, Metrics
from tests.unit.standin.conftest import StandIn, Start


def test_its_metrics_are_the_predictors_in_name_type_labels_and_buckets() -> None:
    # prometheus-client keeps labels and buckets to itself.
    theirs = {
        metric._name: (type(metric), metric._labelnames, getattr(metric, "_upper_bounds", None))
        for metric in vars(predictor).values()
        if isinstance(metric, MetricWrapperBase) and "_gpu_" not in metric._name
    }
    ours = {
        metric._name: (type(metric), metric._labelnames, getattr(metric, "_upper_bounds", None))
        for metric in Metrics().registry._collector_to_names
        if isinstance(metric, MetricWrapperBase)
    }
    assert ours == theirs
    assert tuple(State) == STATES


def test_it_counts_what_it_answers(start: Start) -> None:
    standin = start(token_s=0)
    standin.complete("one two three", max_tokens=4)
    standin.behave(fail_share=1)
    standin.complete()
    assert standin.metric('pilotlight_predictor_http_requests_total{code="200"}') == 1
    assert standin.metric('pilotlight_predictor_http_requests_total{code="500"}') == 1
    assert standin.metric("pilotlight_predictor_prompt_tokens_total") == 3
    assert standin.metric("pilotlight_predictor_output_tokens_total") == 4
    assert standin.metric("pilotlight_predictor_reserved_tokens") == 0
    assert standin.metric('pilotlight_predictor_state{state="ready"}') == 1


def test_a_client_that_leaves_ends_its_generation(start: Start) -> None:
    standin = start(token_s=1)
    body = {"model": "standin", "prompt": "x", "max_tokens": 60, "stream": True}
    with httpx.stream("POST", f"{standin.url}/v1/completions", json=body) as answer:
        next(answer.iter_raw())
    deadline = time.monotonic() + 5
    while standin.metric("pilotlight_predictor_running_requests"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert standin.metric('pilotlight_predictor_http_requests_total{code="none"}') == 1


def test_a_stream_that_started_outlives_sigterm(start: Start) -> None:
    standin = start(token_s=0.1)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(standin.complete, max_tokens=15, stream=True)
        _wait_running(standin)
        standin.terminate()
        time.sleep(0.2)
        assert standin.get("/v2/health/ready").json() == {"ready": False, "state": "draining"}
        assert standin.complete().status_code == 503
        text = answer.result().text
    assert text.count("data: ") == 16
    assert text.endswith("data: [DONE]\n\n")
    assert standin.process.wait(5) == 0


def _wait_running(standin: StandIn) -> None:
    deadline = time.monotonic() + 5
    while not standin.metric("pilotlight_predictor_running_requests"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
