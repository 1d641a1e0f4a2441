"""``pilotlight warmpool``: what stays warm, why, and what it costs.

Everything heavy is imported by the sub-command that needs it.
"""

import typer

from pilotlight_autoscaler.capacity.command import plan
from pilotlight_autoscaler.commands.controller import controller
from pilotlight_autoscaler.commands.demo import demo
from pilotlight_autoscaler.commands.failsafe import failsafe
from pilotlight_autoscaler.commands.plot import plot
from pilotlight_autoscaler.commands.release import release
from pilotlight_autoscaler.commands.status import explain, list_, status
from pilotlight_autoscaler.simulation.command import simulate
from pilotlight_autoscaler.study.blending import blend
from pilotlight_autoscaler.study.command import study

app = typer.Typer(no_args_is_help=True)
app.command("status")(status)
app.command("list")(list_)
app.command("explain")(explain)
app.command("controller")(controller)
app.command("failsafe")(failsafe)
app.command("release")(release)
app.command("plot")(plot)
app.command("plan")(plan)
app.command("simulate")(simulate)
app.command("study")(study)
app.command("demo")(demo)
app.command("blend")(blend)


@app.callback()
def warmpool() -> None:
    """Replicas stay warm ahead of their traffic, at a price that is known."""
