"""What people are told: Events in a real API server, messages to a real HTTP server."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from pilotlight.announcement import Announcement, Severity
from pilotlight.api.rollout import InferenceRollout
from pilotlight.clock import SimulatedClock
from pilotlight.controller.events import Recorder
from pilotlight.kube.access import ApiServer, connect
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import EVENT, NAMESPACE
from pilotlight_canary.controller.assembly import COMPONENT
from pilotlight_canary.controller.notifications import Notifier
from pilotlight_cluster.controlplane import ControlPlane
from tests.controlplane.canary.definitions import define
from tests.controlplane.conftest import Kubectl

pytestmark = pytest.mark.controlplane

HOME = "controller-events"
PROMOTED = Announcement("Promoted", "llm-00002 has all of the traffic", notify=True)
TAKEN_BACK = Announcement("RolledBack", "too many errors", Severity.WARNING, notify=True)


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane, kubectl: Kubectl) -> Iterator[ApiServer]:
    define(kubectl)
    with connect(control_plane.kubeconfig) as opened:
        opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        yield opened
        opened.delete(Reference(NAMESPACE, HOME))


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(1_700_000_000)


@pytest.fixture
def about(cluster: ApiServer, request: pytest.FixtureRequest) -> Document:
    name = request.node.name.replace("_", "-")[:60].strip("-")
    spec = {
        "targetRef": {"name": "llm"},
        "notifications": [
            {"urlFrom": {"name": "chat", "key": "url"}},
            {"urlFrom": {"name": "missing", "key": "url"}},
        ],
    }
    document = {"apiVersion": "pilotlight.dev/v1alpha1", "kind": "InferenceRollout"}
    metadata = {"name": name, "namespace": HOME}
    return cluster.create({**document, "metadata": metadata, "spec": spec})


def events(cluster: ApiServer, about: Document) -> list[Document]:
    uid = about["metadata"]["uid"]
    return [e for e in cluster.list(EVENT, HOME) if e["involvedObject"]["uid"] == uid]


def test_an_event_says_what_when_and_by_whom(
    cluster: ApiServer, about: Document, clock: SimulatedClock
) -> None:
    Recorder(cluster, COMPONENT, "me", clock).record(about, TAKEN_BACK)
    (event,) = events(cluster, about)
    assert (event["reason"], event["message"], event["type"]) == (
        "RolledBack",
        "too many errors",
        "Warning",
    )
    assert event["source"]["component"] == "pilotlight-rollout-controller"
    assert event["lastTimestamp"] == "2023-11-14T22:13:20Z"


def test_kubectl_describe_shows_it(
    cluster: ApiServer, about: Document, clock: SimulatedClock, kubectl: Kubectl
) -> None:
    Recorder(cluster, COMPONENT, "me", clock).record(about, PROMOTED)
    said = kubectl("describe", "irollout", about["metadata"]["name"], "-n", HOME)
    assert "Promoted" in said
    assert "pilotlight-rollout-controller" in said


def test_the_same_said_again_is_counted_even_by_another_process(
    cluster: ApiServer, about: Document, clock: SimulatedClock
) -> None:
    Recorder(cluster, COMPONENT, "me", clock).record(about, PROMOTED)
    clock.advance(60)
    Recorder(cluster, COMPONENT, "another", clock).record(about, PROMOTED)
    Recorder(cluster, COMPONENT, "another", clock).record(about, TAKEN_BACK)
    counts = {e["reason"]: e["count"] for e in events(cluster, about)}
    assert counts == {"Promoted": 2, "RolledBack": 1}


class Chat:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answers = [200]
        self.delay_s = 0.0

    async def receive(self, request: web.Request) -> web.Response:
        self.messages.append(await request.json())
        await asyncio.sleep(self.delay_s)
        return web.Response(
            status=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        )


@pytest.fixture
async def chat(cluster: ApiServer) -> AsyncIterator[Chat]:
    found = Chat()
    app = web.Application()
    app.router.add_post("/hook", found.receive)
    server = TestServer(app)
    await server.start_server()
    url = base64.b64encode(str(server.make_url("/hook")).encode()).decode()
    metadata = {"name": "chat", "namespace": HOME}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"url": url}}
    cluster.apply(secret)
    yield found
    await server.close()


async def sent(cluster: ApiServer, about: Document) -> list[bool]:
    results: list[bool] = []
    async with aiohttp.ClientSession() as session:
        notifier = Notifier(cluster, session, results.append)
        notifier.send(InferenceRollout.model_validate(about), TAKEN_BACK)
        await notifier.drain(20)
    return results


async def test_each_receiver_that_can_be_found_is_told(
    cluster: ApiServer, about: Document, chat: Chat
) -> None:
    assert sorted(await sent(cluster, about)) == [False, True]
    (message,) = chat.messages
    assert message["text"].endswith(": RolledBack")
    (attachment,) = message["attachments"]
    assert (attachment["color"], attachment["text"]) == ("danger", "too many errors")


async def test_a_chat_that_stumbles_is_told_again(
    cluster: ApiServer, about: Document, chat: Chat
) -> None:
    chat.answers = [500, 200]
    assert sorted(await sent(cluster, about)) == [False, True]
    assert len(chat.messages) == 2


async def test_the_secret_url_is_in_no_log(
    cluster: ApiServer, about: Document, chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    chat.answers = [404]
    assert await sent(cluster, about) == [False, False]
    assert caplog.records
    assert "/hook" not in caplog.text
    assert "127.0.0.1" not in caplog.text
