"""The stand-in misbehaves as it is told."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.unit.standin.conftest import Start


def test_it_fails_the_share_that_it_is_told_and_the_same_ones_again(start: Start) -> None:
    standin = start(fail_share=0.3, token_s=0, first_token_s=0)
    codes = [standin.complete().status_code for _ in range(60)]
    assert set(codes) == {200, 500}
    assert 8 <= codes.count(500) <= 28
    standin.behave(seed=0)
    assert [standin.complete().status_code for _ in range(60)] == codes


def test_other_faults_do_not_shift_the_failing_answers(start: Start) -> None:
    standin = start(fail_share=0.5, token_s=0, first_token_s=0)
    codes = [standin.complete().status_code for _ in range(20)]
    standin.behave(seed=0, garbage_share=0.5)
    assert [standin.complete().status_code for _ in range(20)] == codes


def test_behaviour_changes_at_run_time_field_by_field(start: Start) -> None:
    standin = start(version="7", token_s=0)
    standin.behave(fail_share=1)
    assert standin.complete().status_code == 500
    standin.behave(fail_share=0)
    assert standin.complete().status_code == 200
    assert standin.get("/admin/behaviour").json()["version"] == "7"


def test_it_stalls_before_the_first_token(start: Start) -> None:
    standin = start(token_s=0, stall_share=1, stall_s=0.5)
    before = time.monotonic()
    standin.complete()
    assert time.monotonic() - before >= 0.5


def test_a_cut_stream_breaks_off_half_way(start: Start) -> None:
    standin = start(cut_share=1, token_s=0.01)
    received: list[bytes] = []
    body = {"model": "standin", "prompt": "x", "max_tokens": 10, "stream": True}
    url = f"{standin.url}/v1/completions"
    with httpx.stream("POST", url, json=body) as answer, pytest.raises(httpx.RemoteProtocolError):
        received.extend(answer.iter_raw())
    text = b"".join(received)
    assert text.count(b"data: ") == 5
    assert b"[DONE]" not in text
    assert standin.complete().status_code == 200, "whole answers are not cut"


def test_garbage_is_exclamation_marks(start: Start) -> None:
    answer = start(garbage_share=1, token_s=0).complete(max_tokens=5)
    assert answer.json()["choices"][0]["text"] == "!!!!!"


def test_it_leaks_what_it_is_told(start: Start) -> None:
    standin = start(leak_bytes=20 * 2**20, token_s=0)
    before = _resident_bytes(standin.process.pid)
    for _ in range(5):
        standin.complete()
    assert _resident_bytes(standin.process.pid) - before > 80 * 2**20


def _resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_it_crashes_at_the_start(start: Start) -> None:
    assert start(wait=False, crash=True).process.wait(20) == 7


def test_it_dies_at_once_when_told(start: Start) -> None:
    standin = start()
    with pytest.raises(httpx.TransportError):
        standin.post("/admin/die")
    assert standin.process.wait(5) == 9


def test_it_is_never_ready(start: Start) -> None:
    standin = start(ready_after_s="inf")
    assert standin.get("/v2/health/live").status_code == 200
    assert standin.get("/v2/health/ready").status_code == 503
    assert standin.complete().status_code == 503


def test_requests_beyond_its_slots_wait_in_its_queue(start: Start) -> None:
    standin = start(slots=1, token_s=0.1)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(standin.complete, max_tokens=10) for _ in range(3)]
        time.sleep(0.5)
        waiting = standin.metric('pilotlight_predictor_queue_requests{class="interactive"}')
        running = standin.metric("pilotlight_predictor_running_requests")
        assert (waiting, running) == (2, 1)
        assert [answer.result().status_code for answer in answers] == [200] * 3
