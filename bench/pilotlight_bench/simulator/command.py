"""``pilotlight bench run simulator``."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pilotlight_bench import options
from pilotlight_bench.checkout import results_folder
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.progress import say
from pilotlight_bench.report import publish
from pilotlight_bench.result import Result
from pilotlight_bench.termination import orderly_termination

NAME = "simulator"
_REQUESTS, _QUICK_REQUESTS = 1_000_000, 20_000


def simulator(
    requests: Annotated[int | None, typer.Option(min=1000, help="Of each scenario.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the chance.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: no figure counts.")] = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """Seconds for a million requests of one service, and the error of taking them as rates."""
    from pilotlight_bench.simulator import figures, study
    from pilotlight_bench.simulator.scenario import SCENARIOS

    machine = describe_machine()
    count, rows = requests or (_QUICK_REQUESTS if quick else _REQUESTS), []
    with orderly_termination(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.csv"
        for scenario in SCENARIOS:
            say(f"{scenario.name}: {count:,} requests")
            scenario.write(file, count, seed)
            limited = "--container-concurrency" in scenario.arguments
            ways = (study.EACH,) if limited else (study.EACH, study.RATES)
            rows += [study.run(scenario, file, way) for way in ways]
    result = Result(
        name=NAME + ("-quick" if quick else ""),
        headline=figures.headline(rows),
        machine=machine,
        settings={"requests": count, "seed": seed},
        rows=rows,
    )
    publish(result, [figures.table(rows)], out or results_folder(Path.cwd()), as_json)
