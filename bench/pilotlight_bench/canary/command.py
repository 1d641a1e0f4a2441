"""``pilotlight bench run canary``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight_bench import options
from pilotlight_bench.canary import study
from pilotlight_bench.canary.figures import headline, tables
from pilotlight_bench.checkout import results_folder
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.report import publish
from pilotlight_bench.result import Result
from pilotlight_bench.termination import orderly_termination

NAME = "canary"
_RUNS, _QUICK_RUNS = 5000, 200


def canary(
    runs: Annotated[
        int | None, typer.Option(min=1, help="Rollouts of a study; some make twice as many.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the chance.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Studies at a time; as many as cores by default.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: no figure counts.")] = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """How often and how soon a canary is judged rightly, by simulation."""
    machine = describe_machine()
    count = runs or (_QUICK_RUNS if quick else _RUNS)
    studies = study.names()
    with orderly_termination():
        rows = study.run(studies, count, seed, processes or machine.cores)
    result = Result(
        name=NAME + ("-quick" if quick else ""),
        headline=headline(rows),
        machine=machine,
        settings={"runs": count, "seed": seed, "studies": studies},
        rows=rows,
    )
    publish(result, tables(rows), out or results_folder(Path.cwd()), as_json)
