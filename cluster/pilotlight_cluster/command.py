"""A real Kubernetes with Knative and KServe on this machine, for development and tests.

Everything heavy is imported by the command that needs it.
"""

import json as jsonlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilotlight.errors import OperationError, UsageError
from pilotlight_cluster.check.command import check

if TYPE_CHECKING:
    from pilotlight_cluster.cluster import Cluster
    from pilotlight_cluster.console import Progress

app = typer.Typer(no_args_is_help=True)
app.command("check")(check)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.callback()
def cluster() -> None:
    """A real Kubernetes with Knative and KServe on this machine, for development and tests."""


@app.command()
def up(
    images: Annotated[
        bool, typer.Option(help="Build and load Pilotlight's own images, from a checkout.")
    ] = True,
    json: Json = False,
) -> None:
    """Bring the cluster up, or mend it; where it runs, nothing changes."""
    from pilotlight_cluster.requirements import refuse_elsewhere
    from pilotlight_cluster.status import observe
    from pilotlight_cluster.turn import turn
    from pilotlight_cluster.up import Up

    refuse_elsewhere()
    ours, progress = _cluster(), _progress()
    with turn(ours.layout.state.parent, progress):
        Up(ours, progress).run(project_images=images)
    status = observe(ours)
    if json:
        typer.echo(jsonlib.dumps(status.json()))
        return
    progress.console.print(
        f"\nexport KUBECONFIG={status.kubeconfig}\n"
        f"gateway: {status.gateway}  (Host: NAME.NAMESPACE.{status.domain})",
        highlight=False,
    )


@app.command()
def build() -> None:
    """Get ready what `up` needs: Debian's packages, where it may, and the cluster's programs."""
    from pilotlight_cluster import requirements
    from pilotlight_cluster.binaries import ensure_all

    progress = _progress()
    if requirements.may_be_node():
        requirements.install(progress, requirements.PACKAGES)
    ensure_all(_cluster().binaries, progress)


@app.command()
def down(json: Json = False) -> None:
    """Take the cluster away: processes, mounts, network and files."""
    from pilotlight_cluster.down import Down
    from pilotlight_cluster.requirements import refuse_without_root
    from pilotlight_cluster.turn import turn

    ours, progress = _cluster(), _progress()
    if ours.layout.state.exists():
        refuse_without_root()
    with turn(ours.layout.state.parent, progress):
        existed = Down(ours, progress).run()
    if json:
        typer.echo(jsonlib.dumps({"existed": existed}))
    elif not existed:
        typer.echo("there is no cluster")


@app.command()
def status(json: Json = False) -> None:
    """What runs, and where to reach it; exit code 1 if something does not."""
    from rich.console import Console
    from rich.table import Table

    from pilotlight_cluster.requirements import refuse_without_root
    from pilotlight_cluster.status import observe

    ours = _cluster()
    if ours.layout.kubeconfig.exists():
        refuse_without_root()
    seen = observe(ours)
    if json:
        typer.echo(jsonlib.dumps(seen.json()))
    elif not seen.running:
        typer.echo("no cluster runs: pilotlight cluster up")
    else:
        table = Table("component", "pid", "state", box=None)
        for component in seen.components:
            state = "[green]healthy[/green]" if component.healthy else "[red]not healthy[/red]"
            table.add_row(component.name, str(component.pid or "-"), state)
        console = Console()
        console.print(table)
        for name in ("kubeconfig", "gateway", "prometheus", "redis"):
            console.print(f"{name}: {getattr(seen, name)}", highlight=False, soft_wrap=True)
    if not seen.healthy:
        raise typer.Exit(1)


@app.command()
def load(
    image: Annotated[
        str,
        typer.Argument(
            help="predictor, transformer or controller (built from this checkout), or an archive "
            "made by `docker save` or `buildah push … docker-archive:FILE`."
        ),
    ],
    json: Json = False,
) -> None:
    """Load an image into the cluster.

    Knative asks a registry for the digest of an image, unless its name begins with dev.local/.
    """
    from pilotlight_cluster.images.project import NAMES, ProjectImages, image_name
    from pilotlight_cluster.turn import turn

    ours, progress = _running(), _progress()
    if ours.supervisor.find("containerd") is None:
        raise OperationError("the cluster is stopped: pilotlight cluster up")
    if image in NAMES:
        with turn(ours.layout.state.parent, progress):
            changed = ProjectImages(ours, progress).ensure(image)
        if json:
            typer.echo(jsonlib.dumps({"images": [image_name(image)], "changed": changed}))
        else:
            typer.echo(f"{image_name(image)} {'loaded' if changed else 'is loaded already'}")
        return
    if not Path(image).is_file():
        raise UsageError(
            f"{image} is neither an archive nor one of {', '.join(NAMES)}. An image of a local "
            f"Docker: docker save {image} -o image.tar && pilotlight cluster load image.tar"
        )
    with progress.step(f"load {image}"):
        names = ours.containerd.import_archive(Path(image))
    if json:
        typer.echo(jsonlib.dumps({"images": names, "changed": True}))
    else:
        typer.echo("\n".join(names))


@app.command()
def install(
    part: Annotated[str, typer.Argument(help="controller: carries out InferenceRollouts.")],
    json: Json = False,
) -> None:
    """Build one of Pilotlight's own parts and put it on the cluster, or bring it up to date."""
    from pilotlight_cluster.install import install_controller
    from pilotlight_cluster.turn import turn

    if part != "controller":
        raise UsageError(f"there is nothing called {part} to install; there is controller")
    ours, progress = _running(), _progress()
    if ours.supervisor.find("containerd") is None:
        raise OperationError("the cluster is stopped: pilotlight cluster up")
    with turn(ours.layout.state.parent, progress):
        changed = install_controller(ours, progress)
    if json:
        typer.echo(jsonlib.dumps({"installed": part, "changed": changed}))
    else:
        typer.echo("pilotlight rollout status")


@app.command()
def image(
    target: Annotated[str, typer.Argument(help="A target of the Dockerfile.")],
    output: Annotated[
        Path | None, typer.Option(help="The archive; by default in Pilotlight's cache.")
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu or gpu.")] = "cpu",
    json: Json = False,
) -> None:
    """Build one of the Dockerfile's images whole, without Docker, into an archive."""
    from pilotlight_cluster.images.whole import build

    ours, progress = _cluster(), _progress()
    built = build(ours.layout, progress, target, accelerator, output)
    if json:
        typer.echo(jsonlib.dumps(built))
    else:
        typer.echo(f"{built['archive']}: {built['bytes'] / 1e9:.1f} GB in {built['seconds']:.0f} s")


@app.command()
def demo(
    file: Annotated[
        Path | None, typer.Argument(help="YAML with an InferenceService; by default SmolLM2.")
    ] = None,
    crowd: Annotated[int, typer.Option(min=1, help="Requests that arrive together at zero.")] = 1,
) -> None:
    """Watch a model answer, sleep at zero, and wake by a question; starts the cluster."""
    from pilotlight.kube.access import connect
    from pilotlight_cluster.demo.play import play
    from pilotlight_cluster.demo.scene import Scene
    from pilotlight_cluster.demo.story import Story
    from pilotlight_cluster.images.project import checkout
    from pilotlight_cluster.status import observe

    if file is not None and not file.is_file():
        raise UsageError(f"there is no file {file}")
    up()
    seen = observe(_cluster())
    manifest = file or checkout() / "manifests" / "examples" / "smollm2.yaml"
    story = Story(connect(seen.kubeconfig), seen.gateway, manifest, Scene(), crowd)
    play(story, _progress().console)


@app.command()
def logs(
    component: Annotated[str, typer.Argument(help="As `pilotlight cluster status` names it.")],
    lines: Annotated[int, typer.Option(min=1, help="How many of the last lines.")] = 100,
    json: Json = False,
) -> None:
    """Show the last log lines of one of the cluster's processes."""
    ours = _running()
    names = ours.supervisor.names()
    if component not in names:
        raise UsageError(
            f"there is no component {component}; there are {', '.join(names)}. Logs of pods: "
            "pilotlight cluster kubectl logs POD"
        )
    found = ours.supervisor.tail(component, lines)
    if json:
        typer.echo(jsonlib.dumps({"component": component, "lines": found}))
        return
    for line in found:
        typer.echo(line)


@app.command()
def kubeconfig(json: Json = False) -> None:
    """Print the path of the administrator's kubeconfig."""
    path = str(_running().layout.kubeconfig)
    typer.echo(jsonlib.dumps({"kubeconfig": path}) if json else path)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def kubectl(context: typer.Context) -> None:
    """Run kubectl of the cluster's version, as its administrator."""
    from pilotlight_cluster.command_line import DIRECT

    program = _running().kubectl
    if not program.program.exists():
        raise OperationError("kubectl is not built: pilotlight cluster build")
    command = [str(program.program), f"--kubeconfig={program.kubeconfig}", *context.args]
    environment = {**os.environ, **DIRECT}
    os.execve(command[0], command, environment)  # noqa: S606  (the terminal is kubectl's)


def _cluster() -> "Cluster":
    from pilotlight_cluster.cluster import Cluster
    from pilotlight_cluster.layout import of_this_machine
    from pilotlight_cluster.requirements import complete_path

    complete_path()
    return Cluster(of_this_machine())


def _running() -> "Cluster":
    from pilotlight_cluster.requirements import refuse_without_root

    found = _cluster()
    if not found.layout.kubeconfig.exists():
        raise OperationError("there is no cluster on this machine: pilotlight cluster up")
    refuse_without_root()
    return found


def _progress() -> "Progress":
    from rich.console import Console

    from pilotlight_cluster.console import Progress

    return Progress(Console(stderr=True))
