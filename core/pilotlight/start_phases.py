"""How long a predictor's start took, as its metrics page tells."""

import re

METRIC = "pilotlight_predictor_start_phase_seconds"
_SAMPLE = re.compile(METRIC + r'\{[^}]*phase="(\w+)"[^}]*\}\s+(\S+)')


def parse(exposition: str) -> dict[str, float]:
    """Seconds by phase from Prometheus' text format; of several pods the slowest counts."""
    found: dict[str, float] = {}
    for phase, value in _SAMPLE.findall(exposition):
        try:
            found[phase] = max(float(value), found.get(phase, 0.0))
        except ValueError:
            continue
    return found
