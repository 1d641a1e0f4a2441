"""The embedded database: what was acknowledged is on disk, and what failed says why."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pilotlight.errors import Unavailable, UsageError
from pilotlight_transformer.stores import database as databases
from pilotlight_transformer.stores.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS item (name TEXT PRIMARY KEY, size INTEGER NOT NULL)"


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    database = Database(path)
    await database.make(SCHEMA)
    try:
        yield database
    finally:
        await database.close()


def put(name: str, size: int = 1) -> Callable[[sqlite3.Connection], str]:
    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO item VALUES (?, ?)", (name, size))
        return name

    return work


async def names(database: Database) -> set[object]:
    return {row[0] for row in await database.read("SELECT name FROM item")}


async def test_writes_that_come_together_share_a_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        commits: list[str] = []
        await database.write(lambda c: c.set_trace_callback(commits.append))
        commits.clear()
        wanted = [f"n{index}" for index in range(200)]
        assert await asyncio.gather(*(database.write(put(name)) for name in wanted)) == wanted
        assert await names(database) == set(wanted)
    assert 1 <= commits.count("COMMIT") < 20


def refuse(connection: sqlite3.Connection) -> None:
    put("half")(connection)
    raise LookupError("mine")


async def test_a_write_that_gives_up_takes_back_its_own_part_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        works = [put("a"), refuse, put("b")]
        results = await asyncio.gather(
            *(database.write(work) for work in works), return_exceptions=True
        )
        assert await names(database) == {"a", "b"}
    assert [type(result) for result in results] == [str, LookupError, str]


async def test_a_write_that_is_wrong_takes_no_other_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        works = [put("a"), refuse, put("b"), put("a"), put("c")]
        results = await asyncio.gather(
            *(database.write(work) for work in works), return_exceptions=True
        )
        assert await names(database) == {"a", "b", "c"}
    assert [type(result) for result in results] == [str, LookupError, str, Unavailable, str]


async def test_a_writer_that_was_cancelled_stops_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        tasks = [asyncio.ensure_future(database.write(put(f"n{index}"))) for index in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        written = await names(database)
    assert {result for result in results if isinstance(result, str)} <= written
    assert {f"n{index}" for index in range(1, 20, 2)} <= written


async def test_more_writes_than_one_group_are_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "MAX_GROUP", 7)
    async with opened(tmp_path / "a.db") as database:
        await asyncio.gather(*(database.write(put(f"n{index}")) for index in range(50)))
        assert len(await names(database)) == 50


async def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        await database.write(put("first"))
        await database.write(lambda c: c.execute("PRAGMA max_page_count=8").fetchall())
        results = await asyncio.gather(
            *(database.write(put(f"{index}" * 3000)) for index in range(10)),
            return_exceptions=True,
        )
        failed = [result for result in results if isinstance(result, Exception)]
        kept = {result for result in results if isinstance(result, str)}
        assert failed
        assert all(isinstance(error, Unavailable) for error in failed)
        assert "is full: nothing was stored" in str(failed[0])
        assert await names(database) == {"first"} | kept


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from pilotlight.errors import Unavailable
from pilotlight_transformer.stores.database import Database

async def main():
    path = Path(sys.argv[1])
    database = Database(path)
    await database.make("CREATE TABLE item (name TEXT)")
    await database.write(lambda c: c.execute("INSERT INTO item VALUES ('before')").rowcount)
    log = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (log + 10_000, resource.RLIM_INFINITY))
    for number in range(3):
        try:
            row = (f"{number}" * 50_000,)
            await database.write(lambda c: c.execute("INSERT INTO item VALUES (?)", row).rowcount)
        except Unavailable:
            print("refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.write(lambda c: c.execute("INSERT INTO item VALUES ('after')").rowcount)
    print(await database.read("SELECT name FROM item"))
    await database.close()

asyncio.run(main())
"""


def test_a_disk_that_fails_in_the_middle_of_a_write_is_used_again_when_it_works(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["refused"] * 3 + ["[('before',), ('after',)]"]


async def test_another_process_that_keeps_the_file_is_waited_for_once_and_not_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "BUSY_S", 0.2)
    async with opened(tmp_path / "a.db") as database:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(5):
            # Each on its own would wait 50 * 0.2 s.
            results = await asyncio.gather(
                *(database.write(put(f"n{index}")) for index in range(50)), return_exceptions=True
            )
        assert {type(result) for result in results} == {Unavailable}
        other.execute("ROLLBACK")
        other.close()
        assert await database.write(put("after")) == "after"


async def test_two_processes_write_the_same_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as one, opened(tmp_path / "a.db") as two:
        works = [(one if index % 2 else two).write(put(f"n{index}")) for index in range(60)]
        await asyncio.gather(*works)
        assert len(await names(one)) == len(await names(two)) == 60


async def test_what_waits_is_written_before_the_file_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as database:
        tasks = [asyncio.ensure_future(database.write(put(f"n{index}"))) for index in range(10)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    async with opened(tmp_path / "a.db") as database:
        assert len(await names(database)) == 10


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(UsageError, match="is damaged, or no SQLite database: move it away"):
        Database(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"stores\.folder"):
        Database(tmp_path / "file" / "a.db")


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "inner" / "a.db"):
        rights = {file.name: file.stat().st_mode & 0o077 for file in (tmp_path / "inner").iterdir()}
        assert rights == {"a.db": 0, "a.db-wal": 0, "a.db-shm": 0}
        assert (tmp_path / "inner").stat().st_mode & 0o077 == 0


def test_those_who_make_the_same_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    openers = 4
    with ThreadPoolExecutor(openers) as pool:
        for number in range(60):
            together = threading.Barrier(openers)

            def opening(path: Path, together: threading.Barrier) -> Database:
                together.wait(10)
                return Database(path)

            path = tmp_path / f"{number}.db"
            opened = [pool.submit(opening, path, together) for _ in range(openers)]
            for database in [each.result() for each in opened]:
                asyncio.run(database.close())
