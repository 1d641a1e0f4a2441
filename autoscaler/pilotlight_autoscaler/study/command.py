"""``pilotlight warmpool study``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pilotlight_autoscaler.study.compare import Week
    from pilotlight_autoscaler.study.policy import Family
    from pilotlight_autoscaler.study.population import Population

_COLUMNS = ("policy", "parameters", "idle_hours", "wakes", "affected")


def study(
    trace: Annotated[Path, typer.Argument(help="ServeGen trace: CSV, or CSV in gzip.")],
    seeds: Annotated[int, typer.Option(min=1, help="Draws of every service.")] = 5,
    cold_start: Annotated[float, typer.Option(min=1, max=120, help="Seconds of a start.")] = 60.0,
    edges: Annotated[
        str,
        typer.Option(help="Activity within a window: `uniform` at a run's edges, or `fitted`."),
    ] = "uniform",
    clock: Annotated[
        str, typer.Option(help="Windows begin at tens of minutes (`trace`), or are `shifted`.")
    ] = "trace",
    blend: Annotated[
        Path | None, typer.Option(help="Of `warmpool blend`, instead of the one shipped.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw waits and wakes over idle hours (.png, .svg, .pdf).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """What policies about sleep come to on recorded traffic, for all their parameters."""
    import json

    from pilotlight.errors import UsageError
    from pilotlight.terminal.pictures import refuse_format
    from pilotlight_autoscaler.forecast.blend import read
    from pilotlight_autoscaler.study import compare, picture, population
    from pilotlight_autoscaler.study.ours import pilotlight
    from pilotlight_autoscaler.study.peers.everybody import peers
    from pilotlight_autoscaler.traffic.arrivals import Edges

    for option, value, known in (("edges", edges, Edges), ("clock", clock, population.Clock)):
        if value not in tuple(known):
            raise UsageError(f"--{option} is {value!r}: choose one of {', '.join(known)}")
    if plot:
        refuse_format(plot)
    people = population.read(trace, range(seeds), Edges(edges), population.Clock(clock))
    families = (pilotlight(cold_start, read(blend) if blend else None), *peers(cold_start))
    policies = [setting.policy for family in families for setting in family.settings]
    weeks = compare.compare(people, policies, cold_start)
    if plot:
        picture.save(families, weeks[1], people.trace, plot)
    if as_json:
        document = _document(people, families, weeks)
        document["clairvoyant_s"] = compare.clairvoyant(people, cold_start)
        typer.echo(json.dumps(document))
        return
    typer.echo("  ".join(_COLUMNS) + "  (after the learning week, all services, mean of draws)")
    for line in _lines(families, weeks[1]):
        typer.echo(line)


def _document(
    people: "Population", families: "tuple[Family, ...]", weeks: "tuple[Week, Week]"
) -> dict[str, Any]:
    names = list(dict.fromkeys(service.name for service in people.services))
    return {
        "trace": people.trace,
        "services": names,
        "others": people.others,
        "hole_hours": people.hole_hours,
        "families": [
            {
                "name": family.name,
                "ours": family.ours,
                "settings": [setting.parameters for setting in family.settings],
            }
            for family in families
        ],
        "weeks": [
            {
                "idle_s": week.idle_s.tolist(),
                "wakes": week.wakes.tolist(),
                "affected": week.affected.tolist(),
            }
            for week in weeks
        ],
    }


def _lines(families: "tuple[Family, ...]", week: "Week") -> list[str]:
    sums = zip(week.idle_s.sum(1) / 3600, week.wakes.sum(1), week.affected.sum(1), strict=True)
    names = [(family.name, setting) for family in families for setting in family.settings]
    return [
        f"{name}  {_named(setting.parameters)}  {idle:.1f}  {wakes:.1f}  {affected:.1f}"
        for (name, setting), (idle, wakes, affected) in zip(names, sums, strict=True)
    ]


def _named(parameters: dict[str, float]) -> str:
    return ",".join(f"{name}={value:g}" for name, value in parameters.items()) or "-"
