"""Whatever a client sends: a 4xx in its protocol's shape, and the server goes on."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.predictor_process import MODEL_NAME, Predictor

COMPLETIONS = "/v1/completions"
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
TOKENIZE = "/tokenize"
V1 = f"/v1/models/{MODEL_NAME}:predict"
V2 = f"/v2/models/{MODEL_NAME}/infer"
MESSAGES: Any = [{"role": "user", "content": "Hi"}]
TENSOR: Any = {"name": "prompt", "datatype": "BYTES", "shape": [1], "data": ["Hi"]}

GOOD: dict[str, dict[str, Any]] = {
    COMPLETIONS: {"model": MODEL_NAME, "prompt": "Hi", "max_tokens": 1, "temperature": 0},
    CHAT: {"model": MODEL_NAME, "messages": MESSAGES, "max_tokens": 1, "temperature": 0},
    RESPONSES: {"model": MODEL_NAME, "input": "Hi", "max_output_tokens": 1, "temperature": 0},
    TOKENIZE: {"model": MODEL_NAME, "prompt": "Hi"},
    V1: {"instances": ["Hi"], "parameters": {"max_tokens": 1}},
    V2: {"inputs": [TENSOR], "parameters": {"max_tokens": 1}},
}
SAMPLING = [
    "add_special_tokens", "allowed_token_ids", "bad_words", "best_of", "cache_salt",
    "chat_template", "chat_template_kwargs", "documents", "echo", "frequency_penalty",
    "ignore_eos", "kv_transfer_params", "logit_bias", "logprobs", "metadata", "min_p",
    "min_tokens", "model", "n", "presence_penalty", "priority", "prompt_embeds",
    "prompt_logprobs", "reasoning_effort", "repetition_penalty", "request_id",
    "response_format", "seed", "skip_special_tokens", "stop", "stop_token_ids", "stream",
    "stream_options", "structured_outputs", "suffix", "temperature", "tool_choice", "tools",
    "top_k", "top_logprobs", "top_p", "truncate_prompt_tokens", "user", "vllm_xargs",
]  # fmt: skip
FIELDS: dict[str, list[str]] = {
    COMPLETIONS: ["prompt", *SAMPLING],
    CHAT: ["messages", *SAMPLING],
    RESPONSES: ["input", "instructions", "text", "reasoning", "include", "truncation", *SAMPLING],
    TOKENIZE: ["prompt", "messages", *SAMPLING],
    V1: ["instances", "parameters", "extra"],
    V2: ["inputs", "outputs", "parameters", "id", "extra"],
}

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, -1, 0, 2, 2**31, 2**63, 10**30, 10**400, -(10**30), 0.5, 1e308, float("nan"),
        float("inf"), -float("inf"), "", "x", "\x00", "\ud800", "\udfff\ud800", "a" * 20_000,
        [], {}, [[]], [[1]], [1, "a"], [-1], [2**40], [""], ["\ud800"], [None],
        {"": None}, {"type": "x"},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "x"}}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/a"}}},
        {"regex": "("}, {"regex": "(a{1,1000}){1,1000}"}, {"grammar": "x"}, {"json": "{"},
        [{"role": "user", "content": "\ud800"}], [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}],
        [{"name": "prompt", "datatype": "BYTES", "shape": [-1], "data": ["a"]}],
        [{"name": "prompt", "datatype": "INT32", "shape": [1], "data": [1]}],
        [{"name": "prompt", "datatype": "BYTES", "shape": [10**9, 10**9], "data": ["a"]}],
        {"max_tokens": -1}, {"temperature": -1}, {"seed": 10**30}, {"binary_data_output": 1},
    ]
)  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=predictor.url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _goes_on(predictor: Predictor) -> Iterator[None]:
    """After whatever a test did, the server answers a good request and nothing is left over."""
    yield
    assert predictor.complete("Hi", max_tokens=1)["usage"]["completion_tokens"] == 1
    assert predictor.metric("pilotlight_predictor_in_flight_requests") == 0


def assert_is_answer_or_refusal(answer: httpx.Response, model: Path) -> None:
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text[:500]
    for leak in ("Traceback", "site-packages", str(model), 'File "'):
        assert leak not in answer.text
    if answer.status_code != 200:
        assert_has_the_shape(answer)
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert '"code":500' not in answer.text.replace(" ", "")


def assert_has_the_shape(answer: httpx.Response) -> None:
    error = answer.json()["error"]
    if answer.url.path.startswith(("/v1/models/", "/v2")):
        assert isinstance(error, str)
        assert error
    else:
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]


def post(
    client: httpx.Client, path: str, content: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    return client.post(
        path, content=content, headers={"content-type": "application/json", **(headers or {})}
    )


def refused(answer: httpx.Response, model: Path, status: int = 400) -> str:
    """Assert that it was refused with ``status``; return the message."""
    assert_is_answer_or_refusal(answer, model)
    assert answer.status_code == status, answer.text[:500]
    error = answer.json()["error"]
    return str(error if isinstance(error, str) else error["message"])


@pytest.mark.parametrize("path", GOOD)
def test_odd_fields_are_refused_or_answered(client: httpx.Client, model: Path, path: str) -> None:
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        changes=st.dictionaries(st.sampled_from(FIELDS[path]), ODD | ANY, min_size=1, max_size=2)
    )
    def rule(changes: dict[str, Any]) -> None:
        content = json.dumps({**GOOD[path], **changes}).encode()
        assert_is_answer_or_refusal(post(client, path, content), model)

    rule()


@pytest.mark.parametrize("path", GOOD)
def test_any_bytes_are_refused(client: httpx.Client, model: Path, path: str) -> None:
    whole = json.dumps(GOOD[path]).encode()
    bodies = st.binary(max_size=64) | st.integers(1, len(whole) - 1).map(lambda end: whole[:end])

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=bodies | ANY.map(lambda value: json.dumps(value).encode()))
    def rule(body: bytes) -> None:
        refused(post(client, path, body), model)

    rule()


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not json",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"{}",
        b'{"model": "smollm2", "prompt": "\xff\xfe"}',
        b"\xef\xbb\xbf",
        b"[" * 100_000,
        b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' * 100_000,
        b"9" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_request_is_refused(
    client: httpx.Client, model: Path, path: str, body: bytes
) -> None:
    if path == TOKENIZE and body.startswith(b"{not"):
        body = b"{"
    refused(post(client, path, body), model)


PARAMETERS: dict[str, list[Any]] = {
    "max_tokens": [-1, 0, 1.5, "x", [], 10**9, 10**30],
    "temperature": [-1, "x", [], 10**400],
    "top_p": [-1, 0, 2],
    "top_k": [-5, "x"],
    "n": [0, -1, 10**6, 10**20, "x"],
    "seed": [2**64, -(2**64), "x"],
    "stop": [5, [5], [""]],
    "presence_penalty": [5],
    "frequency_penalty": [-5],
    "repetition_penalty": [0, -1],
    "min_tokens": [-1, 100],
    "min_p": [-1, 2],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in PARAMETERS.items() for value in values]
)
def test_a_parameter_out_of_range_is_refused_by_every_protocol(
    client: httpx.Client, model: Path, name: str, value: Any
) -> None:
    bodies = {
        COMPLETIONS: {**GOOD[COMPLETIONS], name: value},
        CHAT: {**GOOD[CHAT], name: value},
        V1: {"instances": ["Hi"], "parameters": {"max_tokens": 1, name: value}},
        V2: {"inputs": [TENSOR], "parameters": {"max_tokens": 1, name: value}},
    }
    for path, body in bodies.items():
        refused(post(client, path, json.dumps(body).encode()), model)


def test_ten_thousand_answers_to_one_prompt_are_refused(client: httpx.Client, model: Path) -> None:
    body = {**GOOD[COMPLETIONS], "n": 10_000, "temperature": 1}
    refused(post(client, COMPLETIONS, json.dumps(body).encode()), model)


@pytest.mark.parametrize("value", [True, 5, "x", []])
@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
def test_a_field_that_vllm_looks_into_before_it_checks_its_type_is_refused(
    client: httpx.Client, model: Path, path: str, value: Any
) -> None:
    body = json.dumps({**GOOD[path], "structured_outputs": value}).encode()
    assert "type" in refused(post(client, path, body), model)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
def test_a_number_that_is_none_is_refused(
    client: httpx.Client, model: Path, path: str, number: str
) -> None:
    body = json.dumps({**GOOD[path], "temperature": "here"}).replace('"here"', number)
    refused(post(client, path, body.encode()), model)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (COMPLETIONS, {"prompt": "word " * 4000}),
        (COMPLETIONS, {"prompt": [5] * 4000}),
        (COMPLETIONS, {"prompt": "word " * 4000, "stream": True}),
        (CHAT, {"messages": [{"role": "user", "content": "word " * 4000}]}),
        (RESPONSES, {"input": "word " * 4000}),
        (V1, {"instances": ["Hi", "word " * 4000]}),
        (V2, {"inputs": [{**TENSOR, "data": ["word " * 4000]}]}),
    ],
)
def test_a_prompt_over_the_context_is_refused(
    client: httpx.Client, model: Path, path: str, changes: dict[str, Any]
) -> None:
    message = refused(post(client, path, json.dumps({**GOOD[path], **changes}).encode()), model)
    assert "2048" in message


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, RESPONSES, TOKENIZE])
def test_an_unknown_model_is_a_404(client: httpx.Client, model: Path, path: str) -> None:
    body = {**GOOD[path], "model": "nobody"}
    assert "nobody" in refused(post(client, path, json.dumps(body).encode()), model, 404)


@pytest.mark.parametrize("path", ["/v1/models/nobody:predict", "/v2/models/nobody/infer"])
def test_an_unknown_model_in_the_path_is_a_404(
    client: httpx.Client, model: Path, path: str
) -> None:
    assert "nobody" in refused(post(client, path, json.dumps(GOOD[V1]).encode()), model, 404)


@pytest.mark.parametrize(
    ("path", "key"), [(COMPLETIONS, "prompt"), (CHAT, "model"), (V1, "instances"), (V2, "inputs")]
)
def test_of_a_key_that_comes_twice_the_last_one_counts(
    client: httpx.Client, path: str, key: str
) -> None:
    rest = json.dumps(GOOD[path])[1:]
    answer = post(client, path, f'{{"{key}": 5, {rest}'.encode())
    assert answer.status_code == 200


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_a_405(client: httpx.Client, model: Path, path: str, method: str) -> None:
    answer = client.request(method, path)
    if path == V1 and method == "GET":
        refused(answer, model, 404)
        return
    refused(answer, model, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    ["/none", "/v1/none", "/v2/none", "/openai/none", "/admin/none", "/%ff%00",
     "//v1/completions", "/v1/completions/", "/v2/models/../../etc/passwd", "/" + "a" * 5000],
)  # fmt: skip
def test_a_path_that_nobody_serves_is_a_404(client: httpx.Client, model: Path, path: str) -> None:
    for method in ("GET", "POST"):
        refused(client.request(method, path, content=b"{}"), model, 404)


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, RESPONSES, TOKENIZE])
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/xml", "x"])
def test_another_content_type_is_refused(
    client: httpx.Client, model: Path, path: str, kind: str
) -> None:
    refused(post(client, path, json.dumps(GOOD[path]).encode(), {"content-type": kind}), model)


@pytest.mark.parametrize("path", [COMPLETIONS, V1, V2])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-priority", "first"),
        ("x-priority", ""),
        ("x-request-deadline-ms", "-1"),
        ("x-request-deadline-ms", "0"),
        ("x-request-deadline-ms", "nan"),
        ("x-request-deadline-ms", "1e99"),
        ("x-request-deadline-ms", "soon"),
        ("x-tenant-id", "two words"),
        ("x-tenant-id", "a" * 129),
        ("x-request-id", "new\tline"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_by_name(
    client: httpx.Client, model: Path, path: str, name: str, value: str
) -> None:
    body = json.dumps(GOOD[path]).encode()
    assert name in refused(post(client, path, body, {name: value}), model)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(
        ["x-priority", "x-request-deadline-ms", "x-tenant-id", "x-request-id", "traceparent",
         "tracestate", "x-session-id", "x-data-parallel-rank", "inference-header-content-length",
         "accept", "authorization", "content-encoding", "range", "cookie"]
    ),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")),
)  # fmt: skip
def test_any_header_is_refused_or_ignored(
    predictor: Predictor, model: Path, name: str, value: str
) -> None:
    headers = [(b"content-type", b"application/json"), (name.encode(), value.encode("latin-1"))]
    for path in (TOKENIZE, V2):
        answer = httpx.post(
            predictor.url + path, content=json.dumps(GOOD[path]).encode(), headers=headers
        )
        if answer.status_code != 504:  # a deadline of a few milliseconds may be kept to
            assert_is_answer_or_refusal(answer, model)


def send_raw(predictor: Predictor, *parts: bytes) -> tuple[bytes, int]:
    """Send what no HTTP client would.

    Returns:
        The answer, up to where the server closes, and how many parts it took before.
    """
    answer = bytearray()
    taken = 0
    with closing(socket.create_connection(("127.0.0.1", predictor.http_port), 20)) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                client.sendall(part)
                taken += 1
        with suppress(ConnectionResetError):
            while received := client.recv(65536):
                answer += received
    return bytes(answer), taken


@pytest.mark.parametrize("path", [COMPLETIONS, V1, V2, "/admin/lora/load"])
def test_a_body_of_100_mb_is_refused_by_its_length(predictor: Predictor, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {100 * 2**20}\r\n\r\n".encode()
    answer, _ = send_raw(predictor, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"8388608 bytes" in answer


def test_a_body_of_100_mb_in_chunks_is_refused_when_it_is_too_long(predictor: Predictor) -> None:
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    answer, taken = send_raw(predictor, head.encode(), *[chunk] * 100)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert taken < 100


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 10**7,
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 10**7,
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: a\r\n" * 10**6,
    ],
    ids=lambda head: repr(head[:30]),
)
def test_headers_without_an_end_are_refused_by_their_size(
    predictor: Predictor, head: bytes
) -> None:
    pieces = [head[start : start + 2**16] for start in range(0, len(head), 2**16)]
    answer, taken = send_raw(predictor, *pieces)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert taken < len(pieces)


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda head: repr(head[:30]),
)
def test_what_is_not_http_is_refused_and_hung_up_on(predictor: Predictor, head: bytes) -> None:
    answer, _ = send_raw(predictor, head)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b"Traceback" not in answer
