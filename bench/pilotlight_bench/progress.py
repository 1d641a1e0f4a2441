"""What a long run tells meanwhile."""

import typer


def say(message: str) -> None:
    """One line on stderr: stdout belongs to the result."""
    typer.echo(message, err=True)
