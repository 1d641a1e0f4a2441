"""Where the time of a wake-up went, for people and as a file."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

ARTEFACTS = Path(__file__).parents[2] / ".cache" / "e2e"
SHOWN = pytest.StashKey[list[str]]()


def keep(
    config: pytest.Config, name: str, steps: Mapping[str, float], phases: Mapping[str, float]
) -> None:
    """Write ``.cache/e2e/NAME.json``, and show it at the end of the run.

    Args:
        name: What was measured.
        steps: Seconds from the request to the first token, as seen from outside the pod.
        phases: Seconds of the server's own start, within ``boot``.
    """
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    content = {"total": sum(steps.values()), "steps": dict(steps), "phases": dict(phases)}
    (ARTEFACTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    say(config, f"{name}: {content['total']:.1f} s from the request to the first token")
    say(config, f"  {_line(steps)}")
    say(config, f"  in boot: {_line(phases)}")


def say(config: pytest.Config, line: str) -> None:
    """Show a line at the end of the run."""
    config.stash.setdefault(SHOWN, []).append(line)


def _line(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
