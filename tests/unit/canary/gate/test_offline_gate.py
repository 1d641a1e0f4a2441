"""The offline gate between two real servers."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from pilotlight.api.rollout_status import TaskState
from pilotlight.clock import SimulatedClock
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_canary.gate import run_offline_gate
from tests.unit.canary.gate.conftest import Shelf, answered, counted, subject
from tests.unit.standin.conftest import StandIn, Start

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
TOOL = {"type": "function", "function": {"name": "weigh", "parameters": SCHEMA}}
FAST = {"token_s": 0, "first_token_s": 0}
GOLDEN = [
    *({"prompt": f"Who lights number {i}?", "max_tokens": 6} for i in range(6)),
    {"messages": [{"role": "user", "content": "Who?"}]},
    {"messages": [{"role": "user", "content": "J"}], "response_format": {"type": "json_object"}},
    {"messages": [{"role": "user", "content": "T"}], "tools": [TOOL], "tool_choice": "required"},
]
PROMPTS = {"name": "golden", "key": "prompts.jsonl"}
Versions = Callable[..., tuple[StandIn, StandIn]]


@pytest.fixture
def golden(shelf: Shelf) -> Shelf:
    shelf.put("ConfigMap", "golden", **{"prompts.jsonl": "\n".join(map(json.dumps, GOLDEN))})
    return shelf


@pytest.fixture
def versions(start: Start) -> Versions:
    """Two servers of the same weights, the second with a behaviour of its own."""

    def versions(**canary: Any) -> tuple[StandIn, StandIn]:
        alike = {**FAST, "weights": "small"}
        return start(version="1", **alike), start(version="2", **{**alike, **canary})

    return versions


def gate(**fields: Any) -> dict[str, Any]:
    return {"offlineGate": {"prompts": PROMPTS, "requestTimeout": "20s", **fields}}


def kept(shelf: Shelf) -> tuple[Document, dict[str, Any]]:
    document = shelf.objects[Reference(CONFIG_MAP, "chat-gate", "models")]
    return document, json.loads(document["data"]["report.json"])


async def test_a_version_of_the_same_weights_passes_and_its_report_is_kept(
    golden: Shelf, versions: Versions
) -> None:
    policy = gate(maxLogprobDrift=0.001)
    result = await run_offline_gate(
        subject(*versions(), **policy), golden, SimulatedClock(1_767_225_600)
    )
    assert result.state == TaskState.PASSED, result.message
    assert result.message.startswith("9 prompts: 0 of 9 requests that stable answered failed;")
    assert "drift by 0.0000 nats" in result.message
    assert result.report == "configmap/chat-gate"
    document, report = kept(golden)
    assert report["at"] == "2026-01-01T00:00:00+00:00"
    assert len(report["findings"]) == 9
    assert document["metadata"]["ownerReferences"][0]["uid"] == "0-1"
    assert document["data"]["summary"].startswith("passed: 9 prompts")


async def test_a_version_that_answers_nonsense_is_refused_in_numbers(
    golden: Shelf, versions: Versions
) -> None:
    policy = gate(maxLogprobDrift=0.5)
    result = await run_offline_gate(subject(*versions(garbage_share=1), **policy), golden)
    assert result.state == TaskState.REFUSED
    for words in ("9 of 9 answers differ", "maxLogprobDrift is 0.5", "tool calls: 2 of 2"):
        assert words in result.message
    _, report = kept(golden)
    worst = report["findings"][0]
    assert worst["fault"].startswith(("no JSON", "arguments of 'weigh': no JSON"))
    assert worst["canary"]["text"].startswith(("!", '{"arguments": "!'))


async def test_a_version_that_fails_is_refused_and_no_500_is_retried(
    golden: Shelf, versions: Versions
) -> None:
    stable, canary = versions(fail_share=1)
    result = await run_offline_gate(subject(stable, canary, **gate()), golden)
    assert result.state == TaskState.REFUSED
    assert "9 of 9 requests that stable answered failed (HTTP 500)" in result.message
    assert answered(canary, "500") == 9


async def test_it_waits_while_stable_fails_as_well(golden: Shelf, versions: Versions) -> None:
    stable, canary = versions(fail_share=1)
    stable.behave(fail_share=1)
    result = await run_offline_gate(subject(stable, canary, **gate()), golden)
    assert result.state == TaskState.WAITING
    assert "stable answered only 0 of 9" in result.message


async def test_it_waits_while_a_version_cannot_be_reached(golden: Shelf, start: Start) -> None:
    nobody = "http://127.0.0.1:9"
    there = start(**FAST)
    for pair in ((nobody, there), (there, nobody)):
        result = await run_offline_gate(subject(*pair, **gate(requestTimeout="1s")), golden)
        assert result.state == TaskState.WAITING
        assert "http://127.0.0.1:9 does not answer" in result.message


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ({"name": "missing", "key": "a"}, "not found"),
        ({"name": "golden", "key": "missing"}, "has no key 'missing'"),
        ({"name": "bad", "key": "a"}, "ConfigMap bad, key a, line 1 is no JSON"),
    ],
)
async def test_prompts_that_cannot_be_read_are_not_the_canarys_fault(
    golden: Shelf, prompts: dict[str, str], words: str
) -> None:
    golden.put("ConfigMap", "bad", a="oops")
    result = await run_offline_gate(
        subject("http://a", "http://b", **gate(prompts=prompts)), golden
    )
    assert (result.state, words in result.message) == (TaskState.WAITING, True), result.message


async def test_a_server_that_is_not_ready_yet_is_asked_again(
    golden: Shelf, versions: Versions
) -> None:
    result = await run_offline_gate(subject(*versions(ready_after_s=3), **gate()), golden)
    assert result.state == TaskState.PASSED, result.message


async def test_a_canary_too_slow_for_the_deadline_fails_its_requests(
    golden: Shelf, versions: Versions
) -> None:
    pair = versions(stall_share=1, stall_s=30)
    result = await run_offline_gate(
        subject(*pair, **gate(requestTimeout="1s", concurrency=9)), golden
    )
    assert result.state == TaskState.REFUSED
    assert "failed (no answer in 1 s)" in result.message


async def test_what_is_not_done_in_time_does_not_pass(golden: Shelf, versions: Versions) -> None:
    pair = versions(stall_share=1, stall_s=0.7)
    result = await run_offline_gate(subject(*pair, **gate(timeout="2s", concurrency=1)), golden)
    assert result.state == TaskState.WAITING
    assert "of 9 prompts were done in time" in result.message


async def test_meaning_is_compared_by_an_embedding_endpoint(
    golden: Shelf, versions: Versions, start: Start
) -> None:
    pair = versions(weights="other")
    golden.put_secret("keys", embedder="s3cret\n")
    endpoint = {
        "url": f"{start(**FAST).url}/v1/",
        "model": "standin",
        "minSimilarity": 0.01,
        "apiKeyFrom": {"name": "keys", "key": "embedder"},
    }
    policy = gate(comparison="embedding", embedding=endpoint)
    # Its vectors' numbers are positive, so that any two texts are a little alike.
    assert (await run_offline_gate(subject(*pair, **policy), golden)).state == TaskState.PASSED
    endpoint["minSimilarity"] = 0.99999
    result = await run_offline_gate(subject(*pair, **policy), golden)
    assert result.state == TaskState.REFUSED
    assert "answers differ (embedding)" in result.message


async def test_it_waits_while_the_embedding_endpoint_does_not_answer(
    golden: Shelf, versions: Versions, start: Start
) -> None:
    endpoint = {"url": f"{start(**FAST).url}/wrong", "model": "standin"}
    policy = gate(comparison="embedding", embedding=endpoint)
    result = await run_offline_gate(subject(*versions(weights="other"), **policy), golden)
    assert result.state == TaskState.WAITING
    assert "the embedding endpoint" in result.message


async def test_it_waits_for_a_judge_that_says_neither(
    golden: Shelf, versions: Versions, start: Start
) -> None:
    endpoint = {"url": f"{start(**FAST).url}/v1", "model": "standin"}
    policy = gate(comparison="judge", judge=endpoint)
    result = await run_offline_gate(subject(*versions(weights="other"), **policy), golden)
    assert result.state == TaskState.WAITING
    assert "says neither SAME nor DIFFERENT" in result.message


async def test_a_verdict_counts_without_its_report(golden: Shelf, versions: Versions) -> None:
    class ReadOnly(Shelf):
        def apply(
            self, document: Document, *, force: bool = False, dry_run: bool = False
        ) -> Document:
            self.is_out = True
            return super().apply(document)

    shelf = ReadOnly(golden.objects)
    result = await run_offline_gate(subject(*versions(fail_share=1), **gate()), shelf)
    assert result.state == TaskState.REFUSED
    assert "its report could not be kept" in result.message
    assert not result.report


async def test_a_cancelled_gate_leaves_no_generation_behind(
    golden: Shelf, versions: Versions
) -> None:
    stable, canary = versions(stall_share=1, stall_s=60)
    running = asyncio.create_task(run_offline_gate(subject(stable, canary, **gate()), golden))
    sample = "pilotlight_predictor_running_requests"
    await _until(lambda: counted(canary, sample) == 4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await _until(lambda: counted(canary, sample) == 0)


async def test_no_gate_passes() -> None:
    result = await run_offline_gate(subject("http://a", "http://b"), Shelf())
    assert result.state == TaskState.PASSED


async def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not await asyncio.to_thread(is_so):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
