"""The metrics that every controller's process has."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def registry_of(prefix: str, is_leading: Callable[[], bool]) -> CollectorRegistry:
    """A registry with the process's own figures, and who leads.

    Args:
        prefix: Of the metrics' names, like ``pilotlight_canary``.
        is_leading: Whether this process may act.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    leading = Gauge(f"{prefix}_leading", "1 in the process that acts.", registry=registry)
    leading.set_function(lambda: float(is_leading()))
    return registry
