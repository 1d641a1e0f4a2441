"""``pilotlight warmpool blend``: learn what services have in common from the weeks for learning."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pilotlight_autoscaler.forecast.blend import Blend

FROM_DAY = 2
"""The first days only teach the experts: before, they know nothing that could be weighted."""


def blend(
    traces: Annotated[list[Path], typer.Argument(help="ServeGen traces: CSV, or CSV in gzip.")],
    seeds: Annotated[int, typer.Option(min=1, help="Draws of every service.")] = 1,
    cold_start: Annotated[float, typer.Option(min=1, max=120, help="Seconds of a start.")] = 60.0,
) -> None:
    """Learn from the first week of traces how the forecast's experts are to be weighted.

    Prints the JSON that is shipped as ``forecast/blend.json``; later weeks are not looked at.
    """
    from pilotlight_autoscaler.forecast.blend import to_json

    typer.echo(to_json(learnt(traces, range(seeds), cold_start)))


def learnt(traces: Sequence[Path], seeds: Sequence[int], cold_start_s: float) -> "Blend":
    """A blend from the learning weeks of the services in these traces.

    Args:
        traces: ServeGen traces.
        seeds: Of the jitter; many draws of a service count as one.
        cold_start_s: How long a start takes.
    """
    from pilotlight_autoscaler.forecast.ages import DAY_S
    from pilotlight_autoscaler.forecast.blend import PENALTY, learn_blend
    from pilotlight_autoscaler.forecast.history import history
    from pilotlight_autoscaler.study import population
    from pilotlight_autoscaler.study.ours import demand

    services = [each for trace in traces for each in population.read(trace, seeds).services]
    histories = [history(demand(each, each.learnt.end_s), cold_start_s) for each in services]
    return learn_blend(histories, FROM_DAY * DAY_S, penalty=PENALTY * len(seeds))
