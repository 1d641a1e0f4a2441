"""``pilotlight bench run warmpool``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight_bench import options
from pilotlight_bench.checkout import default_trace, results_folder
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.progress import say
from pilotlight_bench.report import Table, publish
from pilotlight_bench.result import Result, Row
from pilotlight_bench.termination import orderly_termination

NAME = "warmpool"
_TRACES = ("servegen_m_small.csv.gz", "servegen_m_mid.csv.gz")
_SEEDS, _QUICK_SEEDS = 5, 1
_ROUNDS, _QUICK_ROUNDS = 1000, 20
_COLD_START_S = 60.0
# What the ratios would be if a start took otherwise, or less was known of a window.
_OTHERWISE = (
    (30.0, "uniform", "trace"),
    (120.0, "uniform", "trace"),
    (_COLD_START_S, "fitted", "trace"),
    (_COLD_START_S, "uniform", "shifted"),
)
_OTHERWISE_SEEDS = 2


def warmpool(
    trace: Annotated[
        list[Path] | None,
        typer.Option(help="ServeGen trace, again for more; those beside the checkout by default."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Draws of where activity lies in its windows.")
    ] = None,
    cold_start: Annotated[
        float, typer.Option(min=1, max=120, help="Seconds of a start, in the headline.")
    ] = _COLD_START_S,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Of the bootstrap over services.")
    ] = None,
    otherwise: Annotated[
        bool, typer.Option(help="Also starts of 30 and 120 s, and windows less known.")
    ] = True,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Studies at a time; as many as cores by default.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: no figure counts.")] = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """Requests that meet a cold start, at equal idle hours: this policy and others."""
    from pilotlight_bench.warmpool import bootstrap, figures, study
    from pilotlight_bench.warmpool.comparison import Point, compare

    machine = describe_machine()
    files = trace or [default_trace(Path.cwd()).with_name(name) for name in _TRACES]
    draws = seeds or (_QUICK_SEEDS if quick else _SEEDS)
    variants = [(cold_start, "uniform", "trace"), *(_OTHERWISE if otherwise and not quick else ())]
    orders = [
        study.Order(file, min(draws, most), *variant)
        for variant, most in zip(
            variants, (draws, *[_OTHERWISE_SEEDS] * len(_OTHERWISE)), strict=False
        )
        for file in files
    ]
    with orderly_termination():
        studies = study.run(orders, processes or machine.cores)
    grouped = [
        [figures.Trace(each, compare(each)) for each in studies[at : at + len(files)]]
        for at in range(0, len(studies), len(files))
    ]
    main = grouped[0]
    say(f"bootstrap over {sum(len(each.study.services) for each in main)} services")
    times = rounds or (_QUICK_ROUNDS if quick else _ROUNDS)
    found = bootstrap.intervals([each.study for each in main], times, seed=0)
    others: list[Row] = [
        {
            "kind": "otherwise",
            "cold_start_s": start,
            "edges": edges,
            "clock": clock,
            **{f: figures.mean_of(group, Point.ratios, f) for f in ("affected", "wakes")},
            "services": sum(len(each.study.services) for each in group),
        }
        for (start, edges, clock), group in zip(variants, grouped, strict=True)
    ]
    result = Result(
        name=NAME + ("-quick" if quick else ""),
        headline=figures.headline(main, found),
        machine=machine,
        settings={
            "traces": [file.name for file in files],
            "seeds": draws,
            "cold_start_s": cold_start,
            "rounds": times,
            "services": {each.study.trace: list(each.study.services) for each in main},
            "hardly_sleep": {each.study.trace: each.study.others for each in main},
        },
        rows=[*others, *figures.rows(main)],
    )
    shown = [*figures.tables(main), _otherwise_table(others)]
    publish(result, shown, out or results_folder(Path.cwd()), as_json)


def _otherwise_table(rows: list[Row]) -> Table:
    return Table(
        "Were it otherwise: ratios to the best other policy, geometric means",
        ("cold start", "activity in a window", "clock", "services", "affected", "wakes"),
        [
            (
                f"{row['cold_start_s']:g} s",
                row["edges"],
                row["clock"],
                str(row["services"]),
                *("-" if row[f] is None else f"{row[f]:.3f}" for f in ("affected", "wakes")),
            )
            for row in rows
        ],
        "uniform: activity begins and ends anywhere in the windows at the edges of a run; fitted: "
        "it lasts as long as the window's fit says. shifted: each service's times are moved by a "
        "time of its own under ten minutes, so that nobody's grid is the recorder's.",
    )
