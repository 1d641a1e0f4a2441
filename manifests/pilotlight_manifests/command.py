"""Write a served model down once, and get the YAML that deploys it.

Everything heavy is imported by the command that needs it.
"""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight_manifests.lint_command import lint

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="DIR", help="Write files there, one for each object."),
]


@app.callback()
def manifests() -> None:
    """Render a model's YAML from a short specification, and lint any KServe YAML."""


@app.command()
def render(
    file: Annotated[Path, typer.Argument(metavar="SPEC.yaml", help="A served model.")],
    output: Output = None,
    kustomize: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a kustomize base and overlays there."),
    ] = None,
    json: Json = False,
) -> None:
    """Render the YAML that serves a model.

    Without -o or --kustomize it is printed, ready for `kubectl apply -f -`.
    """
    from pilotlight.errors import UsageError
    from pilotlight_manifests.render.bundle import file_name
    from pilotlight_manifests.render.bundle import render as render_objects
    from pilotlight_manifests.render.document import dump, dump_all
    from pilotlight_manifests.render.kustomize import kustomize as render_kustomize
    from pilotlight_manifests.spec.reading import read

    if output is not None and kustomize is not None:
        raise UsageError("-o and --kustomize: give one of them")
    spec = read(file)
    objects = render_objects(spec)
    if output is not None:
        _write({file_name(item): dump(item) for item in objects}, output, json)
    elif kustomize is not None:
        _write(render_kustomize(spec), kustomize, json)
    else:
        _print(objects if json else dump_all(objects))


@app.command()
def schema() -> None:
    """Print the JSON schema of a specification, for editors."""
    from pilotlight_manifests.spec.served_model import ServedModel

    described = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    _print(described | ServedModel.model_json_schema(by_alias=True))


@app.command()
def crds(output: Output = None, json: Json = False) -> None:
    """Print the CRDs of Pilotlight's own resources."""
    from pilotlight.api.crd import KINDS, crd
    from pilotlight_manifests.render.document import dump, dump_all

    definitions = [crd(kind) for kind in KINDS]
    if output is not None:
        _write(
            {f"{item['metadata']['name']}.yaml": dump(item) for item in definitions}, output, json
        )
    else:
        _print(definitions if json else dump_all(definitions))


def _write(files: dict[str, str], folder: Path, json: bool) -> None:
    from pilotlight_manifests.output import write

    paths = [str(path) for path in write(files, folder)]
    _print({"files": paths} if json else "".join(f"{path}\n" for path in paths))


def _print(result: object) -> None:
    from json import dumps

    text = result if isinstance(result, str) else dumps(result, indent=2) + "\n"
    typer.echo(text, nl=False)


app.command("lint")(lint)
