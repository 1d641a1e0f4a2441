"""Benchmark ``transformer``: its upstream, its load, and what the figures are made of."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pilotlight.errors import OperationError, ProcessError, UsageError
from pilotlight_bench.catalogue import CATALOGUE
from pilotlight_bench.server import Launch, Server, free_port
from pilotlight_bench.transformer import envoy, figures, peers, streams, wrk
from pilotlight_bench.transformer.measurement import Delays, Findings, Loaded, Memory
from pilotlight_bench.transformer.pipelines import PIPELINES, write_pipeline
from pilotlight_bench.transformer.settings import EVENTS, Kind, body, paced
from pilotlight_bench.transformer.streams import Times
from pilotlight_bench.transformer.wrk import Outcome, Wrk

START_S = 20.0
LINE = '{"requests":200,"duration_us":2000000,"refused":1,"broken":2,"p50_us":1500,"p99_us":9000}'


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The upstream, on any core."""
    port = free_port()
    file = Path(peers.__file__).with_name("stub.py")
    launch = Launch("stub", (sys.executable, str(file), str(port)), port)
    with Server(launch, tmp_path_factory.mktemp("stub")) as server:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            server.check_alive()
            try:
                httpx.get(f"{launch.url}/v1/models", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield server


def ask(stub: Server, request: dict[str, object]) -> httpx.Response:
    url = f"{stub.launch.url}/v1/chat/completions"
    return httpx.post(url, json=request, trust_env=False, timeout=30)


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    data = [part.removeprefix("data: ") for part in answer.text.split("\n\n") if part]
    assert data.pop() == "[DONE]"
    return [json.loads(each) for each in data]


def test_the_stub_answers_as_openai_does(stub: Server) -> None:
    answer = ask(stub, body(Kind.JSON)).json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] == EVENTS


@pytest.mark.parametrize("kind", [Kind.SSE, Kind.BURSTS])
def test_a_stream_of_the_stub_has_its_events_and_its_end(stub: Server, kind: Kind) -> None:
    found = events(ask(stub, body(kind)))
    assert sum("content" in event["choices"][0]["delta"] for event in found) == EVENTS
    assert found[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_comes_at_the_end_where_it_is_asked_for(stub: Server) -> None:
    request = {**body(Kind.SSE), "stream_options": {"include_usage": True}}
    assert events(ask(stub, request))[-1]["usage"]["completion_tokens"] == EVENTS


def test_requests_on_one_connection_are_answered_in_their_order(stub: Server) -> None:
    whole = json.dumps(body(Kind.SSE)).encode(), json.dumps(body(Kind.JSON)).encode()
    sent = b"".join(
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(each), each)
        for each in whole
    )

    async def pipelined() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", stub.launch.port)
        # Cut where it hurts: inside the second head.
        cut = sent.index(b"POST", 10) + 9
        writer.write(sent[:cut])
        await asyncio.sleep(0.05)
        writer.write(sent[cut:])
        received = b""
        while b'"chat.completion"' not in received:
            piece = await asyncio.wait_for(reader.read(65536), 10)
            assert piece, received[-300:]
            received += piece
        writer.close()
        return received

    received = asyncio.run(pipelined())
    assert received.index(b"[DONE]") < received.index(b'"chat.completion"')


def test_a_body_in_chunks_is_read_too(stub: Server) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (json.dumps(body(Kind.JSON)).encode(), b" ")

    url = f"{stub.launch.url}/v1/chat/completions"
    with httpx.Client(trust_env=False) as client:
        for _ in range(2):
            assert client.post(url, content=pieces()).json()["usage"]["completion_tokens"] == EVENTS


def test_an_events_way_is_measured_and_not_its_pace(stub: Server) -> None:
    data = streams.request(stub.launch.port, "key", 8, 30)
    found = asyncio.run(streams.low_load(stub.launch.port, data, streams=5, lanes=2))
    assert [len(times.underway) for times in found] == [8] * 5
    ways = sorted(way for times in found for way in times.underway)
    assert 0 < ways[len(ways) // 2] < 0.015
    assert all(times.first > 0 for times in found)


def test_streams_stay_open_while_somebody_looks(stub: Server) -> None:
    looks = iter([3.0, 7.0, 5.0, 1.0, 2.0])
    data = streams.request(stub.launch.port, "key", 10_000, 200)
    held = streams.held_open(stub.launch.port, data, 120, lambda: next(looks), 0.5)
    assert asyncio.run(held) == 7.0


def test_streams_that_end_too_early_hold_nothing_open(stub: Server) -> None:
    data = streams.request(stub.launch.port, "key", 2, 1)
    held = streams.held_open(stub.launch.port, data, 3, lambda: 1.0, 0.5)
    with pytest.raises(OperationError, match="should have stayed open"):
        asyncio.run(held)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 429 Too Many\r\ncontent-length: 2\r\n\r\n{}", "was refused"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "broke off"),
    ],
)
def test_a_stream_that_is_refused_or_breaks_off_is_told(answer: bytes, said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def ask_it() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            await streams.low_load(port, streams.request(port, "key", 2, 1), 1, 1)

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(ask_it())
    (error,) = caught.value.exceptions
    assert isinstance(error, OperationError)
    assert said in str(error)


def test_the_last_line_of_wrk_has_the_figures() -> None:
    outcome = Outcome.parse(f"Running 2s test\n{LINE}\n")
    assert (outcome.requests_per_s, outcome.p99_ms) == (100.0, 9.0)
    assert (outcome.refused, outcome.broken) == (1, 2)
    with pytest.raises(ProcessError, match="told no figures"):
        Outcome.parse("Running 2s test\n")


@pytest.mark.wrk
def test_wrk_counts_what_was_answered(stub: Server, tmp_path: Path) -> None:
    load = Wrk(min(os.sched_getaffinity(0)), tmp_path)
    outcome = load.run(stub.launch.url, Kind.SSE, "key", 2, 1)
    assert outcome.requests > 10
    assert 0 < outcome.p50_ms <= outcome.p99_ms


@pytest.mark.wrk
def test_refusals_are_no_figures(tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import http.server\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def log_message(self, *_): pass\n"
        "    def do_POST(self):\n"
        "        self.rfile.read(int(self.headers['content-length']))\n"
        "        self.send_response(429)\n"
        "        self.send_header('content-length', '0')\n"
        "        self.end_headers()\n"
        f"http.server.ThreadingHTTPServer(('127.0.0.1', {port}), H).serve_forever()\n"
    )
    launch = Launch("refuser", (sys.executable, "-c", program), port)
    with Server(launch, tmp_path) as server:
        _until_it_listens(server)
        with pytest.raises(OperationError, match="were refused"):
            Wrk(min(os.sched_getaffinity(0)), tmp_path).run(launch.url, Kind.JSON, "key", 2, 1)


def _until_it_listens(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        server.check_alive()
        try:
            httpx.post(server.launch.url, json={}, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def test_without_wrk_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match="apt-get install wrk"):
        wrk.find()


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_yaml_and_holds_the_hash_of_the_key_only(name: str, tmp_path: Path) -> None:
    path = write_pipeline(tmp_path, name, "the-clients-key")
    document = yaml.safe_load(path.read_text())
    assert isinstance(document["pipeline"], list)
    assert "the-clients-key" not in path.read_text()


def test_servers_have_their_core_and_their_ports(tmp_path: Path) -> None:
    place = peers.Place(3, 1234, 5678, tmp_path)
    ours = peers.pilotlight(peers.AUTH).start(place)
    assert ours.command[:3] == ("taskset", "-c", "3")
    assert "--predictor_host=127.0.0.1:5678" in ours.command
    assert "--http_port=1234" in ours.command
    assert peers.KEY not in " ".join(ours.command)
    peers.plain_envoy().start(place)
    config = json.loads((tmp_path / "envoy.json").read_text())["static_resources"]
    listens = config["listeners"][0]["address"]["socket_address"]
    assert listens == {"address": "127.0.0.1", "port_value": 1234}
    assert '"port_value": 5678' in json.dumps(config["clusters"])


def test_envoy_takes_its_file(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("envoy")
    if not program.exists():
        pytest.skip("the extra `cluster` has Envoy")
    path = envoy.write_config(tmp_path / "envoy.json", free_port(), free_port())
    done = subprocess.run(
        [program, "-c", str(path), "--mode", "validate", "-l", "error"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def loaded(peer: str, kind: Kind, round_: int, requests: int, cpu_s: float = 1.0) -> Loaded:
    return Loaded(peer, kind, round_, Outcome(requests, 1.0, 0, 0, 1.0, 2.0), cpu_s, 0.0)


def findings() -> Findings:
    loads = []
    for round_, envoys in enumerate((1000, 2000, 4000)):
        for kind in Kind:
            loads += [
                loaded(peers.EMPTY, kind, round_, 800),
                loaded(peers.AUTH, kind, round_, 500),
                loaded(peers.ENVOY, kind, round_, envoys),
            ]
        loads.append(loaded(peers.LITELLM, Kind.JSON, round_, 5, 0.5))
    times = [Times(0.001 * n, [0.5, 0.0001 * n]) for n in range(1, 4)]
    direct = [Times(0.0005 * n, [0.5, 0.0001]) for n in range(1, 4)]
    delays = [Delays.of(peers.STUB, direct, 0.0), Delays.of(peers.AUTH, times, 0.0)]
    return Findings(loads, delays, [Memory(peers.AUTH, 2000, 60e6, 150e6)])


def test_the_headline_compares_rounds_per_second_of_processor_time() -> None:
    assert figures.headline(findings()) == pytest.approx(
        {
            "json_vs_envoy": 0.4,
            "sse_vs_envoy": 0.4,
            "auth_json_vs_envoy": 0.25,
            "auth_sse_vs_envoy": 0.25,
            "auth_json_vs_litellm": 50.0,
            "added_p50_ms": 1.0,
            "mb_at_2000_streams": 150.0,
        }
    )


def test_what_was_left_out_has_no_figure() -> None:
    partial = findings()
    partial.loads = [each for each in partial.loads if each.peer != peers.LITELLM]
    partial.memory = []
    found = figures.headline(partial)
    assert found["auth_json_vs_litellm"] is None
    assert found["mb_at_2000_streams"] is None
    assert found["json_vs_envoy"] is not None


def test_the_catalogue_names_the_headline_and_every_goal() -> None:
    (entry,) = (each for each in CATALOGUE if each.name == "transformer")
    assert entry.headline == tuple(figures.headline(findings())) == tuple(figures.GOALS)


def test_tables_have_a_row_for_each_server_and_rows_are_json() -> None:
    speed, delay, memory = figures.tables(findings())
    assert [row[0] for row in speed.rows] == ["empty", "auth", "envoy", "litellm"]
    assert [row[0] for row in delay.rows] == ["stub", "auth"]
    assert memory.rows == [["auth", "60", "2000", "150"]]
    assert len(json.loads(json.dumps(findings().rows()))) == len(findings().loads) + 3


def test_the_first_event_of_a_stream_is_no_event_on_its_way() -> None:
    found = Delays.of("x", [Times(0.002, [9.0, 0.001])], 0.0)
    assert (found.first_ms, found.chunk_ms) == ((2.0,), (1.0,))


def test_a_pace_is_a_parameter_that_proxies_hand_on() -> None:
    assert paced(16, 5) | {"stream": True} == paced(16, 5)
    assert set(paced(16, 5)) == {"model", "messages", "max_tokens", "stream", "seed"}
