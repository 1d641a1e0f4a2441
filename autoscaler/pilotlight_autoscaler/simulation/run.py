"""A service under a policy, from a load to an outcome."""

import numpy as np

from pilotlight_autoscaler.demand import Floats
from pilotlight_autoscaler.kpa.settings import KpaSettings, Metric
from pilotlight_autoscaler.simulation.flight import gaps
from pilotlight_autoscaler.simulation.load import Load
from pilotlight_autoscaler.simulation.outcome import Course, Outcome, Replicas
from pilotlight_autoscaler.simulation.policy import FloorPolicy
from pilotlight_autoscaler.simulation.revision import Revision
from pilotlight_autoscaler.simulation.service import ServiceModel

INSTANT_S = 1e-3
"""A shorter wait is none."""
HEAD_S = 10.0
"""So long before the first request a start that is asked for at once is over."""


def simulate(
    arrivals: Floats,
    durations: Floats,
    service: ServiceModel,
    kpa: KpaSettings,
    policy: FloorPolicy,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Outcome:
    """Run single requests.

    Args:
        arrivals: In order of time, in seconds; shape (requests,).
        durations: How long each runs, in seconds; shape (requests,).
        service: Its starts and its capacity.
        kpa: Knative's settings; ``min_scale`` is what the policy makes of it.
        policy: What sets the floor.
        start_s: Where to begin, asleep; if not given, so early that a floor is met in time.
        end_s: Where to end; half an hour after the last request, if not given.

    Raises:
        ValueError: The load cannot have happened, or Knative is told to look at something else
            than concurrency.
    """
    return simulate_load(Load(arrivals, durations), service, kpa, policy, start_s, end_s)


def simulate_load(
    load: Load,
    service: ServiceModel,
    kpa: KpaSettings,
    policy: FloorPolicy,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Outcome:
    """Run a load, flows included; arguments as for ``simulate``."""
    if kpa.metric is not Metric.CONCURRENCY:
        raise ValueError("the simulator knows concurrency, not requests per second")
    if service.slots and (load.counts is not None or len(load.flows.rate)):
        raise ValueError("a replica's limits are simulated with single requests only")
    start_s = load.start_s - max(service.starts) - HEAD_S if start_s is None else start_s
    end_s = _end(load) + 1800.0 if end_s is None else end_s
    revision = Revision(load, service, kpa, policy, start_s, end_s)
    revision.run()
    return _outcome(revision)


def _end(load: Load) -> float:
    ends = [load.arrivals + load.durations, load.flows.end_s + load.flows.duration_s]
    return max((float(times.max()) for times in ends if len(times)), default=0.0)


def _outcome(revision: Revision) -> Outcome:
    flight, load, end_s = revision.flight, revision.load, revision.end_s
    flight.release(end_s)  # who waits still has waited so far
    held = [load.arrivals[first:last] for first, last, _ in flight.affected]
    waits = [ready - load.arrivals[first:last] for first, last, ready in flight.affected]
    counts = [load.weigh(slice(first, last)) for first, last, _ in flight.affected]
    starts, ends = gaps(flight, end_s)
    idle_since = flight.idle_since_s(end_s)
    if idle_since is not None and idle_since < end_s:
        starts, ends = np.append(starts, idle_since), np.append(ends, end_s)
    return Outcome(
        start_s=revision.start_s,
        end_s=end_s,
        requests=round(float(load.arrived(np.array([end_s]))[0])),
        affected_s=np.concatenate([np.empty(0), *held]),
        waits_s=np.concatenate([np.empty(0), *waits]),
        counts=np.concatenate([np.empty(0), *counts]),
        queued_s=_queued(revision),
        wakes=revision.wakes,
        replicas=_replicas(revision),
        desired=_course(revision.desired),
        floor=_course([(revision.start_s, 0), *revision.floors]),
        gap_start_s=starts,
        gap_end_s=ends,
    )


def _queued(revision: Revision) -> Floats:
    """Waits of those that found replicas ready, but none free, as far as the end."""
    flight, came = revision.flight, revision.flight.index(revision.end_s)
    could = revision.load.arrivals[:came].copy()
    for first, last, ready_s in flight.affected:
        could[first:last] = ready_s
    waits: Floats = np.minimum(flight.starts[:came], revision.end_s) - could
    return waits[waits > INSTANT_S]


def _replicas(revision: Revision) -> Replicas:
    pods, end_s = revision.pods.all(), revision.end_s
    columns = np.array(
        [(pod.asked_s, pod.ready_s, pod.stopped_s, pod.gone_s) for pod in pods]
    ).reshape(-1, 4)
    return Replicas(*(np.minimum(column, end_s) for column in columns.T))


def _course(changes: list[tuple[float, int]]) -> Course:
    times, counts = zip(*changes, strict=True) if changes else ((), ())
    return Course(np.array(times, dtype=np.float64), np.array(counts, dtype=np.int64))
