"""``pilotlight warmpool simulate``, as a command of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pilotlight.errors import ProcessError
from pilotlight_bench.result import Row
from pilotlight_bench.simulator.scenario import Scenario

# Where this interpreter's own commands are.
PROGRAM = (str(Path(sys.executable).parent / "pilotlight"), "warmpool", "simulate")
SIMULATION_S = 1800.0
EACH, RATES = "each request", "rates"
_SINGLE_UP_TO = {EACH: str(10**12), RATES: "0"}
_POLICY = "knative"


def run(scenario: Scenario, file: Path, way: str) -> Row:
    """Simulate Knative's default on a history, one way or the other.

    Raises:
        ProcessError: The simulation failed.
    """
    command = (
        *PROGRAM, "--history", str(file), "--against", _POLICY, "--json",
        "--single-up-to", _SINGLE_UP_TO[way], "--no-warm-pool", *scenario.arguments,
    )  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SIMULATION_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError(f"{scenario.name}: not done in {SIMULATION_S:g} s") from error
    if done.returncode:
        raise ProcessError(f"{scenario.name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return {"scenario": scenario.name, "way": way, **found}
