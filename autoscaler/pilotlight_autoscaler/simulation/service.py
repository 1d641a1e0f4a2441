"""What a service is to the simulator: how long it starts, how much a replica carries."""

from dataclasses import dataclass, field

Start = float | tuple[float, ...]


@dataclass(frozen=True)
class Phases:
    """Where in their periods Knative's clocks stand; seconds after a full second.

    Args:
        report_s: The activator's report, every second (activator/handler/concurrency_reporter.go).
        scrape_s: The autoscaler's reading of the queue proxies, every second
            (autoscaler/metrics/collector.go).
        tick_s: The autoscaler's decision, every two seconds after an even one
            (autoscaler/scaling/multiscaler.go).
    """

    report_s: float = 0.5
    scrape_s: float = 0.25
    tick_s: float = 0.75

    def __post_init__(self) -> None:
        """Refuse what lies outside of a period.

        Raises:
            ValueError: A phase is negative, or as long as its period.
        """
        if not (0 <= self.report_s < 1 and 0 <= self.scrape_s < 1 and 0 <= self.tick_s < 2):
            raise ValueError(f"a phase lies inside of its period, not at {self}")


@dataclass(frozen=True)
class ServiceModel:
    """One revision: its starts, its capacity, its end.

    Args:
        cold_start_s: From the wish for a pod to its readiness, in seconds: one figure, or those
            measured, which the starts take in turn.
        container_concurrency: Requests that one replica takes at a time, held by Knative; the rest
            waits in the activator. 0: no limit.
        max_running: Requests that the model server works on at a time; the rest waits in the
            replica that it came to. 0: no limit.
        drain_s: For so long a stopped replica is kept at least: queue-proxy waits so long for
            requests that are still under way to it (queue/sharedmain).
        gpus: Of a replica; what its time is multiplied by in the bill.
        phases: Of Knative's clocks.
    """

    cold_start_s: Start = 60.0
    container_concurrency: int = 0
    max_running: int = 0
    drain_s: float = 30.0
    gpus: int = 1
    phases: Phases = field(default_factory=Phases)

    def __post_init__(self) -> None:
        """Refuse what cannot start or carry anything.

        Raises:
            ValueError: A start takes no or negative time, or a limit is negative.
        """
        starts = self.starts
        if not starts or not all(0 < start < float("inf") for start in starts):
            raise ValueError(f"a cold start takes a positive time, not {self.cold_start_s}")
        if min(self.container_concurrency, self.max_running, self.drain_s) < 0:
            raise ValueError("limits and the drain are not negative")

    @property
    def starts(self) -> tuple[float, ...]:
        """The times that starts take, in turn."""
        given = self.cold_start_s
        return given if isinstance(given, tuple) else (float(given),)

    @property
    def slots(self) -> int:
        """Requests that run in one replica at a time; 0: no limit."""
        limits = [limit for limit in (self.container_concurrency, self.max_running) if limit > 0]
        return min(limits, default=0)
