"""Command-line options that benchmarks share."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pilotlight.errors import UsageError
from pilotlight_bench.peers import ENGINE_ARGS, ENVIRONMENT

Model = Annotated[
    Path | None,
    typer.Option("--model", help="Folder of the model; the one that `make model` prepares."),
]
Engine = Annotated[
    str, typer.Option("--engine-args", help="vLLM engine arguments, the same for every server.")
]
Environment = Annotated[
    list[str] | None,
    typer.Option("--env", help="NAME=VALUE for every server; an empty value unsets."),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder of the result; bench/results by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OursCommand = Annotated[
    str | None,
    typer.Option(
        "--ours-command",
        help="Another server in our place; {model}, {name}, {port}, {engine}, {own} are filled in.",
    ),
]
PlainCommand = Annotated[
    str | None, typer.Option("--plain-command", help="Another server in plain vLLM's place.")
]

DEFAULT_ENGINE = ENGINE_ARGS


def environment(given: list[str] | None) -> dict[str, str]:
    """The variables for every server, the given ones over the usual ones.

    Raises:
        UsageError: One is not NAME=VALUE.
    """
    variables = dict(ENVIRONMENT)
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--env {text!r} is not NAME=VALUE")
        variables[name] = value
    return variables


def command(given: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    """A command line from an option, else the usual one."""
    return tuple(shlex.split(given)) if given else usual


def existing_model(given: Path | None, usual: Path) -> Path:
    """The model's folder.

    Raises:
        UsageError: It is not there.
    """
    folder = given or usual
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"{folder} holds no model: run `make model`, or name a folder of one by --model"
        )
    return folder
