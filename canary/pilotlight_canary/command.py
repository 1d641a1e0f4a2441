"""``pilotlight rollout``: watch a rollout and steer it."""

import typer

app = typer.Typer(no_args_is_help=True, help="New versions get their traffic step by step.")


@app.callback()
def rollout() -> None:
    """New versions of an InferenceService get their traffic step by step, judged by evidence."""
