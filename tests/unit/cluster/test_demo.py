"""The demonstration says what happens, in words that are true."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pilotlight.errors import OperationError
from pilotlight.kube.document import Document
from pilotlight_cluster.demo import pods
from pilotlight_cluster.demo.play import play
from pilotlight_cluster.demo.scene import Exchange, PodLine, Scene
from pilotlight_cluster.demo.story import Story
from pilotlight_cluster.demo.view import render


def _pod(ready: bool = False, started: bool = True, **changes: Any) -> Document:
    created = datetime.now(UTC) - timedelta(seconds=30)
    state = {"running": {}} if started else {"waiting": {"reason": "ContainerCreating"}}
    pod: Document = {
        "metadata": {"name": "smollm2", "creationTimestamp": created.isoformat()},
        "spec": {"nodeName": "local"},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "kserve-container", "ready": True, "state": state}],
        },
    }
    for section, change in changes.items():
        pod[section] |= change
    return pod


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"spec": {"nodeName": ""}}, "waits for a node"),
        ({"started": False}, "container starts"),
        ({"status": {"containerStatuses": []}}, "container starts"),
        ({}, "model loads"),
        ({"ready": True}, "ready"),
        ({"ready": True, "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "stopping"),
    ],
)
def test_a_pod_is_shown_in_the_state_that_people_wait_for(
    changes: dict[str, Any], state: str
) -> None:
    (line,) = pods.observe(_Cluster([_pod(**changes)]), "default", "smollm2")  # type: ignore[arg-type]
    assert (line.state, line.ready) == (state, state == "ready")
    assert 29 <= line.age_s <= 60


class _Cluster:
    """The few calls that the demonstration makes, on objects in memory."""

    namespace = "default"

    def __init__(self, pods: list[Document], url: str = "http://smollm2.example.com") -> None:
        self.pods = pods
        self.url = url
        self.applied: list[Document] = []

    def list(self, *_: object, **__: object) -> list[Document]:
        found, self.pods = self.pods, []
        return found

    def apply(self, document: Document, **_: object) -> Document:
        self.applied.append(document)
        return document

    def get(self, reference: object) -> Document:
        ready = {"type": "Ready", "status": "True"}
        status = {"observedGeneration": 1, "conditions": [ready], "url": self.url}
        return {"metadata": {"name": "smollm2", "generation": 1}, "status": status}


class _Gateway(BaseHTTPRequestHandler):
    cut = False
    hosts: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.hosts.append(self.headers["Host"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", "9999" if self.cut else str(len(self._events())))
        self.end_headers()
        self.wfile.write(self._events())

    def _events(self) -> bytes:
        chunks = [{"choices": [{"delta": {"content": text}}]} for text in ("Par", "is")]
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        return "".join([*lines, "data: [DONE]\n\n"]).encode()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_Gateway, "hosts", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def story(gateway: str, tmp_path: Path) -> Story:
    manifest = tmp_path / "smollm2.yaml"
    manifest.write_text(
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n"
        "metadata: {name: smollm2}\nspec: {}\n"
    )
    return Story(_Cluster([]), gateway, manifest, Scene(), crowd=3)  # type: ignore[arg-type]


def test_the_whole_story_is_told(story: Story) -> None:
    console = Console(record=True, width=120)
    play(story, console)
    assert [exchange.answer for exchange in story.scene.exchanges] == ["Paris"] * 4
    assert _Gateway.hosts == ["smollm2.example.com"] * 4
    shown = console.export_text()
    assert "3 of 3 answered" in shown
    assert "none: the endpoint sleeps at zero" in shown


def test_a_cut_answer_is_a_failure(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Gateway, "cut", True)
    with pytest.raises(OperationError, match="the request failed"):
        play(story, Console(quiet=True))


def test_the_view_tells_who_waits_and_who_was_answered() -> None:
    scene = Scene(chapter="waking")
    scene.pods = [PodLine("smollm2-00001", "model loads", ready=False, age_s=4)]
    scene.exchanges = [
        Exchange("first?", answer="Yes.", tokens=2, first_token_s=0.5, last_s=0.7),
        Exchange("second?"),
    ]
    console = Console(record=True, width=120)
    console.print(render(scene))
    shown = console.export_text()
    assert "model loads" in shown
    assert "first token after 0.50 s, 2 tokens, complete after 0.70 s" in shown
    assert "waiting for" in shown
