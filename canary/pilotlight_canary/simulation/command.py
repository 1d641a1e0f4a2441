"""``pilotlight rollout simulate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pilotlight_canary.simulation.forecast import Forecast, Shares

Share = typer.Option(min=0.0, max=1.0)


def simulate(
    file: Annotated[
        Path | None, typer.Argument(help="InferenceRollout; the defaults if there is none.")
    ] = None,
    stable_error: Annotated[float, Share] = 0.01,
    canary_error: Annotated[float, Share] = 0.01,
    stable_slow: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of bad in every other check.")
    ] = 0.05,
    canary_slow: Annotated[float, Share] = 0.05,
    check: Annotated[
        list[str] | None, typer.Option(help="NAME=STABLE:CANARY: the shares of one check.")
    ] = None,
    requests_per_second: Annotated[
        float, typer.Option(min=0.001, help="To both versions together.")
    ] = 10.0,
    runs: Annotated[int, typer.Option(min=1, help="Simulated rollouts.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same gives the same figures.")] = 0,
    study: Annotated[
        str | None, typer.Option(help="One of docs/canary.md's instead; `list` names them.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """How many requests a rollout needs to find a version bad, or good."""
    import json

    from pilotlight_canary.simulation import forecast, studies

    if study == "list":
        rows = [{"study": each.name, "about": each.about} for each in studies.STUDIES]
        typer.echo(json.dumps(rows) if as_json else "\n".join(_columns(row) for row in rows))
        return
    if study is not None:
        rows = studies.run(study, runs, seed)
        typer.echo(json.dumps(rows) if as_json else "\n".join(_columns(row) for row in rows))
        return
    analysis = forecast.read_analysis(file)
    scenario = forecast.scenario_of(
        analysis,
        forecast.Shares(stable_error, canary_error),
        forecast.Shares(stable_slow, canary_slow),
        _shares(check or [], [metric.name for metric in analysis.checks]),
        requests_per_second,
    )
    found = forecast.forecast(analysis, scenario, runs, seed)
    typer.echo(json.dumps(_document(found)) if as_json else _text(found, requests_per_second))


def _shares(given: list[str], known: list[str]) -> dict[str, "Shares"]:
    from pilotlight.errors import UsageError
    from pilotlight_canary.simulation.forecast import Shares

    shares = {}
    for text in given:
        name, _, pair = text.partition("=")
        try:
            stable, canary = (float(part) for part in pair.split(":"))
        except ValueError as error:
            raise UsageError(f"--check {text!r} is not NAME=STABLE:CANARY") from error
        if not (0 <= stable <= 1 and 0 <= canary <= 1):
            raise UsageError(f"--check {text!r}: a share is between 0 and 1")
        if name not in known:
            raise UsageError(f"--check {text!r}: the checks are {', '.join(known)}")
        shares[name] = Shares(stable, canary)
    return shares


def _columns(row: dict[str, Any]) -> str:
    return "  ".join(
        f"{value}" if isinstance(value, str) else f"{name}={_figure(value)}"
        for name, value in row.items()
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _document(found: "Forecast") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "runs": found.runs,
        "checks": [asdict(trial) for trial in found.scenario.trials],
        "weights": found.scenario.weights,
        **asdict(found.figures),
        "detect_seconds_median": found.seconds(found.figures.detect_looks_median),
        "promote_seconds_median": found.seconds(found.figures.promote_looks_median),
    }


def _text(found: "Forecast", rate: float) -> str:
    figures, scenario = found.figures, found.scenario
    steps = ", ".join(f"{weight}" for weight in scenario.weights)
    lines = [f"{found.runs} rollouts at {rate:g} requests/s in steps of {steps} %:"]
    for trial in scenario.trials:
        check = trial.check
        lines.append(
            f"  {check.name}: {100 * trial.stable:g} % at stable, {100 * trial.canary:g} % at the "
            f"canary; allowed {check.rho:g} times, or {100 * check.tolerance:g} %"
        )
    undecided = 100 * max(0.0, 1 - figures.rolled_back - figures.promoted)
    back = _time(found.seconds(figures.detect_looks_median))
    on = _time(found.seconds(figures.promote_looks_median))
    lines += [
        f"taken back  {_outcome(figures.rolled_back, figures.detect_median)}{back}",
        f"promoted    {_outcome(figures.promoted, figures.promote_median)}{on}",
        f"neither     {undecided:5.1f} %: a step took its maxDuration; onInconclusive decides",
    ]
    return "\n".join(lines)


def _outcome(share: float, median: float | None) -> str:
    text = f"{100 * share:5.1f} %"
    return text if median is None else f"{text}, half of all within {median:.0f} canary requests"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f" and {seconds / 60:.1f} min"
