"""A server with figures, as a pod or a gateway has."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Exposed:
    """Answers ``GET`` of any path with what ``text`` returns; with 500 while ``broken``."""

    def __init__(self, text: Callable[[], bytes], address: str = "127.0.0.1") -> None:
        self.broken = False

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                body = text()
                handler.send_response(500 if self.broken else 200)
                handler.send_header("Content-Type", "text/plain; version=0.0.4")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, format: str, *arguments: object) -> None:  # noqa: A002, N805
                """Quiet."""

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
