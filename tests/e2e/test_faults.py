"""Parts die in the middle: requests are answered after recovery or refused, and nothing hangs.

Pods, kubelet and activator; on the stand-in.
"""

import asyncio
import os
import signal
import time

import pytest

from pilotlight.kube.kinds import POD
from tests.e2e import local_cluster
from tests.e2e.gateway import Endpoint
from tests.e2e.standin.service import StandInService
from tests.e2e.streams import Stream, begin, stream
from tests.e2e.waiting import until
from tests.e2e.workspace import QUICK_TO_ZERO, Workspace, is_ready

# No request may take longer, whatever happens.
DEADLINE_S = 90.0
RECOVERY_S = 60.0
THINKING_S = 4.0


@pytest.fixture(scope="module")
def awake(workspace: Workspace) -> Endpoint:
    """A service of one pod, that thinks before it speaks."""
    behaviour = {"first_token_s": THINKING_S, "token_s": 0.5}
    service = StandInService(
        "awake", behaviour, min_replicas=1, max_replicas=1, timeout_s=int(DEADLINE_S)
    )
    return workspace.deploy(service)


@pytest.fixture(scope="module")
def asleep(workspace: Workspace, awake: Endpoint) -> Endpoint:
    """A service at zero, that takes a while to start."""
    service = StandInService(
        "asleep", {"ready_after_s": 8}, annotations=QUICK_TO_ZERO, timeout_s=int(DEADLINE_S)
    )
    return workspace.deploy(service)


def at_zero(workspace: Workspace) -> None:
    """Wait until the sleeper has no pod but such as are leaving."""
    until("zero pods", lambda: not workspace.pods("asleep", leaving=False), 60)


def check_clean(requests: list[Stream], sent: float) -> None:
    """Each one ended in time: answered whole, or refused before it spoke."""
    for request in requests:
        assert request.whole or request.cleanly_refused, str(request)
        assert request.ended - sent < DEADLINE_S


def answers_again(endpoint: Endpoint) -> None:
    """Wait until it answers as before."""
    until(
        "an answer after the fault",
        lambda: endpoint.complete("again", timeout_s=DEADLINE_S).status_code == 200,
        RECOVERY_S,
        interval_s=1,
    )


async def test_when_the_server_dies_waiting_requests_are_refused_and_it_comes_back(
    workspace: Workspace, awake: Endpoint
) -> None:
    async with awake.async_http(DEADLINE_S) as client, asyncio.TaskGroup() as group:
        speaking = await begin(group, client, awake, "speaking", 40)
        sent = time.time()
        waiting = [Stream() for _ in range(8)]
        for each in waiting:
            group.create_task(stream(client, awake, "waiting", 4, each))
        await asyncio.sleep(THINKING_S / 4)
        await client.post("/admin/die")
    assert speaking.pieces
    assert not speaking.whole, "the stream should have been hurt"
    check_clean(waiting, sent)
    answers_again(awake)
    [pod] = workspace.pods("awake", leaving=False)
    restarts = {c["name"]: c["restartCount"] for c in pod["status"]["containerStatuses"]}
    assert restarts["kserve-container"] == 1


async def test_when_the_pod_is_killed_waiting_requests_are_refused_and_another_answers(
    workspace: Workspace, awake: Endpoint
) -> None:
    [pod] = workspace.wait_pods("awake", 1, RECOVERY_S)
    async with awake.async_http(DEADLINE_S) as client, asyncio.TaskGroup() as group:
        sent = time.time()
        waiting = [Stream() for _ in range(8)]
        for each in waiting:
            group.create_task(stream(client, awake, "waiting", 4, each))
        await asyncio.sleep(THINKING_S / 4)
        await asyncio.to_thread(_kill_pod, workspace, workspace.namespace, pod)
    check_clean(waiting, sent)
    answers_again(awake)
    assert workspace.wait_pods("awake", 1, RECOVERY_S) != [pod]


async def test_without_the_kubelet_pods_answer_and_sleepers_wake_when_it_is_back(
    workspace: Workspace, awake: Endpoint, asleep: Endpoint
) -> None:
    at_zero(workspace)
    os.kill(workspace.cluster.pids()["kubelet"], signal.SIGKILL)
    async with asleep.async_http(DEADLINE_S) as client, asyncio.TaskGroup() as group:
        sent = time.time()
        waking = [Stream() for _ in range(5)]
        for each in waking:
            group.create_task(stream(client, asleep, "wake", 4, each))
        meanwhile = await stream(client, awake, "without a kubelet", 4)
        repaired = await asyncio.to_thread(local_cluster.up)
    assert meanwhile.whole, str(meanwhile)
    check_clean(waking, sent)
    assert repaired.pids()["kubelet"]
    answers_again(asleep)


async def test_when_the_activator_dies_sleepers_requests_are_refused_and_the_next_ones_answered(
    workspace: Workspace, asleep: Endpoint
) -> None:
    at_zero(workspace)
    [activator] = _activators(workspace)
    async with asleep.async_http(DEADLINE_S) as client, asyncio.TaskGroup() as group:
        sent = time.time()
        waking = [Stream() for _ in range(5)]
        for each in waking:
            group.create_task(stream(client, asleep, "wake", 4, each))
        await asyncio.sleep(2)
        await asyncio.to_thread(_kill_pod, workspace, "knative-serving", activator)
    check_clean(waking, sent)
    answers_again(asleep)
    until("a new activator", lambda: _activators(workspace), RECOVERY_S)


def _activators(workspace: Workspace) -> list[str]:
    pods = workspace.cluster.api.list(POD, "knative-serving", labels="app=activator")
    return [pod["metadata"]["name"] for pod in pods if is_ready(pod)]


def _kill_pod(workspace: Workspace, namespace: str, pod: str) -> None:
    """Kill a pod at once, with no time to stop."""
    arguments = ("-n", namespace, pod, "--grace-period=0", "--force", "--wait=false")
    workspace.cluster.kubectl("delete", "pod", *arguments)
