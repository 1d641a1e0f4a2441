"""What one look at the counters found: frozen, cumulative, not yet compared with another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pilotlight_canary.observation import Silence

Counter = tuple[str, ...]
"""A counter's name and its labels' values, as :mod:`.counters` lists them."""


@dataclass(frozen=True, order=True)
class Instance:
    """Who counts: a pod, or one replica of the gateway on behalf of a revision."""

    revision: str
    name: str


@dataclass(frozen=True)
class Reading:
    """The counters of one instance.

    Args:
        at: When they had these values, in seconds since the epoch.
        counters: Cumulative; one that is absent is 0.
        started_at: When they began at 0, if that is known.
        stall_s: For so long the engine has had work and made no step.
        is_sum: Over several processes, of which one that ends takes its counts away: after a
            decrease nothing is known of the time in between.
    """

    at: float
    counters: Mapping[Counter, float]
    started_at: float | None = None
    stall_s: float = 0.0
    is_sum: bool = False


@dataclass(frozen=True)
class Look:
    """All instances of one source.

    Args:
        readings: Of those that answer.
        silent: Those that should answer and do not.
    """

    readings: Mapping[Instance, Reading] = field(default_factory=dict)
    silent: frozenset[Instance] = frozenset()


@dataclass(frozen=True)
class Snapshot:
    """What every source said at one moment.

    Args:
        at: When they were asked, in seconds since the epoch.
        stable: Revision.
        canary: Revision.
        pods: The servers' own counters.
        gateway: What passed the gateway; ``None``: it cannot be read here, and the servers'
            own status codes have to do (a dead pod counts nothing).
        queries: The spec's own queries; the counters are ``(check, "bad" or "total")``.
    """

    at: float
    stable: str
    canary: str
    pods: Look | Silence
    gateway: Look | Silence | None = None
    queries: Look | Silence | None = None
