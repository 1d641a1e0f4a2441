"""What the predictor says of its own start."""

import urllib.error
import urllib.request

from pilotlight.start_phases import parse


def start_phases(url: str, timeout_s: float = 5.0) -> dict[str, float]:
    """Seconds by phase from a server's ``/metrics``; empty for a server without them."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=timeout_s) as response:
            return parse(response.read().decode())
    except (urllib.error.URLError, TimeoutError):
        return {}
