"""API keys: hashed at rest, taken at once, refused within seconds once they are revoked."""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotlight.clock import SystemClock, utc_now
from pilotlight.errors import OperationError, UsageError
from pilotlight_transformer.auth.api_keys import ApiKey, digest, new_key
from pilotlight_transformer.auth.key_file import (
    change_key_file,
    key_file_text,
    parse_key_file,
    read_key_file,
)
from pilotlight_transformer.commands.key_stores import DatabaseKeys, FileKeys
from tests.unit.transformer.auth.playing_auth import (
    KEY,
    OTHER_KEY,
    auth,
    bearing,
    now_clock,
    refusal,
    static,
    status,
    until_status,
)

REFRESH_S = 2.0


def made(
    store: DatabaseKeys | FileKeys, tenant: str = "acme", expires: datetime | None = None
) -> tuple[str, ApiKey]:
    """A key, stored as the command does it."""
    key, stored = new_key(tenant, "of a test", ("chat:*",), utc_now(), expires)
    store.add(stored)
    return key, stored


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def stores(tmp_path: Path, kind: str) -> tuple[DatabaseKeys | FileKeys, dict[str, Any]]:
    """A store with one key of somebody else, and the settings that name it."""
    store: DatabaseKeys | FileKeys
    settings: dict[str, Any]
    if kind == "database":
        store, settings = DatabaseKeys(tmp_path), {"keys_database": True}
    else:
        store = FileKeys(tmp_path / "keys.yaml")
        settings = {"keys_file": store.place}
    made(store, "somebody")
    return store, settings


KINDS = pytest.mark.parametrize("kind", ["database", "file"])


@KINDS
async def test_a_key_names_its_tenant_and_itself(kind: str, tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, kind)
    key, stored = await asyncio.to_thread(made, store)
    async with auth(tmp_path, **settings) as play:
        call = bearing(key)
        assert (await play.send(call)).status == 200
        assert call.identity.tenant == "acme"
        assert call.identity.subject == stored.id
        assert call.identity.scopes == ("chat:*",)


@KINDS
async def test_a_key_is_nowhere_in_the_store(kind: str, tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, kind)
    key, stored = await asyncio.to_thread(made, store)
    async with auth(tmp_path, **settings) as play:
        assert await status(play, key) == 200
        written = await asyncio.to_thread(everything_in, tmp_path)
    assert stored.sha256.encode() in written
    assert key.encode() not in written
    assert key.removeprefix("pl_").encode() not in written


@KINDS
async def test_a_key_made_while_the_server_runs_works_at_once(kind: str, tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, kind)
    clock = now_clock()
    async with auth(tmp_path, clock, **settings) as play:
        key, _ = await asyncio.to_thread(made, store)
        clock.advance(0.3)
        assert await status(play, key) == 200


@KINDS
async def test_a_revoked_key_is_refused_within_seconds(kind: str, tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, kind)
    key, stored = await asyncio.to_thread(made, store)
    other, _ = await asyncio.to_thread(made, store)
    clock = now_clock()
    async with auth(tmp_path, clock, **settings) as play:
        assert await status(play, key) == 200
        await asyncio.to_thread(store.revoke, stored.id, utc_now())
        clock.advance(REFRESH_S)
        await until_status(play, key, 401)
        assert await status(play, other) == 200


@KINDS
async def test_a_key_ends_when_it_expires(kind: str, tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, kind)
    clock = now_clock()
    ends = datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=100)
    key, _ = await asyncio.to_thread(made, store, "acme", ends)
    async with auth(tmp_path, clock, **settings) as play:
        assert await status(play, key) == 200
        clock.advance(100)
        code, said = await refusal(play, key)
        assert (code, said) == (401, "the key or token has expired: ask for a new one")


async def test_a_key_that_is_almost_one_is_none(tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, "database")
    key, stored = await asyncio.to_thread(made, store)
    async with auth(tmp_path, **settings) as play:
        for wrong in (key[:-1], key + "A", key.upper(), stored.sha256, stored.id, "pl_"):
            assert await status(play, wrong) == 401


async def test_a_storm_of_wrong_keys_reads_the_store_a_few_times(tmp_path: Path) -> None:
    _, settings = await asyncio.to_thread(stores, tmp_path, "database")
    clock = now_clock()
    async with auth(tmp_path, clock, **settings) as play:
        shelf = play.pipeline.steps[0]._ring._shelves[0]  # type: ignore[attr-defined]
        reads = 0
        fetch = shelf._fetch

        async def counting() -> object:
            nonlocal reads
            reads += 1
            return await fetch()

        shelf._fetch = counting
        clock.advance(0.3)
        asked = [status(play, f"pl_wrong-{number}") for number in range(200)]
        assert await asyncio.gather(*asked) == [401] * 200
        assert await status(play, "pl_wrong-again") == 401
        assert reads == 1


async def test_keys_outlive_a_store_that_cannot_be_read_for_a_while(tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, "file")
    key, _ = await asyncio.to_thread(made, store)
    path, clock = tmp_path / "keys.yaml", now_clock()
    async with auth(tmp_path, clock, keys=[static()], **settings, keys_stale_s=60) as play:
        path.rename(tmp_path / "away")
        clock.advance(REFRESH_S + 59)
        assert await status(play, key) == 200
        clock.advance(2)
        assert await status(play, key) == 503
        assert await status(play, "pl_not-known") == 503
        assert await status(play, KEY) == 200
        (tmp_path / "away").rename(path)
        clock.advance(REFRESH_S)
        await until_status(play, key, 200)
        assert await status(play, "pl_not-known") == 401


async def test_a_damaged_row_spoils_no_other_key(tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, "database")
    key, _ = await asyncio.to_thread(made, store)
    damaged, stored = await asyncio.to_thread(made, store)
    with contextlib.closing(sqlite3.connect(tmp_path / "keys.db")) as connection, connection:
        connection.execute("UPDATE keys SET scopes = '{' WHERE id = ?", (stored.id,))
    async with auth(tmp_path, **settings) as play:
        assert await status(play, key) == 200
        assert await status(play, damaged) == 401


async def test_keys_of_the_settings_work_as_themselves_and_as_hashes(tmp_path: Path) -> None:
    hashed = {
        "key_sha256": digest(OTHER_KEY.encode()).hex(),
        "tenant": "other",
        "name": "ci",
        "scopes": ["chat:m"],
    }
    async with auth(tmp_path, keys=[static(), hashed]) as play:
        one, two = bearing(KEY), bearing(OTHER_KEY)
        assert (await play.send(one)).status == (await play.send(two)).status == 200
        assert one.identity.tenant == "acme"
        assert one.identity.subject.startswith("static-")
        assert (two.identity.tenant, two.identity.subject) == ("other", "ci")
        assert two.identity.scopes == ("chat:m",)


async def test_a_key_that_one_store_revokes_is_refused_wherever_else_it_stands(
    tmp_path: Path,
) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, "file")
    key, stored = await asyncio.to_thread(made, store)
    assert await asyncio.to_thread(store.revoke, stored.id, utc_now())
    async with auth(tmp_path, keys=[static(key)], **settings) as play:
        assert await status(play, key) == 401


def test_keys_are_random_and_long() -> None:
    keys = {new_key("acme", "", ("*:*",), utc_now())[0] for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("pl_") and len(key) >= 3 + 43 for key in keys)


def test_a_file_of_keys_reads_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    _, key = new_key("acme", "a: 'name'", ("chat:*", "*:*"), utc_now(), utc_now())
    key = key.model_copy(update={"expires": key.created + timedelta(days=1)})
    assert parse_key_file(key_file_text((key,)), path) == (key,)


@pytest.mark.parametrize(
    "text",
    [
        "keys: 5",
        "[",
        "keys: [{id: a}]",
        "key: []",
        "{keys: [{id: a, tenant: b, sha256: secretsecret, created: 2026-01-01T00:00:00Z}]}",
    ],
)
async def test_a_file_that_is_none_is_named_without_its_values(text: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as wrong:
        async with auth(tmp_path, keys_file=str(path)):
            pass
    assert str(path) in str(wrong.value)
    assert "secretsecret" not in str(wrong.value)


def test_a_file_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    _, key = new_key("acme", "", ("chat:*",), utc_now())
    _, other = new_key("acme", "", ("chat:*",), utc_now())
    for twice in (key.model_copy(update={"id": other.id}), other):
        pair = (twice, other.model_copy(update={"id": "x"}) if twice is other else other)
        with pytest.raises(UsageError, match="twice"):
            parse_key_file(key_file_text(pair), tmp_path)


async def test_keys_added_at_once_are_all_in_the_file(tmp_path: Path) -> None:
    store = FileKeys(tmp_path / "keys.yaml")
    await asyncio.gather(*(asyncio.to_thread(made, store) for _ in range(8)))
    assert len(read_key_file(tmp_path / "keys.yaml")) == 8


def test_a_file_that_cannot_be_replaced_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "keys.yaml"
    with pytest.raises(OperationError, match="cannot be written"):
        change_key_file(path, lambda keys: keys)

    store = FileKeys(tmp_path / "keys.yaml")
    made(store)
    before = (tmp_path / "keys.yaml").read_bytes()

    def broken(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        raise ValueError("of the test")

    with pytest.raises(ValueError, match="of the test"):
        change_key_file(tmp_path / "keys.yaml", broken)
    assert (tmp_path / "keys.yaml").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["keys.yaml"]


async def test_the_stated_seconds_hold_on_the_machines_own_clock(tmp_path: Path) -> None:
    store, settings = await asyncio.to_thread(stores, tmp_path, "database")
    key, stored = await asyncio.to_thread(made, store)
    async with auth(tmp_path, SystemClock(), **settings, keys_refresh_s=0.5) as play:
        assert await status(play, key) == 200
        await asyncio.to_thread(store.revoke, stored.id, utc_now())
        async with asyncio.timeout(5):
            await until_status(play, key, 401)
