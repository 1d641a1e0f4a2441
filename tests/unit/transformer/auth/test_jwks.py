"""An issuer's keys change, vanish and cannot be had: a real server of them on loopback."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SimulatedClock
from pilotlight.errors import Unavailable, UsageError
from pilotlight_transformer.auth.freshness import Freshness
from pilotlight_transformer.auth.jwks import MAX_JWKS_BYTES
from pilotlight_transformer.auth.refreshed import Refreshed
from tests.unit.transformer.auth.issuing import JwksServer, jwk, private_key, token
from tests.unit.transformer.auth.playing_auth import (
    auth,
    bearing,
    issuer,
    now_clock,
    status,
    until,
    until_status,
)

OLD, NEW = private_key("RSA2048"), private_key("RSA2048", 1)
TTL_S, STALE_S = 300, 1000


@pytest.fixture
def server() -> Iterator[JwksServer]:
    server = JwksServer(jwk(OLD, "old"))
    yield server
    server.stop()


def fetched(server: JwksServer, **more: Any) -> dict[str, Any]:
    """Settings of an issuer whose keys come from the server."""
    times = {"ttl_s": TTL_S, "stale_s": STALE_S, "min_refresh_s": 30, "retry_s": 5, "timeout_s": 2}
    return issuer(jwks_url=server.url, allow_http=True, **{**times, **more})


def old(**more: Any) -> str:
    return token(OLD, kid="old", exp=4_000_000_000, **more)


def new() -> str:
    return token(NEW, kid="new", exp=4_000_000_000)


async def test_a_new_key_is_taken_when_its_first_token_comes(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        assert await status(play, old()) == 200
        server.publish(jwk(OLD, "old"), jwk(NEW, "new"))
        clock.advance(31)
        assert await status(play, new()) == 200
        assert await status(play, old()) == 200
        assert server.asked == 2


async def test_a_withdrawn_key_stops_within_the_time_to_live_although_its_token_goes_on(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        assert await status(play, old()) == 200
        server.publish(jwk(NEW, "new"))
        assert await status(play, old()) == 200
        clock.advance(TTL_S)
        await until_status(play, old(), 401)
        assert await status(play, new()) == 200


async def test_a_token_without_kid_means_the_one_key_that_fits(
    tmp_path: Path, server: JwksServer
) -> None:
    clock, nameless = now_clock(), token(OLD, kid=None, exp=4_000_000_000)
    server.publish(jwk(OLD, "old"), jwk(private_key("P-256"), "other"))
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        assert await status(play, nameless) == 200
        server.publish(jwk(OLD, "old"), jwk(NEW, "new"))
        clock.advance(TTL_S)
        await until_status(play, nameless, 401)


async def test_keys_are_fetched_before_they_are_old_and_not_by_a_request(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]):
        for number in range(2, 5):
            clock.advance(TTL_S * 0.81)
            await until(lambda number=number: server.asked == number)  # type: ignore[misc]


async def test_the_same_keys_again_leave_what_was_verified_verified(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        tokens = play.pipeline.steps[0]._tokens  # type: ignore[attr-defined]
        good = old()
        assert await status(play, good) == 200
        remembered = dict(tokens._remembered)
        clock.advance(TTL_S)
        await until(lambda: server.asked == 2)
        assert await status(play, good) == 200
        assert all(tokens._remembered[key] is value for key, value in remembered.items())


async def test_a_storm_of_forged_kids_asks_the_issuer_once_in_the_interval(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        for _ in range(3):
            clock.advance(31)
            forged = [token(NEW, kid=f"kid-{number}") for number in range(50)]
            assert await asyncio.gather(*(status(play, each) for each in forged)) == [401] * 50
            assert [await status(play, each) for each in forged[:5]] == [401] * 5
        assert server.asked == 1 + 3


async def test_a_forged_token_of_no_known_issuer_or_algorithm_asks_nobody(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        clock.advance(31)
        assert await status(play, token(NEW, kid="new", iss="https://other.test/")) == 401
        assert await status(play, token(NEW, kid="new", algorithm="PS512")) == 401
        assert server.asked == 1


async def test_an_issuer_that_is_away_is_lived_with_for_a_while_then_503_then_it_returns(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        good = old()
        assert await status(play, good) == 200
        server.stop()
        clock.advance(TTL_S + STALE_S - 1)
        assert await status(play, good) == 200
        assert await status(play, old(sub="not-yet-seen")) == 200
        clock.advance(2)
        for each in (good, old(sub="not-yet-seen"), old(sub="nor-this")):
            client = await play.send(bearing(each))
            assert client.status == 503
            assert int(client.headers.text(b"retry-after") or 0) >= 1
        server.start()
        clock.advance(6)
        await until_status(play, good, 200)


async def test_a_key_that_may_be_new_is_no_401_while_its_issuer_is_away(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        server.stop()
        clock.advance(31)
        assert await status(play, new()) == 503
        assert await status(play, old()) == 200


async def test_an_issuer_that_is_away_at_the_start_is_waited_for(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    server.stop()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        assert await status(play, old()) == 503
        assert await status(play, "no-token-at-all") == 401
        server.start()
        clock.advance(6)
        await until_status(play, old(), 200)


async def test_a_pipeline_that_is_read_anew_while_its_issuer_is_away_has_the_old_ones_keys(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]):
        server.stop()
        clock.advance(TTL_S + STALE_S - 1)
        async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
            assert await status(play, old()) == 200
            clock.advance(2)
            assert await status(play, old()) == 503
            server.start()
            clock.advance(6)
            await until_status(play, old(), 200)


def _redirect(server: JwksServer) -> None:
    server.status, server.headers = 302, {"location": server.url + "?elsewhere"}


def _error(server: JwksServer) -> None:
    server.status = 500


def _too_large(server: JwksServer) -> None:
    server.publish(jwk(NEW, "new"), {"padding": "x" * MAX_JWKS_BYTES})


def _compressed(server: JwksServer) -> None:
    server.body, server.headers = gzip.compress(server.body), {"content-encoding": "gzip"}


def _no_json(server: JwksServer) -> None:
    server.body = b"<html>maintenance</html>"


def _no_set(server: JwksServer) -> None:
    server.body = b'{"keys": {"kid": "new"}}'


def _too_many(server: JwksServer) -> None:
    server.body = json.dumps({"keys": [{} for _ in range(101)]}).encode()


@pytest.mark.parametrize(
    "spoil", [_redirect, _error, _too_large, _compressed, _no_json, _no_set, _too_many]
)
async def test_what_is_no_set_of_keys_leaves_the_last_good_ones(
    spoil: Any, tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        server.publish(jwk(NEW, "new"))
        spoil(server)
        clock.advance(TTL_S)
        await until(lambda: server.asked == 2)
        assert await status(play, old()) == 200
        assert await status(play, new()) == 503
        server.status, server.headers = 200, {}
        server.publish(jwk(NEW, "new"))
        clock.advance(6)
        await until_status(play, new(), 200)
        assert await status(play, old()) == 401


async def test_an_issuer_that_withdraws_all_keys_is_obeyed(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        server.publish()
        clock.advance(TTL_S)
        await until_status(play, old(), 401)


async def test_a_client_that_leaves_does_not_take_the_fetch_along(
    tmp_path: Path, server: JwksServer
) -> None:
    clock = now_clock()
    async with auth(tmp_path, clock, issuers=[fetched(server)]) as play:
        server.publish(jwk(NEW, "new"))
        clock.advance(31)
        leaving = asyncio.create_task(status(play, new()))
        staying = asyncio.create_task(status(play, new()))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 200
        assert server.asked == 2


@pytest.fixture
async def slow_server() -> AsyncIterator[str]:
    """Takes connections, and never answers."""
    leave = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leave.wait()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    leave.set()
    listening.close()
    await listening.wait_closed()


async def test_an_issuer_that_never_answers_holds_nothing_up_for_long(
    tmp_path: Path, slow_server: str
) -> None:
    settings = issuer(jwks_url=slow_server, allow_http=True, timeout_s=0.3)
    async with asyncio.timeout(10), auth(tmp_path, issuers=[settings]) as play:
        assert await status(play, old()) == 503


async def test_a_file_of_keys_is_read_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "jwks.json", now_clock()
    path.write_text(json.dumps({"keys": [jwk(OLD, "old")]}))
    async with auth(tmp_path, clock, issuers=[issuer(jwks_file=str(path))]) as play:
        assert await status(play, old()) == 200
        path.write_text(json.dumps({"keys": [jwk(NEW, "new")]}))
        clock.advance(TTL_S)
        await until_status(play, old(), 401)
        assert await status(play, new()) == 200


@pytest.mark.parametrize("text", [None, "no json", '{"keys": 5}'])
async def test_a_file_that_holds_no_keys_at_the_start_is_a_mistake(
    text: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match="cannot be read"):
        async with auth(tmp_path, issuers=[issuer(jwks_file=str(path))]):
            pass


def test_keys_are_due_before_their_time_to_live_and_serve_until_they_are_stale() -> None:
    fresh = Freshness(ttl_s=100, stale_s=50, retry_s=5, again_s=30)
    assert fresh.due(0)
    assert not fresh.serves(0)
    fresh.failed(0)
    assert (fresh.due(4), fresh.due(5)) == (False, True)
    fresh.succeeded(10)
    assert (fresh.due(89), fresh.due(90)) == (False, True)
    assert (fresh.may_ask_again(39), fresh.may_ask_again(40)) == (False, True)
    fresh.failed(90)
    assert (fresh.due(94), fresh.due(95)) == (False, True)
    assert (fresh.serves(160), fresh.serves(160.1)) == (True, False)


async def test_what_was_fetched_is_as_old_as_the_question() -> None:
    clock = SimulatedClock()
    fresh = Freshness(ttl_s=10, stale_s=0, retry_s=5, again_s=5)

    async def slow() -> str:
        clock.advance(8)
        return "keys"

    refreshed = Refreshed("the keys", slow, fresh, clock, timeout_s=5)
    await refreshed.refresh()
    assert refreshed.get() == "keys"
    clock.advance(3)
    with pytest.raises(Unavailable):
        refreshed.get()
