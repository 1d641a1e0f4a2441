"""A server in the predictor's place: health, models, a streamed chat, and ways to misbehave.

Run as a program. Its behaviour is in the variable STAND_IN, words separated by spaces:
``slow`` (loads for 0.5 s), ``stuck`` (never ready), ``crash`` (dies while loading), ``fragile``
(dies when asked to chat), ``mute`` (breaks the chat off), ``deaf`` (ignores SIGTERM once),
``stone`` (ignores SIGTERM always), ``child`` (has a child that ignores SIGTERM), ``sour`` (ends
with code 3 when stopped), ``locked`` (answers nothing but health without the key "k").
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BEHAVIOUR = set(os.environ.get("STAND_IN", "").split())
STARTED = time.monotonic()
PIECES = ("The capital ", "of France", " is Paris.")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v2/health/ready":
            loading = "stuck" in BEHAVIOUR or (
                "slow" in BEHAVIOUR and time.monotonic() - STARTED < 0.5
            )
            state = "loading" if loading else "ready"
            self._send(503 if loading else 200, {"ready": not loading, "state": state})
        elif self._locked():
            self._send(401, {"error": {"message": "a key is needed"}})
        else:
            self._send(200, {"data": [{"id": "stand-in"}]})

    def do_POST(self) -> None:
        if "fragile" in BEHAVIOUR:
            say("out of memory")
            os._exit(9)
        self.rfile.read(int(self.headers["Content-Length"]))
        if self._locked():
            self._send(401, {"error": {"message": "a key is needed"}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in PIECES:
            self._event({"choices": [{"delta": {"content": piece}}]})
        if "mute" not in BEHAVIOUR:
            self._event({"choices": [], "usage": {"completion_tokens": 7}})
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _locked(self) -> bool:
        return "locked" in BEHAVIOUR and self.headers.get("Authorization") != "Bearer k"

    def _event(self, content: object) -> None:
        self.wfile.write(f"data: {json.dumps(content)}\n\n".encode())
        self.wfile.flush()

    def _send(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    port = int(os.environ["PORT"])
    say(f"stand-in listens on {port}")
    if "crash" in BEHAVIOUR:
        say("the weights are gone")
        sys.exit(7)
    if "child" in BEHAVIOUR:
        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", stubborn])
        say(f"child {child.pid}")
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    remaining = 2 if "deaf" in BEHAVIOUR else 1

    def stop(*_: object) -> None:
        nonlocal remaining
        remaining -= 1
        say("asked to stop")
        if remaining == 0 and "stone" not in BEHAVIOUR:
            threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    sys.exit(3 if "sour" in BEHAVIOUR else 0)


if __name__ == "__main__":
    main()
