"""``pilotlight bench run coldstart``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from pilotlight_bench import options
from pilotlight_bench.checkout import default_model, logs_folder, results_folder
from pilotlight_bench.coldstart.benchmark import run
from pilotlight_bench.coldstart.figures import headline, phases_table, starts_table
from pilotlight_bench.coldstart.settings import Inputs
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.peers import PILOTLIGHT_COMMAND, PLAIN_COMMAND
from pilotlight_bench.report import publish
from pilotlight_bench.result import Result
from pilotlight_bench.termination import orderly_termination

NAME = "coldstart"


def coldstart(
    model: options.Model = None,
    engine_args: options.Engine = options.DEFAULT_ENGINE,
    env: options.Environment = None,
    runs: Annotated[int, typer.Option(min=1, help="Counted starts of each side.")] = 5,
    runs_without_bytecode: Annotated[
        int, typer.Option(min=0, help="Counted starts of plain vLLM as a fresh install has it.")
    ] = 2,
    ours_command: options.OursCommand = None,
    plain_command: options.PlainCommand = None,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """From exec to the first answer, plain vLLM and this predictor in turns."""
    here, machine = Path.cwd(), describe_machine()
    inputs = Inputs(
        model=options.existing_model(model, default_model()),
        engine=tuple(engine_args.split()),
        environment=options.environment(env),
        runs=runs,
        runs_without_bytecode=runs_without_bytecode,
    )
    ours = options.command(ours_command, PILOTLIGHT_COMMAND)
    plain = options.command(plain_command, PLAIN_COMMAND)
    with orderly_termination():
        starts = run(inputs, ours, plain, logs_folder(here, NAME))
    result = Result(
        name=NAME,
        headline=headline(starts),
        machine=machine,
        settings=inputs.model_dump(mode="json", exclude={"model"}) | {"model": inputs.model.name},
        rows=[dataclasses.asdict(start) for start in starts],
    )
    tables = [table for table in (starts_table(starts), phases_table(starts)) if table]
    publish(result, tables, out or results_folder(here), as_json)
