"""The ``pilotlight`` command: finds its sub-commands, and translates errors once.

A part of Pilotlight joins by an entry point in the group ``pilotlight.commands`` that names a
``typer.Typer``. Nothing of a part is imported before its command runs; its line in ``--help`` is
the first line of its module's docstring, read from the source.
"""

import ast
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from pilotlight import __version__
from pilotlight.errors import PilotlightError, UsageError

GROUP = "pilotlight.commands"


class PartCommand(TyperCommand):
    """A sub-command that imports its part when it is used."""

    def __init__(self, entry_point: EntryPoint) -> None:
        super().__init__(name=entry_point.name, help=_summary(entry_point.module))
        self.entry_point = entry_point

    # Typer carries its own copy of click, whose types have no public name.
    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        try:
            group = typer.main.get_group(self.entry_point.load())
        except ModuleNotFoundError as error:
            if _is_ours(error):
                raise
            raise _missing_package(self.entry_point.name, error) from error
        return group.make_context(info_name, args, parent, **extra)


class PartGroup(TyperGroup):
    """The commands of all parts that are installed."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for entry_point in sorted(entry_points(group=GROUP), key=lambda e: e.name):
            self.add_command(PartCommand(entry_point))


app = typer.Typer(
    cls=PartGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pilotlight {__version__}")
        raise typer.Exit


@app.callback()
def pilotlight(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Large language models on KServe and Knative."""


def main() -> None:
    """Run the command line. Exit codes: 0 ok, 1 failed, 2 usage."""
    try:
        app(prog_name="pilotlight")
    except PilotlightError as error:
        _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except ModuleNotFoundError as error:
        if _is_ours(error):
            raise
        _fail(str(_missing_package(sys.argv[1], error)), 2)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"pilotlight: {message}", err=True)
    sys.exit(code)


def _is_ours(error: ModuleNotFoundError) -> bool:
    return (error.name or "").startswith("pilotlight")


def _missing_package(part: str, error: ModuleNotFoundError) -> UsageError:
    extra = f"[{part}]" if part in _extras() else ""
    choice = (
        " (on a machine without an NVIDIA GPU: 'pilotlight[cpu]')" if extra == "[predictor]" else ""
    )
    return UsageError(
        f"`pilotlight {part}` needs the package {error.name}, which is not installed: "
        f"uv pip install 'pilotlight{extra}'{choice}"
    )


def _extras() -> list[str]:
    try:
        return metadata("pilotlight").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []


def _summary(module: str) -> str:
    """The first line of a module's docstring, without importing it or its package."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        source = Path(folder, *rest).with_suffix(".py")
        if source.is_file():
            return (ast.get_docstring(ast.parse(source.read_text())) or "").partition("\n")[0]
    return ""
