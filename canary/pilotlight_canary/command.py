"""``pilotlight rollout``: watch a rollout and steer it.

Everything heavy is imported by the sub-command that needs it.
"""

import typer

from pilotlight_canary.commands.controller import controller
from pilotlight_canary.commands.demo import demo
from pilotlight_canary.commands.history import history
from pilotlight_canary.commands.plot import plot
from pilotlight_canary.commands.request import abort, approve, pause, promote, resume, retry
from pilotlight_canary.commands.status import list_, status
from pilotlight_canary.commands.watch import watch
from pilotlight_canary.simulation.command import simulate

app = typer.Typer(no_args_is_help=True)
app.command("status")(status)
app.command("list")(list_)
app.command("watch")(watch)
app.command("pause")(pause)
app.command("resume")(resume)
app.command("promote")(promote)
app.command("abort")(abort)
app.command("approve")(approve)
app.command("retry")(retry)
app.command("history")(history)
app.command("simulate")(simulate)
app.command("plot")(plot)
app.command("controller")(controller)
app.command("demo")(demo)


@app.callback()
def rollout() -> None:
    """New versions of an InferenceService get their traffic step by step, judged by evidence."""
