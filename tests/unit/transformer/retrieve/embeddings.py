"""An embedding model at play: texts with the same words are near to each other."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from pilotlight_transformer.retrieval.document import Vector, unit

WORDS = ("apple", "pear", "engine", "wheel", "moon", "star", "river", "sea")


def embed(text: str) -> list[float]:
    """How often each of :data:`WORDS` stands in a text; never all zero."""
    lower = text.lower()
    return [0.01, *(float(lower.count(word)) for word in WORDS)]


def vectors(*texts: str) -> Vector:
    """Their embeddings, a row each, of length 1."""
    return unit(np.asarray([embed(text) for text in texts], dtype=np.float32))


def answer(document: Mapping[str, Any]) -> dict[str, Any]:
    """What ``/v1/embeddings`` answers."""
    given = document["input"]
    texts = [given] if isinstance(given, str) else given
    data = [{"index": i, "embedding": embed(text)} for i, text in enumerate(texts)]
    return {"object": "list", "model": document["model"], "data": data[::-1]}


class EmbeddingServer:
    """A real server on 127.0.0.1 that embeds.

    Attributes:
        texts: All that were embedded.
        statuses: Answered first, one for each request, before it embeds.
        blocks_after: Requests that it answers; the next ones wait.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.requests = 0
        self.statuses: list[int] = []
        self.blocks_after: int | None = None
        self.blocked = threading.Event()
        self._release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, document = outer.handle(self.path, body)
                data = json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    return

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert path == "/v1/embeddings"
        self.requests += 1
        if self.blocks_after is not None and self.requests > self.blocks_after:
            self.blocked.set()
            self._release.wait(60)
        if self.statuses:
            return self.statuses.pop(0), {"error": {"message": "no"}}
        self.texts += body["input"]
        return 200, answer(body)

    def __enter__(self) -> "EmbeddingServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
