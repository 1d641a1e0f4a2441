"""A history from what was seen of a service: by Prometheus, or by the pool's controller."""

from dataclasses import dataclass

import numpy as np

from pilotlight.api.warmpool import WarmPool
from pilotlight.errors import OperationError
from pilotlight.kube.cluster import Cluster
from pilotlight.metrics.prometheus import Prometheus
from pilotlight_autoscaler.demand import Demand
from pilotlight_autoscaler.kserve.observe import Observer
from pilotlight_autoscaler.metrics.past import PrometheusPast
from pilotlight_autoscaler.metrics.store import TraceStore
from pilotlight_autoscaler.simulation.condensed import condense
from pilotlight_autoscaler.simulation.load import Load

DAY_S = 86400.0
LEAST_S = 1e-3
SEED = 0
"""Of the moments within a minute."""


@dataclass(frozen=True)
class Remembered:
    """A pool's past.

    Args:
        demand: Of its service.
        cold_start_s: As measured; ``None``: no start was.
        target: Requests at once that a replica is meant for; ``None``: not known.
    """

    demand: Demand
    cold_start_s: float | None
    target: float | None

    @property
    def unknown(self) -> float:
        """Share of the time of which nothing is known; it is taken for idle."""
        return 1.0 - float(self.demand.known.mean()) if len(self.demand.known) else 1.0


def remembered(
    cluster: Cluster, pool: WarmPool, prometheus: str, days: float, now_s: float
) -> Remembered:
    """What is remembered of a pool's service.

    Args:
        cluster: Where the pool is.
        pool: Whose service.
        prometheus: Its address; by default the pool's; where there is none, what the pool's
            controller has kept is taken.
        days: How far back Prometheus is asked.
        now_s: The time.

    Raises:
        OperationError: There is no such service, or nothing is known of it.
    """
    name = pool.spec.target_ref.name
    seen = Observer(cluster).look(pool.metadata.namespace, {name}).get(name)
    if seen is None:
        raise OperationError(
            f"there is no InferenceService {name} in namespace {pool.metadata.namespace}"
        )
    start_s, address = pool.status.cold_start_seconds, prometheus or pool.spec.metrics_server
    if address:
        with Prometheus(address) as client:
            past = PrometheusPast(client)
            demand = past.demand(seen.subject, now_s - days * DAY_S, now_s)
            told = past.cold_start_s(seen.subject, now_s, int(days * DAY_S))
        start_s = start_s or told
    else:
        demand = TraceStore(cluster).load(pool).history.demand()
    if not demand.known.any():
        where = address or "what the controller has kept: give --prometheus"
        raise OperationError(f"nothing is known of {name} from {where}")
    return Remembered(demand, start_s, seen.service.target_concurrency)


def load_of(demand: Demand, single_up_to: int) -> Load:
    """Single requests at random moments of their minutes, that take as long as was in flight.

    Args:
        demand: Requests and the mean number in flight, by bin (Little's law gives the durations).
        single_up_to: Of more requests than that busy stretches become rates.
    """
    random = np.random.default_rng(SEED)
    counts = np.round(np.where(demand.known, demand.arrivals, 0.0)).astype(np.int64)
    begins = demand.start_s + demand.step_s * np.repeat(np.arange(len(counts)), counts)
    times = begins + random.random(len(begins)) * demand.step_s
    in_flight = np.divide(
        demand.concurrency * demand.step_s,
        counts,
        out=np.zeros(len(counts)),
        where=counts > 0,
    )
    durations = np.maximum(np.repeat(in_flight, counts), LEAST_S)
    order = np.argsort(times, kind="stable")
    load = Load(times[order], durations[order])
    return load if len(load.arrivals) <= single_up_to else condense(load)
