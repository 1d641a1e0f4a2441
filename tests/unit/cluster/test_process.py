"""Processes that outlive their command: known by pid and start time, never taken for another."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pilotlight.errors import ProcessError
from pilotlight_cluster.process import Identity, Program, Supervisor, end, start_ticks

SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
STUBBORN = (sys.executable, "-c", IGNORE + SLEEP[2])


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "records", tmp_path / "logs")
    yield supervisor
    for name in supervisor.names():
        supervisor.stop(name, timeout_s=0)


def _says_up(supervisor: Supervisor, name: str) -> Callable[[], bool]:
    return lambda: supervisor.find(name) is not None and "up" in supervisor.tail(name)


def _program(supervisor: Supervisor, argv: tuple[str, ...] = SLEEP, **fields: object) -> Program:
    given = {"start_timeout_s": 10, "stop_timeout_s": 1} | fields
    return Program("sleeper", argv, _says_up(supervisor, "sleeper"), **given)  # type: ignore[arg-type]


def test_a_running_program_is_left_alone(supervisor: Supervisor) -> None:
    assert supervisor.ensure(_program(supervisor))
    first = supervisor.find("sleeper")
    assert not supervisor.ensure(_program(supervisor))
    assert supervisor.find("sleeper") == first is not None


def test_a_program_whose_arguments_changed_is_restarted(supervisor: Supervisor) -> None:
    supervisor.ensure(_program(supervisor))
    first = supervisor.find("sleeper")
    assert supervisor.ensure(_program(supervisor, (*SLEEP, "changed")))
    assert first is not None
    assert not first.alive
    assert supervisor.find("sleeper") not in (None, first)


def test_a_program_whose_settings_file_changed_is_restarted(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    settings = tmp_path / "settings"
    settings.write_text("one")
    supervisor.ensure(_program(supervisor, inputs=(settings,)))
    assert not supervisor.ensure(_program(supervisor, inputs=(settings,)))
    settings.write_text("two")
    assert supervisor.ensure(_program(supervisor, inputs=(settings,)))


def test_a_killed_program_is_started_again(supervisor: Supervisor) -> None:
    supervisor.ensure(_program(supervisor))
    first = supervisor.find("sleeper")
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    while first.alive:
        time.sleep(0.01)
    assert supervisor.find("sleeper") is None
    assert supervisor.ensure(_program(supervisor))


def test_a_process_with_a_used_pid_is_never_ended(supervisor: Supervisor) -> None:
    stranger = subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL)
    try:
        supervisor.records.mkdir()
        record = {"pid": str(stranger.pid), "start_ticks": "1", "fingerprint": "x"}
        (supervisor.records / "sleeper.json").write_text(json.dumps(record))
        assert supervisor.find("sleeper") is None
        supervisor.stop("sleeper", timeout_s=0)
        assert stranger.poll() is None
        assert supervisor.names() == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_program_that_ignores_sigterm_is_killed(supervisor: Supervisor) -> None:
    supervisor.ensure(_program(supervisor, STUBBORN))
    identity = supervisor.find("sleeper")
    assert identity is not None
    begin = time.monotonic()
    supervisor.stop("sleeper", timeout_s=0.3)
    assert not identity.alive
    assert time.monotonic() - begin < 5


def test_a_program_that_ends_at_its_start_shows_its_log(supervisor: Supervisor) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('no such flag: --nonsense')")
    with pytest.raises(ProcessError, match=r"ended while it started(?s:.*)--nonsense"):
        supervisor.ensure(_program(supervisor, broken))


def test_a_program_that_never_gets_healthy_is_given_up_in_time(supervisor: Supervisor) -> None:
    silent = (sys.executable, "-c", "import time; time.sleep(60)")
    begin = time.monotonic()
    with pytest.raises(ProcessError, match="not healthy after 1 s"):
        supervisor.ensure(_program(supervisor, silent, start_timeout_s=1))
    assert time.monotonic() - begin < 5


def test_another_that_answers_in_its_place_is_not_taken_for_health(supervisor: Supervisor) -> None:
    ended = (sys.executable, "-c", "pass")

    asked: list[float] = []

    def answers_late() -> bool:
        asked.append(time.monotonic())
        time.sleep(1 if len(asked) > 1 else 0)
        return len(asked) > 1

    program = Program("sleeper", ended, answers_late, start_timeout_s=5)
    with pytest.raises(ProcessError, match="something else answers in its place"):
        supervisor.ensure(program)


def test_nothing_is_started_where_another_answers_already(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessError, match=r"not of this cluster answers(?s:.*)ss -ltnp"):
        supervisor.ensure(Program("sleeper", SLEEP, lambda: True))
    assert supervisor.names() == []


def test_no_process_is_without_a_record(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A crash between the start and the record of it: what was started ends by itself."""

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    trace = tmp_path / "ran"
    writes = (sys.executable, "-c", f"open({str(trace)!r}, 'w'); import time; time.sleep(60)")
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def spawn(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", spawn)
    monkeypatch.setattr("pilotlight_cluster.process.write", crash)
    with pytest.raises(KeyboardInterrupt):
        supervisor.ensure(_program(supervisor, writes))
    assert started[0].wait(timeout=5) != 0
    assert not trace.exists()


def test_a_record_of_before_a_reboot_names_nobody(supervisor: Supervisor) -> None:
    supervisor.ensure(_program(supervisor))
    found = supervisor.find("sleeper")
    assert found is not None
    record = supervisor.records / "sleeper.json"
    text = record.read_text()
    record.write_text(json.dumps(json.loads(text) | {"boot": "another"}))
    assert supervisor.find("sleeper") is None
    record.write_text(text)
    assert supervisor.find("sleeper") == found


def test_no_proxy_stands_between_the_clusters_programs(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    says = "import os, time; print(os.environ['NO_PROXY']); print('up', flush=True); time.sleep(60)"
    supervisor.ensure(_program(supervisor, (sys.executable, "-c", says)))
    assert supervisor.tail("sleeper") == ["*", "up"]


def test_as_many_lines_of_a_log_are_shown_as_asked_for(supervisor: Supervisor) -> None:
    supervisor.logs.mkdir()
    (supervisor.logs / "sleeper.log").write_text("".join(f"{'x' * 200} {n}\n" for n in range(2000)))
    assert len(supervisor.tail("sleeper", 1000)) == 1000
    assert supervisor.tail("sleeper", 1)[0].endswith(" 1999")


def test_a_program_that_does_not_exist_is_said_in_one_line(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessError, match=r"sleeper cannot be started.*no-such-program"):
        supervisor.ensure(_program(supervisor, ("/no-such-program",)))


def test_a_half_written_record_counts_as_none(supervisor: Supervisor) -> None:
    supervisor.records.mkdir()
    (supervisor.records / "sleeper.json").write_text('{"pid": "1')
    assert supervisor.find("sleeper") is None
    assert supervisor.ensure(_program(supervisor))


def test_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    while (Path("/proc") / str(child.pid) / "stat").read_text().split(") ")[1][0] != "Z":
        time.sleep(0.01)
    assert start_ticks(child.pid) is None
    child.wait()


def test_ending_a_process_that_is_gone_is_no_error() -> None:
    child = subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL)
    identity = Identity(child.pid, start_ticks(child.pid) or 0)
    child.kill()
    child.wait()
    end(identity, timeout_s=1)
    assert not identity.alive
