"""Warm-up prompts reach the canary; recorded requests reach both and are compared."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.rollout_status import TaskState
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_canary.gate import run_shadow, run_warm_up
from pilotlight_canary.gate.answer import Answer, Failure, Reply
from pilotlight_canary.gate.prompt import COMPLETION, Prompt
from pilotlight_canary.gate.shadow import sample
from pilotlight_canary.gate.warm_up import outcome, rounds
from tests.unit.canary.gate.conftest import Shelf, answered, counted, subject
from tests.unit.canary.gate.test_server import serving
from tests.unit.standin.conftest import StandIn, Start

FAST = {"token_s": 0, "first_token_s": 0, "weights": "small"}
PROMPTS = "\n".join(json.dumps({"prompt": f"number {i}", "max_tokens": 2}) for i in range(10))
RECORDED = "\n".join(
    json.dumps({"messages": [{"role": "user", "content": f"I am Ada {i}"}], "temperature": 1})
    for i in range(40)
)
WARM: dict[str, Any] = {
    "warmUp": {"prompts": {"name": "warm", "key": "a"}, "requestTimeout": "10s"}
}
BAD = Failure("HTTP 500")


@pytest.fixture
def shelf(shelf: Shelf) -> Shelf:
    shelf.put("ConfigMap", "warm", a=PROMPTS)
    shelf.put_secret("recorded", a=RECORDED, key="token")
    return shelf


async def test_every_prompt_reaches_the_canary_and_none_stable(shelf: Shelf, start: Start) -> None:
    stable, canary = start(**FAST), start(**FAST)
    result = await run_warm_up(subject(stable, canary, **WARM), shelf)
    assert result.state == TaskState.PASSED
    assert result.message.startswith("10 of 10 warm-up requests were answered in ")
    assert (answered(canary, "200"), answered(stable)) == (10, 0)


async def test_recent_prompts_are_replayed_by_their_beginnings_where_allowed(
    shelf: Shelf, start: Start
) -> None:
    canary = start(**FAST)
    source = {"secret": {"name": "recorded", "key": "a"}}
    policy: dict[str, Any] = {"warmUp": {"recentPrompts": True}, "recordedRequests": source}
    result = await run_warm_up(subject(canary, canary, **policy), shelf)
    assert result.message.startswith("40 of 40 ")
    assert counted(canary, "pilotlight_predictor_output_tokens_total") == 40, "one token each"
    unasked: dict[str, Any] = {**policy, "warmUp": {}}
    result = await run_warm_up(subject(canary, canary, **unasked), shelf)
    assert result.message == "no warm-up is asked for"
    assert answered(canary) == 40


async def test_our_requests_carry_the_services_key(shelf: Shelf) -> None:
    seen: set[str | None] = set()

    async def guarded(request: web.Request) -> web.Response:
        seen.add(request.headers.get("Authorization"))
        return web.json_response({"data": [{"id": "m"}], "choices": [{"text": "a"}]})

    async with serving(guarded) as url:
        policy: dict[str, Any] = {**WARM, "apiKeyFrom": {"name": "recorded", "key": "key"}}
        result = await run_warm_up(subject(url, url, **policy), shelf)
    assert result.state == TaskState.PASSED
    assert seen == {"Bearer token"}


async def test_a_canary_that_fails_every_request_is_refused(shelf: Shelf, start: Start) -> None:
    canary = start(fail_share=1, **FAST)
    result = await run_warm_up(subject(canary, canary, **WARM), shelf)
    assert result.state == TaskState.REFUSED
    assert "10 failed (HTTP 500)" in result.message


async def test_it_waits_for_a_canary_that_cannot_be_asked(shelf: Shelf) -> None:
    policy: dict[str, Any] = {"warmUp": {**WARM["warmUp"], "requestTimeout": "1s"}}
    result = await run_warm_up(subject("http://a", "http://127.0.0.1:9", **policy), shelf)
    assert result.state == TaskState.WAITING
    shelf.is_out = True
    result = await run_warm_up(subject("http://a", "http://127.0.0.1:9", **policy), shelf)
    assert "the API server does not answer" in result.message


@pytest.mark.parametrize(
    ("replies", "expected", "state"),
    [
        ([Answer("a"), BAD], 2, TaskState.PASSED),
        ([BAD, BAD], 2, TaskState.REFUSED),
        ([BAD, Failure("HTTP 400")], 2, TaskState.WAITING),
        ([BAD, Failure("HTTP 503", nothing_generated=True)], 2, TaskState.WAITING),
        ([Answer("a")], 9, TaskState.PASSED),
        ([], 9, TaskState.WAITING),
    ],
)
def test_a_warm_up_passes_with_whatever_was_answered(
    replies: list[Reply], expected: int, state: TaskState
) -> None:
    result = outcome(replies, expected, 2.0)
    assert result.state == state
    assert ("the time was over before 8 of them" in result.message) == (
        expected == 9 and bool(replies)
    )


@pytest.mark.parametrize("pods", [1, 2, 3, 5, 8])
def test_enough_rounds_reach_every_pod(pods: int) -> None:
    draw = random.Random(pods)
    runs = 2000
    missed = sum(
        len({draw.randrange(pods) for _ in range(rounds(pods))}) < pods for _ in range(runs)
    )
    assert missed <= 0.05 * runs


async def test_several_pods_get_several_rounds(shelf: Shelf, start: Start) -> None:
    canary = start(**FAST)
    result = await run_warm_up(subject(canary, canary, pods=3, **WARM), shelf)
    assert result.message.startswith(f"{10 * rounds(3)} of {10 * rounds(3)} ")


SHADOW: dict[str, Any] = {
    "analysis": {"mirrorWeight": 25},
    "recordedRequests": {"secret": {"name": "recorded", "key": "a"}},
}
Pair = Callable[..., tuple[StandIn, StandIn]]


async def test_a_share_of_the_recorded_requests_reaches_both_and_words_stay_out_of_the_report(
    shelf: Shelf, start: Start
) -> None:
    stable, canary = start(**FAST), start(**FAST)
    result = await run_shadow(subject(stable, canary, **SHADOW), shelf)
    assert result.state == TaskState.PASSED
    assert "10 prompts: 0 of 10 requests" in result.message
    assert (answered(stable), answered(canary)) == (20, 10), "stable twice: the control"
    report = shelf.objects[Reference(CONFIG_MAP, "chat-shadow", "models")]["data"]["report.json"]
    assert "Ada" not in report
    assert len(json.loads(report)["findings"]) == 10
    assert result.report == "configmap/chat-shadow"


async def test_differences_decide_only_where_a_gate_says_what_counts(
    shelf: Shelf, start: Start
) -> None:
    stable, canary = start(**FAST), start(**{**FAST, "weights": "other"})
    told = await run_shadow(subject(stable, canary, **SHADOW), shelf)
    assert (told.state, "10 of 10 answers differ" in told.message) == (TaskState.PASSED, True)
    gate = {"prompts": {"name": "warm", "key": "a"}}
    result = await run_shadow(subject(stable, canary, offlineGate=gate, **SHADOW), shelf)
    assert result.state == TaskState.REFUSED


async def test_recorded_requests_come_from_a_url_up_to_a_size(
    shelf: Shelf, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pilotlight_canary.gate.source.MAX_BYTES", len(RECORDED) // 2)
    version = start(**FAST)

    async def lines(request: web.Request) -> web.Response:
        return web.Response(text=RECORDED, status=200 if request.path == "/lines" else 500)

    async with serving(lines) as url:
        for path, state, words in (
            ("lines", TaskState.PASSED, " prompts: 0 of "),
            ("broken", TaskState.WAITING, "for recorded requests: 500"),
        ):
            policy = {**SHADOW, "recordedRequests": {"url": f"{url}/{path}"}}
            result = await run_shadow(subject(version, version, **policy), shelf)
            assert (result.state, words in result.message) == (state, True), result.message


@given(st.integers(1, 300), st.integers(1, 100), st.integers(1, 50))
def test_a_sample_is_its_share_and_the_same_each_time(count: int, weight: int, limit: int) -> None:
    prompts = [Prompt(str(i), COMPLETION, {}) for i in range(count)]
    found = sample(prompts, weight, limit)
    assert len(found) == min(-(-count * weight // 100), limit)
    assert found == sample(prompts, weight, limit)
    assert len({prompt.name for prompt in found}) == len(found)
