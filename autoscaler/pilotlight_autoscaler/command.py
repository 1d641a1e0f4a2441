"""``pilotlight warmpool``: what stays warm, why, and what it costs.

Everything heavy is imported by the sub-command that needs it.
"""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def warmpool() -> None:
    """Replicas stay warm ahead of their traffic, at a price that is known."""
