"""The load generator: its process, and what vLLM's benchmark does with a load."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pilotlight.errors import ProcessError
from pilotlight_bench.load.generator import LoadGenerator
from pilotlight_bench.load.plan import Load, Request

LOAD = Load(requests=(Request(prompt=" the", prompt_tokens=1, output_tokens=3),), concurrency=1)


def _generator(tmp_path: Path, program: str) -> LoadGenerator:
    lines = f"import json, sys, time\nprint('{{}}', flush=True)\n{program}"
    return LoadGenerator(tmp_path / "generator.log", (sys.executable, "-c", lines))


def test_a_load_goes_out_and_its_outcome_comes_back(tmp_path: Path) -> None:
    program = """
for line in sys.stdin:
    job = json.loads(line)
    answers = [{"at_s": r["at_s"], "ok": True} for r in job["load"]["requests"]]
    outcome = {"answers": answers, "duration_s": 1.0, "generator_cpu_s": 0.0}
    print(json.dumps(outcome), flush=True)
"""
    with _generator(tmp_path, program) as generator:
        for _ in range(2):
            outcome = generator.run("http://127.0.0.1:1", "m", LOAD, timeout_s=10)
            assert [answer.ok for answer in outcome.answers] == [True]


def test_a_load_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with (
        _generator(tmp_path, "time.sleep(60)") as generator,
        pytest.raises(ProcessError, match=r"no answer in 0\.2 s.*generator\.log"),
    ):
        generator.run("http://127.0.0.1:1", "m", LOAD, timeout_s=0.2)


def test_a_generator_that_dies_is_noticed(tmp_path: Path) -> None:
    with (
        _generator(tmp_path, "sys.stdin.readline()") as generator,
        pytest.raises(ProcessError, match="died"),
    ):
        generator.run("http://127.0.0.1:1", "m", LOAD, timeout_s=10)


class Handler(http.server.BaseHTTPRequestHandler):
    """Streams completions; refuses every prompt that begins with " no"."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, Any]]] = []
    running = 0
    most_running = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        self._send(404, b"")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.seen.append(body)
            Handler.running += 1
            Handler.most_running = max(Handler.most_running, Handler.running)
        time.sleep(0.05)
        with self.lock:
            Handler.running -= 1
        if body["prompt"].startswith(" no"):
            self._send(429, b"{}")
            return
        count = 1 if body["prompt"].startswith(" short") else body["max_tokens"]
        chunks: list[Any] = [{"choices": [{"text": " a"}]}] * count
        usage = {"prompt_tokens": len(body["prompt"].split()), "completion_tokens": count}
        chunks.append({"choices": [], "usage": usage})
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send(200, "".join([*events, "data: [DONE]\n\n"]).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is not a log."""


@pytest.fixture
def url() -> Iterator[str]:
    Handler.seen, Handler.most_running = [], 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def vllm_generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadGenerator]:
    with LoadGenerator(tmp_path_factory.mktemp("load") / "generator.log") as generator:
        yield generator


def _load(prompts: list[str], concurrency: int | None = None, gap_s: float = 0.0) -> Load:
    requests = (
        Request(prompt=text, prompt_tokens=len(text.split()), output_tokens=3, at_s=index * gap_s)
        for index, text in enumerate(prompts)
    )
    return Load(requests=tuple(requests), concurrency=concurrency)


@pytest.mark.engine
def test_vllms_benchmark_sends_a_closed_loop_as_planned(
    vllm_generator: LoadGenerator, url: str
) -> None:
    load = _load([" the flame"] * 9, concurrency=3)
    outcome = vllm_generator.run(url, "m", load, timeout_s=30)
    assert [answer.ok for answer in outcome.answers] == [True] * 9
    assert {(a.prompt_tokens, a.output_tokens) for a in outcome.answers} == {(2, 3)}
    assert all(a.ttft_s >= 0.05 and len(a.itl_s) == 2 for a in outcome.answers)
    assert Handler.most_running == 3
    assert len(Handler.seen) == 9
    sent = Handler.seen[0]
    assert (sent["ignore_eos"], sent["stream"], sent["temperature"]) == (True, True, 0.0)
    assert (sent["max_tokens"], sent["model"]) == (3, "m")


@pytest.mark.engine
def test_vllms_benchmark_sends_an_open_loop_at_its_times(
    vllm_generator: LoadGenerator, url: str
) -> None:
    load = _load([" the flame"] * 5, gap_s=0.1)
    outcome = vllm_generator.run(url, "m", load, timeout_s=30)
    assert [answer.at_s for answer in outcome.answers] == pytest.approx(
        [0.0, 0.1, 0.2, 0.3, 0.4], abs=0.08
    )


@pytest.mark.engine
def test_refused_and_broken_answers_keep_their_places(
    vllm_generator: LoadGenerator, url: str
) -> None:
    load = _load([" the", " no", " short", " the"], concurrency=4)
    outcome = vllm_generator.run(url, "m", load, timeout_s=30)
    assert [(answer.ok, answer.error) for answer in outcome.answers] == [
        (True, ""),
        (False, "Too Many Requests"),
        (False, "ended after 1 of 3 tokens"),
        (True, ""),
    ]
