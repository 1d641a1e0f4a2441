"""``pilotlight keys``: what it prints, stores and returns."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pilotlight.errors import OperationError, UsageError
from pilotlight_transformer.auth.key_file import read_key_file
from pilotlight_transformer.commands.key_stores import validity
from pilotlight_transformer.commands.keys import app
from tests.unit.transformer.auth.playing_auth import auth, status

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ran(*arguments: str | Path) -> Any:
    """What a command prints with ``--json``."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(params=["--folder", "--file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Options that name a store."""
    where = tmp_path if request.param == "--folder" else tmp_path / "keys.yaml"
    return [request.param, str(where)]


def test_a_key_is_shown_when_it_is_made_and_in_no_list(place: list[str]) -> None:
    made = ran("create", "--tenant", "acme", "--name", "ci", "--scope", "chat:*", *place)
    assert made["key"].startswith("pl_")
    assert (made["tenant"], made["name"], made["scopes"]) == ("acme", "ci", ["chat:*"])
    for shown in (run("list", *place).stdout, run("list", "--json", *place).stdout):
        assert made["id"] in shown
        assert made["key"] not in shown
        assert made["sha256"] not in shown


def test_only_the_key_is_on_the_standard_output(place: list[str]) -> None:
    result = run("create", "--tenant", "acme", *place)
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith("pl_")
    assert "only time" in result.stderr


def test_a_key_may_do_everything_for_ever_unless_it_is_said(place: list[str]) -> None:
    made = ran("create", "--tenant", "acme", *place)
    assert (made["scopes"], made["expires"]) == (["*:*"], None)


def test_a_revoked_key_is_listed_as_such_and_may_be_revoked_again(place: list[str]) -> None:
    made, other = (ran("create", "--tenant", "acme", *place) for _ in range(2))
    assert ran("revoke", made["id"], *place) == {"id": made["id"], "revoked": True}
    first = {key["id"]: key for key in ran("list", *place)}
    assert first[made["id"]]["state"] == "revoked"
    assert first[other["id"]]["state"] == "active"
    assert run("revoke", made["id"], *place).exit_code == 0
    assert {key["id"]: key for key in ran("list", *place)} == first


def test_the_list_of_one_tenant_shows_no_other(place: list[str]) -> None:
    for tenant in ("acme", "other"):
        ran("create", "--tenant", tenant, *place)
    assert [key["tenant"] for key in ran("list", "--tenant", "acme", *place)] == ["acme"]
    assert "no keys" in run("list", "--tenant", "nobody", *place).stdout


def test_revoking_what_is_not_there_fails_and_says_so(place: list[str]) -> None:
    ran("create", "--tenant", "acme", *place)
    result = run("revoke", "key_of_nobody", *place)
    assert isinstance(result.exception, OperationError)
    assert "there is no key key_of_nobody" in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--tenant", "a b"],
        ["create", "--tenant", "anonymous"],
        ["create", "--tenant", "acme", "--scope", "chat"],
        ["create", "--tenant", "acme", "--expires", "soon"],
        ["create", "--tenant", "acme", "--expires", "2001-01-01"],
        ["create", "--tenant", "acme", "--file", "keys.yaml"],
        ["create", "--tenant", "acme", "--print"],
        ["list", "--file", "keys.yaml"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    result = run(*arguments, "--folder", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["list"], ["revoke", "x"]])
@pytest.mark.parametrize("option", ["--folder", "--file"])
def test_a_store_that_is_not_there_is_not_made_by_looking(
    command: list[str], option: str, tmp_path: Path
) -> None:
    result = run(*command, option, tmp_path / "not-there")
    assert isinstance(result.exception, UsageError)
    assert not list(tmp_path.iterdir())


async def test_what_is_printed_is_a_file_of_keys(tmp_path: Path) -> None:
    result = run("create", "--tenant", "acme", "--print", "--scope", "chat:m")
    assert result.exit_code == 0
    key, _, text = result.stdout.partition("\n")
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    assert [stored.tenant for stored in read_key_file(path)] == ["acme"]
    assert key not in text
    async with auth(tmp_path, keys_file=str(path)) as play:
        assert await status(play, key) == 200


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12h", NOW + timedelta(hours=12)),
        ("90d", NOW + timedelta(days=90)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T10:00:00+02:00", datetime(2030, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_span_or_a_date(text: str, wanted: datetime) -> None:
    assert validity(text, NOW) == wanted


@pytest.mark.parametrize("text", ["", "0d", "-1d", "999999d" * 2, "2029-12-31", "tomorrow"])
def test_an_end_that_is_none_or_over_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        validity(text, NOW)


async def test_the_program_makes_a_key_that_a_server_takes_and_revokes_it(tmp_path: Path) -> None:
    def pilotlight(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = "from pilotlight.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, "keys", *arguments, "--folder", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    made = pilotlight("create", "--tenant", "acme", "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    async with auth(tmp_path, keys_database=True) as play:
        assert await status(play, document["key"]) == 200
    unknown = pilotlight("revoke", "key_of_nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("pilotlight: there is no key key_of_nobody in ")
    assert pilotlight("create", "--tenant", "a b").returncode == 2
    assert pilotlight("revoke", document["id"]).returncode == 0
    async with auth(tmp_path, keys_database=True) as play:
        assert await status(play, document["key"]) == 401
