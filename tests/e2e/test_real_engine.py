"""The example with the real engine: deployed, streaming, at zero and back. Tests build on the
ones before them, since each start of the engine takes its time.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from pilotlight.kube.access import connect
from pilotlight.start_phases import parse as parse_phases
from pilotlight_bench.cluster.timeline import PodWatch
from tests.e2e import breakdown
from tests.e2e.gateway import Endpoint
from tests.e2e.local_cluster import LocalCluster
from tests.e2e.real_engine import ANSWER, EXAMPLE, MODEL, PROMPT, documents
from tests.e2e.streams import Stream, stream
from tests.e2e.workspace import ENGINE_READY_S, QUICK_TO_ZERO, Workspace

# The example's own: Knative's window of a minute, and its grace period.
IDLE_S = 180.0
WAKE_S = 240.0
STREAMS = 3
# The engine takes both cores, so that the server sends two or three tokens when it gets its turn: a
# third to all of them come by themselves. A proxy's buffer of 4 KiB would hold some 16 events:
# a sixteenth of them would, in every stream.
APART = 0.25
PHASES = {"import", "engine", "weights", "warmup", "total"}


@pytest.fixture(scope="module")
def workspace(cluster: LocalCluster) -> Iterator[Workspace]:
    """Where the model's volume is."""
    workspace = Workspace(cluster, "default")
    yield workspace
    cluster.api.delete(workspace.reference(MODEL))


@pytest.fixture(scope="module")
def endpoint(workspace: Workspace) -> Endpoint:
    """The example, applied as people apply it, and ready."""
    workspace.cluster.kubectl("apply", "-f", str(EXAMPLE))
    return workspace.endpoint(MODEL, MODEL, ENGINE_READY_S)


def test_the_example_becomes_ready_as_it_stands_and_answers(endpoint: Endpoint) -> None:
    answer = endpoint.complete(PROMPT)
    assert answer.status_code == 200, answer.text
    assert ANSWER in answer.json()["choices"][0]["text"]


def test_the_official_client_gets_a_stream_token_by_token(endpoint: Endpoint) -> None:
    client = endpoint.openai()
    # The client builds its models at the first chunk, while the others pile up.
    assert list(_story(client, 2))
    apart = [_share_apart(client, 100) for _ in range(STREAMS)]
    assert max(apart) > APART, f"shares of tokens that came by themselves: {apart}"


def _share_apart(client: openai.OpenAI, tokens: int) -> float:
    """A stream's share of tokens that came by themselves, not together with the one before."""
    times: list[float] = []
    for chunk in _story(client, tokens):
        if chunk.choices and chunk.choices[0].delta.content:
            times.append(time.monotonic())
    # The tokenizer holds back a token now and then, until a character is whole.
    assert len(times) > 0.9 * tokens
    assert times[-1] - times[0] > 0.2, "a hundred tokens take longer: they came in one piece"
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return sum(gap > 0.001 for gap in gaps) / len(gaps)


def _story(client: openai.OpenAI, tokens: int) -> Any:
    """A streamed chat."""
    return client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Tell me a story."}],
        max_tokens=tokens,
        temperature=0,
        stream=True,
        extra_body={"ignore_eos": True},
    )


def test_v2_over_rest_gives_the_same_answer(endpoint: Endpoint) -> None:
    tensor = {"name": "prompt", "datatype": "BYTES", "shape": [1], "data": [PROMPT]}
    body = {"inputs": [tensor], "parameters": {"temperature": 0, "max_tokens": 8}}
    with endpoint.http() as client:
        answer = client.post(f"/v2/models/{MODEL}/infer", json=body).raise_for_status().json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert outputs["text_output"] == [endpoint.complete(PROMPT).json()["choices"][0]["text"]]


def test_idle_it_goes_to_zero_pods(workspace: Workspace, endpoint: Endpoint) -> None:
    workspace.wait_pods(MODEL, 0, IDLE_S)


async def test_one_request_wakes_it_and_is_answered(
    workspace: Workspace, endpoint: Endpoint, request: pytest.FixtureRequest
) -> None:
    assert not workspace.pods(MODEL)
    with (
        connect(workspace.cluster.kubeconfig) as own,
        PodWatch(own, workspace.namespace, MODEL) as watch,
    ):
        async with endpoint.async_http(WAKE_S) as client:
            asked, asked_wall = time.monotonic(), time.time()
            answer = await stream(client, endpoint, PROMPT, 8)
        await asyncio.to_thread(watch.wait_ready)
    assert answer.whole, str(answer)
    assert ANSWER in answer.text
    first_token_s = answer.times[0] - asked_wall
    steps = watch.first.breakdown(asked, asked + first_token_s)
    with endpoint.http() as plain:
        phases = parse_phases(plain.get("/metrics").text)
    assert {"scale_up", "schedule", "sandbox", "container", "boot", "answer"} == set(steps)
    assert phases.keys() >= PHASES
    assert phases["total"] < sum(steps.values())
    breakdown.keep(request.config, "wake", steps, phases)


async def test_streams_outlive_the_replacement_of_their_revision(
    workspace: Workspace, endpoint: Endpoint
) -> None:
    """A client that streams all the time while another revision takes over."""
    [old] = workspace.wait_pods(MODEL, 1, 30)
    before = workspace.latest_revision(MODEL)
    streams: list[Stream] = []
    async with endpoint.async_http(WAKE_S) as client:
        workspace.patch(MODEL, {"spec": {"predictor": _another()}})
        async with asyncio.timeout(ENGINE_READY_S):
            while not _is_leaving(workspace, old):
                streams.append(await stream(client, endpoint, "Tell me a story.", 200))
            # One that began before its pod was told to go, and those on the new one.
            streams.append(await stream(client, endpoint, PROMPT, 8))
    assert workspace.latest_revision(MODEL) != before
    assert all(each.whole for each in streams), [str(each) for each in streams if not each.whole]
    assert all(len(each.pieces) > 150 for each in streams[:-1])


def _another() -> dict[str, Any]:
    """A template that differs; two pods of it have room on two cores."""
    [example] = documents(EXAMPLE)
    [container] = example["spec"]["predictor"]["containers"]
    container["resources"]["requests"]["cpu"] = "500m"
    return {"annotations": QUICK_TO_ZERO, "containers": [container]}


def _is_leaving(workspace: Workspace, pod: str) -> bool:
    staying = workspace.pods(MODEL, leaving=False)
    return pod not in [each["metadata"]["name"] for each in staying]


async def test_fifty_requests_at_zero_are_all_answered(
    workspace: Workspace, endpoint: Endpoint
) -> None:
    workspace.wait_pods(MODEL, 0, IDLE_S)
    async with endpoint.async_http(WAKE_S) as client:
        answers = await asyncio.gather(
            *[stream(client, endpoint, f"{PROMPT} number {i}", 8) for i in range(50)]
        )
    assert all(answer.whole for answer in answers), {str(answer) for answer in answers}


def test_metrics_are_open_through_the_gateway(endpoint: Endpoint) -> None:
    with endpoint.http() as client:
        answer = client.get("/metrics")
    assert answer.status_code == httpx.codes.OK
    assert "pilotlight_predictor_output_tokens_total" in answer.text
