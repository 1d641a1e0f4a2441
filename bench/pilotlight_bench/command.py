"""Run the benchmarks against plain vLLM, and see their figures."""

import json
from dataclasses import asdict

import typer

from pilotlight_bench.canary.command import canary
from pilotlight_bench.catalogue import CATALOGUE
from pilotlight_bench.coldstart.command import coldstart
from pilotlight_bench.options import AsJson
from pilotlight_bench.predictor.command import predictor
from pilotlight_bench.simulator.command import simulator
from pilotlight_bench.transformer.command import transformer
from pilotlight_bench.warmpool.command import warmpool

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
run = typer.Typer(
    no_args_is_help=True, help="Run one benchmark, and write bench/results/NAME.json."
)
app.add_typer(run, name="run")
run.command("predictor")(predictor)
run.command("coldstart")(coldstart)
run.command("canary")(canary)
run.command("warmpool")(warmpool)
run.command("simulator")(simulator)
run.command("transformer")(transformer)


@app.command("list")
def list_benchmarks(as_json: AsJson = False) -> None:
    """The benchmarks, what each compares, and the figures that it publishes."""
    if as_json:
        typer.echo(json.dumps([asdict(benchmark) for benchmark in CATALOGUE]))
        return
    for benchmark in CATALOGUE:
        typer.echo(f"{benchmark.name} (about {benchmark.minutes} min): {benchmark.about}")
        if benchmark.arguments:
            typer.echo(f"  pilotlight bench run {benchmark.arguments}")
        typer.echo(f"  {', '.join(benchmark.headline)}")
