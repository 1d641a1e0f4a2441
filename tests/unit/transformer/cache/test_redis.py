"""Redis makes answers everybody's; without it each replica goes on alone."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.pipeline.call import Call
from tests.unit.transformer.cache.kit import (
    a_question,
    of_revision,
    playing,
    step_of,
    tenant,
    until,
    x_cache,
)
from tests.unit.transformer.playing import PlayedPredictor, a_call, chat_answer
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


class Delaying:
    """Stands before Redis, and keeps what it says back while it does not flow."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.flows = asyncio.Event()
        self.flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._port)
        asking = asyncio.create_task(self._pump(reader, to_redis, holds=False))
        try:
            await self._pump(from_redis, writer, holds=True)
        finally:
            asking.cancel()
            to_redis.close()
            writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, holds: bool
    ) -> None:
        while data := await reader.read(65_536):
            if holds:
                await self.flows.wait()
            writer.write(data)


async def test_a_late_answer_of_redis_is_nobody_elses(
    tmp_path: Path, redis_server: RedisServer, store: redis.Redis
) -> None:
    delaying = Delaying(redis_server.port)
    server = await asyncio.start_server(delaying.serve, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    clock = SimulatedClock(1_000)
    predictor = PlayedPredictor(lambda call: of_revision(chat_answer(call.identity.tenant), "r1"))
    short: dict[str, Any] = {"max_bytes": 0, "shared_timeout_s": 0.1, "revision_memory_s": 1_000}
    async with playing(tmp_path, predictor, redis=url, clock=clock, **short) as play:

        async def ask(name: str) -> tuple[str, str | None]:
            client = await play.ask(a_question(), identity=tenant(name))
            await until(lambda: not step_of(play)._telling)
            return client.document["choices"][0]["message"]["content"], x_cache(client)

        names = [f"tenant {index}" for index in range(8)]
        for name in names:
            assert (await ask(name))[0] == name
        delaying.flows.clear()
        assert await ask(names[0]) == (names[0], "miss")
        delaying.flows.set()
        clock.advance(6)
        assert [await ask(name) for name in names] == [(name, "hit") for name in names]
    server.close()


_ASKS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]), st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans()
    ),
    max_size=15,
)


@settings(max_examples=25, deadline=None)
@given(_ASKS)
def test_over_two_replicas_no_answer_is_another_ones_or_an_old_revisions(
    redis_server: RedisServer, asks: list[tuple[int, str, str, bool]]
) -> None:
    async def run() -> None:
        revision, answered = 0, True
        predictor = PlayedPredictor(
            lambda call: of_revision(chat_answer(_told(call, revision)), f"r{revision}")
        )
        namespace = uuid.uuid4().hex
        with TemporaryDirectory() as folder:
            replicas = [
                playing(Path(folder), predictor, redis=redis_server.url, namespace=namespace)
                for _ in range(2)
            ]
            async with replicas[0], replicas[1]:
                for replica, name, text, rolls in asks:
                    if rolls:
                        revision, answered = revision + 1, False
                    call = a_call(a_question(text), identity=tenant(name))
                    client = await replicas[replica].send(call)
                    await until(lambda: not step_of(replicas[replica])._telling)  # noqa: B023
                    content = client.document["choices"][0]["message"]["content"]
                    answered = answered or x_cache(client) == "miss"
                    allowed = [revision] if answered else range(revision)
                    assert content in {_told(call, made) for made in allowed}

    asyncio.run(run())


def _told(call: Call, revision: int) -> str:
    return f"{call.identity.tenant} {call.document['messages']} r{revision}"
