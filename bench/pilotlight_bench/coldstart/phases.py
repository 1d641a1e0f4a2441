"""What the predictor says of its own start."""

import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

_METRIC = "pilotlight_predictor_start_phase_seconds"


def start_phases(url: str, timeout_s: float = 5.0) -> dict[str, float]:
    """Seconds by phase from a server's ``/metrics``; empty for a server without them."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=timeout_s) as response:
            return parse_phases(response.read().decode())
    except (urllib.error.URLError, TimeoutError):
        return {}


def parse_phases(exposition: str) -> dict[str, float]:
    """Seconds by phase from Prometheus' text format."""
    return {
        sample.labels["phase"]: sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == _METRIC
    }
