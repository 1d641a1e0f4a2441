"""Server processes: started, watched, paused, and ended with all their children."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from pilotlight.errors import ProcessError
from pilotlight_bench.first_answer import wait_for_answer
from pilotlight_bench.peers import Peer
from pilotlight_bench.server import Launch, Server, free_port

# Answers 503 to its first requests, as a server that loads does.
LOADING = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    refusals = 2
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        loading = Handler.refusals > 0
        Handler.refusals -= 1
        body = json.dumps({"choices": [{"text": " Paris"}]}).encode()
        self.send_response(503 if loading else int(sys.argv[2]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

# A child in a process group of its own, deaf to SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", child], process_group=0)
time.sleep(60)
"""


def _server(tmp_path: Path, program: str, *arguments: str) -> Server:
    port = free_port()
    command = (sys.executable, "-c", program, str(port), *arguments)
    return Server(Launch("peer", command, port), tmp_path)


def _await_processes(server: Server, count: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 10
    while len(processes := server.processes()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(processes) == count
    return processes


def _await_status(process: psutil.Process, status: str) -> None:
    deadline = time.monotonic() + 10
    while process.status() != status and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.status() == status


def test_the_first_answer_is_waited_for_through_503(tmp_path: Path) -> None:
    with _server(tmp_path, LOADING, "200") as server:
        first = wait_for_answer(server, "m", timeout_s=20)
    assert first.text == " Paris"
    assert first.seconds >= 0.1


def test_an_answer_that_is_an_error_is_not_retried(tmp_path: Path) -> None:
    with (
        _server(tmp_path, LOADING, "404") as server,
        pytest.raises(ProcessError, match="answered 404"),
    ):
        wait_for_answer(server, "m", timeout_s=20)


def test_a_server_that_dies_early_gives_the_end_of_its_log(tmp_path: Path) -> None:
    program = "import sys; print('no such model'); sys.exit(3)"
    with (
        _server(tmp_path, program) as server,
        pytest.raises(ProcessError, match=r"code 3[\s\S]*no such model"),
    ):
        wait_for_answer(server, "m", timeout_s=20)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with (
        _server(tmp_path, "import time; time.sleep(60)") as server,
        pytest.raises(ProcessError, match=r"no answer in 0\.3 s"),
    ):
        wait_for_answer(server, "m", timeout_s=0.3)


def test_children_in_groups_of_their_own_are_ended_too(tmp_path: Path) -> None:
    with _server(tmp_path, FAMILY) as server:
        processes = _await_processes(server, 2)
        server.stop(timeout_s=0.3)
    assert not any(process.is_running() for process in processes)


def test_a_paused_server_is_ended_all_the_same(tmp_path: Path) -> None:
    with _server(tmp_path, "import time; time.sleep(60)") as server:
        (process,) = _await_processes(server, 1)
        server.pause()
        _await_status(process, psutil.STATUS_STOPPED)
        started = time.monotonic()
        server.stop(timeout_s=10)
    assert time.monotonic() - started < 5
    assert not process.is_running()


def test_a_resumed_server_goes_on(tmp_path: Path) -> None:
    with _server(tmp_path, LOADING, "200") as server:
        wait_for_answer(server, "m", timeout_s=20)
        server.pause()
        _await_status(server.processes()[0], psutil.STATUS_STOPPED)
        server.resume()
        assert wait_for_answer(server, "m", timeout_s=20).text == " Paris"


def test_variables_replace_the_callers_and_an_empty_one_unsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTLIGHT_TEST_KEPT", "kept")
    monkeypatch.setenv("PILOTLIGHT_TEST_UNSET", "set")
    program = "import os; print({k: v for k, v in os.environ.items() if 'PILOTLIGHT_TEST' in k})"
    changes = {"PILOTLIGHT_TEST_UNSET": "", "PILOTLIGHT_TEST_NEW": "new"}
    with Server(Launch("peer", (sys.executable, "-c", program), 0, changes), tmp_path) as server:
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        assert eval(server.tail()) == {  # noqa: S307
            "PILOTLIGHT_TEST_KEPT": "kept",
            "PILOTLIGHT_TEST_NEW": "new",
        }


def test_a_peers_command_is_filled_in() -> None:
    command = ("serve", "--model={model}", "{engine}", "--port", "{port}", "{own}")
    peer = Peer("bounded", command, own=("--bound=7",))
    launch = peer.launch(Path("models/m"), 8000, ("--dtype", "float32"), {"A": "1"})
    assert launch.command == (
        "serve", "--model=models/m", "--dtype", "float32", "--port", "8000", "--bound=7",
    )  # fmt: skip
    assert launch.url == "http://127.0.0.1:8000"
