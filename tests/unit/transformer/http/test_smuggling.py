"""Requests that two servers could read differently are refused, and reach no predictor."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.errors import RequestError
from pilotlight_transformer.http.head import read_head
from tests.unit.transformer.fronting import CHAT, Front, RawClient, lines, request
from tests.unit.transformer.stub_predictor import StubPredictor

LINE = f"POST {CHAT} HTTP/1.1"
HOST = "host: front"

AMBIGUOUS = {
    "two lengths": lines(LINE, HOST, "content-length: 2", "content-length: 2", body=b"{}"),
    "two different lengths": lines(LINE, HOST, "content-length: 2", "content-length: 0"),
    "a list of lengths": lines(LINE, HOST, "content-length: 2, 2", body=b"{}"),
    "a signed length": lines(LINE, HOST, "content-length: +2", body=b"{}"),
    "a negative length": lines(LINE, HOST, "content-length: -1"),
    "a hexadecimal length": lines(LINE, HOST, "content-length: 0x2", body=b"{}"),
    "an empty length": lines(LINE, HOST, "content-length:"),
    "a huge length": lines(LINE, HOST, "content-length: 99999999999999999999999"),
    "length and chunks": lines(
        LINE, HOST, "content-length: 2", "transfer-encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunks and length": lines(
        LINE, HOST, "transfer-encoding: chunked", "content-length: 5", body=b"0\r\n\r\n"
    ),
    "chunked twice": lines(LINE, HOST, "transfer-encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "two codings": lines(
        LINE, HOST, "transfer-encoding: chunked", "transfer-encoding: chunked", body=b"0\r\n\r\n"
    ),
    "gzip, then chunked": lines(LINE, HOST, "transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "identity": lines(LINE, HOST, "transfer-encoding: identity", body=b"0\r\n\r\n"),
    "no coding": lines(LINE, HOST, "transfer-encoding: xchunked", body=b"0\r\n\r\n"),
    "a quoted coding": lines(LINE, HOST, 'transfer-encoding: "chunked"', body=b"0\r\n\r\n"),
    "a vertical tab": lines(LINE, HOST, "transfer-encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "an empty coding": lines(LINE, HOST, "transfer-encoding:", body=b"0\r\n\r\n"),
    "a space before the colon": lines(LINE, HOST, "transfer-encoding : chunked", body=b"0\r\n\r\n"),
    "a folded header": lines(LINE, HOST, "x-a: 1", " transfer-encoding: chunked"),
    "a header without name": lines(LINE, HOST, ": 1"),
    "a space in a name": lines(LINE, HOST, "x a: 1"),
    "a NUL in a value": lines(LINE, HOST, "x-a: 1\x002"),
    "a CR in a value": lines(LINE, HOST, "x-a: 1\rx-b: 2"),
    "a LF as a line's end": b"POST /v1/chat/completions HTTP/1.1\nhost: front\n\n",
    "a LF in the headers": lines(LINE, HOST, "x-a: 1\nx-tenant-id: b"),
    "a control character": lines(LINE, HOST, "x-a: \x01"),
    "two hosts": lines(LINE, HOST, "host: other"),
    "no host": lines(LINE, "content-length: 0"),
    "a path as host": lines(LINE, "host: a/b"),
    "a host of spaces": lines(LINE, "host: a b"),
    "two keys": lines(LINE, HOST, "authorization: Bearer a", "Authorization: Bearer b"),
    "two tenants": lines(LINE, HOST, "x-tenant-id: a", "X-Tenant-Id: b"),
    "two types": lines(LINE, HOST, "content-type: text/plain", "content-type: application/json"),
    "an old version with chunks": lines(
        f"POST {CHAT} HTTP/1.0", HOST, "transfer-encoding: chunked", body=b"0\r\n\r\n"
    ),
    "another version": lines(f"POST {CHAT} HTTP/2.0", HOST),
    "no version": f"POST {CHAT}\r\n\r\n".encode(),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no method": lines("FETCH /v1/models HTTP/1.1", HOST),
    "a tunnel": lines("CONNECT front:80 HTTP/1.1", HOST),
    "an unknown expectation": lines(LINE, HOST, "expect: 200-maybe", "content-length: 0"),
    "a chunk's size with a sign": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"+2\r\n{}\r\n0\r\n\r\n"
    ),
    "a chunk's size with a prefix": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"0x2\r\n{}\r\n0\r\n\r\n"
    ),
    "a chunk's size that overflows": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"fffffffffffffffff2\r\n{}\r\n0\r\n\r\n"
    ),
    "a chunk longer than its size": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"
    ),
    "a chunk that ends in LF": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"2\r\n{}\n0\r\n\r\n"
    ),
    "a chunk's size that ends in LF": lines(
        LINE, HOST, "transfer-encoding: chunked", body=b"2\n{}\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_an_ambiguous_request_is_refused_and_what_follows_it_is_not_read(data: bytes) -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(data + request(body={"smuggled": True}))
            answer = await client.answer()
            assert answer.status in {400, 413, 431}
            assert answer.header("connection") == "close"
            assert await client.ended() == b""
        assert stub.requests == []


TARGETS = {
    "another host": "http://predictor/v1/models",
    "a host of ours": "http://front/v1/models",
    "no slash": "v1/models",
    "two slashes": "//v1/models",
    "two slashes inside": "/v1//models",
    "a slash at the end": "/v1/models/",
    "a dot": "/v1/./models",
    "two dots": "/metrics/../v1/models",
    "encoded dots": "/metrics/%2e%2e/v1/models",
    "encoded capital dots": "/metrics/%2E./v1/models",
    "encoded twice": "/v1/%256dodels",
    "an encoded slash and dots": "/v1/x%2f..%2fmodels",
    "an encoded backslash": "/v1%5cmodels",
    "a backslash": "/v1\\models",
    "a parameter": "/v1/models;a=b",
    "an encoded parameter": "/v1/models%3ba",
    "a fragment": "/v1/models#/v1/chat/completions",
    "a fragment in the query": "/v1/models?a#b",
    "an encoded fragment": "/v1/models%23a",
    "an encoded NUL": "/v1/models%00",
    "an encoded line break": "/v1/models%0d%0ax-tenant-id:%20b",
    "an encoded space": "/v1/models%20",
    "half an encoding": "/v1/models%2",
    "no encoding": "/v1/models%zz",
    "another alphabet": "/v1/m\u00f6dels",
    "a full-width letter, encoded": "/v1/%EF%BD%8Dodels",
    "an asterisk": "*",
    "upper case": "/V1/MODELS",
    "the predictor's metrics": "/metrics/",
    "its documents": "/docs",
    "its administration": "/admin/drain",
    "its adapters": "/v1/load_lora_adapter",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
async def test_a_path_trick_reaches_no_predictor(target: str) -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        answer = await front.send(lines(f"GET {target} HTTP/1.1", HOST))
        assert answer.status in {400, 404}
        assert stub.requests == []


async def test_one_spelling_goes_on_whatever_was_written() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        for target in ("/v1/models", "/v1/%6dodels", "/openai/v1/models", "/%76%31%2Fmodels"):
            assert (await front.ask(target)).status == 200
        assert [seen.line for seen in stub.requests] == ["GET /v1/models HTTP/1.1"] * 4


async def test_trailers_are_read_and_forgotten() -> None:
    async with StubPredictor() as stub, Front(stub.target) as front:
        answer = await front.send(
            lines(
                LINE,
                HOST,
                "transfer-encoding: chunked",
                "trailer: x-tenant-id",
                body=b"2;name=value\r\n{}\r\n0\r\nx-tenant-id: other\r\nauthorization: x\r\n\r\n",
            )
        )
        assert answer.status == 200
        assert stub.last.body == b"{}"
        assert stub.last.header("x-tenant-id") is None
        assert stub.last.header("authorization") is None
        assert stub.last.header("trailer") is None


async def test_headers_of_one_connection_do_not_go_on() -> None:
    named = ["TE: trailers", "Keep-Alive: 5", "Proxy-Authorization: x", "Proxy-Connection: close"]
    async with StubPredictor() as stub, Front(stub.target) as front:
        data = lines(
            LINE,
            HOST,
            *named,
            "Connection: keep-alive, X-Secret",
            "Connection: x-other",
            "X-Secret: 1",
            "x-other: 2",
            "X-Kept: 3",
            "x_tenant_id: other",
            "content-length: 2",
            body=b"{}",
        )
        assert (await front.send(data)).status == 200
        names = {name for name, _ in stub.last.headers}
        assert names == {"host", "x-kept", "content-length", "x-request-id"}


async def test_an_offer_of_another_protocol_is_passed_over_with_its_body() -> None:
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]
    async with StubPredictor() as stub, Front(stub.target) as front:
        async with await front.client() as client:
            client.write(lines(LINE, HOST, *offer, "content-length: 7", body=b'{"a":1}'))
            assert (await client.answer()).status == 200
            client.write(
                lines(
                    LINE,
                    HOST,
                    *offer,
                    "transfer-encoding: chunked",
                    body=b"7\r\n{'b':2}\r\n0\r\n\r\n",
                )
            )
            assert (await client.answer()).status == 200
            client.write(lines("GET /v1/models HTTP/1.1", HOST, *offer) + request("/v1/models"))
            assert (await client.answer()).status == 200
            assert (await client.answer()).status == 200
        assert [seen.body for seen in stub.requests] == [b'{"a":1}', b"{'b':2}", b"", b""]
        names = {name for name, _ in stub.requests[0].headers}
        assert names.isdisjoint({"upgrade", "connection", "http2-settings"})


_NAME = st.text("abcDEF-_1", min_size=1, max_size=12).map(str.encode)
_VALUE = st.binary(max_size=12)


@given(
    pairs=st.lists(
        st.tuples(
            st.one_of(
                _NAME,
                st.sampled_from(
                    [b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"X-A"]
                ),
            ),
            st.one_of(_VALUE, st.sampled_from([b"1", b"chunked", b"front", b"x-a", b"close"])),
        ),
        max_size=6,
    ),
    target=st.binary(max_size=12).map(lambda rest: b"/" + rest),
)
@settings(max_examples=300, deadline=None)
def test_what_is_let_through_has_one_framing_and_no_header_of_one_connection(
    pairs: list[tuple[bytes, bytes]], target: bytes
) -> None:
    lower = [(name.lower(), value) for name, value in pairs]
    try:
        head = read_head(b"POST", target, lower, old=False)
    except RequestError:
        return
    names = [name for name, _ in lower]
    assert names.count(b"host") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert head.chunked == (b"transfer-encoding" in names)
    kept = {name for name, _ in head.headers}
    assert kept.isdisjoint({b"connection", b"transfer-encoding", b"content-length", b"host"})
    assert not any(b"_" in name for name in kept)
    assert b"#" not in head.query


@given(data=st.binary(min_size=1, max_size=200))
@settings(max_examples=40, deadline=None)
def test_bytes_of_any_kind_get_an_answer_or_an_end(data: bytes) -> None:
    async def run() -> None:
        async with StubPredictor() as stub, Front(stub.target) as front:
            async with await RawClient.connect(front.port) as client:
                client.write(data + b"\r\n\r\n\r\n\r\n")
                client.writer.write_eof()
                answered = await client.ended()
                assert answered == b"" or answered.startswith(b"HTTP/1.1 4")
            assert stub.requests == []

    asyncio.run(run())
