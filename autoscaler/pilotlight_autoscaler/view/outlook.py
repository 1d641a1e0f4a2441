"""What a pool would hold in the hours to come, if nobody came."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from pilotlight.api.warmpool import Reason, WarmPool
from pilotlight_autoscaler.demand import Demand, Recent
from pilotlight_autoscaler.learning import learnt_from
from pilotlight_autoscaler.metrics.gaps import gaps_of
from pilotlight_autoscaler.observation import Observation, Revision, Service
from pilotlight_autoscaler.policy.decide import decide

STEP_S = 60.0


@dataclass(frozen=True)
class Outlook:
    """Floors from now on, one a minute.

    Args:
        times_s: Seconds since the epoch.
        floors: Replicas.
        reasons: That decide them.
    """

    times_s: tuple[float, ...]
    floors: tuple[int, ...]
    reasons: tuple[Reason, ...]


def outlook(
    pool: WarmPool, demand: Demand, target: float | None, now_s: float, hours: float = 24.0
) -> Outlook:
    """The policy, asked for each minute to come.

    Args:
        pool: Whose policy.
        demand: What is known of its service.
        target: Requests at once that a replica is meant for; ``None``: not known.
        now_s: Where it begins.
        hours: How far it goes.
    """
    service = Service(
        pool.spec.target_ref.name,
        pool.metadata.namespace,
        revisions=(Revision("revision", percent=100),),
        target_concurrency=target,
    )
    spec = pool.spec.model_copy(update={"stabilization_window_seconds": 0, "budget": None})
    status, gaps = pool.status, gaps_of(demand)
    bare = Observation(
        service,
        recent=Recent(0.0, _idle_since_s(demand), gaps),
        cold_start_s=status.cold_start_seconds,
    )
    learnt = learnt_from(demand, spec, status, bare, _moment(now_s)) if spec.forecast else None
    seen = Observation(service, recent=bare.recent, cold_start_s=bare.cold_start_s, forecast=learnt)
    times = tuple(now_s + STEP_S * index for index in range(int(hours * 3600 / STEP_S)))
    floors: list[int] = []
    reasons: list[Reason] = []
    for at in times:
        status = decide(spec, status, seen, _moment(at)).status
        floors.append(status.floor)
        reasons.append(status.reason)
    return Outlook(times, tuple(floors), tuple(reasons))


def _idle_since_s(demand: Demand) -> float | None:
    """The end of the last bin with requests; ``None``: there was none."""
    busy = np.flatnonzero(demand.known & (demand.arrivals > 0))
    return None if not len(busy) else demand.start_s + demand.step_s * float(busy[-1] + 1)


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
