"""Serve one model with vLLM behind OpenAI's and KServe's protocols."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def predictor() -> None:
    """Serve one model with vLLM behind OpenAI's and KServe's protocols."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def serve(context: typer.Context) -> None:
    """Serve a model until SIGTERM; takes the predictor's arguments and all of vLLM's.

    The same as `python -m pilotlight_predictor`; `pilotlight predictor serve --help` lists the
    predictor's own arguments.
    """
    from pilotlight_predictor.main import leave, main

    leave(main(context.args))
