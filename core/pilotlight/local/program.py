"""A container as a program on this machine: arguments, environment, port."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from pilotlight.local.expansion import expand
from pilotlight.local.kept import Kept
from pilotlight.local.pod import Main, environment, mounts
from pilotlight.local.storage import Claims, relocate
from pilotlight.local.volumes import Folder

DEFAULT_PORT = 8080
"""The port of a Knative service whose container names none."""

MODULES = {
    "pilotlight-predictor": "pilotlight_predictor",
    "pilotlight-transformer": "pilotlight_transformer",
}


@dataclass(frozen=True)
class Program:
    """What to execute in place of a container.

    Args:
        grace_s: Seconds that it may take to stop.
        folders: Of its volumes, to be made before it starts.
    """

    role: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    directory: Path | None = None
    grace_s: float = 300.0
    folders: tuple[Folder, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What this machine and the cluster's controllers give to a program.

    Args:
        environ: The environment that the program starts from.
        claims: Where persistent volumes lie.
        scratch: Where folders for this run are made.
        kept: The file's ConfigMaps and Secrets.
        port: The port to listen on in place of the container's own.
        extra_env: Variables that the controllers would add.
        extra_args: Arguments that they would append.
    """

    environ: Mapping[str, str]
    claims: Claims
    scratch: Path
    kept: Kept = field(default_factory=Kept)
    port: int | None = None
    extra_env: Mapping[str, str] = field(default_factory=dict)
    extra_args: tuple[str, ...] = ()


def program(main: Main, around: Surroundings) -> Program:
    """What runs here in place of a container.

    Raises:
        ManifestError: The image is not known, or a field needs a cluster.
    """
    own_port = main.container.ports[0].container_port if main.container.ports else DEFAULT_PORT
    port = around.port or own_port
    variables = environment(main, {**around.extra_env, "PORT": str(port)}, around.kept)
    mounted = mounts(main, around.claims, around.kept, around.scratch)

    def local(text: str) -> str:
        return relocate(expand(text, variables), mounted.places)

    args = [local(word) for word in (*main.container.args, *around.extra_args)]
    if port != own_port:
        args = _moved(args, port, main.role)
    directory = main.container.working_dir
    return Program(
        role=main.role,
        argv=(*_entry_point(main, local), *args),
        env={
            **around.environ,
            **{name: relocate(value, mounted.places) for name, value in variables.items()},
        },
        port=port,
        directory=Path(local(directory)) if directory else None,
        grace_s=main.grace_s,
        folders=mounted.folders,
    )


def _entry_point(main: Main, local: Callable[[str], str]) -> tuple[str, ...]:
    """The container's command, or else what its image starts."""
    image = main.container.image
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    module = MODULES.get(name)
    if module is None:
        raise main.origin.error(
            f"{main.field}.image",
            f"{image!r} has no program on this machine; the images that have one are named "
            + " and ".join(MODULES),
        )
    if main.container.command:
        first, *rest = (local(word) for word in main.container.command)
        return (sys.executable if first in {"python", "python3"} else first, *rest)
    if find_spec(module) is None:
        raise main.origin.error(
            main.field, f"this {main.role} needs the package {module}, which is not installed"
        )
    return (sys.executable, "-m", module)


def _moved(args: list[str], port: int, role: str) -> list[str]:
    """Arguments for another port than the container's own.

    The predictor's gRPC port moves along, so that two services can run side by side.
    """
    moved = with_option(args, "http_port", str(port))
    return with_option(moved, "grpc_port", str(port + 1)) if role == "predictor" else moved


def with_option(args: Sequence[str], name: str, value: str) -> list[str]:
    """Arguments in which ``--name=value`` stands last, in place of every earlier spelling of it."""
    kept: list[str] = []
    words = iter(args)
    for word in words:
        option, equals, _ = word.partition("=")
        if option.replace("-", "_") != f"__{name}":
            kept.append(word)
        elif not equals:
            next(words, None)
    return [*kept, f"--{name}={value}"]
