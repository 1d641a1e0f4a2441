"""Probes of upstreams, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.routing.health import Health, Prober
from tests.unit.transformer.playing import Play, a_chat
from tests.unit.transformer.routing.awaiting import until


class Upstream:
    """Answers every request with one status, and keeps the heads of the requests."""

    def __init__(self) -> None:
        self.status = 200
        self.port = 0
        self.heads: list[bytes] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n\r\n" % self.status)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.answer, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    async with server:
        yield upstream


async def test_two_failed_probes_in_a_row_are_down_and_one_good_one_is_up_again() -> None:
    health = Health()
    async with serving() as upstream, httpx.AsyncClient() as client:
        target = Target("a", "127.0.0.1", upstream.port, authority="a-predictor.models")
        prober = Prober(health, lambda: [target], 1, 5)
        upstream.status = 503
        await prober.round(client)
        assert not health.down("a")
        await prober.round(client)
        assert health.down("a")
        upstream.status = 200
        await prober.round(client)
        assert not health.down("a")
    assert upstream.heads[0].startswith(b"GET /v2/health/ready HTTP/1.1\r\n")
    assert b"host: a-predictor.models\r\n" in upstream.heads[0].lower()


async def test_nobody_there_is_down_and_a_redirect_is_not_followed() -> None:
    health = Health()
    async with serving() as upstream, httpx.AsyncClient() as client:
        upstream.status = 302
        there = Target("there", "127.0.0.1", upstream.port)
        gone = Target("gone", "127.0.0.1", 1)
        prober = Prober(health, lambda: [there, gone], 1, 5)
        await prober.round(client)
        await prober.round(client)
    assert health.down("there")
    assert health.down("gone")


async def test_an_upstream_that_is_no_longer_there_is_forgotten() -> None:
    health = Health(falls=1)
    health.told("a", well=False)
    health.keep([])
    assert not health.down("a")
    (gauge,) = health.collectors()
    (metric,) = gauge.collect()
    assert metric.samples == []


async def test_what_is_down_goes_last_not_away_and_only_marked_upstreams_are_probed(
    tmp_path: Path,
) -> None:
    async with serving() as sick, serving() as asleep:
        sick.status = 503
        route = f"""
- route:
    probe_every_s: 0.02
    models:
      sick: {{url: "http://127.0.0.1:{sick.port}", probe: true}}
      asleep: {{url: "http://127.0.0.1:{asleep.port}"}}
    tiers: {{auto: {{otherwise: sick, fallback: [asleep]}}}}
""".strip()
        async with Play(route, tmp_path) as play:
            await until(lambda: len(sick.heads) >= 3)
            await play.ask({**a_chat(), "model": "auto"})
            names = [target.name for target in play.predictor.asked[-1].targets]
            await play.ask({**a_chat(), "model": "sick"})
            alone = [target.name for target in play.predictor.asked[-1].targets]
        assert asleep.heads == []
    assert names == ["asleep", "sick"]
    assert alone == ["sick"]
