"""``pilotlight bench run predictor``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pilotlight_bench import options
from pilotlight_bench.checkout import default_model, default_trace, logs_folder, results_folder
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.peers import PILOTLIGHT_COMMAND, PLAIN_COMMAND
from pilotlight_bench.predictor.benchmark import Commands, Findings, run
from pilotlight_bench.predictor.figures import closed_loop_table, headline, overload_table
from pilotlight_bench.predictor.goodput import good_by_slice
from pilotlight_bench.predictor.measurement import REQUEST_COLUMNS
from pilotlight_bench.predictor.settings import FULL, QUICK, Inputs, Plan
from pilotlight_bench.report import publish
from pilotlight_bench.result import Result, command_line
from pilotlight_bench.termination import orderly_termination

NAME = "predictor"


def predictor(
    model: options.Model = None,
    trace: Annotated[
        Path | None, typer.Option(help="Azure LLM trace that request lengths are drawn from.")
    ] = None,
    engine_args: options.Engine = options.DEFAULT_ENGINE,
    env: options.Environment = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of the closed loops.")] = None,
    ttft_limit_s: Annotated[
        float | None, typer.Option(min=0.1, help="Later first tokens are worth nothing.")
    ] = None,
    overload_s: Annotated[
        float | None, typer.Option(min=1, help="Seconds of arrivals at twice capacity.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of lengths, prompts and arrivals.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: no figure counts.")] = False,
    against_itself: Annotated[
        bool, typer.Option("--against-itself", help="Plain vLLM on both sides: the noise.")
    ] = False,
    ours_command: options.OursCommand = None,
    plain_command: options.PlainCommand = None,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """The same load on this predictor and on plain vLLM."""
    here, machine = Path.cwd(), describe_machine()
    inputs = Inputs(
        model=options.existing_model(model, default_model()),
        trace=trace or default_trace(here),
        engine=tuple(engine_args.split()),
        environment=options.environment(env),
        seed=seed,
    )
    plan = _plan(QUICK if quick else FULL, rounds, ttft_limit_s, overload_s)
    plain = options.command(plain_command, PLAIN_COMMAND)
    ours = plain if against_itself else options.command(ours_command, PILOTLIGHT_COMMAND)
    commands = Commands(ours, plain, takes_queue_bounds=not against_itself)
    name = _name(quick, against_itself)
    with orderly_termination():
        findings = run(inputs, plan, commands, logs_folder(here, name))
    result = Result(
        name=name,
        headline=headline(findings, plan),
        machine=machine,
        settings=_settings(inputs, plan, findings)
        | {"ours": command_line(ours), "plain": command_line(plain)},
        rows=_rows(findings, plan),
    )
    tables = [closed_loop_table(findings, plan), overload_table(findings, plan)]
    publish(result, tables, out or results_folder(here), as_json)


def _name(quick: bool, against_itself: bool) -> str:
    # Neither kind of run may replace the published figures.
    return NAME + ("-noise" if against_itself else "") + ("-quick" if quick else "")


def _plan(
    base: Plan, rounds: int | None, ttft_limit_s: float | None, overload_s: float | None
) -> Plan:
    changes = {"ttft_limit_s": ttft_limit_s, "duration_s": overload_s}
    overload = base.overload.model_copy(update={k: v for k, v in changes.items() if v is not None})
    return base.model_copy(update={"rounds": rounds or base.rounds, "overload": overload})


def _settings(inputs: Inputs, plan: Plan, findings: Findings) -> dict[str, Any]:
    return {
        **inputs.model_dump(mode="json", exclude={"model", "trace"}),
        "model": inputs.model.name,
        "trace": inputs.trace.name,
        **plan.model_dump(mode="json"),
        "scale_factor": findings.scale.factor,
        "arrivals_per_s": findings.arrivals_per_s,
        "ours_max_queue_wait_s": findings.queue_wait_s,
        "bounded_vllm_max_num_queued_tokens": findings.queued_tokens,
        "request_columns": REQUEST_COLUMNS,
    }


def _rows(findings: Findings, plan: Plan) -> list[dict[str, Any]]:
    limit_s = plan.overload.ttft_limit_s
    overloaded = (
        m.row() | {"good_by_10_s": list(good_by_slice(m.outcome, limit_s))} for m in findings.open
    )
    return [*(m.row() for m in findings.closed), *overloaded]
