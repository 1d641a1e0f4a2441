"""Clients that take their answers slowly."""

import asyncio
import socket

from pilotlight_transformer.http.limits import Limits
from tests.unit.transformer.fronting import Front, request, until
from tests.unit.transformer.stub_predictor import StubPredictor, whole

STEPS = "- ratelimit:\n    tenant:\n      tokens: {rate: 100/s, burst: 100000}"


async def _read(port: int, data: bytes, *, bytes_per_s: int, pause_s: float = 0.02) -> int:
    """Read steadily; returns how much came."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, data)
        got = 0
        begun = loop.time()
        async with asyncio.timeout(30):
            try:
                while data := await loop.sock_recv(client, max(1, int(bytes_per_s * pause_s))):
                    got += len(data)
                    await asyncio.sleep(begun + got / bytes_per_s - loop.time())
            except ConnectionError:
                pass
        return got


async def test_a_client_that_reads_steadily_is_not_cut_however_long_it_takes() -> None:
    limits = Limits(send_s=1.5)
    large = b"x" * 16_000_000
    async with (
        StubPredictor(whole(large)) as stub,
        Front(stub.target, STEPS, limits=limits) as front,
    ):
        got = await _read(
            front.port, request(body={"model": "m"}, connection="close"), bytes_per_s=4_000_000
        )
    assert got > len(large)


async def test_a_client_that_takes_nothing_of_its_last_answer_is_cut() -> None:
    limits = Limits(send_s=1.0)
    async with (
        StubPredictor(whole(b"x" * 16_000_000)) as stub,
        Front(stub.target, STEPS, limits=limits) as front,
        await front.client() as client,
    ):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.write(request(body={"model": "m"}, connection="close"))
        await until(lambda: stub.requests)
        await until(lambda: len(front.http) == 0)
