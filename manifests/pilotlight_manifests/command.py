"""Write a served model down once, and get the YAML that deploys it.

Everything heavy is imported by the command that needs it.
"""

import typer

from pilotlight_manifests.lint_command import lint

app = typer.Typer(no_args_is_help=True)


@app.callback()
def manifests() -> None:
    """Render a model's YAML from a short specification, and lint any KServe YAML."""


app.command("lint")(lint)
