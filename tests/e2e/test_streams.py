"""Streams come to their end whatever happens to their pod (on the stand-in)."""

import asyncio

from tests.e2e.standin.service import StandInService
from tests.e2e.streams import Stream, begin, stream
from tests.e2e.waiting import until
from tests.e2e.workspace import QUICK_TO_ZERO, Workspace

TOKEN_S = 0.1


def tokens(seconds: float) -> int:
    """How many tokens make a stream so long."""
    return int(seconds / TOKEN_S)


async def test_a_stream_outlives_the_deletion_of_its_pod(workspace: Workspace) -> None:
    # Longer than the 30 s that queue-proxy waits before the server learns of its end.
    service = StandInService(
        "deleted", {"token_s": TOKEN_S}, min_replicas=1, timeout_s=90, max_replicas=2
    )
    endpoint = workspace.deploy(service)
    [pod] = workspace.wait_pods("deleted", 1, 30)
    async with endpoint.async_http() as client, asyncio.TaskGroup() as group:
        long = await begin(group, client, endpoint, "a long one", tokens(45))
        workspace.delete_pod(pod)
        others = [await stream(client, endpoint, f"meanwhile {i}", 5) for i in range(10)]
    assert long.whole, long
    assert len(long.pieces) == tokens(45)
    assert long.headers["x-standin-pod"] == pod
    assert all(other.whole for other in others), [str(o) for o in others if not o.whole]


async def test_streams_outlive_scaling_down(workspace: Workspace) -> None:
    service = StandInService(
        "shrinking",
        {"token_s": TOKEN_S},
        min_replicas=2,
        scale_target=100,
        timeout_s=90,
        annotations=QUICK_TO_ZERO,
    )
    endpoint = workspace.deploy(service)
    before = workspace.wait_pods("shrinking", 2, 30)
    async with endpoint.async_http() as client, asyncio.TaskGroup() as group:
        streams = [
            await begin(group, client, endpoint, f"number {i}", tokens(40)) for i in range(10)
        ]
        workspace.annotate_revision(
            workspace.latest_revision("shrinking"), {"autoscaling.knative.dev/min-scale": "1"}
        )
        [stays] = await asyncio.to_thread(workspace.wait_pods, "shrinking", 1, 30)
        running = [each for each in streams if not each.ended]
    [leaves] = set(before) - {stays}
    assert any(each.headers["x-standin-pod"] == leaves for each in running), "nothing was at stake"
    assert all(each.whole for each in streams), [str(each) for each in streams]


async def test_nobody_notices_that_the_revision_is_replaced(workspace: Workspace) -> None:
    def version(number: int) -> StandInService:
        behaviour = {"token_s": TOKEN_S, "version": number}
        return StandInService("replaced", behaviour, min_replicas=1, timeout_s=90)

    endpoint = workspace.deploy(version(1))
    short: list[Stream] = []
    async with endpoint.async_http() as client, asyncio.TaskGroup() as group:
        streams = [
            await begin(group, client, endpoint, f"number {i}", tokens(25)) for i in range(4)
        ]
        workspace.apply([version(2).inference_service()])
        async with asyncio.timeout(60):
            while not short or short[-1].headers.get("x-standin-version") != "2":
                short.append(await stream(client, endpoint, "short", 3))
                assert short[-1].whole, short[-1]
        running = [each for each in streams if not each.ended]
    assert running, "the streams ended before the new version came"
    assert all(each.whole for each in streams), [str(each) for each in streams]
    assert {each.headers["x-standin-version"] for each in streams} == {"1"}
    assert endpoint.complete("after").headers["x-standin-version"] == "2"


async def test_a_hundred_requests_at_zero_are_all_answered(workspace: Workspace) -> None:
    service = StandInService(
        "sleeper", {"ready_after_s": 3}, scale_target=20, annotations=QUICK_TO_ZERO
    )
    endpoint = workspace.deploy(service)
    until("zero pods", lambda: not workspace.pods("sleeper", leaving=False), 60)
    async with endpoint.async_http() as client:
        answers = await asyncio.gather(
            *[stream(client, endpoint, f"number {i}", 5) for i in range(100)]
        )
    assert all(answer.whole for answer in answers), {str(answer) for answer in answers}


async def test_a_slow_client_that_leaves_frees_its_slot(workspace: Workspace) -> None:
    service = StandInService("left", {"token_s": 1, "slots": 1}, min_replicas=1)
    endpoint = workspace.deploy(service)
    async with endpoint.async_http() as client:
        body = {"model": endpoint.model, "prompt": "x", "max_tokens": 50, "stream": True}
        async with client.stream("POST", "/v1/completions", json=body) as answer:
            await anext(answer.aiter_lines())
        follower = await asyncio.wait_for(stream(client, endpoint, "next", 2), 20)
    assert follower.whole, follower
