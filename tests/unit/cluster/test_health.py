"""What answers is asked directly, and a question never fails by itself."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pilotlight_cluster.health import answers, listens, listens_at


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/good" else 500)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_only_success_is_an_answer(port: int) -> None:
    assert answers(f"http://127.0.0.1:{port}/good")
    assert not answers(f"http://127.0.0.1:{port}/bad")


def test_a_proxy_of_the_environment_is_not_asked(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert answers(f"http://127.0.0.1:{port}/good")


def test_certificates_that_are_not_there_yet_are_no_answer(tmp_path: Path) -> None:
    assert not answers("https://127.0.0.1:1", tmp_path / "ca.crt")


def test_nobody_listens_where_nobody_is(port: int, tmp_path: Path) -> None:
    assert listens("127.0.0.1", port)()
    assert not listens("127.0.0.1", 1)()
    assert not listens_at(tmp_path / "socket")()
