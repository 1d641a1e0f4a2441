"""Stand between clients and a predictor: who may ask, how much, and what is answered."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def transformer() -> None:
    """Stand between clients and a predictor: who may ask, how much, and what is answered."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def serve(context: typer.Context) -> None:
    """Serve until SIGTERM; takes the transformer's arguments.

    The same as `python -m pilotlight_transformer`; `pilotlight transformer serve --help` lists
    them.
    """
    from pilotlight_transformer.main import main

    raise typer.Exit(main(context.args))
