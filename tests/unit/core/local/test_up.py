"""``pilotlight local up`` as a process, with a stand-in where the predictor would be."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

import pilotlight

CORE = Path(pilotlight.__file__).parents[1]
STAND_IN = Path(__file__).with_name("stand_in.py")
PATIENCE_S = 20.0
Up = Callable[..., "Command"]


class Command:
    """One run of the command: its output so far, its end."""

    def __init__(
        self, folder: Path, port: int, behaviour: str, options: tuple[str, ...], **environment: str
    ) -> None:
        self.port = port
        self.out = folder / "stdout"
        self.err = folder / "stderr"
        self.log = folder / "cache/pilotlight/logs" / f"chat-predictor-{port}.log"
        main = "from pilotlight.cli import main; main()"
        command = [sys.executable, "-c", main, "local", "up", _manifest(folder, behaviour)]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [*command, "--port", str(port), *options],
                stdout=out,
                stderr=err,
                env={
                    **os.environ,
                    "XDG_CACHE_HOME": str(folder / "cache"),
                    "PYTHONPATH": str(CORE),
                    "TMPDIR": str(folder),
                    **environment,
                },
            )

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until(self, pattern: str, file: Path | None = None) -> re.Match[str]:
        """Wait until its output (or another file) matches."""
        file = file or self.out
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if file.exists() and (match := re.search(pattern, file.read_text())):
                return match
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in: {file.read_text() if file.exists() else file}")


def _manifest(folder: Path, behaviour: str) -> str:
    container = {
        "image": "pilotlight-predictor",
        "command": ["python", str(STAND_IN)],
        "env": [{"name": "STAND_IN", "value": behaviour}],
    }
    document = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "chat"},
        "spec": {"predictor": {"timeout": 1, "containers": [container]}},
    }
    file = folder / "service.yaml"
    file.write_text(yaml.safe_dump(document))
    return str(file)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Start the command on a free port; whatever is left of it is ended afterwards."""
    commands: list[Command] = []

    def up(behaviour: str = "", *options: str, **environment: str) -> Command:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        commands.append(Command(tmp_path, port % 65000, behaviour, options, **environment))
        return commands[-1]

    yield up
    for command in commands:
        command.process.kill()
        command.process.wait()


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_it_starts_answers_says_what_to_try_and_stops_at_ctrl_c(up: Up) -> None:
    command = up("slow")
    command.until("Ctrl-C stops it")
    command.signal(signal.SIGINT)
    assert command.wait() == 0
    out = command.out.read_text()
    assert "starting chat: predictor loading" in out
    assert "stand-in: The capital of France is Paris.\n" in out
    assert re.search(r"first token after \d\.\d\d s, 7 tokens", out)
    assert f"curl http://127.0.0.1:{command.port}/v1/chat/completions" in out
    assert str(command.log) in out
    assert "stand-in listens" in command.log.read_text()
    assert "stand-in listens" not in out


def test_a_service_that_wants_a_key_is_asked_with_it_and_the_key_is_not_shown(up: Up) -> None:
    command = up("locked", PILOTLIGHT_API_KEY="k")
    command.until("Ctrl-C stops it")
    out = command.out.read_text()
    assert "The capital of France is Paris." in out
    assert '-H "Authorization: Bearer $PILOTLIGHT_API_KEY"' in out
    assert 'api_key=os.environ["PILOTLIGHT_API_KEY"]' in out
    assert "Bearer k" not in out
    command.signal(signal.SIGINT)
    assert command.wait() == 0


def test_without_its_key_such_a_service_is_said_to_refuse(up: Up) -> None:
    command = up("locked", "--once")
    assert command.wait() == 1
    assert "put it into the variable PILOTLIGHT_API_KEY" in command.err.read_text()


def test_the_folders_of_a_run_are_gone_after_it(up: Up, tmp_path: Path) -> None:
    command = up("", "--json")
    command.until("processes")
    assert list(tmp_path.glob("pilotlight-*"))
    command.signal(signal.SIGINT)
    assert command.wait() == 0
    assert not list(tmp_path.glob("pilotlight-*"))


def test_json_is_one_object_on_standard_output(up: Up) -> None:
    command = up("", "--json", "--once", "--prompt", "Where?")
    assert command.wait() == 0
    result = json.loads(command.out.read_text())
    assert result["url"] == f"http://127.0.0.1:{command.port}"
    assert result["model"] == "stand-in"
    assert result["answer"]["text"] == "The capital of France is Paris."
    assert result["answer"]["tokens"] == 7
    assert 0 < result["answer"]["ttft_s"] < result["ready_s"] + 60
    (process,) = result["processes"]
    assert process["role"] == "predictor"
    assert _gone(process["pid"])
    assert "you: Where?" in command.err.read_text()


def test_no_chat_asks_nothing(up: Up) -> None:
    command = up("mute", "--no-chat", "--once", "--json")
    assert command.wait() == 0
    assert json.loads(command.out.read_text())["answer"] is None


def test_log_lines_are_shown_when_asked_for(up: Up) -> None:
    command = up("slow", "--logs", "--once")
    assert command.wait() == 0
    assert f"predictor | stand-in listens on {command.port}" in command.out.read_text()


@pytest.mark.parametrize(
    ("behaviour", "options", "said"),
    [
        ("crash", (), "the predictor ended with code 7; its last lines:\n.*the weights are gone"),
        ("fragile", (), "the predictor ended with code 9; its last lines:\n.*out of memory"),
        ("stuck", ("--timeout", "1"), "not ready within 1 s .*state is loading"),
        ("mute", (), r"the chat answer ended before \[DONE\]"),
        ("sour", ("--once",), "did not stop well: predictor"),
        ("stone", ("--once",), "did not stop well: predictor"),
    ],
)
def test_a_failure_is_told_and_ends_with_1(
    up: Up, behaviour: str, options: tuple[str, ...], said: str
) -> None:
    command = up(behaviour, *options)
    assert command.wait() == 1
    error = command.err.read_text()
    assert error.startswith("pilotlight: ")
    assert re.search(said, error, re.DOTALL)
    assert "Traceback" not in error
    assert str(command.log.parent) in error or "chat" in said


def test_a_program_that_cannot_be_started_is_told(up: Up, tmp_path: Path) -> None:
    command = up("crash")
    command.wait()
    file = tmp_path / "service.yaml"
    file.write_text(file.read_text().replace("- python\n", "- no-such-program\n"))
    again = subprocess.run(
        [*command.process.args[:5], str(file), "--port", str(command.port)],  # type: ignore[index]
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(CORE)},
    )
    assert again.returncode == 1
    assert "no-such-program: No such file or directory" in again.stderr


def test_ctrl_c_while_loading_stops_at_once(up: Up) -> None:
    command = up("stuck")
    command.until("predictor loading")
    command.signal(signal.SIGINT)
    assert command.wait() == 130


def test_a_second_ctrl_c_cuts_the_draining_short(up: Up) -> None:
    command = up("deaf")
    command.until("Ctrl-C stops it")
    command.signal(signal.SIGINT)
    command.until("asked to stop", command.log)
    command.signal(signal.SIGINT)
    assert command.wait() == 0
    assert command.log.read_text().count("asked to stop") == 2


def test_a_third_ctrl_c_ends_it(up: Up) -> None:
    command = up("stone")
    command.until("Ctrl-C stops it")
    for count in (1, 2):
        command.signal(signal.SIGINT)
        command.until(r"(asked to stop\s+){%d}" % count, command.log)  # noqa: UP031
    command.signal(signal.SIGINT)
    assert command.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_outlives_a_stop(up: Up, number: signal.Signals) -> None:
    command = up("child", "--json")
    command.until("processes")
    (process,) = json.loads(command.out.read_text())["processes"]
    child = int(command.until(r"child (\d+)", command.log)[1])
    command.signal(number)
    assert command.wait() == 0
    assert _gone(process["pid"])
    assert _gone(child)


def test_the_program_dies_with_a_command_that_is_killed(up: Up) -> None:
    command = up("stone", "--json")
    command.until("processes")
    (process,) = json.loads(command.out.read_text())["processes"]
    command.signal(signal.SIGKILL)
    command.wait()
    assert _gone(process["pid"])


def test_a_port_that_is_taken_is_a_usage_error(up: Up) -> None:
    first = up("", "--json")
    first.until("processes")
    second = up("", "--port", str(first.port))
    assert second.wait() == 2
    assert f"port {first.port} for the predictor cannot be used" in second.err.read_text()


def test_a_wrong_file_is_a_usage_error_in_one_line(up: Up) -> None:
    command = up("", "--name", "other")
    assert command.wait() == 2
    assert command.err.read_text().count("\n") == 1
    assert "no InferenceService is named 'other'; there are: chat" in command.err.read_text()
