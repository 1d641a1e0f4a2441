"""The file: rotated by size, shared by processes, and never with half a line."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pilotlight_transformer.auditing.sink import RotatedFile

WRITING = """
import sys
from pathlib import Path
from pilotlight_transformer.auditing.sink import RotatedFile
file = RotatedFile(Path(sys.argv[1]), 20_000, 1000)
for number in range(300):
    file.write(b'{"process": %d, "number": %d, "more": "%s"}\\n' % (
        int(sys.argv[2]), number, b"x" * 100))
"""


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_full_file_is_set_aside_and_the_oldest_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "audit.jsonl"
    file = RotatedFile(path, 100, 2)
    for number in range(40):
        file.write(b"%09d\n" % number)
    file.close()
    assert sorted(found.name for found in path.parent.iterdir()) == [
        "audit.jsonl",
        "audit.jsonl.1",
        "audit.jsonl.2",
    ]
    kept = [
        int(line)
        for name in ("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl")
        for line in lines_of(path.with_name(name))
    ]
    assert kept == list(range(10, 40))


def test_without_any_kept_a_full_file_begins_anew(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "audit.jsonl", 100, 0)
    for number in range(11):
        file.write(b"%09d\n" % number)
    assert lines_of(tmp_path / "audit.jsonl") == ["000000010"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    RotatedFile(tmp_path / "audit.jsonl", 100, 0)
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = RotatedFile(path, 1000, 1)
    file.write(b"1\n")
    path.rename(tmp_path / "moved")
    file.write(b"2\n")
    assert lines_of(path) == ["2"]
    assert lines_of(tmp_path / "moved") == ["1"]


def all_of(path: Path) -> list[Path]:
    return [path, *path.parent.glob(f"{path.name}.*")]


async def test_processes_lose_and_mix_nothing_while_they_rotate(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITING, str(path), str(number))
        for number in range(3)
    ]
    async with asyncio.timeout(60):
        assert [await process.wait() for process in processes] == [0, 0, 0]
    files = all_of(path)
    assert len(files) > 3
    found = [json.loads(line) for file in files for line in lines_of(file)]
    assert sorted((each["process"], each["number"]) for each in found) == [
        (process, number) for process in range(3) for number in range(300)
    ]
    assert all(file.stat().st_size < 2 * 20_000 for file in files)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows over ``size``: a write gets as far as that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_of_what_does_not_fit_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = RotatedFile(path, 10**6, 1)
    file.write(b"first\n")
    failed = False
    with room_for(20):
        try:
            file.write(b"a line that is too long by far\n")
        except OSError:
            failed = True
    assert failed
    assert lines_of(path) == ["first"]
    file.write(b"last\n")
    assert lines_of(path) == ["first", "last"]


PRINTING = """
import sys
from pilotlight_transformer.auditing.sink import StandardOutput
output = StandardOutput()
for number in range(40):
    output.write(b"".join(b"%s %d %s\\n" % (
        sys.argv[1].encode(), number * 50 + each, b"x" * 900) for each in range(50)))
"""


async def test_lines_of_several_processes_do_not_mix_in_a_pipe() -> None:
    reading, writing = os.pipe()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PRINTING, str(number), stdout=writing
        )
        for number in range(3)
    ]
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        async with asyncio.timeout(60):
            found = (await asyncio.to_thread(pipe.read)).decode().splitlines()
            assert [await process.wait() for process in processes] == [0, 0, 0]
    assert sorted(found) == sorted(
        f"{process} {number} {'x' * 900}" for process in range(3) for number in range(2000)
    )


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match=os.strerror(28)):
        RotatedFile(path, 1000, 1).write(b"1\n")
