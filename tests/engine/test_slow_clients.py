"""Clients that take their time with a request do not get to take the server's."""

import socket
import time
from contextlib import closing

import pytest

from tests.engine.guarded_predictor import API_KEY, PATIENCE_S, GuardedPredictor
from tests.engine.predictor_process import MODEL_NAME

REQUEST = (
    b"POST /v1/completions HTTP/1.1\r\nhost: predictor\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer " + API_KEY.encode() + b"\r\n"
)
SLACK_S = 3.0


def connected(guarded: GuardedPredictor) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", guarded.predictor.http_port), timeout=20)
    client.settimeout(0.05)
    return client


def drip(client: socket.socket, data: bytes, pause_s: float) -> bytes:
    """Send byte by byte until the server answers or closes; return what it said."""
    begin = time.monotonic()
    for byte in data:
        try:
            client.sendall(bytes([byte]))
        except OSError:
            break
        time.sleep(pause_s)
        try:
            answer = client.recv(65536)
        except TimeoutError:
            if time.monotonic() - begin > PATIENCE_S + SLACK_S:
                pytest.fail("the server still listens")
            continue
        return answer + rest(client)
    return rest(client)


def rest(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    client.settimeout(PATIENCE_S + SLACK_S)
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def assert_goes_on(guarded: GuardedPredictor) -> None:
    assert guarded.text(MODEL_NAME, max_tokens=2)


def test_headers_byte_by_byte_get_408(guarded_predictor: GuardedPredictor) -> None:
    with closing(connected(guarded_predictor)) as client:
        answer = drip(client, REQUEST + b"x-padding: " + b"x" * 1000, 0.05)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"headers_too_slow" in answer
    assert_goes_on(guarded_predictor)


def test_a_body_byte_by_byte_gets_408(guarded_predictor: GuardedPredictor) -> None:
    with closing(connected(guarded_predictor)) as client:
        client.sendall(REQUEST + b"content-length: 1000\r\n\r\n")
        answer = drip(client, b"{" + b" " * 998, 0.4)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body_too_slow" in answer
    assert b"connection: close" in answer.lower()
    assert_goes_on(guarded_predictor)


def test_a_chunked_body_that_never_ends_gets_408(guarded_predictor: GuardedPredictor) -> None:
    with closing(connected(guarded_predictor)) as client:
        client.sendall(REQUEST + b"transfer-encoding: chunked\r\n\r\n")
        answer = drip(client, b"1\r\n{\r\n" * 100, 0.1)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_silence_is_hung_up_on(guarded_predictor: GuardedPredictor) -> None:
    begin = time.monotonic()
    with closing(connected(guarded_predictor)) as client:
        assert rest(client) == b""
    assert PATIENCE_S / 2 < time.monotonic() - begin < PATIENCE_S + SLACK_S


def test_many_slow_clients_do_not_slow_a_quick_one(guarded_predictor: GuardedPredictor) -> None:
    slow = [connected(guarded_predictor) for _ in range(100)]
    try:
        for index, client in enumerate(slow):
            client.sendall(REQUEST if index % 2 else REQUEST + b"content-length: 9\r\n\r\n{")
        begin = time.monotonic()
        assert_goes_on(guarded_predictor)
        assert time.monotonic() - begin < PATIENCE_S
        assert all(rest(client).startswith(b"HTTP/1.1 408 ") for client in slow)
    finally:
        for client in slow:
            client.close()
    assert guarded_predictor.predictor.metric("pilotlight_predictor_in_flight_requests") == 0


def test_a_kept_connection_serves_again_after_a_pause(guarded_predictor: GuardedPredictor) -> None:
    """The patience is for a request that has begun, not for the time between requests."""
    whole = REQUEST.replace(b"POST", b"GET").replace(b"/v1/completions", b"/health") + b"\r\n"
    with closing(connected(guarded_predictor)) as client:
        client.settimeout(5)
        for pause_s in (0, PATIENCE_S + 1):
            time.sleep(pause_s)
            client.sendall(whole)
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
