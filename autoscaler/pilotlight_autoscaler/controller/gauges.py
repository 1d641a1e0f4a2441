"""The controller's own metrics."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from pilotlight.api.warmpool import WarmPool
from pilotlight.controller.registry import registry_of

WHO = ("namespace", "pool")
LOOK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
READY, STARTING, ASLEEP = "ready", "starting", "asleep"
WARM, COLD = "warm", "cold"


class Gauges:
    """What ``/metrics`` says of the warm pools."""

    def __init__(self, is_leading: Callable[[], bool]) -> None:
        self.registry = own = registry_of("pilotlight_warmpool", is_leading)
        self._reasons: dict[tuple[str, str], str] = {}
        self.floor = Gauge(
            "pilotlight_warmpool_floor_replicas",
            "Replicas that are kept warm, by the reason that decided it.",
            (*WHO, "reason"),
            registry=own,
        )
        self.replicas = Gauge(
            "pilotlight_warmpool_replicas",
            "Replicas of the pool's service: ready, starting, or to be kept asleep.",
            (*WHO, "state"),
            registry=own,
        )
        self.requests = Gauge(
            "pilotlight_warmpool_requests_today",
            "Requests since midnight: warm found a replica ready, cold waited for a start.",
            (*WHO, "met"),
            registry=own,
        )
        self.cost = Gauge(
            "pilotlight_warmpool_cost_today",
            "Price of the replicas that were warm without work since midnight.",
            WHO,
            registry=own,
        )
        self.cold_start = Gauge(
            "pilotlight_warmpool_cold_start_seconds",
            "Cold start of the pool's service, 95th percentile of those measured.",
            WHO,
            registry=own,
        )
        self.conditions = Gauge(
            "pilotlight_warmpool_condition",
            "1 while a condition of the pool holds, else 0.",
            (*WHO, "condition"),
            registry=own,
        )
        self.looks = Counter(
            "pilotlight_warmpool_looks",
            "Looks at a namespace by what became of them: decided, conflict or failed.",
            ("namespace", "outcome"),
            registry=own,
        )
        self.look_seconds = Histogram(
            "pilotlight_warmpool_look_seconds",
            "Duration of a look, from reading to the last write.",
            buckets=LOOK_SECONDS,
            registry=own,
        )

    def show(self, pool: WarmPool) -> None:
        """What a look has found."""
        who, status = (pool.metadata.namespace, pool.metadata.name), pool.status
        before = self._reasons.get(who, status.reason.value)
        if before != status.reason.value:
            self.floor.remove(*who, before)
        self._reasons[who] = status.reason.value
        self.floor.labels(*who, status.reason.value).set(status.floor)
        self.replicas.labels(*who, READY).set(status.warm_replicas)
        self.replicas.labels(*who, STARTING).set(status.starting_replicas)
        self.replicas.labels(*who, ASLEEP).set(sum(one.replicas for one in status.asleep))
        self.requests.labels(*who, WARM).set(status.warm_requests)
        self.requests.labels(*who, COLD).set(status.cold_requests)
        self.cost.labels(*who).set(status.cost_today)
        if status.cold_start_seconds is not None:
            self.cold_start.labels(*who).set(status.cold_start_seconds)
        for condition in status.conditions:
            self.conditions.labels(*who, condition.type).set(condition.status == "True")

    def forget(self, namespace: str, name: str) -> None:
        """A pool that is gone keeps no series."""
        self._reasons.pop((namespace, name), None)
        who = {"namespace": namespace, "pool": name}
        for metric in (
            self.floor,
            self.replicas,
            self.requests,
            self.cost,
            self.cold_start,
            self.conditions,
        ):
            metric.remove_by_labels(who)
