"""Redis makes answers everybody's; without it each replica goes on alone."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pilotlight.clock import SimulatedClock
from tests.unit.transformer.cache.kit import a_question, playing, step_of, tenant, x_cache
from tests.unit.transformer.redis_server import RedisServer


@pytest.fixture
def store(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis(port=redis_server.port)
    client.flushall()
    yield client
    client.close()


async def test_another_replica_answers_from_what_the_first_one_kept(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    async with (
        playing(tmp_path / "1", redis=redis_server.url) as one,
        playing(tmp_path / "2", redis=redis_server.url) as two,
    ):
        for stream in (False, True):
            first = await one.ask(a_question(stream=stream), identity=tenant("a"))
            other = await two.ask(a_question(stream=stream), identity=tenant("b"))
            second = await two.ask(a_question(stream=stream), identity=tenant("a"))
            assert [x_cache(client) for client in (first, other, second)] == ["miss", "miss", "hit"]
            assert second.body == first.body


async def test_a_kept_answer_leaves_redis_in_time(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    clock = SimulatedClock(1_000)
    async with playing(tmp_path, redis=redis_server.url, clock=clock, ttl_s=60) as play:
        await play.ask(a_question())
        (name,) = [key for key in store.keys() if b"revisions" not in key]  # noqa: SIM118
        assert 0 < store.pttl(name) <= 60_000


async def test_an_answer_from_redis_grows_no_older_in_memory(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    clock = SimulatedClock(1_000)
    async with (
        playing(tmp_path / "1", redis=redis_server.url, ttl_s=60) as one,
        playing(tmp_path / "2", redis=redis_server.url, clock=clock, ttl_s=60) as two,
    ):
        await one.ask(a_question())
        assert x_cache(await two.ask(a_question())) == "hit"
        store.flushall()
        clock.advance(60)
        assert x_cache(await two.ask(a_question())) == "miss"


async def test_nothing_in_redis_is_taken_for_another_keys_answer(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    async with playing(tmp_path, redis=redis_server.url, max_bytes=0) as play:
        await play.ask(a_question("secret"), identity=tenant("a"))
        (secret,) = store.keys()
        value = store.get(secret)
        await play.ask(a_question("mine"), identity=tenant("b"))
        for name in store.keys():  # noqa: SIM118
            store.set(name, value)  # type: ignore[arg-type]  # the client is synchronous
        mine = await play.ask(a_question("mine"), identity=tenant("b"))
        assert x_cache(mine) == "miss"
        for rubbish in (b"", b"rubbish", b"[]\n{}"):
            for name in store.keys():  # noqa: SIM118
                store.set(name, rubbish)
            assert x_cache(await play.ask(a_question("secret"), identity=tenant("a"))) == "miss"
        store.delete(secret)
        store.rpush(secret, "a list")
        assert (await play.ask(a_question("secret"), identity=tenant("a"))).status == 200


async def test_a_namespace_keeps_configurations_apart(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    async with (
        playing(tmp_path / "1", redis=redis_server.url, namespace="1") as one,
        playing(tmp_path / "2", redis=redis_server.url, namespace="2") as two,
    ):
        await one.ask(a_question())
        assert x_cache(await two.ask(a_question())) == "miss"


async def test_redis_can_be_left_out(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    async with playing(tmp_path, redis=redis_server.url, shared=False) as play:
        await play.ask(a_question())
        assert x_cache(await play.ask(a_question())) == "hit"
        assert store.dbsize() == 0


async def test_without_redis_each_replica_goes_on_with_its_own_memory(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    clock = SimulatedClock(1_000)
    async with playing(tmp_path, redis=redis_server.url, clock=clock) as play:
        redis_server.stop()
        try:
            assert x_cache(await play.ask(a_question())) == "miss"
            assert x_cache(await play.ask(a_question())) == "hit"
            failures = step_of(play)._shelf.failures
            # It is left alone for a while: one failure for all these requests.
            assert failures._value.get() == 1
        finally:
            redis_server.start()
        clock.advance(5)
        await play.ask(a_question("new"))
        assert store.dbsize() == 1


async def test_a_redis_that_does_not_answer_holds_nobody(tmp_path: Path) -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with playing(tmp_path, redis=f"redis://127.0.0.1:{port}/0") as play:
            began = time.monotonic()
            assert [x_cache(await play.ask(a_question())) for _ in range(3)] == ["miss"] + [
                "hit"
            ] * 2
            assert time.monotonic() - began < 2
    finally:
        server.close()
