"""The bounds on a request's headers, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn

from pilotlight_predictor.http_server import MAX_HEAD_BYTES, PatientProtocol

HEAD = b"POST / HTTP/1.1\r\nhost: a\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Impatient(PatientProtocol):
    header_timeout_s = 0.3


async def echo(scope: object, receive: object, send: object) -> None:
    assert callable(receive)
    assert callable(send)
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    body = str(size).encode()
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    config = uvicorn.Config(echo, http=Impatient, ws="none", lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Impatient(config, state, {}, loop), host="127.0.0.1", port=0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    yield reader, writer
    writer.close()
    server.close()


async def test_headers_byte_by_byte_get_408_while_the_bytes_still_come(
    connection: Connection,
) -> None:
    reader, writer = connection
    answer = b""
    for byte in HEAD * 20:
        writer.write(bytes([byte]))
        with suppress(TimeoutError):
            answer = await asyncio.wait_for(reader.read(65536), Impatient.header_timeout_s / 6)
            break
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"headers_too_slow" in answer


async def test_silence_is_hung_up_on(connection: Connection) -> None:
    assert await asyncio.wait_for(connection[0].read(), 5) == b""


async def test_headers_without_an_end_get_431(connection: Connection) -> None:
    reader, writer = connection
    writer.write(HEAD + b"x: " + b"a" * MAX_HEAD_BYTES)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"headers_too_large" in answer


async def test_a_large_body_and_many_requests_are_no_large_head(connection: Connection) -> None:
    reader, writer = connection
    size = 4 * MAX_HEAD_BYTES
    for _ in range(3):
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % size + b"a" * size)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(
            b"HTTP/1.1 200"
        )
        assert await reader.readexactly(len(str(size))) == str(size).encode()
    writer.write(HEAD + b"x: " + b"a" * (MAX_HEAD_BYTES // 2))
    await asyncio.sleep(0.1)
    writer.write(b"\r\ncontent-length: 0\r\n\r\n")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")


async def test_the_time_between_requests_is_not_the_headers_time(connection: Connection) -> None:
    reader, writer = connection
    for _ in range(2):
        writer.write(HEAD + b"content-length: 0\r\n\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
        assert answer.startswith(b"HTTP/1.1 200")
        await asyncio.sleep(2 * Impatient.header_timeout_s)
