"""Limits over a real Redis: exact across processes, and with a stated behaviour without it."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight_transformer.limits.bucket import Limit
from pilotlight_transformer.limits.charge import Bucket, Charge, Correction
from pilotlight_transformer.limits.limiter import RETRY_S
from pilotlight_transformer.limits.shared import SharedBuckets
from pilotlight_transformer.pipeline.call import Identity
from pilotlight_transformer.stores.shared import Shared
from tests.unit.transformer.playing import Play, PlayedClient, a_call, a_chat
from tests.unit.transformer.redis_server import RedisServer

HAMMER = Path(__file__).with_name("hammer.py")
REQUESTS = "- ratelimit: {key: {requests: {rate: 1/h, burst: 3}}%s}"


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[Shared]:
    redis = Shared(redis_server.url, timeout_s=5)
    await redis.client.flushall()
    yield redis
    await redis.close()


def a_bucket(limit: Limit, key: str) -> Bucket:
    return Bucket("key", "tokens", key, limit)


async def test_processes_at_once_use_no_more_than_the_bound(
    redis_server: RedisServer, shared: Shared
) -> None:
    rate, burst, seconds, processes = 400.0, 300.0, 1.5, 3
    arguments = [redis_server.url, str(rate), str(burst), str(seconds)]
    pipe = asyncio.subprocess.PIPE
    hammers = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(HAMMER), *arguments, stdin=pipe, stdout=pipe
        )
        for _ in range(processes)
    ]
    try:
        for hammer in hammers:
            assert hammer.stdout is not None
            assert await hammer.stdout.readline() == b"ready\n"
        began = time.monotonic()
        async with asyncio.timeout(60):
            printed = await asyncio.gather(*(hammer.communicate(b"go\n") for hammer in hammers))
        lasted = time.monotonic() - began
    finally:
        for hammer in hammers:
            if hammer.returncode is None:
                hammer.kill()
            await hammer.wait()
    used = [float(out) for out, _ in printed]
    assert sum(used) <= burst + rate * lasted
    # It is no bound that is kept by letting hardly anything pass.
    assert sum(used) > burst
    assert min(used) > 0


async def test_all_buckets_are_charged_or_none(shared: Shared) -> None:
    buckets = SharedBuckets(shared)
    wide, narrow = a_bucket(Limit(1e-3, 5.0), "wide"), a_bucket(Limit(1e-3, 1.0), "narrow")
    both = [Charge(wide, 1, 1), Charge(narrow, 1, 1)]
    assert [(await buckets.take(both)).admitted for _ in range(3)] == [True, False, False]
    refused = await buckets.take(both)
    assert refused.taken[0].left == pytest.approx(4.0, abs=0.1)
    assert refused.taken[1].wait_s == pytest.approx(1000, rel=0.1)
    assert [(await buckets.take(both[:1])).admitted for _ in range(5)] == [True] * 4 + [False]


async def test_what_fits_no_bucket_takes_nothing_of_the_others(shared: Shared) -> None:
    buckets = SharedBuckets(shared)
    wide, narrow = a_bucket(Limit(1.0, 500.0), "wide"), a_bucket(Limit(1.0, 10.0), "narrow")
    verdict = await buckets.take([Charge(wide, 50, 60), Charge(narrow, 50, 60)])
    assert not verdict.admitted
    assert [taken.wait_s for taken in verdict.taken] == [0.0, None]
    assert verdict.taken[0].left == 500


async def test_settling_keeps_between_burst_and_debt(shared: Shared) -> None:
    buckets = SharedBuckets(shared)
    bucket = a_bucket(Limit(1e-3, 10.0), "settled")
    await buckets.settle([Correction(bucket, -50.0)])
    assert (await buckets.take([Charge(bucket, 0, 0)])).taken[0].left == pytest.approx(10.0)
    await buckets.settle([Correction(bucket, 12.5)])
    refused = await buckets.take([Charge(bucket, 1, 1)])
    assert not refused.admitted
    assert refused.taken[0].left == pytest.approx(-2.5, abs=0.01)


async def test_a_bucket_is_forgotten_when_it_is_full(shared: Shared) -> None:
    buckets = SharedBuckets(shared)
    bucket = a_bucket(Limit(10.0, 20.0), "forgotten")
    await buckets.take([Charge(bucket, 20, 20)])
    alive_ms = await shared.client.pttl("forgotten")
    assert 1500 <= alive_ms <= 3000
    assert 0 < await shared.client.pttl("forgotten") < 2**31


async def test_names_of_callers_are_not_in_redis(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    identity = Identity("tenant-name", "subject-name" * 1000)
    pipeline = (
        "- ratelimit: {key: {requests: {rate: 1/h, burst: 3}, tokens: {rate: 9/h, burst: 9999}}}"
    )
    async with Play(pipeline, tmp_path, redis=redis_server.url) as play:
        assert (await play.ask(a_chat(), identity=identity)).status == 200
    keys = [key.decode() async for key in shared.client.scan_iter()]
    assert len(keys) == 2
    assert all(len(key) < 150 and "name" not in key for key in keys)
    # One tenant's keys are in one slot of a cluster.
    assert len({key[key.index("{") : key.index("}")] for key in keys}) == 1


async def test_replicas_share_the_limit(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    pipeline = REQUESTS % ""
    async with (
        Play(pipeline, tmp_path, redis=redis_server.url) as one,
        Play(pipeline, tmp_path, redis=redis_server.url) as other,
    ):
        calls = [await play.ask(a_chat()) for play in (one, other, one, other, one)]
    assert [client.status for client in calls] == [200, 200, 200, 429, 429]
    assert calls[2].headers.get(b"x-ratelimit-remaining-requests") == b"0"


async def test_tokens_are_settled_in_redis(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    pipeline = "- ratelimit: {key: {tokens: {rate: 1/h, burst: 1000}}}"
    async with Play(pipeline, tmp_path, redis=redis_server.url) as play:
        for _ in range(20):
            assert (await play.ask(a_chat(max_tokens=300))).status == 200
        last = await play.ask(a_chat(max_tokens=1))
    (key,) = [key async for key in shared.client.scan_iter()]
    level = await shared.client.hget(key, "level")
    assert float(level or "nan") == pytest.approx(1000 - 21 * 12, abs=1)
    assert last.status == 200


async def statuses(play: Play, number: int) -> list[int]:
    return [(await play.ask(a_chat())).status for _ in range(number)]


async def test_without_redis_each_process_limits_on_its_own_until_it_is_back(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    clock = SimulatedClock()
    async with Play(REQUESTS % "", tmp_path, redis=redis_server.url, clock=clock) as play:
        assert await statuses(play, 2) == [200, 200]
        redis_server.stop()
        try:
            assert await statuses(play, 4) == [200, 200, 200, 429]
        finally:
            redis_server.start()
        # Redis is back, and is asked again only after a second.
        assert await statuses(play, 1) == [429]
        clock.advance(RETRY_S)
        # This Redis keeps nothing: its buckets are full.
        assert await statuses(play, 4) == [200, 200, 200, 429]


async def test_without_redis_nobody_passes_if_the_policy_says_so(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    clock = SimulatedClock()
    pipeline = REQUESTS % ", on_redis_failure: refuse"
    async with Play(pipeline, tmp_path, redis=redis_server.url, clock=clock) as play:
        assert await statuses(play, 1) == [200]
        redis_server.stop()
        try:
            refused = await play.ask(a_chat())
            assert refused.status == 503
            assert refused.headers.get(b"retry-after") == b"1"
            assert await statuses(play, 1) == [503]
            assert len(play.predictor.asked) == 1
        finally:
            redis_server.start()
        clock.advance(RETRY_S)
        assert await statuses(play, 1) == [200]


async def test_a_redis_that_takes_no_writes_counts_as_none(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    await shared.client.config_set("maxmemory", "1")
    try:
        async with Play(REQUESTS % "", tmp_path, redis=redis_server.url) as play:
            assert await statuses(play, 4) == [200, 200, 200, 429]
    finally:
        await shared.client.config_set("maxmemory", "0")
    assert await shared.client.dbsize() == 0


async def test_an_answer_that_cannot_be_settled_stays_charged_and_harms_nobody(
    redis_server: RedisServer, shared: Shared, tmp_path: Path
) -> None:
    pipeline = "- ratelimit: {key: {tokens: {rate: 1/h, burst: 1000}}}"
    async with Play(pipeline, tmp_path, redis=redis_server.url) as play:
        answer = play.predictor.reply
        try:

            def reply(call: object) -> object:
                redis_server.stop()
                return answer(call)  # type: ignore[arg-type]

            play.predictor.reply = reply  # type: ignore[assignment]
            call = a_call(a_chat())
            assert (await play.send(call)).status == 200
        finally:
            redis_server.start()
    assert [decision.what for decision in call.decisions] == ["unsettled"]


async def test_a_redis_that_is_silent_makes_one_request_wait_and_no_other(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        clock = SimulatedClock()
        async with Play(REQUESTS % "", tmp_path, redis=url, clock=clock) as play:
            began = time.monotonic()
            assert await statuses(play, 1) == [200]
            waited = time.monotonic() - began
            began = time.monotonic()
            assert await statuses(play, 2) == [200, 200]
            assert time.monotonic() - began < waited / 2
            # When it is time to try again, one finds out and the others go on.
            clock.advance(RETRY_S)
            finding = asyncio.create_task(play.ask(a_chat()))
            await asyncio.sleep(0)
            others: list[PlayedClient] = [await play.ask(a_chat()) for _ in range(3)]
            assert not finding.done()
            assert all(client.status == 429 for client in others)
            assert (await finding).status == 429
